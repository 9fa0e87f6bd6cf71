"""The edge report finds what was planted, and does not believe in figures that depend on each other."""

from __future__ import annotations

import random
from math import isnan, nan, sqrt

import pytest

from services.monitor.edge import HORIZONS_MAX, NAMES_MAX, Batches, EdgeBook, student
from shared.messages import Markout

S = 1_000_000_000
HORIZONS = (100, 500, 1_000, 5_000, 30_000, 60_000)


def markout(number: int, scores: dict[str, float], moved: tuple[float, ...], **changes: object) -> Markout:
    usual: dict[str, object] = {
        "decision": number, "symbol": "SOLUSDT", "direction": 1, "reason": "confidence", "score": 0.1,
        "scores": tuple(scores.values()), "signals": tuple(scores), "weights_version": 0, "regime": "",
        "horizons_ms": HORIZONS[: len(moved)], "moved_bps": moved, "cost_bps": 12.0, "decided_ns": number * 10 * S,
        "epoch": 0,
    }  # fmt: skip
    return Markout(**usual | changes)  # type: ignore[arg-type]


def test_a_planted_edge_lies_within_its_interval_as_often_as_it_should() -> None:
    planted = {"true": 2.0, "noise": 0.0, "false": -1.5}
    inside = dict.fromkeys(planted, 0)
    seeds = 100
    for seed in range(seeds):
        rng, book = random.Random(seed), EdgeBook()
        for number in range(150):
            scores = {name: rng.uniform(-1, 1) for name in planted}
            moved = rng.gauss(0, 4) + sum(edge if scores[name] > 0 else -edge for name, edge in planted.items())
            book.hear(markout(number, scores, (moved, nan)))
        found = book.report()
        for name, edge in planted.items():
            row = found[name]["100"]
            inside[name] += row["low_bps"] <= edge <= row["high_bps"]
            assert row["decisions"] == 150
            assert row["net_bps"] == pytest.approx(row["edge_bps"] - 12.0, abs=1e-3)
        assert "500" not in found["true"]
    print(f"\nplanted edge within its 95 % interval over {seeds} seeds: {inside}")
    assert all(each >= 0.9 * seeds for each in inside.values())
    assert found["true"]["100"]["low_bps"] > 0 > found["false"]["100"]["high_bps"]


def test_overlapping_markouts_do_not_feign_certainty() -> None:
    """Decisions four times a second at a horizon of 5 s, on a score that turns slowly: a random walk has no edge."""
    inside = naive_inside = 0
    seeds = 40
    for seed in range(seeds):
        rng, book = random.Random(seed), EdgeBook()
        walk, score, scores = [0.0], 0.0, []
        for _ in range(2_400):
            walk.append(walk[-1] + rng.gauss(0, 1))
            score += rng.gauss(0, 0.3) - 0.02 * score
            scores.append(score)
        values = []
        for at in range(2_380):
            moved = walk[at + 20] - walk[at]
            values.append(moved if scores[at] > 0 else -moved)
            book.hear(markout(at, {"slow": scores[at]}, (nan, nan, nan, moved), decided_ns=at * S // 4))
        row = book.report()["slow"]["5000"]
        inside += row["low_bps"] <= 0.0 <= row["high_bps"]
        mean = sum(values) / len(values)
        error = sqrt(sum((value - mean) ** 2 for value in values)) / len(values)
        naive_inside += abs(mean) <= 1.96 * error
    print(f"\nno edge within the interval in {inside}/{seeds} seeds; taken one by one in {naive_inside}/{seeds}")
    assert inside >= 0.85 * seeds > naive_inside


def test_a_signal_without_an_opinion_takes_no_part_and_the_decision_itself_does() -> None:
    book = EdgeBook()
    book.hear(markout(0, {"obi": 0.0, "umom": -0.4}, (3.0,), direction=-1, reason="enter"))
    book.hear(markout(1, {"obi": 0.0, "umom": 0.4}, (1.0,), direction=0))
    found = book.report()
    assert "obi" not in found
    assert found["umom"]["100"]["edge_bps"] == -1.0
    assert found["fused"]["100"]["decisions"] == found["taken"]["100"]["decisions"] == 1
    assert found["fused"]["100"]["low_bps"] is None


def test_names_and_horizons_are_bounded() -> None:
    book = EdgeBook()
    book.hear(markout(0, {f"s{at}": 1.0 for at in range(NAMES_MAX + 9)}, (1.0,)))
    assert len(book.report()) == NAMES_MAX
    many = tuple(range(1, HORIZONS_MAX + 9))
    book.hear(markout(1, {"s0": 1.0}, (1.0,) * len(many), horizons_ms=many))
    assert len(book.report()["s0"]) == HORIZONS_MAX


def test_batches_of_one_are_an_ordinary_mean() -> None:
    batches, values = Batches(), [1.0, 4.0, 2.5, 7.0]
    for value in values:
        batches.add(value)
        batches.close()
    found = batches.interval()
    mean = sum(values) / 4
    error = sqrt(sum((value - mean) ** 2 for value in values) / 3 / 4)
    assert found.mean == mean
    assert found.high - found.mean == pytest.approx(student(3) * error)
    assert isnan(Batches().interval().mean)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (10, 2.2281), (100, 1.9840)]
)
def test_quantiles_of_student(freedom: int, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, rel=0.02)
    assert isnan(student(0))
