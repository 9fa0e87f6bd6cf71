"""The fleet on a virtual clock trades, is the same twice, and stands what is done to it."""

import hashlib
from pathlib import Path

import pytest

from replay.world.fleet import WORKERS, Fleet
from shared.config import Config
from shared.messages import Message, encode
from shared.presets import config_of

SYMBOL = "SOLUSDT"


def config(seed: int = 1) -> Config:
    return config_of("fusion", {"exchange.symbols": (SYMBOL,), "exchange.seed": seed, "scanner.symbols": (SYMBOL,)})


def agrees(fleet: Fleet) -> bool:
    """Whether the exchange's account breaks no law and nothing is left open there."""
    desk = fleet.network.core.desk
    held = [position.lots for position in desk.account.positions.values() if position.lots]
    return not fleet.oracle.violations(desk.account, desk.orders) and not held


def digest(folder: Path, seed: int) -> tuple[str, int]:
    found, count = hashlib.blake2b(), 0

    def hear(now: int, name: str, message: Message) -> None:
        nonlocal count
        count += 1
        found.update(f"{now} {name} {type(message).__name__}".encode() + encode(message))

    folder.mkdir()
    fleet = Fleet(config(seed), folder, hear=hear)
    fleet.run(12)
    fleet.stop()
    fleet.close()
    return found.hexdigest(), count


def test_the_same_seed_gives_the_same_run_byte_for_byte(tmp_path: Path) -> None:
    one, two, other = (digest(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert one == two
    assert one[1] > 500
    assert one[0] != other[0]


def test_it_trades_ends_flat_and_the_ledgers_agree(tmp_path: Path) -> None:
    fleet = Fleet(config(), tmp_path)
    fleet.run(45)
    assert fleet.stop()
    assert fleet.trips
    assert agrees(fleet)
    assert fleet.oracle.naked_ns_max(fleet.clock.now()) == 0
    assert fleet.actors["execution"].said["reconcile.corrected"] == 0
    fleet.close()


@pytest.mark.parametrize("name", WORKERS)
def test_a_killed_worker_comes_back_and_nothing_is_lost(name: str, tmp_path: Path) -> None:
    fleet = Fleet(config(3), tmp_path)
    fleet.run(10)
    for _ in range(3):
        fleet.kill(name)
        fleet.run(5)
    before = len(fleet.trips)
    fleet.run(45)
    assert len(fleet.trips) > before
    assert fleet.stop()
    assert agrees(fleet)
    assert fleet.oracle.naked_ns_max(fleet.clock.now()) == 0
    fleet.close()


def test_cut_lines_and_a_restarted_exchange_are_survived(tmp_path: Path) -> None:
    fleet = Fleet(config(4), tmp_path)
    fleet.run(8)
    fleet.network.cut()
    fleet.run(8)
    fleet.network.restart()
    before = len(fleet.trips)
    fleet.run(30)
    assert len(fleet.trips) > before
    assert fleet.stop()
    assert agrees(fleet)
    fleet.close()
