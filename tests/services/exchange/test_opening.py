"""From configuration to a market, an account and a schedule of faults."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from services.exchange import opening
from services.exchange.stops import COMPLETION, Timing
from services.exchange.venue import Settings
from shared.config import Exchange
from shared.exits import Exit
from shared.scale import E8
from tests.exchange_rig import MS, NOW
from tests.market_data import RECORDING, recording


def config(**changes: object) -> Exchange:
    return msgspec.structs.replace(Exchange(), **changes)


def test_the_account_is_as_configured() -> None:
    found = opening.settings_of(config(balance_usdt=123.45, taker_fee=0.0006, stop_timing=COMPLETION, stop_delay_ms=20))
    assert found == Settings(
        "local", "local-secret", 12_345_000_000, 20_000, 60_000, Timing(COMPLETION, 20 * MS), keep=True
    )


def test_the_synthetic_market_has_the_symbols_asked_for_in_their_order() -> None:
    venue = opening.market_builder(config(symbols=("ETHUSDT", "BTCUSDT")), seed=1)(NOW)
    assert venue.market.symbols == ("ETHUSDT", "BTCUSDT")
    assert venue.market.matches_orders
    assert venue.market.mark_e8("BTCUSDT") // E8 == 65_000
    assert set(venue.books) == {"ETHUSDT", "BTCUSDT"}


def test_the_same_seed_opens_the_same_market() -> None:
    tapes = []
    for seed in (1, 1, 2):
        venue = opening.market_builder(config(), seed)(NOW)
        tapes.append(venue.agents(NOW + 1_000 * MS))
    assert tapes[0] == tapes[1] != tapes[2]


def test_a_recording_is_played() -> None:
    recording()
    venue = opening.market_builder(config(market=str(RECORDING)), seed=1)(NOW)
    assert set(venue.market.symbols) == {"BTCUSDT", "ETHUSDT"}
    assert not venue.market.matches_orders
    assert venue.agents(NOW) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"market": "nowhere.ndjson"}, Exit.NOT_FOUND),
        ({"instruments": "nowhere.json"}, Exit.NOT_FOUND),
        ({"symbols": ("NEWUSDT",)}, Exit.BAD_CONFIG),
    ],
)
def test_what_cannot_be_opened_ends_the_process_with_its_code(changes: dict[str, object], code: Exit) -> None:
    with pytest.raises(SystemExit) as ending:
        opening.market_builder(config(**changes), seed=1)
    assert ending.value.code == code


def test_a_schedule_of_faults_is_checked_before_anything_opens(tmp_path: Path) -> None:
    (tmp_path / "faults.txt").write_text("drop p=0.5\ngap topic=x")
    assert opening.settings_of(config(faults=f"@{tmp_path}/faults.txt")).faults == "drop p=0.5\ngap topic=x"
    for text, code in (("dorp", Exit.BAD_CONFIG), (f"@{tmp_path}/nowhere", Exit.NOT_FOUND)):
        with pytest.raises(SystemExit) as ending:
            opening.settings_of(config(faults=text))
        assert ending.value.code == code
