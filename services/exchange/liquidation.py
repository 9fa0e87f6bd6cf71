"""The hard ends of positions: liquidation, auto-deleveraging, the end of a contract.

Simplified where the venue goes in steps: at a maintenance rate of 1 all orders are cancelled, then everything is taken
over at its bankruptcy price, at which the account is left with nothing. The engine that takes over does not trade.
"""

from __future__ import annotations

from typing import NamedTuple

from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.engine import Engine
from services.exchange.orders import BEFORE_ADL, BEFORE_LIQUIDATION, BY_SETTLE, NO_ERROR, OrderRequest
from services.exchange.rows import ADL_TRADE, BUST_TRADE, SETTLE
from shared.scale import E8

TAKEN_OVER, DELEVERAGED, SETTLED = "CreateByTakeOver_PassThrough", "CreateByAdl_PassThrough", "CreateBySettle"


class Liquidated(NamedTuple):
    """One takeover, as the public stream tells it."""

    symbol: str
    side: int  # Of the position that was liquidated.
    lots: int
    price_ticks: int  # The bankruptcy price.
    at_ms: int


class Liquidation:
    """Watches the maintenance margin, and ends positions outside the book."""

    def __init__(self, desk: Desk, engine: Engine) -> None:
        self._desk, self._engine = desk, engine
        self._done: list[Liquidated] = []

    def take(self) -> list[Liquidated]:
        """Return the takeovers since the last call."""
        done, self._done = self._done, []
        return done

    # --- liquidation ----------------------------------------------------------------------------------------------

    def check(self, now: int) -> None:
        """Liquidate if the equity does not cover the maintenance margin any more."""
        held = [symbol for symbol, position in self._desk.account.positions.items() if position.lots]
        if not held or not all(self._desk.market.mark_e8(symbol) for symbol in held):
            return
        unrealised, _, maintenance = self._desk.held_margin()
        if self._desk.account.wallet_e8 + unrealised <= maintenance:
            self.take_over(now)

    def take_over(self, now: int) -> bool:
        """Cancel every order, then close every position at its bankruptcy price; False where there is none.

        An account in good health, liquidated on command, loses the initial margin of its positions and no more.
        """
        held = [symbol for symbol, position in self._desk.account.positions.items() if position.lots]
        if not held:
            return False
        self._cancel_all("", BEFORE_LIQUIDATION, now)
        for symbol, price_ticks in self._bankruptcy_ticks(held).items():
            position = self._desk.account.position(symbol)
            side, lots = position.side, abs(position.lots)
            self._close(symbol, lots, price_ticks, BUST_TRADE, TAKEN_OVER, now)
            self._done.append(Liquidated(symbol, side, lots, price_ticks, now // NS_PER_MS))
        return True

    def _bankruptcy_ticks(self, held: list[str]) -> dict[str, int]:
        """Return the prices at which the margin is gone after the fees, on the tick that it can still afford.

        The margin is the equity, or the initial margin where that is less; each position has a share of it in
        proportion to its value.
        """
        desk, rate = self._desk, self._desk.account.taker_rate_e8
        values = {
            symbol: desk.money[symbol].value_e8(
                desk.market.mark_e8(symbol), abs(desk.account.position(symbol).lots)
            )
            for symbol in held
        }  # fmt: skip
        margin, total = desk.margin(), max(1, sum(values.values()))
        prices = {}
        for symbol, value in values.items():
            position, money = desk.account.position(symbol), desk.money[symbol]
            tick, share = money.scale.tick_e8, min(margin.equity_e8, margin.position_im_e8) * value // total
            worth = max(0, value - position.side * share) * E8 // (E8 - position.side * rate)
            price_e8 = money.average_e8(worth, abs(position.lots))
            prices[symbol] = max(1, -(-price_e8 // tick) if position.side > 0 else price_e8 // tick)
        return prices

    # --- auto-deleveraging and the end of a contract --------------------------------------------------------------

    def deleverage(self, symbol: str, lots: int, now: int) -> bool:
        """Close up to ``lots`` at the mark: the price of a counterparty's bankruptcy is made up. Taker's fee."""
        lots = min(lots, abs(self._desk.account.position(symbol).lots))
        if lots <= 0:
            return False
        self._cancel_all(symbol, BEFORE_ADL, now)
        self._close(symbol, lots, self._ticks(symbol, self._desk.market.mark_e8(symbol)), ADL_TRADE, DELEVERAGED, now)
        return True

    def set_status(self, symbol: str, status: str, now: int) -> None:
        """Change a symbol's status; with Closed its orders end and its position is settled at the index price.

        The venue averages the index over the last half hour; here it is the present one, and settling is free.
        """
        self._desk.statuses[symbol] = status
        if status != "Closed":
            return
        self._cancel_all(symbol, BY_SETTLE, now)
        lots = abs(self._desk.account.position(symbol).lots)
        price_e8 = self._desk.market.index_e8(symbol) or self._desk.market.mark_e8(symbol)
        if lots:
            self._close(symbol, lots, self._ticks(symbol, price_e8), SETTLE, SETTLED, now)

    # --- the parts ------------------------------------------------------------------------------------------------

    def _ticks(self, symbol: str, price_e8: int) -> int:
        tick = self._desk.money[symbol].scale.tick_e8
        return max(1, (2 * price_e8 + tick) // (2 * tick))

    def _cancel_all(self, symbol: str, cancel_type: str, now: int) -> None:
        for order in self._desk.orders.open_orders(symbol):
            if order.open:  # One may have ended as a consequence of another.
                self._engine.withdraw(order, now, cancel_type, NO_ERROR)

    def _close(self, symbol: str, lots: int, price_ticks: int, exec_type: str, create_type: str, now: int) -> None:
        request = OrderRequest(
            symbol=symbol, side=-self._desk.account.position(symbol).side, order_type="Market", tif="IOC",
            price_ticks=price_ticks, qty_lots=lots, reduce_only=True, link_id="", take_profit=None, stop_loss=None,
            close_on_trigger=True, create_type=create_type,
        )  # fmt: skip
        settled = exec_type == SETTLE  # Recorded as an execution, not as an order.
        order = self._desk.new_order(request, now, listed=not settled)
        self._engine.outside(order, price_ticks, now, exec_type, free=settled)
        if not settled:
            self._desk.tell(order)
