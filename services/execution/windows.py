"""When a symbol must be flat: around its own funding times, and before the venue stops trading it.

Funding hours differ from symbol to symbol and change, so none is assumed: the venue is asked when the next one is, and
the symbol's own interval says where the others lie.
"""

from __future__ import annotations

from services.execution.limits import RiskLimits
from shared.clock import NS_PER_S
from shared.messages import Instrument

NS_PER_MIN = 60 * NS_PER_S
INTERVAL_MIN_MAX = 7 * 1440
AHEAD_NS_MAX = INTERVAL_MIN_MAX * NS_PER_MIN
NEVER_NS = 1 << 60
NOW_NS_MAX = 1 << 62
FUNDING, DELIVERY = "funding", "delivery"


def funding_away_ns(next_ns: int, interval_min: int, now: int) -> int:
    """Return how far the nearest funding is, before or after ``now``; -1 when that is not known.

    ``next_ns`` may have passed: with an interval it still says where the others lie.
    """
    if not (
        next_ns > 0
        and 0 <= interval_min <= INTERVAL_MIN_MAX
        and 0 < now <= NOW_NS_MAX
        and next_ns - now <= AHEAD_NS_MAX
    ):
        return -1
    if interval_min:
        period_ns = interval_min * NS_PER_MIN
        phase_ns = (now - next_ns) % period_ns
        return min(phase_ns, period_ns - phase_ns)
    return next_ns - now if now <= next_ns else -1


def funding_close_due(next_ns: int, interval_min: int, window_ns: int, now: int) -> bool:
    """Whether a position has to be closed for funding. What is not known closes nothing: it only bars entries."""
    return window_ns > 0 and 0 <= funding_away_ns(next_ns, interval_min, now) <= window_ns


def close_due(rules: Instrument | None, next_ns: int, limits: RiskLimits, now: int) -> str:
    """Return why a position in a symbol has to be closed now: funding, delivery, or not at all."""
    if rules is None:
        return ""
    if funding_close_due(next_ns, rules.funding_interval_min, limits.funding_ns, now):
        return FUNDING
    return DELIVERY if delivery_close_due(rules.delivery_ms, limits.delivery_ns, now) else ""


def delivery_away_ns(delivery_ms: int, now: int) -> int:
    """Return how far the end of a symbol's trading is; below 0 when it is over, NEVER_NS when none is planned."""
    return delivery_ms * 1_000_000 - now if delivery_ms else NEVER_NS


def delivery_close_due(delivery_ms: int, window_ns: int, now: int) -> bool:
    """Whether a position has to be closed because its symbol ends."""
    return window_ns > 0 and delivery_away_ns(delivery_ms, now) <= window_ns
