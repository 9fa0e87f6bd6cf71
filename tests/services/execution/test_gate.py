"""The bricks of a gate: whatever is no figure fails."""

from __future__ import annotations

import math

import pytest

from services.execution.gate import HUGE, ask, at_least, at_most, below, yes
from tests.services.execution.gates_rig import case

NONSENSE = (math.nan, math.inf, -math.inf, -1.0, 1e300)


@pytest.mark.parametrize("value", NONSENSE)
def test_no_nonsense_is_within_a_limit_and_no_nonsense_limits(value: float) -> None:
    for check in (at_most(value, 5.0), below(value, 5.0), at_least(value, 5.0), at_most(5.0, value), below(5.0, value),
                  at_least(5.0, value)):  # fmt: skip
        assert check.passed is False


def test_the_edges() -> None:
    assert at_most(5, 5).passed
    assert not below(5, 5).passed
    assert at_least(5, 5).passed
    assert at_most(-3, 5, least=-3).passed
    assert not at_most(-4, 5, least=-3).passed
    assert not at_least(6, 5, most=5).passed
    assert at_most(HUGE, HUGE).passed


@pytest.mark.parametrize("value", [False, 1, 1.0, math.nan, "yes", None])
def test_yes_is_true_alone(value: object) -> None:
    if value not in ("yes", None):
        assert yes(value).passed is False  # type: ignore[arg-type]
    assert yes(True).passed is True


def test_where_arithmetic_fails_nothing_passes() -> None:
    assert not ask(lambda _: yes(1 / 0 > 0), case()).passed
    assert not ask(lambda _: at_most(int(math.inf), 1), case()).passed
