"""Entries never spend what cancels, stops and exits may need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.execution.bucket import Bucket
from tests.services.execution.rig import MS, NOW, S


def test_a_second_s_worth_may_leave_at_once_and_comes_back_with_time() -> None:
    bucket = Bucket(10)
    assert bucket.left(NOW) == 10
    bucket.spend(10, NOW)
    assert bucket.left(NOW) == 0
    assert bucket.left(NOW + 99 * MS) == 0
    assert bucket.left(NOW + 100 * MS) == 1
    assert bucket.left(NOW + 10 * S) == 10


def test_what_may_not_wait_may_overdraw_but_not_for_ever() -> None:
    bucket = Bucket(10)
    bucket.spend(100, NOW)
    assert bucket.left(NOW) == -10
    assert bucket.left(NOW + S) == 0


def test_a_clock_that_steps_back_brings_nothing() -> None:
    bucket = Bucket(10)
    bucket.spend(10, NOW)
    assert bucket.left(NOW - S) == 0
    assert bucket.left(NOW + 100 * MS) == 1


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3)), max_size=60))
def test_whoever_waits_for_it_never_sends_more_than_allowed(per_s: int, steps: list[tuple[int, int]]) -> None:
    bucket, now, sent = Bucket(per_s), NOW, []
    for wait_ms, wanted in steps:
        now += wait_ms * MS
        allowed = min(wanted, max(0, bucket.left(now)))
        bucket.spend(allowed, now)
        sent += [now] * allowed
    for first in sent:
        assert sum(first <= at < first + S for at in sent) <= 2 * per_s
