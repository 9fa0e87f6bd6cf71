"""What stands between a wish and an order. Nothing else in the system makes an OrderRequest.

Each gate is one function of the Case; its name is the reason in verdicts, logs and tests. Comparisons are written so
that a NaN fails them. Reduce-only orders are made here too, and pass no gate: getting out is never refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from services.execution.limits import Limits
from services.execution.sizing import Prices, affordable_e8, size_lots
from services.execution.wire import OrderRequest, Quote
from shared.clock import NS_PER_MS
from shared.messages import BUY, SELL, Instrument, Intent, Verdict
from shared.offset import Age, Offset, age_of
from shared.scale import E8, Scale

BPS = 10_000
RUNNING = "running"
UNKNOWN_E8 = -1
_INTENT_ID = re.compile(r"[A-Za-z0-9_-]{1,33}")  # With its leg it has to fit Bybit's 36 characters.


@dataclass(frozen=True, slots=True)
class Case:
    """One intent and everything the gates may look at."""

    now: int
    intent: Intent
    limits: Limits
    state: str
    private_up: bool
    journal_ok: bool
    seen_before: bool
    quote: Quote | None
    rules: Instrument | None
    prepared: bool  # Leverage is set at the venue.
    taker_e8: int  # Fee rate of this symbol, UNKNOWN_E8 before we know it.
    available_e8: int  # Free balance, UNKNOWN_E8 before we know it.
    position_lots: int
    pending: int  # Orders of this symbol that are not settled.
    open_symbols: int  # Symbols with a position or an order.
    day_realised_e8: int
    leaving: bool = False  # The scanner lets the symbol go.


class Check(NamedTuple):
    """One gate's answer: what it looked at and what it allows."""

    passed: bool
    value: float
    limit: float


def _yes(value: bool) -> Check:
    return Check(value is True, float(value), 1.0)


def _at_most(value: float, limit: float) -> Check:
    return Check(value <= limit, float(value), float(limit))


def state_running(case: Case) -> Check:
    """We are reconciled, nobody paused us, nothing is latched and we are not stopping."""
    return _yes(case.state == RUNNING)


def private_stream_up(case: Case) -> Check:
    """We would hear of the fill."""
    return _yes(case.private_up)


def journal_writable(case: Case) -> Check:
    """The last attempt to write the order journal worked."""
    return _yes(case.journal_ok)


def intent_new(case: Case) -> Check:
    """This intent was never acted on."""
    return _yes(not case.seen_before)


def intent_sane(case: Case) -> Check:
    """Its id can name an order, it has a side, and its confidence is a share."""
    intent = case.intent
    named = _INTENT_ID.fullmatch(intent.intent_id) is not None
    sided = intent.side in (BUY, SELL) and min(intent.entry_ticks, intent.stop_ticks, intent.target_ticks) > 0
    return _yes(named and sided and 0.0 <= intent.confidence <= 1.0 and -1.0 <= intent.score <= 1.0)


def intent_in_time(case: Case) -> Check:
    """It has not expired: late is worse than lost. Milliseconds past its end."""
    return _at_most((case.now - case.intent.expires_ns) / NS_PER_MS, 0.0)


def symbol_tradable(case: Case) -> Check:
    """The instrument is known, trades, and its leverage is set."""
    return _yes(case.rules is not None and case.rules.status == "Trading" and case.prepared)


def symbol_stays(case: Case) -> Check:
    """The symbol is not on its way out of the universe."""
    return _yes(not case.leaving)


def book_valid(case: Case) -> Check:
    """We see an uncrossed book, of the same life of ingest that the intent was decided on."""
    quote = case.quote
    if quote is None or not quote.valid:
        return _yes(False)
    return _yes(0 < quote.best_bid_ticks < quote.best_ask_ticks and quote.generation == case.intent.generation)


def book_fresh(case: Case) -> Check:
    """Our book is young enough, ms."""
    age_ns = case.now - case.quote.recv_ns if case.quote else 1 << 62
    return _at_most(age_ns / NS_PER_MS, case.limits.stale_ns / NS_PER_MS)


def data_fresh(case: Case) -> Check:
    """What the book shows is surely young enough, by the venue's own stamp and the measured difference of the clocks,
    ms. A difference that is known no better than the limit is not known.
    """
    limit = case.limits.stale_ns / NS_PER_MS
    if not case.limits.clock_measured:
        return Check(True, 0.0, limit)
    age = _age(case, case.now)
    return _at_most(max(age.at_least_ns, age.uncertainty_ns) / NS_PER_MS if age else float("inf"), limit)


def feed_latency(case: Case) -> Check:
    """The way from the venue's engine to our socket surely took no longer than this, ms."""
    limit_ns = case.limits.max_latency_ns
    if not case.limits.clock_measured or limit_ns == 0:
        return Check(True, 0.0, limit_ns / NS_PER_MS)
    age = _age(case, case.quote.recv_ns) if case.quote else None
    return _at_most(age.at_least_ns / NS_PER_MS if age else float("inf"), limit_ns / NS_PER_MS)


def spread_bps(case: Case) -> Check:
    """The spread is narrow enough, basis points of the mid."""
    spread = _spread_ticks(case)
    mid = _mid_ticks(case)
    return _at_most(spread / mid * BPS if mid > 0 else float("inf"), case.limits.max_spread_bps)


def spread_ticks(case: Case) -> Check:
    """The spread is narrow enough in ticks, where that is limited at all."""
    limit = case.limits.max_spread_ticks
    return _at_most(_spread_ticks(case), limit if limit != 0 else float("inf"))


def one_position(case: Case) -> Check:
    """We hold nothing in this symbol."""
    return _at_most(abs(case.position_lots), 0)


def no_pending_order(case: Case) -> Check:
    """Every earlier order in this symbol is settled."""
    return _at_most(case.pending, 0)


def max_positions(case: Case) -> Check:
    """There would not be too many positions even if every order filled."""
    return _at_most(case.open_symbols + 1, case.limits.max_positions)


def price_collar(case: Case) -> Check:
    """The order's price is near our own mid and near the price the intent was decided at, basis points."""
    mid, decided, price = _mid_ticks(case), case.intent.entry_ticks, entry_ticks(case)
    if not (mid > 0 and decided > 0 and price > 0):
        return Check(False, float("inf"), case.limits.collar_bps)
    away = max(abs(price - mid) / mid, abs(price - decided) / decided)
    return _at_most(away * BPS, case.limits.collar_bps)


def bracket_sides(case: Case) -> Check:
    """Stop and target lie on their own sides of the price."""
    intent, price = case.intent, entry_ticks(case)
    stop, target = intent.stop_ticks, intent.target_ticks
    low, high = (stop, target) if intent.side == BUY else (target, stop)
    return _yes(0 < low < price < high)


def bracket_pays_fees(case: Case) -> Check:
    """The way to the target is longer than both taker fees, ticks; a bracket that cannot win is not opened."""
    if case.taker_e8 < 0:
        return Check(False, float("inf"), 0.0)
    price, target = entry_ticks(case), case.intent.target_ticks
    way = (target - price) * case.intent.side
    fees = case.taker_e8 * (price + target)
    return Check(way * E8 > fees, float(way), fees / E8)


def daily_loss(case: Case) -> Check:
    """Today's realised loss is below the limit, quote coin."""
    loss = -case.day_realised_e8
    return Check(loss < case.limits.max_daily_loss_e8, loss / E8, case.limits.max_daily_loss_e8 / E8)


def size_allowed(case: Case) -> Check:
    """Some size meets the venue's least order, our caps and the free balance; lots."""
    lots = entry_lots(case)
    return Check(lots > 0, float(lots), 1.0)


GATES: tuple[Callable[[Case], Check], ...] = (
    state_running, private_stream_up, journal_writable,
    intent_new, intent_sane, intent_in_time, symbol_tradable, symbol_stays,
    book_valid, book_fresh, data_fresh, feed_latency, spread_bps, spread_ticks,
    one_position, no_pending_order, max_positions,
    price_collar, bracket_sides, bracket_pays_fees, daily_loss, size_allowed,
)  # fmt: skip


def _age(case: Case, at_ns: int) -> Age | None:
    """Return how old the book's newest change was at ``at_ns``, None when that cannot be told."""
    quote = case.quote
    if quote is None or not quote.cts_ns or not quote.clock_at_ns:
        return None
    return age_of(quote.cts_ns, at_ns, Offset(quote.clock_offset_ns, quote.clock_uncertainty_ns, quote.clock_at_ns))


def _spread_ticks(case: Case) -> int:
    return case.quote.best_ask_ticks - case.quote.best_bid_ticks if case.quote else 0


def _mid_ticks(case: Case) -> float:
    return (case.quote.best_ask_ticks + case.quote.best_bid_ticks) / 2 if case.quote else 0.0


def _reach_ticks(case: Case) -> int:
    """Return how far beyond the far touch the order may go: the tolerance, less where the collar ends earlier."""
    wanted = case.limits.tolerance_ticks
    room = _mid_ticks(case) * case.limits.collar_bps / BPS - _spread_ticks(case) / 2
    if wanted <= room:
        return wanted
    return int(room) if 0 <= room < wanted else 0


def entry_ticks(case: Case) -> int:
    """Return the limit price of the entry: the far touch and a little more."""
    if case.quote is None:
        return 0
    if case.intent.side == BUY:
        return case.quote.best_ask_ticks + _reach_ticks(case)
    return case.quote.best_bid_ticks - _reach_ticks(case)


def entry_lots(case: Case) -> int:
    """Return the size of the entry, 0 when none fits."""
    rules, quote, limits = case.rules, case.quote, case.limits
    if rules is None or quote is None or case.taker_e8 < 0:
        return 0
    reach = _reach_ticks(case)
    prices = Prices(low_ticks=quote.best_bid_ticks - reach, high_ticks=quote.best_ask_ticks + reach)
    cap_e8 = min(limits.max_position_e8, affordable_e8(case.available_e8, limits.leverage, case.taker_e8))
    return size_lots(limits.position_size_e8, cap_e8, prices, rules, Scale(rules.tick, rules.lot))


def review(case: Case, request_id: int, order_link_id: str) -> tuple[Verdict, OrderRequest | None]:
    """Return the verdict on one intent, and the order if every gate passed; the first that fails is named."""
    intent = case.intent
    for gate in GATES:
        check = gate(case)
        if check.passed is not True:
            return _verdict(intent, gate.__name__, check), None
    assert case.rules is not None
    order = OrderRequest(
        request_id=request_id,
        order_link_id=order_link_id,
        symbol=intent.symbol,
        tick=case.rules.tick,
        lot=case.rules.lot,
        side=intent.side,
        qty_lots=entry_lots(case),
        price_ticks=entry_ticks(case),
        stop_ticks=intent.stop_ticks,
        target_ticks=intent.target_ticks,
        reduce_only=False,
        decided_ns=intent.decided_ns,
        expires_ns=intent.expires_ns,
    )
    return _verdict(intent, "", Check(True, float(order.qty_lots), float(order.price_ticks))), order


def _verdict(intent: Intent, gate: str, check: Check) -> Verdict:
    return Verdict(intent.intent_id, intent.symbol, gate, check.value, check.limit, intent.decided_ns)


def close(request_id: int, order_link_id: str, symbol: str, scale: Scale, position_lots: int) -> OrderRequest:
    """Return the reduce-only market order that closes a whole position. It passes no gate, on purpose."""
    assert position_lots != 0, f"nothing to close in {symbol}"
    return OrderRequest(
        request_id=request_id,
        order_link_id=order_link_id,
        symbol=symbol,
        tick=scale.tick,
        lot=scale.lot,
        side=SELL if position_lots > 0 else BUY,
        qty_lots=abs(position_lots),
        price_ticks=0,
        stop_ticks=0,
        target_ticks=0,
        reduce_only=True,
        decided_ns=0,
        expires_ns=0,
    )
