"""What the gates look at: one intent, the book, the account, and the order that would come of it.

The order's price, size and risk are worked out once, whichever gate asks first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from services.execution.limits import Limits
from services.execution.routing import near_touch
from services.execution.sizing import (
    E6,
    Prices,
    Wish,
    affordable_e8,
    least_lots,
    loss_e8,
    risk_e8,
    scale_of,
    size_lots,
    tier_percent,
)
from services.execution.wire import Quote
from shared.messages import BUY, SELL, Instrument, Intent
from shared.scale import E8

BPS = 10_000
RUNNING, LATCHED = "running", "latched"
UNKNOWN_E8 = -1
TICKS_MAX = 1 << 53  # No price and no size of ours is beyond this,
MONEY_E8_MAX = 10**23  # nor money at 1e-8 beyond this,
LEVERAGE_MAX = 1_000  # nor any leverage beyond this.
TOLERANCE_TICKS_MAX = 1_000_000


class Standing(NamedTuple):
    """How the account stands as seen from one symbol; money at 1e-8 of the quote coin."""

    equity_e8: int  # By the venue's last word, UNKNOWN_E8 before there is one.
    opening_e8: int  # What the day began with, UNKNOWN_E8 before that is known.
    result_e8: int  # Of the day, or since the breakers were re-armed in it: realised, and open as last seen.
    result_r_e6: int  # The same in millionths of R.
    open_loss_e8: int  # What positions and orders of other symbols lose besides, if each goes to its stop.
    open_count: int  # Of these.
    drawdown_e6: int  # From the day's peak, millionths of that peak.
    exposure_e8: int  # Value of positions and orders of other symbols.
    own_e8: int  # Value of the position in this one.
    breaches: int  # Of slippage, counted like the result.
    rejects: int  # Entries refused by the venue in a row,
    rejected_ns: int  # the last one then; 0: never.
    lost_ns: int  # When this symbol last lost; 0: never.
    entered_ns: int  # When an intent for this side of it last passed; 0: never.
    tokens: int  # Order requests that may leave now.
    next_funding_ns: int  # 0: not known.


@dataclass(slots=True)
class Case:
    """One intent and everything the gates may look at. Nothing of it changes once a gate was asked."""

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
    standing: Standing
    leaving: bool = False  # The scanner lets the symbol go.
    post: bool = False  # It is to rest at the near touch instead of taking at the far one.
    left_lots: int = 0  # What a later leg of an intent may still buy; 0: this is its first.
    _plan: Plan | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def plan(self) -> Plan:
        """The order that would come of it."""
        if self._plan is None:
            self._plan = plan_of(self)
        return self._plan


class Plan(NamedTuple):
    """An order before it is one. Sizes are 0 when nothing fits."""

    price_ticks: int
    lots: int
    value_e8: int  # At the worst price it may fill at.
    risk_e8: int  # What it loses at its stop, both fees included: its R.
    budget_e8: int  # What it may lose.


NOTHING = Plan(0, 0, 0, 0, 0)


def spread_ticks(case: Case) -> int:
    """Return the spread, 0 without a book."""
    return case.quote.best_ask_ticks - case.quote.best_bid_ticks if case.quote else 0


def mid_ticks(case: Case) -> float:
    """Return the mid, 0 without a book."""
    return (case.quote.best_ask_ticks + case.quote.best_bid_ticks) / 2 if case.quote else 0.0


def reach_ticks(case: Case) -> int:
    """Return how far beyond the far touch the order may go: the tolerance, less where the collar ends earlier."""
    wanted = case.limits.tolerance_ticks
    room = mid_ticks(case) * case.limits.collar_bps / BPS - spread_ticks(case) / 2
    if wanted <= room:
        return wanted
    return int(room) if 0 <= room < wanted else 0


def entry_ticks(case: Case) -> int:
    """Return the limit price of the entry: the near touch where it rests, else the far touch and a little more.

    0 when there is no book, or a figure in it or in the limits that cannot be true.
    """
    quote, side, limits = case.quote, case.intent.side, case.limits
    if quote is None or not 0 < quote.best_bid_ticks < quote.best_ask_ticks <= TICKS_MAX or side not in (BUY, SELL):
        return 0
    if not (0 <= limits.tolerance_ticks <= TOLERANCE_TICKS_MAX and 0 <= limits.collar_bps <= BPS):
        return 0
    if case.post is True:
        return near_touch(quote, side)
    if case.post is not False:
        return 0
    return quote.best_ask_ticks + reach_ticks(case) if side == BUY else quote.best_bid_ticks - reach_ticks(case)


def _prices(case: Case, quote: Quote, price: int) -> Prices:
    """Return what the entry may cost: what rests may fill later and elsewhere, but never outside the collar."""
    if not case.post:
        reach = price - quote.best_ask_ticks if case.intent.side == BUY else quote.best_bid_ticks - price
        return Prices(quote.best_bid_ticks - reach, quote.best_ask_ticks + reach)
    entry = case.intent.entry_ticks
    low, high = min(quote.best_bid_ticks, entry), max(quote.best_ask_ticks, entry)
    room = int(high * case.limits.collar_bps / BPS) + 1
    return Prices(low - room, high + room)


def plan_of(case: Case) -> Plan:
    """Return the order that would come of a case. What cannot be sized has no size."""
    rules, quote, intent, standing = case.rules, case.quote, case.intent, case.standing
    price = entry_ticks(case)
    if rules is None or quote is None or not (price > 0 and _can_be_sized(case, rules)):
        return NOTHING._replace(price_ticks=price)
    prices, scale = _prices(case, quote, price), scale_of(rules.tick, rules.lot)
    unit_loss_e8 = loss_e8(price, intent.stop_ticks, case.taker_e8)
    percent = tier_percent(standing.drawdown_e6)
    budget_e8 = standing.equity_e8 * case.limits.risk.risk_e6 // E6
    if case.left_lots:  # The first leg was sized for all of them.
        lots = case.left_lots if case.left_lots >= least_lots(prices, rules, scale) else 0
    else:
        lots = size_lots(_wish(case, budget_e8, percent), unit_loss_e8, prices, rules, scale)
    value_e8 = scale.value_e8(prices.high_ticks, lots)
    return Plan(price, lots, value_e8, risk_e8(lots, unit_loss_e8, scale), budget_e8)


def _can_be_sized(case: Case, rules: Instrument) -> bool:
    """Whether every figure that a size rests on can be true: a NaN among them would be lost in a minimum."""
    limits = case.limits
    return (
        0 <= limits.position_size_e8 <= MONEY_E8_MAX
        and 0 <= limits.max_position_e8 <= MONEY_E8_MAX
        and 0 <= case.available_e8 <= MONEY_E8_MAX
        and 0 <= rules.min_notional_e8 <= MONEY_E8_MAX
        and 0 < rules.min_lots <= TICKS_MAX
        and 0 < rules.max_lots <= TICKS_MAX
        and 0 < rules.max_market_lots <= TICKS_MAX
        and 0 < case.intent.stop_ticks <= TICKS_MAX
        and 0 < case.standing.equity_e8 <= MONEY_E8_MAX
        and 0 <= case.taker_e8 <= E8
        and 0 < limits.leverage <= LEVERAGE_MAX
        and 0 < limits.risk.risk_e6 <= E6
        and 0 <= case.left_lots <= TICKS_MAX
    )


def _wish(case: Case, budget_e8: int, percent: int) -> Wish:
    limits, standing = case.limits, case.standing
    cap_e8 = min(
        limits.max_position_e8,
        standing.equity_e8 * limits.leverage,
        affordable_e8(case.available_e8, limits.leverage, case.taker_e8),
    )
    return Wish(budget_e8, limits.position_size_e8, cap_e8, percent)
