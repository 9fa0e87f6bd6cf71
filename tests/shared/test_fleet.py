"""The fleet page: heartbeats, counters and histograms in plain words of memory."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.fleet import COUNTERS, COUNTERS_MAX, SIZE, Counters, FleetPage, Histogram, Life, Word
from shared.offset import Offset


def page() -> FleetPage:
    fresh = FleetPage(bytearray(SIZE))
    fresh.create()
    return fresh


def test_a_page_of_another_layout_is_refused() -> None:
    page().check()
    with pytest.raises(AssertionError, match="layout 0"):
        FleetPage(bytearray(SIZE)).check()


def test_counts_of_all_workers_add_up() -> None:
    fleet = page()
    fleet.counters("ingest").add("frames", 5)
    fleet.counters("exchange").add("frames")
    assert fleet.total("frames") == 6
    assert fleet.counters("ingest")["frames"] == 5


def test_a_counter_outlives_its_writer() -> None:
    memory = bytearray(SIZE)
    FleetPage(memory).counters("execution").add("fills", 2)
    FleetPage(memory).counters("execution").add("fills")
    assert FleetPage(memory).total("fills") == 3


def test_workers_do_not_share_rows() -> None:
    fleet = page()
    fleet.enrol("signals", 7, 2, Life.RUNNING)
    fleet.beat("signals", 123)
    fleet.put(Word.DATA_GENERATION, 4)
    assert fleet.enrolled("signals") == (7, 2, Life.RUNNING)
    assert fleet.heartbeat_ns("signals") == 123
    assert fleet.enrolled("scanner") == (0, 0, Life.DOWN)
    assert fleet.heartbeat_ns("execution") == 0
    assert fleet.get(Word.DATA_GENERATION) == 4


def test_every_counter_has_its_own_word() -> None:
    assert len(set(COUNTERS)) == len(COUNTERS) <= COUNTERS_MAX
    counters = Counters()
    for value, name in enumerate(COUNTERS):
        counters.set(name, value)
    assert [counters[name] for name in COUNTERS] == list(range(len(COUNTERS)))


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_right_to_seven_percent(durations: list[int], share: float) -> None:
    histogram = Histogram()
    for ns in durations:
        histogram.observe(ns)
    exact = sorted(durations)[max(0, math.ceil(share * len(durations)) - 1)]
    assert histogram.count == len(durations)
    assert histogram.quantile_ns(share) == pytest.approx(exact, rel=0.07, abs=1)


def test_the_venues_clock_is_unknown_until_it_was_measured() -> None:
    page = FleetPage(bytearray(SIZE))
    page.put(Word.CLOCK_OFFSET_NS, -5)
    assert page.venue_clock is None
    page.put(Word.CLOCK_UNCERTAINTY_NS, 7)
    page.put(Word.CLOCK_AT_NS, 9)
    assert page.venue_clock == Offset(-5, 7, 9)


def test_an_empty_histogram_has_no_quantile() -> None:
    assert math.isnan(Histogram().quantile_ns(0.5))


def test_several_equal_durations_are_counted_in_one_go() -> None:
    one, other = Histogram(), Histogram()
    one.observe(1_000, 3)
    for _ in range(3):
        other.observe(1_000)
    assert (one.count, one.quantile_ns(0.5)) == (other.count, other.quantile_ns(0.5))
