"""Gates on ourselves and the symbol: who may enter at all, with what, and how often."""

from __future__ import annotations

import re

from services.execution.case import LATCHED, RUNNING, TICKS_MAX, Case
from services.execution.gate import HUGE, UNKNOWN, Check, at_least, at_most, below, yes
from services.execution.windows import NEVER_NS, delivery_away_ns, funding_away_ns
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import BUY, SELL

DOUBLE_NS = 250 * NS_PER_MS  # A second wish for the same side within this is the first one, said twice.
TTL_NS_MAX = 60 * NS_PER_S  # No intent lives longer.
MIN_NS, HOUR_NS = 60 * NS_PER_S, 3600 * NS_PER_S
_INTENT_ID = re.compile(r"[A-Za-z0-9_-]{1,33}")  # With its leg it has to fit Bybit's 36 characters.


def kill_switch(case: Case) -> Check:
    """Nobody, and no breaker, has said kill since the last reset."""
    return yes(case.state != LATCHED)


def state_running(case: Case) -> Check:
    """We are reconciled, nobody paused us and we are not stopping."""
    return yes(case.state == RUNNING)


def private_stream_up(case: Case) -> Check:
    """We would hear of the fill."""
    return yes(case.private_up)


def journal_writable(case: Case) -> Check:
    """The last attempt to write the order journal worked."""
    return yes(case.journal_ok)


def intent_new(case: Case) -> Check:
    """This intent was never acted on."""
    return yes(case.seen_before is False)


def intent_sane(case: Case) -> Check:
    """Its id can name an order, it has a side and prices, and its confidence is a share."""
    intent = case.intent
    named = _INTENT_ID.fullmatch(intent.intent_id) is not None
    priced = 0 < intent.entry_ticks <= TICKS_MAX and 0 < intent.stop_ticks <= TICKS_MAX
    priced = priced and 0 < intent.target_ticks <= TICKS_MAX
    shares = 0.0 <= intent.confidence <= 1.0 and -1.0 <= intent.score <= 1.0
    return yes(named and priced and shares and intent.side in (BUY, SELL))


def intent_in_time(case: Case) -> Check:
    """It has not expired: late is worse than lost. Milliseconds past its end."""
    past_ns = case.now - case.intent.expires_ns
    return at_most(past_ns / NS_PER_MS, 0.0, least=-TTL_NS_MAX / NS_PER_MS)


def intent_not_doubled(case: Case) -> Check:
    """Nothing was opened on this side of the symbol a moment ago, ms."""
    since_ns = case.standing.entered_ns
    if since_ns == 0:
        return Check(True, HUGE, DOUBLE_NS / NS_PER_MS)
    return at_least((case.now - since_ns) / NS_PER_MS, DOUBLE_NS / NS_PER_MS) if since_ns > 0 else UNKNOWN


def symbol_tradable(case: Case) -> Check:
    """The instrument is known, trades, and its leverage is set."""
    return yes(case.rules is not None and case.rules.status == "Trading" and case.prepared)


def symbol_stays(case: Case) -> Check:
    """The symbol is not on its way out of the universe."""
    return yes(not case.leaving)


def delivery_far(case: Case) -> Check:
    """The venue goes on trading the symbol for long enough, hours."""
    window_ns = case.limits.risk.delivery_ns
    if window_ns == 0:
        return Check(True, 0.0, 0.0)
    if case.rules is None:
        return UNKNOWN
    away_ns = delivery_away_ns(case.rules.delivery_ms, case.now)
    return at_least(away_ns / HOUR_NS, window_ns / HOUR_NS, most=NEVER_NS / HOUR_NS)


def funding_far(case: Case) -> Check:
    """The symbol's nearest funding is farther than the window and the longest that we would hold, minutes."""
    window_ns = case.limits.risk.funding_ns
    if window_ns == 0:
        return Check(True, 0.0, 0.0)
    if case.rules is None:
        return UNKNOWN
    limit_ns = window_ns + min(case.limits.time_exit_ns, window_ns)
    away_ns = funding_away_ns(case.standing.next_funding_ns, case.rules.funding_interval_min, case.now)
    far = 0 < window_ns <= limit_ns < away_ns and case.limits.time_exit_ns <= NEVER_NS
    return Check(far, away_ns / MIN_NS, limit_ns / MIN_NS)


def one_position(case: Case) -> Check:
    """We hold nothing in this symbol."""
    return at_most(float(abs(case.position_lots)), 0.0)


def no_pending_order(case: Case) -> Check:
    """Every earlier order in this symbol is settled."""
    return at_most(float(case.pending), 0.0)


def max_positions(case: Case) -> Check:
    """There would not be too many positions even if every order filled."""
    return at_most(case.open_symbols + 1.0, float(case.limits.max_positions), least=1.0)


def order_rate(case: Case) -> Check:
    """Requests may still leave this second beyond those kept for cancels, stops and exits."""
    limits = case.limits.risk
    if not (0 <= limits.orders_reserve < limits.orders_per_s <= HUGE):
        return UNKNOWN
    return at_least(float(case.standing.tokens), limits.orders_reserve + 1.0, most=limits.orders_per_s)


def venue_accepts(case: Case) -> Check:
    """The venue has not refused too many entries in a row; after a pause it is tried once more."""
    standing, limits = case.standing, case.limits.risk
    if not (limits.rejects > 0 and limits.reject_pause_ns >= 0):
        return UNKNOWN
    if standing.rejects >= limits.rejects and standing.rejected_ns > 0:
        over = limits.reject_pause_ns <= case.now - standing.rejected_ns <= HUGE * NS_PER_MS
        return Check(over and standing.rejects <= HUGE, float(standing.rejects), float(limits.rejects))
    return below(float(standing.rejects), float(limits.rejects))


def cooldown_after_loss(case: Case) -> Check:
    """The symbol's last loss is long enough ago, ms."""
    limit_ns, lost_ns = case.limits.risk.cooldown_ns, case.standing.lost_ns
    if lost_ns == 0 or limit_ns == 0:
        return Check(True, HUGE, limit_ns / NS_PER_MS)
    return at_least((case.now - lost_ns) / NS_PER_MS, limit_ns / NS_PER_MS) if lost_ns > 0 else UNKNOWN
