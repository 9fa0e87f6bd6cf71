"""Least squares agree with numpy's, and say when there is nothing to say."""

from __future__ import annotations

from math import inf, isclose, sqrt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.signals.regression import UNKNOWN, effects, mean

favour = st.sampled_from((-1.0, 0.0, 1.0))
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.tuples(st.lists(favour, min_size=width, max_size=width), st.floats(-50, 50)), min_size=0, max_size=40
    )
)


@given(tables)
def test_effects_are_what_numpy_finds(table: list[tuple[list[float], float]]) -> None:
    causes, outcomes = [row for row, _ in table], [value for _, value in table]
    width = len(causes[0]) if causes else 0
    found = effects(causes, outcomes)
    if len(causes) < 2 * width:
        assert found == [UNKNOWN] * width
        return
    if not causes:
        assert found == []
        return
    design = np.array(causes)
    if np.linalg.matrix_rank(design) < width:
        assert UNKNOWN in found
        return
    best, *_ = np.linalg.lstsq(design, np.array(outcomes), rcond=None)
    misses = np.array(outcomes) - design @ best
    variance = misses @ misses / (len(causes) - width)
    errors = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))
    for estimate, value, error in zip(found, best, errors, strict=True):
        assert isclose(estimate.value, value, rel_tol=1e-6, abs_tol=1e-6)
        assert isclose(estimate.error, error, rel_tol=1e-6, abs_tol=1e-6)


def test_a_cause_that_is_silent_or_repeats_another_is_unknown() -> None:
    rows = [[0.0, float(at % 2), float(at % 2)] for at in range(20)]
    found = effects(rows, [3.0 * (at % 2) for at in range(20)])
    assert found[0] == found[2] == UNKNOWN
    assert isclose(found[1].value, 3.0)


def test_a_mean_knows_its_error() -> None:
    assert mean([]) == UNKNOWN
    assert mean([4.0]) == (4.0, inf)
    assert mean([1.0, 3.0]) == (2.0, 1.0)
    assert isclose(mean([1.0, 2.0, 3.0, 6.0]).error, sqrt(14 / 3 / 4))
