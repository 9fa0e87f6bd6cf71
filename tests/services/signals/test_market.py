import pytest

from services.signals.market import Market
from services.signals.maths import Touch
from services.signals.weather import NORMAL
from shared.book import Book
from shared.config import Signals
from shared.scale import Scale
from tests.services.feed import S


def test_the_touch_is_there_when_both_sides_are() -> None:
    market = Market(Book(), Scale("0.01", "0.1"))
    assert market.touch is None
    market.book.bids.replace([(100, 3)])
    assert market.touch is None
    market.book.asks.replace([(102, 4), (103, 9)])
    assert market.touch == Touch(100, 3, 102, 4)


def test_a_complete_frame_shows_the_touch_and_the_mid() -> None:
    market = Market(Book(), Scale("0.01", "0.1"))
    market.complete(5)
    assert (market.at_ns, market.mid2, market.bid_ticks, market.ask_lots) == (5, 0, 0, 0)
    market.book.bids.replace([(100, 3)])
    market.complete(6)
    assert (market.bid_ticks, market.bid_lots, market.mid2) == (100, 3, 0)
    market.book.asks.replace([(103, 4), (104, 9)])
    market.complete(7)
    assert (market.ask_ticks, market.ask_lots, market.mid2) == (103, 4, 203)


def test_the_weather_follows_the_mid_of_complete_frames() -> None:
    market = Market(Book(), Scale("0.01", "0.1"), Signals(regime_returns_min=2))
    for second in range(4):
        market.book.bids.replace([(10_000 + 2 * (second % 2), 3)])
        market.book.asks.replace([(10_002 + 2 * (second % 2), 3)])
        market.complete(second * S)
    assert market.weather.regime == NORMAL
    assert market.weather.bps_per_root_s == pytest.approx(2.0, rel=1e-3)


def test_the_value_of_a_lot_is_per_tick_of_price() -> None:
    assert Market(Book(), Scale("0.01", "0.1")).unit_usdt == pytest.approx(0.001)
