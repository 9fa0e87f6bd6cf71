from math import exp, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.market import Market
from services.signals.signals.obi import STALE_NS, Obi, build
from shared.book import Book
from shared.config import Signals

S = 1_000_000_000
Levels = list[tuple[int, int]]


def market(bids: Levels, asks: Levels, at_ns: int = 0) -> Market:
    seen = Market(Book())
    seen.book.bids.replace(bids)
    seen.book.asks.replace(asks)
    seen.at_ns = seen.book_ns = at_ns
    return seen


def score(*frames: Market, levels: int = 5) -> float:
    signal = Obi(levels)
    for frame in frames:
        signal.update(frame)
    return signal.score


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        ([(100, 10)], [(101, 10)], 0.0),
        ([(100, 30)], [(101, 10)], 0.5 + 0.2 * 0.25),
        ([(100, 10)], [(101, 30)], -0.5 - 0.2 * 0.25),
        ([(100, 10), (99, 20)], [(101, 10)], 0.5),
        ([(100, 1)], [(109, 0)], 0.0),
        ([], [(101, 10)], 0.0),
        ([(100, 10)], [], 0.0),
        ([], [], 0.0),
    ],
)
def test_first_score(bids: Levels, asks: Levels, expected: float) -> None:
    asks = [level for level in asks if level[1]]
    assert score(market(bids, asks)) == pytest.approx(expected)


def test_only_the_best_levels_count() -> None:
    deep = market([(100, 10), (99, 10), (98, 999)], [(101, 10), (102, 10)])
    assert score(deep, levels=2) == 0.0
    assert score(deep, levels=3) > 0.9


def test_flow_adds_to_standing_imbalance_and_fades_with_time() -> None:
    before = market([(100, 10)], [(101, 10)])
    after = market([(100, 20)], [(101, 10)], at_ns=S)
    standing = 1 / 3 + 0.2 * (20 / 30 - 0.5)
    assert score(before, after) == pytest.approx(standing + 0.6 * 10 / (10 + 30))
    later = market([(100, 20)], [(101, 10)], at_ns=2 * S)
    assert score(before, after, later) == pytest.approx(standing + 0.6 * 10 * exp(-1) / (10 * exp(-1) + 30))


def test_looking_more_often_changes_nothing() -> None:
    one = market([(100, 10)], [(101, 10)])
    two = market([(100, 25)], [(101, 5)], at_ns=S)
    between = [market([(100, 10)], [(101, 10)], at_ns=ms * 1_000_000) for ms in range(50, 1_000, 50)]
    assert score(one, two) == pytest.approx(score(one, *between, two), rel=1e-12)


def test_it_is_stale_two_seconds_after_the_book() -> None:
    signal = build(Signals())
    signal.update(market([(100, 1)], [(101, 1)], at_ns=7 * S))
    assert signal.fresh_until_ns == 7 * S + STALE_NS


def test_an_empty_side_forgets_the_touch() -> None:
    full, empty = market([(100, 10)], [(101, 10)]), market([], [(101, 10)])
    assert score(full, empty) == 0.0
    assert score(full, empty, full) == 0.0


side = st.lists(st.integers(1, 10**12), max_size=8)


@given(st.lists(st.tuples(side, side, st.integers(-S, 5 * S)), min_size=1, max_size=20))
def test_the_score_is_always_finite_and_in_range(steps: list[tuple[list[int], list[int], int]]) -> None:
    signal, at_ns = Obi(5), 10 * S
    for bids, asks, wait_ns in steps:
        at_ns += wait_ns
        levels = (
            [(1_000 - at, lots) for at, lots in enumerate(bids)],
            [(1_001 + at, lots) for at, lots in enumerate(asks)],
        )
        signal.update(market(*levels, at_ns=at_ns))
        assert isfinite(signal.score)
        assert -1.0 <= signal.score <= 1.0
