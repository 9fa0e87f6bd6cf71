"""Every decision learns what the mid did afterwards, as far as there was one."""

from __future__ import annotations

from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.markouts import FAR_NS, HORIZONS_MS, HORIZONS_NS, LATE_NS, PENDING_MAX, Course, Markouts
from shared.messages import Decision, Markout
from shared.scale import Scale
from tests.services.feed import MS, S

T0 = 1_000 * S
GRID = Scale("0.01", "0.1")


def decision(number: int = 1, bid: int = 1_000, ask: int = 1_002, reason: str = "open") -> Decision:
    return Decision(number, "SOLUSDT", 1, 0.5, 0.8, (0.5, -0.1), ("obi", "umom"), bid, ask, 1, 9, T0, reason,
                    "fusion", "high", (0.6, 0.4), 3, T0)  # fmt: skip


def begun(at_ns: int = T0) -> tuple[Markouts, Course]:
    markouts = Markouts(11.0)
    course = markouts.course("SOLUSDT", GRID)
    course.see(at_ns, 2_002)
    markouts.begin(course, decision(), at_ns)
    return markouts, course


def taken(markouts: Markouts) -> list[Markout]:
    return [each for each in markouts.take(4) if isinstance(each, Markout)]


def test_each_horizon_takes_the_mid_that_stood_then() -> None:
    markouts, course = begun()
    for at_ms, mid2 in ((50, 2_004), (99, 2_006), (101, 2_500), (499, 2_008), (5_000, 2_010), (20_000, 2_012)):
        course.see(T0 + at_ms * MS, mid2)
    assert taken(markouts) == []
    course.see(T0 + 60_001 * MS, 9_999)
    (said,) = taken(markouts)
    assert said.horizons_ms == HORIZONS_MS
    assert said.moved_bps == pytest.approx(
        [(mid2 / 2_002 - 1) * 1e4 for mid2 in (2_006, 2_008, 2_008, 2_010, 2_012, 2_012)]
    )
    assert said.cost_bps == pytest.approx(11.0 + 2 / 1_001 * 1e4)
    assert (said.decision, said.epoch, said.reason, said.signals) == (1, 4, "open", ("obi", "umom"))
    assert (said.regime, said.weights_version, said.decided_ns) == ("high", 3, T0)
    assert taken(markouts) == []


def test_a_gap_leaves_no_figure_for_what_it_hides_and_none_is_made_up_before_it() -> None:
    markouts, course = begun()
    course.see(T0 + 700 * MS, 2_004)
    course.lose(T0 + 900 * MS)
    course.see(T0 + 2_000 * MS, 2_022)
    course.see(T0 + 61_000 * MS, 2_022)
    (said,) = taken(markouts)
    moved = [round(bps, 2) for bps in said.moved_bps]
    assert moved[:2] == [0.0, 0.0]
    assert isnan(moved[2])
    assert moved[3:] == [99.9, 99.9, 99.9]


def test_a_silent_book_keeps_its_mid_and_time_completes_it() -> None:
    markouts, course = begun()
    markouts.tick(T0 + 60 * S + LATE_NS)
    assert taken(markouts) == []
    markouts.tick(T0 + 60 * S + LATE_NS + 1)
    (said,) = taken(markouts)
    assert said.moved_bps == (0.0,) * 6
    assert course.due_ns == FAR_NS


def test_at_the_end_what_has_not_come_is_not_known() -> None:
    markouts, course = begun()
    course.see(T0 + 600 * MS, 2_002)
    markouts.close()
    (said,) = taken(markouts)
    assert said.moved_bps[:2] == (0.0, 0.0)
    assert all(isnan(bps) for bps in said.moved_bps[2:])


def test_another_grid_changes_the_count_and_not_the_price() -> None:
    markouts, course = begun()
    markouts.lose(T0)
    assert markouts.course("SOLUSDT", Scale("0.001", "0.1")) is course
    course.see(T0 + 50 * MS, 20_020)
    markouts.tick(T0 + 70 * S)
    assert taken(markouts)[0].moved_bps == pytest.approx([0.0] * 6)


def test_decisions_under_way_are_bounded() -> None:
    markouts, course = begun()
    for number in range(PENDING_MAX + 9):
        markouts.begin(course, decision(number), T0)
    assert course.pending == PENDING_MAX
    markouts.close()
    assert len(taken(markouts)) == PENDING_MAX


frames = st.lists(st.tuples(st.integers(-500, 20_000), st.sampled_from([1_990, 2_002, 2_010, 0])), max_size=60)


@given(frames, st.sets(st.integers(0, 59), max_size=20))
def test_markouts_are_those_of_a_slow_reading_of_the_whole_history(
    steps: list[tuple[int, int]], asked: set[int]
) -> None:
    """Zero stands for a gap; time may run backwards, which counts as no time."""
    markouts, now = Markouts(0.0), T0
    course = markouts.course("SOLUSDT", GRID)
    history: list[tuple[int, int]] = []
    begun_at: list[tuple[int, int]] = []
    for number, (wait_ms, mid2) in enumerate(steps):
        now = max(now, now + wait_ms * MS)
        if mid2:
            course.see(now, mid2)
        else:
            course.lose(now)
        history.append((now, mid2))
        if number in asked and mid2:
            markouts.begin(course, decision(number, mid2 // 2 - 1, mid2 // 2 + 1), now)
            begun_at.append((now, number))
    course.see(now + 100 * S, 2_002)
    history.append((now + 100 * S, 2_002))
    found = {each.decision: each.moved_bps for each in taken(markouts)}
    assert set(found) == {number for _, number in begun_at}
    for at_ns, number in begun_at:
        for moved, horizon_ns in zip(found[number], HORIZONS_NS, strict=True):
            before = [mid2 for when, mid2 in history if when <= at_ns + horizon_ns]
            then = before[-1]
            start = steps[number][1]
            expected = (then / start - 1) * 1e4 if then else nan
            assert moved == pytest.approx(expected, nan_ok=True)
