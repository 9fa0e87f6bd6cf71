"""The configuration arrives in the core's own units."""

from __future__ import annotations

from services.execution.limits import limits_of
from shared.config import Config
from shared.scale import E8


def test_units() -> None:
    limits = limits_of(Config())
    assert limits.position_size_e8 == 500 * E8
    assert limits.stop_share_e6 == 5_000
    assert limits.time_exit_ns == round(Config().brackets.time_exit_s * 1e9)
    assert (limits.stale_ns, limits.recv_window_ns, limits.rest_timeout_ns) == (
        500_000_000,
        2_500_000_000,
        2_000_000_000,
    )
    assert limits.flatten_on_stop
    assert (limits.max_latency_ns, limits.clock_measured) == (80_000_000, True)
