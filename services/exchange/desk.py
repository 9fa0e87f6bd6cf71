"""The account's desk: its orders, money and executions, and the only ways in which they change.

Every change is told: to the oracle at once, and to the private stream through ``news``, which the core collects at the
end of the event.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from services.exchange.account import (
    Account,
    Margin,
    Money,
    opening_margin_e8,
    position_margin_e8,
    unrealised_e8,
)
from services.exchange.market import Market
from services.exchange.oracle import Oracle
from services.exchange.orders import RESTING, Order, OrderRequest, OrderTable
from services.exchange.rows import Execution, Row, execution_row, order_row
from shared.messages import BUY
from shared.scale import E8

NS_PER_MS = 1_000_000
BAND_X_E8, BAND_Y_E8 = 1_000_000, 2_000_000  # priceLimitRatioX and Y of every symbol: 1 % and 2 %.


class News(NamedTuple):
    """One row for the private stream."""

    topic: str  # order or execution
    symbol: str
    row: Row


class Band(NamedTuple):
    """The prices between which an order may stand."""

    min_sell_ticks: int
    max_buy_ticks: int


class Desk:
    """State of the one account. ``salt`` makes its ids different from those of any other run."""

    def __init__(self, market: Market, account: Account, salt: str) -> None:
        self.market, self.account, self._salt = market, account, salt
        self.orders, self.oracle = OrderTable(), Oracle()
        self.money = {symbol: Money(market.instruments[symbol]) for symbol in market.symbols}
        self.reprice = True  # A limit beyond the band is moved to the band, unless the client asked for an error.
        self._ids = self._numbers = 0
        self.seq = 0
        self.news: list[News] = []
        self.moved: dict[str, None] = {}  # Symbols whose position is to be told, in order.

    # --- names ----------------------------------------------------------------------------------------------------

    def new_id(self) -> str:
        """Return an id that no other order, execution or run has, in the shape of a uuid."""
        self._ids += 1
        text = hashlib.blake2b(f"{self._salt}/{self._ids}".encode(), digest_size=16).hexdigest()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def new_order(self, request: OrderRequest, now: int) -> Order:
        """Return a new order, not yet anywhere but in the table."""
        self._numbers += 1
        order = Order(self._numbers, self.new_id(), request, now // NS_PER_MS)
        order.last_on_created_ticks = self.market.last_ticks(request.symbol)
        self.orders.add(order)
        return order

    # --- changes --------------------------------------------------------------------------------------------------

    def tell(self, order: Order) -> None:
        """Let everybody know the order's present state."""
        self.oracle.heard_order(order)
        self.orders.settle(order)
        self.news.append(News("order", order.symbol, order_row(order, self.money[order.symbol])))
        self.moved[order.symbol] = None

    def execute(self, order: Order, price_ticks: int, lots: int, is_maker: bool, now: int) -> None:
        """Fill ``lots`` of the order at a price: position, fee, wallet and the execution itself."""
        money, now_ms = self.money[order.symbol], now // NS_PER_MS
        value = money.scale.value_e8(price_ticks, lots)
        booked = self.account.execute(order.symbol, order.side, lots, value, is_maker, now_ms)
        order.fill(lots, value, now_ms)
        order.fee_e8 += booked.fee_e8
        if booked.closed_lots:
            closing_fee = booked.fee_e8 * booked.closed_lots // lots
            order.closed_pnl_e8 += booked.pnl_e8 - booked.open_fee_e8 - closing_fee
        self.seq += 1
        self.account.position(order.symbol).seq = self.seq
        done = Execution(
            exec_id=self.new_id(), symbol=order.symbol, order_id=order.order_id, order_link_id=order.order_link_id,
            side=order.side, order_type=order.type, kind=order.kind, create_type=order.create_type,
            order_price_ticks=order.price_ticks, order_qty_lots=order.qty_lots, leaves_lots=order.left_lots,
            price_ticks=price_ticks, qty_lots=lots, value_e8=value, fee_e8=booked.fee_e8,
            rate_e8=self.account.rate_e8(is_maker), is_maker=is_maker, closed_lots=booked.closed_lots,
            pnl_e8=booked.pnl_e8, mark_e8=self.market.mark_e8(order.symbol), exec_ms=now_ms, seq=self.seq,
        )  # fmt: skip
        self.oracle.heard_execution(done)
        self.news.append(News("execution", order.symbol, execution_row(done, money)))
        self.moved[order.symbol] = None

    # --- figures --------------------------------------------------------------------------------------------------

    def band(self, symbol: str) -> Band:
        """Return the price band around the mark, rounded inward to the tick. Needs a mark price."""
        tick = self.money[symbol].scale.tick_e8
        mark, index = self.market.mark_e8(symbol), self.market.index_e8(symbol)
        high = min(mark * (E8 + BAND_Y_E8), max(index * E8, mark * (E8 + BAND_X_E8)))
        low = max(mark * (E8 - BAND_Y_E8), min(index * E8, mark * (E8 - BAND_X_E8)))
        return Band(max(1, -(-low // (E8 * tick))), high // (E8 * tick))

    def margin(self) -> Margin:
        """Return the account's margin at the present marks."""
        unrealised = initial = maintenance = ordered = 0
        for symbol, position in self.account.positions.items():
            if not position.lots:
                continue
            money, mark = self.money[symbol], self.market.mark_e8(symbol)
            unrealised += unrealised_e8(position, money, mark)
            used, kept = position_margin_e8(position, money, mark, self.account.taker_rate_e8)
            initial, maintenance = initial + used, maintenance + kept
        for order in self.orders.open_orders():
            if order.status in RESTING and not order.reduce_only:
                ordered += self.order_margin_e8(order.symbol, order.side, order.price_ticks, order.left_lots)
        equity = self.account.wallet_e8 + unrealised
        return Margin(unrealised, initial, maintenance, ordered, equity, equity - initial - ordered)

    def order_margin_e8(self, symbol: str, side: int, price_ticks: int, lots: int) -> int:
        """Return what an order would tie up; what closes a position ties up nothing."""
        position = self.account.position(symbol)
        opening = lots - min(lots, abs(position.lots)) if side == -position.side else lots
        if not opening:
            return 0
        bid, _ = self.market.touch_ticks(symbol)
        price = price_ticks if side == BUY else max(price_ticks, bid)
        value = self.money[symbol].scale.value_e8(price, opening)
        return opening_margin_e8(side, value, position.leverage_e2, self.account.taker_rate_e8)
