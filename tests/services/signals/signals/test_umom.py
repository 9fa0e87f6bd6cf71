import itertools
from math import isfinite, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.market import Market
from services.signals.signals.umom import (
    FLOW_FRAMES_MAX,
    TakerFlow,
    Umom,
    Volatility,
    annualised,
    build,
    deviation_share,
)
from shared.book import Book
from shared.config import Signals

S = 1_000_000_000
MS = 1_000_000


def frame(mid: int, at_ns: int, bought: int = 0, sold: int = 0) -> Market:
    seen = Market(Book())
    if mid:
        seen.book.bids.replace([(mid - 1, 5)])
        seen.book.asks.replace([(mid + 1, 5)])
    seen.at_ns = seen.book_ns = at_ns
    seen.bought_lots, seen.sold_lots = bought, sold
    return seen


def follow(*frames: Market) -> Umom:
    signal = Umom(1.0, 5.0)
    for each in frames:
        signal.update(each)
    return signal


def rise(steps: int, each_ticks: int, step_ns: int = S // 2, start: int = 1_000_000) -> list[Market]:
    return [frame(start + each_ticks * step, step * step_ns) for step in range(steps)]


def test_annualised_volatility_of_a_worked_window() -> None:
    prices = [100, 100.1, 100.05, 100.2]
    realised = sqrt(sum(log(two / one) ** 2 for one, two in itertools.pairwise(prices)))
    per_root_s = 1e4 * realised / sqrt(3)
    assert per_root_s == pytest.approx(10.7904475, rel=1e-8)
    assert annualised(per_root_s) == pytest.approx(6.05958329, rel=1e-8)


def test_volatility_of_steady_returns_is_their_size_per_root_second() -> None:
    volatility, mid = Volatility(), 100.0
    for step in range(20):
        volatility.fold(step * 4 * S, mid)
        mid *= 1.0002 if step % 2 else 1 / 1.0002
    assert volatility.bps_per_root_s == pytest.approx(1e4 * log(1.0002) / 2, rel=1e-9)


def test_volatility_does_not_depend_on_how_often_it_is_asked() -> None:
    often, rarely = Volatility(), Volatility()
    for step in range(100):
        mid = 1000.0 + (step // 10) % 3
        often.fold(step * S // 10, mid)
        if step % 10 == 0:
            rarely.fold(step * S // 10, mid)
    assert often.bps_per_root_s == rarely.bps_per_root_s


def test_there_is_no_score_before_three_returns_are_known() -> None:
    assert follow(*rise(4, 30, S)[:3]).score == 0.0
    assert follow(*rise(4, 30, S)).score > 0.0


@pytest.mark.parametrize(("each_ticks", "opens"), [(0, False), (1, False), (30, True), (300, True), (3_000, False)])
def test_the_gate_opens_between_5_and_200_percent_a_year(each_ticks: int, opens: bool) -> None:
    assert (follow(*rise(20, each_ticks, S)).score != 0) == opens


def test_rising_is_positive_and_falling_is_its_mirror() -> None:
    up, down = follow(*rise(20, 50)), follow(*rise(20, -50))
    assert 0.3 < up.score <= 1.0
    assert down.score == pytest.approx(-up.score, rel=1e-2)


@pytest.mark.parametrize(
    ("bought", "sold", "factor"),
    [(0, 0, 1.0), (56, 44, 1.3), (55, 45, 1.0), (40, 60, 1.0), (39, 61, 0.5), (0, 1, 0.5), (1, 0, 1.3)],
)
def test_takers_confirm_or_contradict(bought: int, sold: int, factor: float) -> None:
    flow = TakerFlow()
    flow.fold(0, bought, sold)
    assert flow.factor(1.0) == factor
    mirrored = TakerFlow()
    mirrored.fold(0, sold, bought)
    assert mirrored.factor(-1.0) == factor


def test_trades_older_than_two_seconds_are_forgotten_and_their_number_is_bounded() -> None:
    flow = TakerFlow()
    flow.fold(0, 10, 0)
    flow.fold(2 * S, 0, 0)
    assert flow.factor(-1.0) == 0.5
    flow.fold(2 * S + 1, 0, 0)
    assert flow.factor(-1.0) == 1.0
    for _ in range(FLOW_FRAMES_MAX + 10):
        flow.fold(3 * S, 1, 0)
    assert len(flow._frames) == FLOW_FRAMES_MAX == flow._bought


def test_confirmation_reaches_the_score() -> None:
    alone = rise(8, 20)
    agreed = rise(8, 20)
    agreed[-1].bought_lots = 9
    contradicted = rise(8, 20)
    contradicted[-1].sold_lots = 9
    plain = follow(*alone).score
    assert follow(*contradicted).score == pytest.approx(0.5 * plain)
    assert follow(*agreed).score == pytest.approx(min(1.0, 1.3 * plain))


def test_the_scale_of_momentum_is_its_own_deviation() -> None:
    assert deviation_share(1.0, 5.0) == pytest.approx(sqrt(0.5 + 2.5 - 10 / 6))
    assert deviation_share(2.0, 2.0) == 0.0
    same = Umom(2.0, 2.0)
    for each in rise(20, 50):
        same.update(each)
    assert same.score == 0.0


def test_without_a_mid_there_is_no_score() -> None:
    assert follow(*rise(20, 50), frame(0, 30 * S)).score == 0.0


steps = st.tuples(st.integers(0, 10**7), st.integers(-S, 5 * S), st.integers(0, 10**9), st.integers(0, 10**9))


@given(st.lists(steps, min_size=1, max_size=40))
def test_the_score_is_always_finite_and_in_range(path: list[tuple[int, int, int, int]]) -> None:
    signal, at_ns = build(Signals()), 100 * S
    for mid, wait_ns, bought, sold in path:
        at_ns += wait_ns
        signal.update(frame(mid + 2 if mid else 0, at_ns, bought, sold))
        assert isfinite(signal.score)
        assert -1.0 <= signal.score <= 1.0


def test_a_crossing_shows_as_a_change_of_sign() -> None:
    path = rise(16, 40) + [frame(1_000_600 - 60 * step, (8_000 + 500 * step) * MS) for step in range(16)]
    signal, signs = Umom(1.0, 5.0), set()
    for each in path:
        signal.update(each)
        signs.add((signal.score > 0) - (signal.score < 0))
    assert signs >= {1, -1}
