"""The same seed is the same market, however it is driven."""

from __future__ import annotations

from gc import collect
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psutil import Process

from services.exchange.matching import Fill
from services.exchange.profile import PROFILES
from services.exchange.public import PublicStreams
from services.exchange.synthetic import INSTRUMENTS, PAUSE_NS_MAX, START_PRICES_TICKS, SyntheticMarket
from shared.scale import E8

MS = 1_000_000
S = 1_000_000_000
NOW = 1_790_000_000 * S


def market_of(seed: int = 1) -> SyntheticMarket:
    return SyntheticMarket(Random(seed), INSTRUMENTS, START_PRICES_TICKS, NOW)


def whole(market: SyntheticMarket) -> list[list[tuple[int, int]]]:
    return [book.depth(side, 10**6) for book in market.books.values() for side in (1, -1)]


def test_rules_are_whole_and_the_four_symbols_are_there() -> None:
    market = market_of()
    assert market.symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT", "SUIUSDT")
    assert all(rules.min_notional_e8 == 5 * E8 for rules in market.instruments.values())


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 300 * MS), min_size=1, max_size=30), st.integers(0, 99))
def test_how_often_it_is_driven_does_not_matter(gaps_ns: list[int], seed: int) -> None:
    often, once = market_of(seed), market_of(seed)
    now, fills = NOW, list[tuple[str, Fill]]()
    for gap_ns in gaps_ns:
        now += gap_ns
        fills += often.advance(now)
    if now - NOW > PAUSE_NS_MAX:
        expected = once.advance(NOW + PAUSE_NS_MAX // 2)
        for at in range(NOW + PAUSE_NS_MAX, now, PAUSE_NS_MAX):
            expected += once.advance(at)
        expected += once.advance(now)
    else:
        expected = once.advance(now)
    assert fills == expected
    assert whole(often) == whole(once)


def test_another_seed_is_another_market() -> None:
    one, other = market_of(1), market_of(2)
    assert one.advance(NOW + S) != other.advance(NOW + S)


def test_an_order_on_one_symbol_leaves_the_others_alone() -> None:
    alone, disturbed = market_of(), market_of()
    disturbed.books["BTCUSDT"].submit(1, 7, 1, 700_000, 50_000, "IOC")
    for second in range(1, 11):
        alone.advance(NOW + second * S)
        disturbed.advance(NOW + second * S)
    assert whole(alone)[2:] == whole(disturbed)[2:]
    assert whole(alone)[:2] != whole(disturbed)[:2]


def test_a_long_pause_is_slept_through() -> None:
    market = market_of()
    assert len(market.advance(NOW + 3_600 * S)) < 4_000
    market.advance(NOW + 3_601 * S)
    assert market.advance(NOW + 3_602 * S)


def test_marks_lie_close_to_the_book_and_on_the_venues_decimals() -> None:
    market = market_of()
    for second in range(1, 30):
        market.advance(NOW + second * S)
        for symbol, book in market.books.items():
            bid, tick_e8 = book.best_bid(), market.scales[symbol].tick_e8
            assert bid is not None
            mark = market.mark_e8(symbol)
            assert abs(mark / (bid * tick_e8) - 1) < 0.002
            assert 0 < mark - market.index_e8(symbol) < mark // 1_000
            assert mark % 10 ** (8 - market.scales[symbol].tick_grid[0]) == 0


def test_each_symbol_has_a_day_worth_scanning() -> None:
    market = market_of()
    days = market.days.values()
    assert all(day.value_e8 > 10_000_000 * E8 for day in days)
    assert len({round(day.prev_24h_ticks / day.prev_1h_ticks, 4) for day in days}) == 4


def test_a_match_is_counted_in_the_day_and_in_the_open_interest() -> None:
    market = market_of()
    day, interest = market.days["BTCUSDT"], market.open_interest_lots["BTCUSDT"]
    lots, value_e8 = day.lots, day.value_e8
    market.record("BTCUSDT", Fill(1, 7, 2, 0, 1, 650_000, 8, 0))
    assert (day.lots - lots, day.value_e8 - value_e8) == (8, 520 * E8)
    assert market.open_interest_lots["BTCUSDT"] == interest + 2


def test_funding_is_due_at_the_next_eighth_hour() -> None:
    market = market_of()
    eight_hours_ms = 8 * 3_600_000
    at = market.next_funding_ms("BTCUSDT", NOW)
    assert at % eight_hours_ms == 0
    assert 0 < at - NOW // MS <= eight_hours_ms


def play_hours(seconds: int, profile: str) -> tuple[float, int, float]:
    """Play one symbol with a listener; return events/s, the growth after the first tenth, and times real time."""
    market = SyntheticMarket(Random(1), INSTRUMENTS[2:3], START_PRICES_TICKS[2:3], NOW, PROFILES[profile])
    streams, process = PublicStreams(market, NOW), Process()
    for topic in ("orderbook.50.SOLUSDT", "publicTrade.SOLUSDT"):
        streams.watch(topic)
        streams.subscribe(topic, NOW)
    events = early_bytes = 0
    began = process.cpu_times().user
    for step in range(1, seconds * 50 + 1):
        now = NOW + step * 20 * MS
        fills = market.advance(now)
        events += len(fills) + len(streams.advance(now, fills))
        if step == seconds * 5:
            collect()
            early_bytes = process.memory_info().rss
    collect()
    took_s = process.cpu_times().user - began
    return events / max(took_s, 0.01), process.memory_info().rss - early_bytes, seconds / max(took_s, 0.01)


def test_a_market_does_not_grow_with_time() -> None:
    assert play_hours(600, "lively")[1] < 4 << 20


@pytest.mark.full
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("profile", ["lively", "labelled"])
def test_a_day_of_one_symbol_passes_without_growth(profile: str) -> None:
    events_per_s, grown, speed = play_hours(24 * 3_600, profile)
    print(f"{profile}: {events_per_s:.0f} events/s, {speed:.0f} x real time, grown by {grown / 2**20:.1f} MiB")
    assert grown < 24 << 20  # The record of deeds fills up to its limit.
