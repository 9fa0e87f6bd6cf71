import itertools
from math import exp, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.maths import Touch, micro_pressure, order_flow
from services.signals.signals.obi import STALE_NS, Obi, build
from shared.config import Signals
from tests.services.feed import S
from tests.services.stage import Stage

Levels = list[tuple[int, int]]
Frame = tuple[Levels, Levels, int]


def score(*frames: Frame, config: Signals | None = None) -> float:
    """Return the score after some frames, each (bids, asks, at_ns)."""
    signal = Obi(config or Signals())
    stage = Stage(signal)
    for bids, asks, at_ns in frames:
        stage.show(bids, asks, at_ns=at_ns)
    return signal.score


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        ([(100, 10)], [(101, 10)], 0.0),
        ([(100, 30)], [(101, 10)], 0.5 * (0.5 + 0.2 * 0.25)),
        ([(100, 10)], [(101, 30)], -0.5 * (0.5 + 0.2 * 0.25)),
        ([(100, 10), (99, 20)], [(101, 10)], 0.5 * 0.5),
        ([(100, 30)], [(102, 10)], 0.5 * (0.5 + 0.2 * 0.5) - 0.15),
        ([(100, 10)], [(102, 30)], -0.5 * (0.5 + 0.2 * 0.5) + 0.15),
        ([(100, 30)], [(103, 10)], 0.5 * (0.5 + 0.2 * 0.75) - 0.30),
        ([(100, 30)], [(105, 10)], 0.0),
        ([(100, 1)], [], 0.0),
        ([], [(101, 10)], 0.0),
        ([], [], 0.0),
    ],
)
def test_first_score(bids: Levels, asks: Levels, expected: float) -> None:
    assert score((bids, asks, 0)) == pytest.approx(expected, rel=1e-12)


def test_only_the_best_levels_count() -> None:
    deep = [(100, 10), (99, 10), (98, 999)], [(101, 10), (102, 10)], 0
    assert score(deep, config=Signals(obi_levels=2)) == 0.0
    assert score(deep, config=Signals(obi_levels=3)) > 0.45


def test_flow_adds_to_standing_imbalance_and_fades_with_time() -> None:
    before, after = ([(100, 10)], [(101, 10)], 0), ([(100, 20)], [(101, 10)], S)
    standing = 1 / 3 + 0.2 * (20 / 30 - 0.5)
    assert score(before, after) == pytest.approx(0.5 * (standing + 0.6 * 10 / (10 + 30)))
    later = ([(100, 20)], [(101, 10)], 2 * S)
    assert score(before, after, later) == pytest.approx(0.5 * (standing + 0.6 * 10 * exp(-1) / (10 * exp(-1) + 30)))


def test_the_change_of_imbalance_does_not_depend_on_how_often_it_is_looked_at() -> None:
    one, two = ([(100, 10)], [(101, 10)], 0), ([(100, 25)], [(101, 5)], S)
    for every_ms in (1, 50, 333):
        between = [([(100, 10)], [(101, 10)], ms * 1_000_000) for ms in range(every_ms, 1_000, every_ms)]
        after = [([(100, 25)], [(101, 5)], S + ms * 1_000_000) for ms in range(every_ms, 500, every_ms)]
        end = ([(100, 25)], [(101, 5)], 3 * S // 2)
        assert score(one, *between, two, *after, end) == pytest.approx(score(one, two, end), rel=1e-9)


def test_frames_of_trades_alone_change_nothing() -> None:
    signal = Obi(Signals())
    stage = Stage(signal)
    stage.show([(100, 10)], [(101, 10)])
    stage.show([(100, 20)], [(101, 10)], at_ns=S)
    before = signal.score, signal.fresh_until_ns
    stage.show(at_ns=2 * S, trades=[(101, 3, True)])
    assert (signal.score, signal.fresh_until_ns) == before
    stage.show([(100, 20)], [(101, 10)], at_ns=3 * S)
    flow = 10 * exp(-2) / (10 * exp(-2) + 30)
    assert signal.score == pytest.approx(0.5 * (1 / 3 + 0.2 * (20 / 30 - 0.5) + 0.6 * flow))


def test_it_is_stale_two_seconds_after_the_book() -> None:
    signal = build(Signals())
    Stage(signal).show([(100, 1)], [(101, 1)], at_ns=7 * S)
    assert signal.fresh_until_ns == 7 * S + STALE_NS


def test_an_empty_side_forgets_the_touch() -> None:
    full, empty = ([(100, 10)], [(101, 10)], 0), ([], [(101, 10)], 0)
    assert score(full, empty) == 0.0
    assert score(full, empty, ([(100, 30)], [(101, 10)], 0)) == pytest.approx(0.5 * (0.5 + 0.2 * 0.25))


def slowly(frames: list[Frame]) -> float:
    """Return the score by the definition, over the whole past."""
    bids, asks, _ = frames[-1]
    if not bids or not asks:
        return 0.0
    touches = [Touch(*bids[0], *asks[0]) if bids and asks else None for bids, asks, _ in frames]
    clock = list(itertools.accumulate((at_ns if bids and asks else 0 for bids, asks, at_ns in frames), max))
    net = gross = 0.0
    for number, (one, two) in enumerate(itertools.pairwise(touches), 1):
        if one and two:
            flow, fading = order_flow(one, two), exp(-(clock[-1] - clock[number]) / S)
            net, gross = net + flow * fading, gross + abs(flow) * fading
    touch = touches[-1]
    assert touch
    bid, ask = sum(lots for _, lots in bids[:5]), sum(lots for _, lots in asks[:5])
    pressure = max(-1.0, min(1.0, micro_pressure(touch)))
    rate = net / (gross + touch.bid_size + touch.ask_size)
    leaning = 0.5 * ((bid - ask) / (bid + ask) + 0.6 * rate + 0.2 * pressure)
    size = max(0.0, abs(leaning) - 0.15 * max(touch.ask_price - touch.bid_price - 1, 0))
    return max(-1.0, min(1.0, size if leaning > 0 else -size))


side = st.lists(st.integers(1, 10**12), max_size=8)
steps = st.lists(
    st.tuples(side, side, st.integers(0, 3), st.integers(1, 4), st.integers(-S, 5 * S)), min_size=1, max_size=20
)


@given(steps)
def test_the_score_is_what_the_definition_says_finite_and_in_range(
    given_steps: list[tuple[list[int], list[int], int, int, int]],
) -> None:
    signal, at_ns, frames = Obi(Signals()), 10 * S, []
    stage = Stage(signal)
    for bids, asks, low, spread, wait_ns in given_steps:
        at_ns += wait_ns
        best = 1_000 + low
        frames.append(
            (
                [(best - at, lots) for at, lots in enumerate(bids)],
                [(best + spread + at, lots) for at, lots in enumerate(asks)],
                at_ns,
            )
        )
        stage.show(*frames[-1][:2], at_ns=at_ns)
        assert isfinite(signal.score)
        assert -1.0 <= signal.score <= 1.0
        assert signal.score == pytest.approx(slowly(frames), rel=1e-9, abs=1e-9)
