"""The account's desk: its orders, money and executions, and the only ways in which they change.

Every change is told: to the oracle at once, and to the private stream through ``news``, which the core collects at the
end of the event.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

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
from services.exchange.rows import TRADE, Execution, Row, execution_row, order_row
from services.exchange.rules import BAND_X_E8, BAND_Y_E8, Rules
from shared.messages import BUY
from shared.scale import E8

__all__ = ["BAND_X_E8", "BAND_Y_E8", "NS_PER_MS", "Band", "Desk", "News"]

NS_PER_MS = 1_000_000
PREMIUM_SAMPLES = 30  # Seconds over which the band's premium is averaged.


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

    def __init__(self, market: Market, account: Account, salt: str, rules: Mapping[str, Rules] | None = None) -> None:
        self.market, self.account, self._salt = market, account, salt
        self.orders, self.oracle = OrderTable(), Oracle()
        known = rules or {}
        self.money = {symbol: Money(market.instruments[symbol], known.get(symbol)) for symbol in market.symbols}
        self.grids: dict[str, list[tuple[str, str]]] = {}  # (tick, lot) that a symbol had before its present ones.
        self.statuses: dict[str, str] = {}  # Of symbols whose status has changed since the start.
        self.premiums_e8: dict[str, deque[int]] = {}  # (bid1 + ask1) / 2 - mark, second by second.
        self.sampled_s = 0  # The last second that was sampled.
        self.next_funding_ms: dict[str, int] = {}
        self.heard = 0  # Matches of the market so far.
        self.reopened_ms = 0  # When the exchange was restarted last; 0 if never.
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

    def new_order(self, request: OrderRequest, now: int, listed: bool = True) -> Order:
        """Return a new order, not yet anywhere but in the table; not even there where it is not ``listed``."""
        self._numbers += 1
        order = Order(self._numbers, self.new_id(), request, now // NS_PER_MS)
        order.grid = self.grid(request.symbol)
        order.last_on_created_ticks = self.market.last_ticks(request.symbol)
        if listed:
            self.orders.add(order)
        return order

    # --- changes --------------------------------------------------------------------------------------------------

    def tell(self, order: Order) -> None:
        """Let everybody know the order's present state."""
        self.oracle.heard_order(order)
        self.orders.settle(order)
        self.news.append(News("order", order.symbol, order_row(order, self.money[order.symbol])))
        self.moved[order.symbol] = None

    def execute(
        self, order: Order, price_ticks: int, lots: int, is_maker: bool, now: int,
        exec_type: str = TRADE, free: bool = False, seq: int = 0,
    ) -> None:  # fmt: skip
        """Fill ``lots`` of the order at a price: position, fee, wallet and the execution itself.

        ``seq`` is the match's number in its book; what happens outside of a book gets the next one there is.
        """
        money, now_ms = self.money[order.symbol], now // NS_PER_MS
        value = money.scale.value_e8(price_ticks, lots)
        booked = self.account.execute(order.symbol, order.side, lots, value, is_maker, now_ms, free)
        order.fill(lots, value, now_ms)
        order.fee_e8 += booked.fee_e8
        if booked.closed_lots:
            order.closed_pnl_e8 += booked.pnl_e8 - booked.open_fee_e8 - booked.close_fee_e8
        self.seq = seq or self.seq + 1
        position = self.account.position(order.symbol)
        position.seq = self.seq
        done = Execution(
            exec_id=self.new_id(), symbol=order.symbol, order_id=order.order_id, order_link_id=order.order_link_id,
            side=order.side, order_type=order.type, kind=order.kind, create_type=order.create_type,
            order_price_ticks=order.price_ticks, order_qty_lots=order.qty_lots, leaves_lots=order.left_lots,
            price_ticks=price_ticks, qty_lots=lots, value_e8=value, fee_e8=booked.fee_e8,
            rate_e8=0 if free else self.account.rate_e8(is_maker), is_maker=is_maker, closed_lots=booked.closed_lots,
            pnl_e8=booked.pnl_e8, mark_e8=self.market.mark_e8(order.symbol), exec_ms=now_ms, seq=self.seq,
            exec_type=exec_type, position_lots=position.lots, wallet_e8=self.account.wallet_e8,
            entry_e8=booked.entry_e8, exit_e8=booked.exit_e8, open_fee_e8=booked.open_fee_e8,
            close_fee_e8=booked.close_fee_e8, leverage_e2=position.leverage_e2, grid=self.grid(order.symbol),
        )  # fmt: skip
        self.tell_execution(done)

    def tell_execution(self, done: Execution) -> None:
        """Let everybody know of an execution."""
        self.oracle.heard_execution(done)
        self.news.append(News("execution", done.symbol, execution_row(done, self.money[done.symbol])))
        self.moved[done.symbol] = None

    # --- figures --------------------------------------------------------------------------------------------------

    def grid(self, symbol: str) -> int:
        """Return the number of the symbol's present grid."""
        return len(self.grids.get(symbol, ()))

    def money_of(self, one: Order | Execution) -> Money:
        """Return the arithmetic of the grid that an order or execution, which may be an old one, is written in."""
        money = self.money[one.symbol]
        if one.grid == self.grid(one.symbol):
            return money
        tick, lot = self.grids[one.symbol][one.grid]
        return Money(msgspec.structs.replace(money.instrument, tick=tick, lot=lot), money.rules)

    def regrid(self, symbol: str) -> None:
        """Take over the grid that the market has put a symbol on; what is open is converted by the caller."""
        money = self.money[symbol]
        self.grids.setdefault(symbol, []).append((money.instrument.tick, money.instrument.lot))
        self.money[symbol] = Money(self.market.instruments[symbol], money.rules)

    def all_grids(self) -> dict[str, list[tuple[str, str]]]:
        """Return every (tick, lot) of each symbol since the start, the present one last."""
        return {
            symbol: [*self.grids.get(symbol, ()), (money.instrument.tick, money.instrument.lot)]
            for symbol, money in self.money.items()
        }

    def status(self, symbol: str) -> str:
        """Return the symbol's status: Trading, Delivering, Closed, ..."""
        return self.statuses.get(symbol) or self.money[symbol].instrument.status

    def sample_premiums(self, now: int) -> None:
        """Take note, once a second, of how far each symbol's mid is from its mark."""
        second = now // (1_000 * NS_PER_MS)
        if second == self.sampled_s:
            return
        self.sampled_s = second
        for symbol, money in self.money.items():
            bid, ask = self.market.touch_ticks(symbol)
            mark = self.market.mark_e8(symbol)
            if bid and ask and mark:
                samples = self.premiums_e8.setdefault(symbol, deque(maxlen=PREMIUM_SAMPLES))
                samples.append((bid + ask) * money.scale.tick_e8 // 2 - mark)

    def band(self, symbol: str) -> Band:
        """Return the price band around the mark, rounded inward to the tick. Needs a mark price."""
        tick, rules = self.money[symbol].scale.tick_e8, self.money[symbol].rules
        mark, index = self.market.mark_e8(symbol), self.market.index_e8(symbol)
        samples = self.premiums_e8.get(symbol)
        premium = sum(samples) // len(samples) if samples else 0
        near, far = rules.limit_x_e8, rules.limit_y_e8
        high = min(mark * (E8 + far), max(index * E8, mark * (E8 + near) + max(0, premium) * E8))
        low = max(mark * (E8 - far), min(index * E8, mark * (E8 - near) + min(0, premium) * E8))
        return Band(max(1, -(-low // (E8 * tick))), high // (E8 * tick))

    def margin(self) -> Margin:
        """Return the account's margin at the present marks."""
        unrealised, initial, maintenance = self.held_margin()
        ordered = sum(
            self.order_margin_e8(order.symbol, order.side, order.price_ticks, order.left_lots)
            for order in self.orders.open_orders()
            if order.status in RESTING and not order.closes
        )
        equity = self.account.wallet_e8 + unrealised
        return Margin(unrealised, initial, maintenance, ordered, equity, equity - initial - ordered)

    def held_margin(self) -> tuple[int, int, int]:
        """Return the positions' (unrealised profit, initial margin, maintenance margin) at the present marks."""
        unrealised = initial = maintenance = 0
        for symbol, position in self.account.positions.items():
            if not position.lots:
                continue
            money, mark = self.money[symbol], self.market.mark_e8(symbol)
            unrealised += unrealised_e8(position, money, mark)
            used, kept = position_margin_e8(position, money, mark, self.account.taker_rate_e8)
            initial, maintenance = initial + used, maintenance + kept
        return unrealised, initial, maintenance

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
