"""The place in the queue is estimated as the formula has it, and never out of bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.execution.queue import Queue, after_cancel

LOTS = st.integers(0, 10**9)


def test_the_golden_case() -> None:
    assert after_cancel(front=40, back=60, decrease=20, shown=80) == 32.0


def test_whoever_joins_last_has_everything_in_front_and_trades_take_it_away() -> None:
    queue = Queue(100)
    assert queue.front == 100
    queue.trade(30)
    assert queue.front == 70
    queue.trade(500)
    assert queue.front == 0


def test_what_comes_later_stands_behind_and_shares_in_later_cancels() -> None:
    queue = Queue(40)
    queue.level(100)
    assert queue.front == 40
    queue.level(80)
    assert queue.front == 32


def test_a_cancel_with_nobody_behind_us_was_in_front() -> None:
    queue = Queue(40)
    queue.level(15)
    assert queue.front == 15


def test_what_went_between_two_looks_was_traded_as_far_as_trades_were_counted_and_cancelled_beyond() -> None:
    queue = Queue(100)
    queue.see(traded=30, shown=50)
    assert queue.front == 50
    queue.see(traded=30, shown=80)
    assert queue.front == 50
    queue.see(traded=40, shown=None)
    assert queue.front == 40
    queue.see(traded=0, shown=None)
    assert queue.front == 40, "a count that begins anew takes nothing back"


@given(LOTS, st.lists(st.tuples(st.sampled_from(["trade", "level"]), LOTS), max_size=50))
def test_the_front_never_grows_and_never_exceeds_what_is_shown(joined: int, news: list[tuple[str, int]]) -> None:
    queue = Queue(joined)
    before = queue.front
    for kind, lots in news:
        queue.trade(lots) if kind == "trade" else queue.level(lots)
        assert 0 <= queue.front <= min(before, queue.shown)
        before = queue.front


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1), st.sampled_from([0.5, 1.0, 2.0, 3.0]))
def test_any_power_stays_within_bounds(front: float, back: float, share: float, power: float) -> None:
    decrease = share * (front + back)
    shown = front + back - decrease
    assert 0 <= after_cancel(front, back, decrease, shown, power) <= min(front, max(shown, 0))
