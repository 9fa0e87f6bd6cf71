"""Fleet time."""

import time

from shared.clock import FleetClock, measure_epoch_ns


def test_fleet_time_is_near_the_wall_clock_and_never_runs_back() -> None:
    clock = FleetClock(measure_epoch_ns())
    first = clock.now()
    assert abs(first - time.time_ns()) < 1_000_000_000
    assert clock.now() >= first
