import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.parse import Day, coin_of, instruments, tickers, venue_time_ns
from shared.messages import Instrument, ProtocolError
from shared.scale import Scale
from tests.services.scanner.answers import answer, instrument, ticker

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "data" / "bybit-linear-instruments-20260809.json.gz"


def test_an_instrument_is_read_in_ticks_and_lots() -> None:
    found, cursor = instruments(answer(instrument("SOLUSDT"), cursor="page2"))
    assert cursor == "page2"
    assert found["SOLUSDT"].instrument == Instrument(
        symbol="SOLUSDT",
        tick="0.01",
        lot="0.1",
        min_lots=1,
        max_lots=797_700,
        max_market_lots=123_400,  # 12340.05 is not a whole number of lots: the limit is the lot below.
        min_notional_e8=500_000_000,
        funding_interval_min=480,
        max_leverage_e2=5_000,
        status="Trading",
    )


def test_the_last_day_of_a_symbol_is_read() -> None:
    found, _ = instruments(answer(instrument("SOLUSDT", deliveryTime="1790000000000"), instrument("XRPUSDT")))
    assert (found["SOLUSDT"].instrument.delivery_ms, found["XRPUSDT"].instrument.delivery_ms) == (1_790_000_000_000, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"deliveryTime": "soon"},
        {"contractType": "LinearFutures"},
        {"status": "PreLaunch"},
        {"status": "Closed"},
        {"quoteCoin": "USDC"},
        {"settleCoin": "USDC"},
        {"isPreListing": True},
        {"priceFilter.tickSize": "0"},
        {"priceFilter.tickSize": "NaN"},
        {"priceFilter.tickSize": 0.01},
        {"lotSizeFilter.qtyStep": ""},
        {"lotSizeFilter.qtyStep": "1e-99999"},
        {"lotSizeFilter.minNotionalValue": "five"},
        {"leverageFilter.maxLeverage": "1e999999999"},
        {"lotSizeFilter.minOrderQty": "-1"},
        {"lotSizeFilter.minOrderQty": "Infinity"},
        {"lotSizeFilter.maxOrderQty": "1e99"},
        {"lotSizeFilter": None},
        {"fundingInterval": "480"},
        {"symbol": "SOL/USDT"},
    ],
)
def test_a_row_that_cannot_be_traded_or_read_is_left_out(changes: dict[str, Any]) -> None:
    found, _ = instruments(answer(instrument("SOLUSDT", **changes), instrument("XRPUSDT")))
    assert list(found) == ["XRPUSDT"]


def test_stocks_are_marked() -> None:
    found, _ = instruments(answer(instrument("TSLAUSDT", symbolType="stock"), instrument("XRPUSDT")))
    assert [entry.kind for entry in found.values()] == ["stock", ""]


def test_tickers_are_read_and_bad_rows_left_out() -> None:
    rows = [
        ticker("AUSDT", "12.5", "-0.02"),
        ticker("BUSDT", "NaN"),
        ticker("CUSDT", change="inf"),
        ticker("DUSDT", ""),
        {"symbol": "EUSDT"},
        7,
    ]
    assert tickers(answer(*rows)) == {"AUSDT": Day(12.5, -0.02)}


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"null", b"[]", b"\xff\xfe", b'{"retCode":0}', answer(code=10006), answer(ticker("A"))[:-9]]
)
def test_an_answer_that_is_none_is_refused_whole(data: bytes) -> None:
    for read in (instruments, tickers):
        with pytest.raises(ProtocolError):
            read(data)


@given(st.binary(max_size=60), st.integers(0, 900), st.integers(0, 900))
def test_damaged_bytes_are_read_or_refused_and_nothing_else(junk: bytes, start: int, length: int) -> None:
    for whole, read in ((answer(instrument("SOLUSDT")), instruments), (answer(ticker("SOLUSDT")), tickers)):
        data = whole[:start] + junk + whole[start + length :]
        try:
            read(data)  # type: ignore[operator]
        except ProtocolError:
            continue


@pytest.mark.skipif(not REAL.exists(), reason=f"no real instrument list at {REAL.name} beside the project")
def test_the_real_list_gives_every_usdt_perpetual_and_marks_the_stocks() -> None:
    found, cursor = instruments(gzip.decompress(REAL.read_bytes()))
    assert cursor == ""
    assert len(found) == 692
    assert sum(entry.kind == "stock" for entry in found.values()) == 174
    prefixed = {entry.coin for symbol, entry in found.items() if symbol.startswith("10")}
    assert {"PEPE", "BONK", "SATS", "MOG"} < prefixed
    assert not [coin for coin in prefixed if coin[0].isdigit()]

    for symbol, entry in found.items():
        rules = entry.instrument
        assert symbol.endswith("USDT")
        assert 0 < rules.min_lots <= rules.max_market_lots <= rules.max_lots
        assert Scale(rules.tick, rules.lot).price_text(1) == rules.tick


def test_the_venues_time_is_read_in_nanoseconds() -> None:
    body = b'{"retCode":0,"retMsg":"OK","result":{"timeSecond":"1790000000","timeNano":"1790000000123456789"},"time":1}'
    assert venue_time_ns(body) == 1_790_000_000_123_456_789


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"retCode":10016,"retMsg":"busy","result":{}}',
        b'{"retCode":0,"result":{"timeNano":"-790000000123456789"}}',
        b'{"retCode":0,"result":{"timeNano":"17900000001234"}}',
        b'{"retCode":0,"result":{"timeNano":1790000000123456789}}',
    ],
)
def test_a_time_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        venue_time_ns(body)


@pytest.mark.parametrize(
    ("base", "coin"),
    [
        ("PEPE", "PEPE"), ("10PEPE", "PEPE"), ("100PEPE", "PEPE"), ("1000PEPE", "PEPE"), ("10000SATS", "SATS"),
        ("1000000MOG", "MOG"), ("1INCH", "1INCH"), ("1000", "1000"), ("2Z", "2Z"), ("X10", "X10"),
    ],
)  # fmt: skip
def test_a_coin_is_known_without_its_thousands(base: str, coin: str) -> None:
    assert coin_of(base) == coin
