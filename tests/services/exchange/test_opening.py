"""From configuration to a market, an account and a schedule of faults."""

from __future__ import annotations

from pathlib import Path

import msgspec
import orjson
import pytest

from services.exchange import opening
from services.exchange.faults import parse
from services.exchange.stops import COMPLETION, Timing
from services.exchange.venue import Settings
from shared.config import Exchange
from shared.exits import Exit
from shared.scale import E8
from tests.exchange_rig import MS, NOW
from tests.market_data import RECORDING, recording

ROW = {
    "symbol": "SOLUSDT", "status": "Trading", "fundingInterval": 480, "priceFilter": {"tickSize": "0.010"},
    "lotSizeFilter": {"qtyStep": "0.1", "minOrderQty": "0.1", "maxOrderQty": "100", "maxMktOrderQty": "50"},
    "leverageFilter": {"maxLeverage": "50"},
}  # fmt: skip


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


def test_a_live_market_needs_the_rules_of_its_symbols(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ending:
        opening.market_builder(config(market="live:ws://x"), seed=1)
    assert ending.value.code == Exit.BAD_CONFIG
    rules = tmp_path / "rules.json"
    rules.write_bytes(orjson.dumps({"result": {"list": [ROW]}}))
    live = config(market="live:ws://x", instruments=str(rules), symbols=("SOLUSDT",))
    venue = opening.market_builder(live, seed=1)(NOW)
    assert venue.market.symbols == ("SOLUSDT",)
    assert not venue.market.matches_orders  # Before the stream has shown a book.


def test_latency_is_time_on_the_way_for_whatever_is_signed() -> None:
    assert opening.settings_of(config()).faults == ""
    schedule = opening.settings_of(config(latency_ms=40, faults="funding at=1s")).faults
    held = [(name, values["path"], values["ms"]) for name, values, _ in parse(schedule) if name == "hold"]
    assert held == [("hold", "/v5/[!m]*", 40 * MS), ("hold", "order.*", 40 * MS)]
    assert [name for name, _, _ in parse(schedule)][-1] == "funding"
