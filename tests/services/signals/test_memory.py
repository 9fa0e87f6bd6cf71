"""What was learned outlives the process, and a file that was damaged does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.signals.memory import BYTES_MAX, Memory
from services.signals.wire import Learned, Trade
from shared.config import Config

LEARNED = Learned(3, ("obi", "umom"), (1.5, -0.25), (2.0, 0.5), (Trade((1, -1), -12.5, 11.0),) * 3, 1)


def test_what_is_saved_is_loaded_by_the_next_life(tmp_path: Path) -> None:
    memory = Memory(tmp_path, Config())
    assert memory.load() is None
    memory.save(LEARNED)
    memory.save(LEARNED)
    assert Memory(tmp_path, Config()).load() == LEARNED
    assert [path.name for path in tmp_path.iterdir()] == ["weights-local-fusion.json"]
    assert (tmp_path / "weights-local-fusion.json").stat().st_mode & 0o777 == 0o600


def test_another_strategy_or_venue_has_a_memory_of_its_own(tmp_path: Path) -> None:
    Memory(tmp_path, Config()).save(LEARNED)
    assert Memory(tmp_path, Config(strategy="orderflow")).load() is None
    assert Memory(tmp_path, Config(venue="testnet")).load() is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'[3,["obi"],["x"],[1],[],0]', b"[" * 3_000, b" " * (BYTES_MAX + 1)]
)
def test_a_damaged_file_is_ignored(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "weights-local-fusion.json").write_bytes(data)
    assert Memory(tmp_path, Config()).load() is None


def test_a_folder_that_is_gone_costs_what_was_learned_and_nothing_else(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "gone", Config())
    memory.save(LEARNED)
    assert memory.load() is None
