"""Outcomes are spoken of by number in compiled code."""

from __future__ import annotations

from services.ingest.core import COUNTER_OF
from shared.fleet import COUNTERS
from shared.kernel import Outcome


def test_outcomes_are_numbered_without_holes() -> None:
    assert [int(outcome) for outcome in Outcome] == list(range(10))


def test_every_outcome_that_is_not_good_has_a_counter() -> None:
    assert set(Outcome) - set(COUNTER_OF) == {Outcome.APPLIED, Outcome.SNAPSHOT}
    assert set(COUNTER_OF.values()) <= set(COUNTERS)
