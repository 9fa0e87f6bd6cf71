"""Gates on what we see: no entry on a book that is void, old, late, wide, or of a clock that nobody knows."""

from __future__ import annotations

from services.execution.case import BPS, Case, mid_ticks, spread_ticks
from services.execution.gate import HUGE, UNKNOWN, Check, at_most, yes
from shared.clock import NS_PER_MS, NS_PER_S
from shared.offset import drift_ns

CLOCK_OLD_NS = 4 * 3600 * NS_PER_S  # By then a clock has drifted further than any limit on the age of data.
AGE_MS_LEAST = -1000.0  # What is stamped in the future is known no better than the clocks.


def book_valid(case: Case) -> Check:
    """We see an uncrossed book, of the same life of ingest that the intent was decided on."""
    quote = case.quote
    if quote is None or quote.valid is not True:
        return yes(False)
    uncrossed = 0 < quote.best_bid_ticks < quote.best_ask_ticks <= HUGE
    return yes(uncrossed and quote.generation == case.intent.generation)


def book_fresh(case: Case) -> Check:
    """Our book is young enough, ms."""
    if case.quote is None:
        return UNKNOWN
    return at_most((case.now - case.quote.recv_ns) / NS_PER_MS, case.limits.stale_ns / NS_PER_MS)


def clock_close(case: Case) -> Check:
    """The venue's clock is near ours, ms: far away, one of the two has just been set or is not to be trusted."""
    limit_ns = case.limits.risk.clock_offset_ns
    if case.limits.clock_measured is False or limit_ns == 0:
        return Check(True, 0.0, limit_ns / NS_PER_MS)
    if case.quote is None or not 0 <= case.now - case.quote.clock_at_ns <= CLOCK_OLD_NS:
        return UNKNOWN
    return at_most(abs(case.quote.clock_offset_ns) / NS_PER_MS, limit_ns / NS_PER_MS)


def data_fresh(case: Case) -> Check:
    """What the book shows is surely young enough, by the venue's own stamp and the measured difference of the clocks,
    ms. A difference that is known no better than the limit is not known.
    """
    limit = case.limits.stale_ns / NS_PER_MS
    if case.limits.clock_measured is False:
        return Check(True, 0.0, limit)
    age = _age(case, case.now)
    if age is None or not age[0] / NS_PER_MS >= AGE_MS_LEAST:
        return UNKNOWN
    return at_most(max(age) / NS_PER_MS, limit)


def feed_latency(case: Case) -> Check:
    """The way from the venue's engine to our socket surely took no longer than this, ms."""
    limit_ns = case.limits.max_latency_ns
    if case.limits.clock_measured is False or limit_ns == 0:
        return Check(True, 0.0, limit_ns / NS_PER_MS)
    age = _age(case, case.quote.recv_ns) if case.quote else None
    if age is None:
        return UNKNOWN
    return at_most(age[0] / NS_PER_MS, limit_ns / NS_PER_MS, least=AGE_MS_LEAST)


def spread_bps(case: Case) -> Check:
    """The spread is narrow enough, basis points of the mid."""
    mid = mid_ticks(case)
    return at_most(spread_ticks(case) / mid * BPS, case.limits.max_spread_bps) if mid > 0 else UNKNOWN


def spread_in_ticks(case: Case) -> Check:
    """The spread is narrow enough in ticks, where that is limited at all."""
    limit = case.limits.max_spread_ticks
    return at_most(float(spread_ticks(case)), float(limit) if limit != 0 else HUGE)


def _age(case: Case, at_ns: int) -> tuple[int, int] | None:
    """Return the age that the book's newest change surely had at ``at_ns`` and its uncertainty (`shared/offset.py`),
    ns; None when that cannot be told.
    """
    quote = case.quote
    if quote is None or not (quote.cts_ns > 0 and quote.clock_at_ns > 0 and quote.clock_uncertainty_ns >= 0):
        return None
    uncertainty_ns = quote.clock_uncertainty_ns + drift_ns(at_ns - quote.clock_at_ns)
    return at_ns + quote.clock_offset_ns - quote.cts_ns - uncertainty_ns, uncertainty_ns
