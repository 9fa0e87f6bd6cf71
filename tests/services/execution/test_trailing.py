from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution.trailing import E6, Course, TrailLimits, better_stop, paid_ticks, trail_limits
from shared.config import Brackets
from shared.scale import E8

TICK_E8 = E8 // 10
LONG = Course(1, 100_000 * TICK_E8, TICK_E8, 99_500, 100_000, 100_000, 55_000)  # A stop 500 ticks away.
SHORT = Course(-1, 100_000 * TICK_E8, TICK_E8, 100_500, 100_000, 100_000, 55_000)
LIMITS = TrailLimits(from_e6=E6 // 2, distance_e6=E6 // 2, tight_e6=E6 // 2)
PAID = TrailLimits(break_even_e6=E6 // 2)


def seen(course: Course, gain: int, now: int | None = None) -> Course:
    """Return the course after the best price was so many ticks better than the entry."""
    best = 100_000 + course.side * gain
    return course._replace(best_ticks=best, now_ticks=best if now is None else 100_000 + course.side * now)


@pytest.mark.parametrize(("course", "present", "sign"), [(LONG, 99_500, 1), (SHORT, 100_500, -1)])
def test_a_stop_follows_from_half_its_distance_on(course: Course, present: int, sign: int) -> None:
    assert better_stop(seen(course, 249), present, LIMITS, tight=False) == 0
    assert better_stop(seen(course, 250), present, LIMITS, tight=False) == 100_000
    assert better_stop(seen(course, 400), present, LIMITS, tight=False) == 100_000 + sign * 150
    assert better_stop(seen(course, 400), present, LIMITS, tight=True) == 100_000 + sign * 275


def test_it_moves_by_a_step_or_not_at_all() -> None:
    assert better_stop(seen(LONG, 251), 100_000, LIMITS, tight=False) == 100_001
    assert better_stop(seen(LONG, 251), 100_000, LIMITS._replace(step_ticks=2), tight=False) == 0


def test_it_never_goes_back_when_the_price_does_or_the_signals_are_less_sure() -> None:
    assert better_stop(seen(LONG, 400, now=200), 100_150, LIMITS, tight=False) == 0
    assert better_stop(seen(LONG, 400), 100_275, LIMITS, tight=False) == 0


def test_it_stays_a_tick_on_its_side_of_the_price() -> None:
    assert better_stop(seen(LONG, 400, now=120), 99_500, LIMITS, tight=False) == 100_119
    assert better_stop(seen(SHORT, 400, now=120), 100_500, LIMITS, tight=False) == 99_881
    assert better_stop(seen(LONG, 400, now=-600), 99_500, LIMITS, tight=False) == 0


def test_break_even_pays_both_fees_and_a_tick() -> None:
    assert better_stop(seen(LONG, 250), 99_500, PAID, tight=False) == 100_112  # 110.06 ticks, up, and one.
    assert better_stop(seen(SHORT, 250), 100_500, PAID, tight=False) == 99_889
    assert better_stop(seen(LONG, 249), 99_500, PAID, tight=False) == 0
    assert better_stop(seen(LONG, 250)._replace(taker_e8=-1), 99_500, PAID, tight=False) == 0


def test_the_better_of_both_counts() -> None:
    both = LIMITS._replace(break_even_e6=E6 // 2)
    assert better_stop(seen(LONG, 250), 99_500, both, tight=False) == 100_112
    assert better_stop(seen(LONG, 450), 99_500, both, tight=False) == 100_200


@pytest.mark.parametrize(
    "changes",
    [{"first_stop_ticks": 100_000}, {"first_stop_ticks": 100_400}, {"first_stop_ticks": 0}, {"side": 0}],
)
def test_without_a_first_stop_on_the_loss_side_there_is_nothing_to_measure_by(changes: dict[str, Any]) -> None:
    assert better_stop(seen(LONG, 400)._replace(**changes), 99_500, LIMITS, tight=False) == 0


def test_a_position_without_a_stop_is_not_ours_to_move() -> None:
    assert better_stop(seen(LONG, 400), 0, LIMITS, tight=False) == 0


def test_switched_off_nothing_moves() -> None:
    assert not TrailLimits().moves
    assert better_stop(seen(LONG, 40_000), 99_500, TrailLimits(), tight=True) == 0


def test_limits_come_from_the_configuration() -> None:
    limits = trail_limits(Brackets(trail_from=0.25, trail_tight=0.4, break_even_from=0.3, partial_from=0.6))
    assert (limits.from_e6, limits.distance_e6, limits.tight_e6) == (250_000, 500_000, 400_000)
    assert (limits.break_even_e6, limits.partial_e6, limits.part_e6, limits.step_ticks) == (
        300_000,
        600_000,
        500_000,
        1,
    )
    assert limits.interval_ns == 200_000_000


@given(
    st.sampled_from([1, -1]), st.integers(1, 10**12), st.sampled_from([1, 10, 100, 10**7, 10**8]),
    st.integers(0, 10**7),
)  # fmt: skip
def test_the_paying_price_pays_and_two_ticks_less_would_not(side: int, ticks: int, tick_e8: int, taker_e8: int) -> None:
    entry_e8 = ticks * tick_e8 + tick_e8 // 3
    price = paid_ticks(side, entry_e8, tick_e8, taker_e8)

    def net(at: int) -> int:
        return side * (at * tick_e8 - entry_e8) * E8 - taker_e8 * (at * tick_e8 + entry_e8)

    assert net(price - side) >= 0
    assert net(price - 2 * side) < 0


shares = st.integers(0, 3 * E6)


@given(
    st.sampled_from([1, -1]), st.integers(2, 10_000), shares, st.integers(1, 3 * E6), st.integers(1, E6), shares,
    st.integers(1, 50), st.lists(st.tuples(st.integers(-3_000, 3_000), st.booleans()), min_size=1, max_size=40),
)  # fmt: skip
def test_whatever_the_market_does_the_stop_only_gets_better_and_never_reaches_the_price(
    side: int, away: int, start: int, distance: int, tight: int, even: int, step: int, moves: list[tuple[int, bool]]
) -> None:
    limits = TrailLimits(start, distance, tight, step, 0, even)
    stop = 100_000 - side * away
    course = Course(side, 100_000 * TICK_E8 + 3, TICK_E8, stop, 100_000, 100_000, 55_000)
    for gain, sure in moves:
        now = 100_000 + side * gain
        best = max(side * course.best_ticks, side * now) * side
        course = course._replace(now_ticks=now, best_ticks=best)
        found = better_stop(course, stop, limits, tight=sure)
        if found:
            assert (found - stop) * side >= step
            assert (now - found) * side >= 1
            stop = found
