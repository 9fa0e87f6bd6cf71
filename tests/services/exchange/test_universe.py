"""As many symbols as are wanted, each with rules that hold together."""

from __future__ import annotations

import gzip

import orjson
import pytest

from services.exchange.account import Money
from services.exchange.flow import SPAN_TICKS
from services.exchange.rest_market import instrument_row
from services.exchange.universe import FOUR, TOYS_MAX, universe
from shared.scale import E8, Scale
from tests.market_data import RECORDING

RECORDED = RECORDING.parent / "bybit-linear-instruments-20260809.json.gz"


def test_every_symbol_has_sound_rules() -> None:
    listed = universe(4 + TOYS_MAX)
    assert len(listed) == 100
    for symbol, one in listed.items():
        scale = Scale(one.rules.tick, one.rules.lot)
        assert one.rules.symbol == symbol
        assert one.start_ticks > 4 * SPAN_TICKS
        assert E8 // 100 <= scale.value_e8(one.start_ticks, 1) < 100 * E8
        if symbol.startswith("TOY"):
            assert E8 <= scale.value_e8(one.start_ticks, 1) < 10 * E8
        assert scale.price_ticks(scale.price_text(one.start_ticks)) == one.start_ticks
    assert len({one.rules.tick for one in listed.values()}) >= 6


def test_the_four_come_first_and_fewer_are_fewer() -> None:
    assert list(universe(50))[:4] == [one.rules.symbol for one in FOUR]
    assert [len(universe(count)) for count in (1, 4, 5, 50)] == [1, 4, 5, 50]


def test_the_four_have_the_rules_that_the_venue_was_recorded_with() -> None:
    """The recorded answer of instruments-info; funding caps are not among an instrument's rules."""
    if not RECORDED.exists():
        pytest.skip(f"{RECORDED} is not there")
    rows = {row["symbol"]: row for row in orjson.loads(gzip.decompress(RECORDED.read_bytes()))["result"]["list"]}
    for symbol_id, (rules, _) in enumerate(FOUR, 1):
        ours, theirs = instrument_row(Money(rules), symbol_id, "Trading"), rows[rules.symbol]
        assert ours["riskParameters"] == theirs["riskParameters"]
        assert ours["lotSizeFilter"] == theirs["lotSizeFilter"]
        assert ours["leverageFilter"] == theirs["leverageFilter"]
        assert ours["priceFilter"] == theirs["priceFilter"]
        assert ours["fundingInterval"] == theirs["fundingInterval"]
        assert rules.symbol == "SUIUSDT" or ours["upperFundingRate"] == theirs["upperFundingRate"]


def test_the_price_bands_are_those_of_the_four_and_wide_for_the_toys() -> None:
    bands = {symbol: (one.rules.price_limit_x_e8, one.rules.price_limit_y_e8) for symbol, one in universe(6).items()}
    percent = {symbol: (near * 100 // E8, far * 100 // E8) for symbol, (near, far) in bands.items()}
    assert percent == {
        "BTCUSDT": (1, 2), "ETHUSDT": (2, 4), "SOLUSDT": (5, 10), "SUIUSDT": (5, 10),
        "TOY01USDT": (5, 10), "TOY02USDT": (5, 10),
    }  # fmt: skip
