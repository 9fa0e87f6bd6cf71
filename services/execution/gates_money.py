"""Gates on money: what the day has lost, what is at stake, and whether this order is worth it and within every cap."""

from __future__ import annotations

from services.execution.case import BPS, MONEY_E8_MAX, TICKS_MAX, Case, mid_ticks
from services.execution.gate import HUGE, UNKNOWN, Check, at_least, at_most, below, yes
from services.execution.sizing import E6, TIERS
from shared.messages import BUY
from shared.scale import E8


def daily_loss_usdt(case: Case) -> Check:
    """The day has lost less than this, also if everything that is open goes to its stop; quote coin."""
    standing = case.standing
    return _lost(standing.open_loss_e8, standing.result_e8, case.limits.max_daily_loss_e8)


def daily_loss_pct(case: Case) -> Check:
    """The same against what the day began with; quote coin."""
    standing = case.standing
    if not 0 < standing.opening_e8 <= MONEY_E8_MAX:
        return UNKNOWN
    limit_e8 = standing.opening_e8 * case.limits.risk.daily_loss_e6 // E6
    return _lost(standing.open_loss_e8, standing.result_e8, limit_e8)


def daily_loss_r(case: Case) -> Check:
    """The same in R, where everything that is open loses one."""
    standing = case.standing
    if not 0 <= standing.open_count <= HUGE:
        return UNKNOWN
    lost_e6 = standing.open_count * E6 - standing.result_r_e6
    return below(lost_e6 / E6, case.limits.risk.daily_loss_r_e6 / E6, least=-HUGE)


def _lost(open_loss_e8: int, result_e8: int, limit_e8: int) -> Check:
    lost_e8 = open_loss_e8 - result_e8
    fits = open_loss_e8 >= 0 and -MONEY_E8_MAX <= lost_e8 < limit_e8 <= MONEY_E8_MAX
    return Check(fits, lost_e8 / E8, limit_e8 / E8)


def drawdown(case: Case) -> Check:
    """The equity is near enough to the day's peak that some size is left, percent."""
    return below(case.standing.drawdown_e6 / 10_000, TIERS[-1][0] / 10_000)


def slippage(case: Case) -> Check:
    """Entries have filled near the prices they were sent at: breaches so far."""
    return below(float(case.standing.breaches), float(case.limits.risk.breaches))


def price_collar(case: Case) -> Check:
    """The order's price is near our own mid and near the price the intent was decided at, basis points."""
    mid, decided, price = mid_ticks(case), case.intent.entry_ticks, case.plan.price_ticks
    if not (mid > 0 and 0 < decided <= TICKS_MAX and price > 0):
        return UNKNOWN
    away = max(abs(price - mid) / mid, abs(price - decided) / decided)
    return at_most(away * BPS, case.limits.collar_bps)


def bracket_sides(case: Case) -> Check:
    """Stop and target lie on their own sides of the price."""
    intent, price = case.intent, case.plan.price_ticks
    stop, target = intent.stop_ticks, intent.target_ticks
    low, high = (stop, target) if intent.side == BUY else (target, stop)
    return yes(0 < low < price < high <= TICKS_MAX)


def bracket_pays_fees(case: Case) -> Check:
    """The target lies a tick beyond break-even, both fees as a taker; ticks of way, and what both cost with the tick.

    A bracket in Full mode closes as a taker, and an entry that rests may still end as one.
    """
    if not 0 <= case.taker_e8 <= E8:
        return UNKNOWN
    price, target = case.plan.price_ticks, case.intent.target_ticks
    way = (target - price) * case.intent.side
    cost_e8 = case.taker_e8 * (price + target) + E8
    return Check(price > 0 and 0 < cost_e8 <= way * E8 <= TICKS_MAX * E8, float(way), cost_e8 / E8)


def exposure(case: Case) -> Check:
    """Everything we hold, may still get, and would get from this is worth no more than this; quote coin."""
    standing, limit_e8 = case.standing, case.limits.risk.exposure_e8
    others_e8, own_e8, this_e8 = standing.exposure_e8, standing.own_e8, case.plan.value_e8
    value_e8 = others_e8 + own_e8 + this_e8
    parts = others_e8 >= 0 and own_e8 >= 0 and this_e8 >= 0
    return Check(parts and value_e8 <= limit_e8 <= MONEY_E8_MAX, value_e8 / E8, limit_e8 / E8)


def position_value(case: Case) -> Check:
    """The position it would make is worth no more than one may be, at the worst price; quote coin."""
    own_e8, value_e8, limit_e8 = case.standing.own_e8, case.plan.value_e8, case.limits.max_position_e8
    fits = own_e8 >= 0 and value_e8 >= 0 and own_e8 + value_e8 <= limit_e8 <= MONEY_E8_MAX
    return Check(fits, (own_e8 + value_e8) / E8, limit_e8 / E8)


def risk_of_equity(case: Case) -> Check:
    """It loses no more at its stop, costs included, than the share of the equity that one entry may; quote coin."""
    plan = case.plan
    return Check(0 <= plan.risk_e8 <= plan.budget_e8 <= MONEY_E8_MAX, plan.risk_e8 / E8, plan.budget_e8 / E8)


def size_allowed(case: Case) -> Check:
    """Some size meets the venue's least order, our caps and the free balance; lots."""
    most = case.rules.max_lots if case.rules else 0
    return at_least(float(case.plan.lots), 1.0, most=most) if most <= TICKS_MAX else UNKNOWN
