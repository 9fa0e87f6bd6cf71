"""The flow detectors on labelled markets, decoys included, with everything at its default.

How alarms and events are matched is said in tests/detection.py. PEREGRINE_SEEDS (comma separated) chooses the seeds of
the full-size runs; those that stand here were never used while the detectors were built.
"""

from __future__ import annotations

import os

import pytest

from services.exchange.truth import Deed
from tests.detection import KINDS, MS, NOW, Alarm, Tally, matches, sign_of, table, watched

GOAL = {"sweep": 0.95, "ltb": 0.95, "ice": 0.80, "prt": 0.80}
SEEDS = tuple(int(text) for text in os.environ.get("PEREGRINE_SEEDS", "").split(",") if text) or tuple(
    range(7001, 7011)
)
SYMBOLS, SECONDS = range(4), 600


def judge(total: dict[str, Tally], events: int) -> None:
    """Print the confusion matrix and hold it against the goals."""
    print(f"\n{table(total)}")
    for kind, goal in GOAL.items():
        assert total[kind].events >= events, kind
        assert total[kind].decoys >= events, kind
        assert total[kind].precision >= goal, kind
        assert total[kind].recall >= goal, kind


def quiet(total: dict[str, Tally], seconds: int) -> None:
    """Print the alarms of a market without events: less than one in ten minutes may be false."""
    print(f"\n{table(total)}")
    for kind in KINDS:
        assert total[kind].events == 0
        assert total[kind].false < max(1, seconds / 600), kind


def test_events_are_told_from_decoys() -> None:
    judge(watched((1, 2), (2,), 160, "labelled"), 2)


@pytest.mark.parametrize("profile", ["calm", "lively"])
def test_a_market_without_events_raises_no_alarm(profile: str) -> None:
    quiet(watched((1,), (2,), 60, profile), 60)


@pytest.mark.full
@pytest.mark.timeout(3_600)
def test_events_are_told_from_decoys_on_ten_unseen_seeds() -> None:
    judge(watched(SEEDS, SYMBOLS, SECONDS, "labelled"), 15 * len(SEEDS))


@pytest.mark.full
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("profile", ["calm", "lively"])
def test_markets_without_events_raise_less_than_one_false_alarm_in_ten_minutes(profile: str) -> None:
    seeds = SEEDS[:2] if profile == "lively" else SEEDS  # What the slow eyes see there takes long to see.
    quiet(watched(seeds, SYMBOLS, SECONDS, profile), len(seeds) * len(SYMBOLS) * SECONDS)


# --- the rule of matching -------------------------------------------------------------------------------------------


def deed(kind: str, side: int) -> Deed:
    found = Deed(kind, "", "event", "SOLUSDT", side, NOW)
    found.spans(1000)
    found.spans(1002)
    found.end_ns = NOW + 1_000 * MS
    return found


def alarm(kind: str, after_ms: int, bid_ticks: int) -> Alarm:
    return Alarm(kind, NOW + after_ms * MS, 1, bid_ticks, bid_ticks + 1)


def test_an_alarm_belongs_to_an_event_of_its_time_and_price() -> None:
    one = deed("sweep", -1)
    assert [matches(alarm("sweep", after, 1001), one) for after in (-1, 0, 1_400, 1_401)] == [False, True, True, False]
    assert [matches(alarm("sweep", 0, bid), one) for bid in (993, 994, 1008, 1009)] == [False, True, True, False]
    berg = deed("ice", 1)
    assert [matches(alarm("ice", 0, bid), berg) for bid in (999, 1000, 1002, 1003)] == [False, True, True, False]


def test_a_wall_counts_from_the_pull_and_its_fade_goes_the_other_way() -> None:
    wall = deed("prt", 1)
    wall.details["pulled_ns"] = NOW + 500 * MS
    assert [matches(alarm("prt", after, 1004), wall) for after in (499, 500)] == [False, True]
    assert (sign_of(wall), sign_of(deed("ice", 1)), sign_of(deed("ltb", -1))) == (-1, 1, -1)
