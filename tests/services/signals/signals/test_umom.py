import itertools
from math import exp, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.maths import Ema, deviation_share, momentum_bps
from services.signals.signals.umom import FLOW_FRAMES_MAX, STALE_NS, TakerFlow, Umom, build
from shared.config import Signals
from tests.services.feed import MS, S
from tests.services.stage import Stage, Trade

FEW = Signals(regime_returns_min=3)
Frame = tuple[int, int]  # Mid, at_ns.
BUY, SELL = (100, 9, True), (100, 9, False)


def follow(*frames: Frame, last: tuple[Trade, ...] = (), config: Signals = FEW, spread: int = 2) -> Umom:
    signal = Umom(config)
    stage = Stage(signal, config=config)
    for mid, at_ns in frames[:-1]:
        stage.at(mid, at_ns)
    stage.at(*frames[-1], trades=last, spread=spread)
    return signal


def rise(steps: int, each_ticks: int, step_ns: int = S // 2, start: int = 1_000_000) -> list[Frame]:
    return [(start + each_ticks * step, step * step_ns) for step in range(steps)]


def test_there_is_no_score_before_the_volatility_is_known() -> None:
    path = rise(6, 30, S)
    assert follow(*path[:4]).score == 0.0
    assert follow(*path[:5]).score > 0.0


@pytest.mark.parametrize(("each_ticks", "opens"), [(0, False), (1, False), (30, True), (300, True), (3_000, False)])
def test_the_gate_opens_between_5_and_200_percent_a_year(each_ticks: int, opens: bool) -> None:
    assert (follow(*rise(20, each_ticks, S)).score != 0) == opens


@pytest.mark.parametrize(("spread", "opens"), [(1, True), (2, True), (3, False), (50, False)])
def test_the_gate_closes_beyond_two_and_a_half_ticks_of_spread(spread: int, opens: bool) -> None:
    assert (follow(*rise(20, 50), spread=spread).score != 0) == opens


def test_rising_is_positive_and_falling_is_its_mirror() -> None:
    up, down = follow(*rise(20, 50)), follow(*rise(20, -50))
    assert 0.3 < up.score <= 1.0
    assert down.score == pytest.approx(-up.score, rel=1e-2)


@pytest.mark.parametrize(
    ("bought", "sold", "factor"),
    [(0, 0, 1.0), (56, 44, 1.3), (55, 45, 1.0), (40, 60, 1.0), (39, 61, 0.5), (0, 1, 0.5), (1, 0, 1.3)],
)
def test_takers_confirm_or_contradict(bought: int, sold: int, factor: float) -> None:
    flow = TakerFlow(Signals())
    flow.fold(0, bought, sold)
    assert flow.factor(1.0) == factor
    mirrored = TakerFlow(Signals())
    mirrored.fold(0, sold, bought)
    assert mirrored.factor(-1.0) == factor


def test_trades_older_than_two_seconds_are_forgotten_and_their_number_is_bounded() -> None:
    flow = TakerFlow(Signals())
    flow.fold(0, 10, 0)
    flow.fold(2 * S, 0, 0)
    assert flow.factor(-1.0) == 0.5
    flow.fold(2 * S + 1, 0, 0)
    assert flow.factor(-1.0) == 1.0
    for _ in range(FLOW_FRAMES_MAX + 10):
        flow.fold(3 * S, 1, 0)
    assert len(flow._frames) == FLOW_FRAMES_MAX == flow._bought


def test_confirmation_reaches_the_score() -> None:
    path = rise(12, 20)
    path[6:] = [((mid + 9 * path[5][0]) // 10, at_ns) for mid, at_ns in path[6:]]
    plain = follow(*path).score
    assert 0 < plain < 1 / 1.3
    assert follow(*path, last=(SELL,)).score == pytest.approx(0.5 * plain)
    assert follow(*path, last=(BUY,)).score == pytest.approx(1.3 * plain)


def test_equal_averages_have_no_momentum() -> None:
    assert follow(*rise(20, 50), config=Signals(umom_fast_s=2.0, umom_slow_s=2.0)).score == 0.0


def test_without_a_mid_there_is_no_score_and_the_averages_go_on() -> None:
    assert follow(*rise(20, 50), (0, 30 * S)).score == 0.0
    assert follow(*rise(20, 50), (0, 10 * S), (1_001_000, 11 * S)).score > 0.0


def test_time_without_a_mid_is_time_for_the_averages() -> None:
    path = rise(20, 30, S)
    quiet = [(0, 19 * S + 1), (0, 21 * S)]
    assert follow(*path, *quiet, (1_000_570, 22 * S)).score == follow(*path, (1_000_570, 22 * S)).score


def test_it_is_stale_two_seconds_after_the_book() -> None:
    signal = build(FEW)
    stage = Stage(signal, config=FEW)
    stage.at(1_000, 7 * S)
    stage.show(at_ns=8 * S, trades=[BUY])
    assert signal.fresh_until_ns == 7 * S + STALE_NS


def slowly(path: list[tuple[int, int, int, int]], stage: Stage) -> float:
    """Return the score by the definition, over the whole past; the weather is tested on its own."""
    fast, slow = Ema(S), Ema(5 * S)
    clock = list(itertools.accumulate((at_ns for _, at_ns, _, _ in path), max))
    for (mid, _, _, _), at_ns in zip(path, clock, strict=True):
        if mid:
            fast.fold(at_ns, mid)
            slow.fold(at_ns, mid)
    weather = stage.market.weather
    if not path[-1][0] or not 0.05 <= weather.annualised <= 2.0:
        return 0.0
    moved = momentum_bps(fast.value, slow.value)
    recent = [frame for frame, at_ns in zip(path, clock, strict=True) if clock[-1] - at_ns <= 2 * S]
    bought, sold = sum(frame[2] for frame in recent), sum(frame[3] for frame in recent)
    ours = (bought if moved > 0 else sold) / (bought + sold) if bought + sold else 0.5
    factor = 1.3 if ours > 0.55 else 0.5 if ours < 0.40 else 1.0
    score = moved / (2 * deviation_share(1.0, 5.0) * weather.bps_per_root_s) * factor
    return max(-1.0, min(1.0, score))


steps = st.tuples(
    st.one_of(st.just(0), st.integers(10**6, 10**6 + 300)),
    st.integers(-S, 3 * S),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)


@given(st.lists(steps, min_size=1, max_size=40))
def test_the_score_is_what_the_definition_says_finite_and_in_range(walk: list[tuple[int, int, int, int]]) -> None:
    signal, at_ns, path = Umom(FEW), 100 * S, []
    stage = Stage(signal, config=FEW)
    for mid, wait_ns, bought, sold in walk:
        at_ns += wait_ns
        path.append((mid, at_ns, bought, sold))
        stage.at(mid, at_ns, trades=[(mid + 1, bought, True), (mid + 1, sold, False)])
        assert isfinite(signal.score)
        assert -1.0 <= signal.score <= 1.0
        assert signal.score == pytest.approx(slowly(path, stage), rel=1e-6, abs=1e-6)


def test_a_crossing_shows_as_a_change_of_sign() -> None:
    path = rise(16, 40) + [(1_000_600 - 60 * step, (8_000 + 500 * step) * MS) for step in range(16)]
    signal, signs = Umom(FEW), set()
    stage = Stage(signal, config=FEW)
    for mid, at_ns in path:
        stage.at(mid, at_ns)
        signs.add((signal.score > 0) - (signal.score < 0))
    assert signs >= {1, -1}


def test_the_averages_take_time_constants_and_not_half_lives() -> None:
    """A step of 1 after a long rest: fast less slow is e^(-t/5) - e^(-t/1) of it."""
    path = [(1_000_000 + 20 * (step % 2 if step < 40 else 0), step * S) for step in range(81)]
    step_at, look_at = 80 * S + 1, 82 * S
    signal = Umom(Signals(umom_full_deviations=20.0))
    stage = Stage(signal, config=Signals())
    for mid, at_ns in [*path, (1_000_010, step_at)]:
        stage.at(mid, at_ns)
    stage.at(1_000_010, look_at)
    moved = 10 / 1_000_000 * 1e4 * (exp(-2 / 5) - exp(-2))
    full = 20 * deviation_share(1.0, 5.0) * stage.market.weather.bps_per_root_s
    assert signal.score == pytest.approx(moved / full, rel=1e-3)
