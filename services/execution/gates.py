"""What stands between a wish and an order. Nothing else in the system makes an OrderRequest.

Each gate is one function of the Case; its name is the reason in verdicts, logs and tests. All of them are always
asked, so that a verdict says everything that stood in the way and how near the rest was; the first that fails gives
it its name. Reduce-only orders are made here too, and pass no gate: getting out is never refused.
"""

from __future__ import annotations

from services.execution import gates_data, gates_money, gates_state
from services.execution.case import RUNNING as RUNNING
from services.execution.case import UNKNOWN_E8 as UNKNOWN_E8
from services.execution.case import Case as Case
from services.execution.gate import Gate, ask
from services.execution.wire import AmendRequest, OrderRequest
from shared.messages import BUY, SELL, Verdict
from shared.scale import Scale

GATES: tuple[Gate, ...] = (
    gates_state.kill_switch, gates_state.state_running, gates_state.private_stream_up, gates_state.journal_writable,
    gates_state.intent_new, gates_state.intent_sane, gates_state.intent_in_time,
    gates_state.symbol_tradable, gates_state.symbol_stays, gates_state.delivery_far, gates_state.funding_far,
    gates_data.book_valid, gates_data.book_fresh, gates_data.clock_close, gates_data.data_fresh,
    gates_data.feed_latency, gates_data.spread_bps, gates_data.spread_in_ticks,
    gates_state.one_position, gates_state.no_pending_order, gates_state.max_positions, gates_state.intent_not_doubled,
    gates_state.venue_accepts, gates_state.order_rate,
    gates_money.daily_loss_usdt, gates_money.daily_loss_r, gates_money.daily_loss_pct, gates_money.drawdown,
    gates_money.slippage, gates_state.cooldown_after_loss,
    gates_money.price_collar, gates_money.bracket_sides, gates_money.bracket_pays_fees,
    gates_money.size_allowed, gates_money.risk_of_equity, gates_money.position_value, gates_money.exposure,
)  # fmt: skip


FIRST_ONLY = (
    gates_state.intent_new, gates_state.one_position, gates_state.no_pending_order, gates_state.max_positions,
    gates_state.intent_not_doubled, gates_state.cooldown_after_loss,
)  # fmt: skip
"""What a later leg of the same intent is not asked again: it passed them once, and what they count is its own."""
AGAIN = tuple(gate for gate in GATES if gate not in FIRST_ONLY)
_NAMES, _NAMES_AGAIN = tuple(gate.__name__ for gate in GATES), tuple(gate.__name__ for gate in AGAIN)


def review(case: Case, request_id: int, order_link_id: str) -> tuple[Verdict, OrderRequest | None]:
    """Return the verdict on one leg of an intent, and the order if every gate passed."""
    intent = case.intent
    verdict = _judge(case)
    if verdict.gate:
        return verdict, None
    assert case.rules is not None
    order = OrderRequest(
        request_id=request_id,
        order_link_id=order_link_id,
        symbol=intent.symbol,
        tick=case.rules.tick,
        lot=case.rules.lot,
        side=intent.side,
        qty_lots=case.plan.lots,
        price_ticks=case.plan.price_ticks,
        stop_ticks=intent.stop_ticks,
        target_ticks=intent.target_ticks,
        reduce_only=False,
        decided_ns=intent.decided_ns,
        expires_ns=intent.expires_ns,
        post=case.post,
        risk_e8=case.plan.risk_e8,
    )
    return verdict, order


def reprice(case: Case, request_id: int, order_link_id: str) -> tuple[Verdict, AmendRequest | None]:
    """Return the same for a resting order that is to follow the touch, its bracket with it."""
    intent = case.intent
    verdict = _judge(case)
    if verdict.gate:
        return verdict, None
    assert case.rules is not None
    amend = AmendRequest(
        request_id=request_id,
        order_link_id=order_link_id,
        symbol=intent.symbol,
        tick=case.rules.tick,
        price_ticks=case.plan.price_ticks,
        stop_ticks=intent.stop_ticks,
        target_ticks=intent.target_ticks,
    )
    return verdict, amend


def _judge(case: Case) -> Verdict:
    intent = case.intent
    gates, names = (AGAIN, _NAMES_AGAIN) if case.left_lots else (GATES, _NAMES)
    try:
        checks = tuple([gate(case) for gate in gates])
    except (ArithmeticError, ValueError):  # One of them cannot even say why: the others shall.
        checks = tuple([ask(gate, case) for gate in gates])
    gate, value, limit = "", float(case.plan.lots), float(case.plan.price_ticks)
    for check in checks:
        if check.passed is not True:
            gate = next(name for name, one in zip(names, checks, strict=True) if one is check)
            value, limit = check.value, check.limit
            break
    return Verdict(intent.intent_id, intent.symbol, gate, value, limit, intent.decided_ns, names, checks)


def close(
    request_id: int, order_link_id: str, symbol: str, scale: Scale, position_lots: int, *, price_ticks: int = 0,
    slip_bps: int = 0,
) -> OrderRequest:  # fmt: skip
    """Return the reduce-only order that closes so much of a position: at the market, or resting at ``price_ticks``.

    At the market it goes ``slip_bps`` beyond the touch, or as far as the venue lets it (0).

    It passes no gate, on purpose.
    """
    assert position_lots != 0, f"nothing to close in {symbol}"
    return OrderRequest(
        request_id=request_id,
        order_link_id=order_link_id,
        symbol=symbol,
        tick=scale.tick,
        lot=scale.lot,
        side=SELL if position_lots > 0 else BUY,
        qty_lots=abs(position_lots),
        price_ticks=price_ticks,
        stop_ticks=0,
        target_ticks=0,
        reduce_only=True,
        decided_ns=0,
        expires_ns=0,
        post=price_ticks > 0,
        slip_bps=slip_bps,
    )
