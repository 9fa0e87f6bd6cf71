"""Funding: at the end of every interval longs pay size x mark x rate to shorts; a negative rate turns it around."""

from __future__ import annotations

from services.exchange.account import divide
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.rows import FUNDING, Execution
from shared.scale import E8, to_e8

MINUTE_MS = 60_000


class Funding:
    """Settles the account's positions; the position stays as it is, money moves."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._soonest_ms = 0  # Nothing is due before; 0: not known yet.

    def advance(self, now: int) -> None:
        """Settle what is due. Only positions held at that instant count."""
        now_ms, due_ms = now // NS_PER_MS, self._desk.next_funding_ms
        if now_ms < self._soonest_ms:
            return
        for symbol, money in self._desk.money.items():
            known = due_ms.get(symbol)
            if known is not None and now_ms < known:
                continue
            due_ms[symbol] = self._next_ms(symbol, now_ms)
            if known is not None and money.instrument.funding_interval_min:
                self.settle(symbol, now)
        self._soonest_ms = min(due_ms.values(), default=0)

    def _next_ms(self, symbol: str, now_ms: int) -> int:
        interval_ms = max(1, self._desk.money[symbol].instrument.funding_interval_min) * MINUTE_MS
        return (now_ms // interval_ms + 1) * interval_ms

    def rate_e8(self, symbol: str) -> int:
        """Return the present rate as the ticker shows it, a fraction at 1e-8."""
        return to_e8(self._desk.market.ticker_row(symbol).get("fundingRate", ""))

    def settle(self, symbol: str, now: int, rate_e8: int | None = None) -> bool:
        """Pay or receive funding for one position; False where there is none."""
        desk, position = self._desk, self._desk.account.position(symbol)
        mark_e8 = desk.market.mark_e8(symbol)
        if not position.lots or not mark_e8:
            return False
        rate = self.rate_e8(symbol) if rate_e8 is None else rate_e8
        value = desk.money[symbol].value_e8(mark_e8, abs(position.lots))
        paid = position.side * divide(value * rate, E8)
        desk.account.fund(symbol, paid, now // NS_PER_MS)
        desk.seq += 1
        position.seq = desk.seq
        # The venue fills orderId with an id of its own; the side is taken to be the position's.
        done = Execution(
            exec_id=desk.new_id(), symbol=symbol, order_id=desk.new_id(), order_link_id="", side=position.side,
            order_type="UNKNOWN", kind="", create_type="", order_price_ticks=0, order_qty_lots=0, leaves_lots=0,
            price_ticks=0, qty_lots=abs(position.lots), value_e8=value, fee_e8=paid, rate_e8=rate, is_maker=False,
            closed_lots=0, pnl_e8=0, mark_e8=mark_e8, exec_ms=now // NS_PER_MS, seq=desk.seq, exec_type=FUNDING,
            price_e8=mark_e8, position_lots=position.lots, wallet_e8=desk.account.wallet_e8,
            leverage_e2=position.leverage_e2, grid=desk.grid(symbol),
        )  # fmt: skip
        desk.tell_execution(done)
        return True
