"""A value whose regimes can be measured, which stands still when it is held, and which goes where it is sent."""

from __future__ import annotations

from itertools import pairwise
from math import log, sqrt
from random import Random

from services.exchange.agents.regimes import VOLATILITIES, YEAR_S, RegimeValue
from services.exchange.flow import MS, S, U
from services.exchange.truth import Deed, Truth

ALL = tuple(VOLATILITIES)
BOUNDS = {"quiet": (0.0, 0.3), "normal": (0.3, 1.2), "high": (1.2, 3.0), "extreme": (3.0, 99.0)}


def value_of(seed: int, names: tuple[str, ...] = ALL) -> tuple[RegimeValue, Truth]:
    truth = Truth()
    return RegimeValue("SOLUSDT", Random(seed), 14_820, 0, truth, names), truth


def path(value: RegimeValue, seconds: int, per_s: int = 40) -> list[int]:
    """Return the value at every second."""
    found = [value.uticks]
    for second in range(seconds):
        for step in range(1, per_s + 1):
            value.move(second * S + step * S // per_s)
        found.append(value.uticks)
    return found


def annualised(values: list[int]) -> float:
    returns = [log(after / before) for before, after in pairwise(values)]
    return sqrt(sum(one * one for one in returns) * YEAR_S / len(returns))


def told(truth: Truth, kind: str) -> list[Deed]:
    return [deed for deed in truth.deeds() if deed.kind == kind]


def test_every_regime_lasts_and_measures_what_its_name_says() -> None:
    seen, right, judged = set[str](), 0, 0
    for seed in range(3):
        value, truth = value_of(seed)
        values = path(value, 1_800)
        for deed in told(truth, "volatility"):
            first, last = -(-deed.start_ns // S), deed.end_ns // S
            assert 60 <= last - first + 1 <= 181
            low, high = BOUNDS[deed.form]
            judged += 1
            right += low <= annualised(values[first : last + 1]) < high
            seen.add(deed.form)
    assert seen == set(ALL)
    assert judged > 30
    assert right >= 0.97 * judged


def test_momentum_goes_on_and_reversion_comes_back() -> None:
    moves: dict[str, list[float]] = {"momentum": [], "reverting": []}
    for seed in range(4):
        value, truth = value_of(seed, ("normal",))
        values = path(value, 1_800)
        for deed in told(truth, "drift"):
            first, last = -(-deed.start_ns // S), deed.end_ns // S
            steps = [after - before for before, after in zip(values[first:last], values[first + 1 :], strict=False)]
            typical = sqrt(sum(step * step for step in steps))
            moves[deed.form].append((deed.side or 1) * sum(steps) / typical)
    momentum, reverting = moves["momentum"], moves["reverting"]
    assert sum(move > 0.5 for move in momentum) > 0.9 * len(momentum)
    assert sum(abs(move) < 1.0 for move in reverting) > 0.9 * len(reverting)


def test_a_held_value_stands_still_but_draws_on() -> None:
    held, free = value_of(7, ("high",))[0], value_of(7, ("high",))[0]
    path(held, 5)
    path(free, 5)
    held.hold(8 * S)
    before = held.uticks
    for now in range(5 * S + 25 * MS, 8 * S, 25 * MS):
        held.move(now)
        free.move(now)
        assert held.uticks == before
    assert free.uticks != before
    assert held._rng.random() == free._rng.random()


def test_a_nudge_lasts() -> None:
    value, _ = value_of(1, ("quiet",))
    before = value.uticks
    value.nudge(50 * U)
    path(value, 20)
    assert abs(value.uticks - before - 50 * U) < 15 * U


def test_a_run_arrives_in_time_and_stays() -> None:
    value, _ = value_of(2, ("normal",))
    target = int(14_820 * 1.06) * U
    value.run(target, 120 * S)
    path(value, 119)
    assert abs(value.uticks / target - 1) < 0.003


def test_the_value_stays_in_its_region_for_a_day() -> None:
    value, _ = value_of(3)
    home = value.uticks
    for now in range(S // 2, 86_400 * S, S // 2):
        value.move(now)
        assert abs(value.uticks / home - 1) < 0.12


def test_makers_lean_into_a_momentum_only() -> None:
    value, _ = value_of(4)
    for now in range(25 * MS, 300 * S, 25 * MS):
        value.move(now)
        assert value.pushing == (value.lean != 0)
        assert abs(value.lean) <= 1
