"""What happens to the account's orders in the book: matching, cancelling, reduce-only, triggers.

Everything that an event causes is done within the event: the fill, the position, the birth or death of its bracket,
the trimming of reduce-only orders, the triggers that the new price sets off. The market's own turn is one event: all
its matches are booked before anything is done about them, because all of them came first.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.exchange.acceptance import market_bound_ticks, within
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.matching import MET_ITSELF, Fill, MatchingBook, Outcome
from services.exchange.orders import (
    AT_REQUEST,
    BY_REDUCE_ONLY,
    BY_SMP,
    BY_USER,
    CONDITIONAL,
    NO_ERROR,
    RESTING,
    Event,
    Order,
    OrderRequest,
    Status,
)
from services.exchange.stops import Stops

OWNER = 1  # Our account's mark on its orders in the book.
NO_MARGIN_LEFT = "EC_Others"  # The reason of a conditional order that finds no margin at its trigger is not known.


class Engine:
    """Carries orders into the books and their fills back to the desk."""

    def __init__(self, desk: Desk, stops: Stops, books: Mapping[str, MatchingBook]) -> None:
        self._desk, self._stops, self._books = desk, stops, books
        self._matches: list[tuple[str, Fill]] = []
        self._prices: list[tuple[int, str, int]] = []  # (number, symbol, price) of matches that may trigger something
        self._filled: dict[str, None] = {}  # Symbols on which the market's turn has filled an order of ours.

    def take_matches(self) -> list[tuple[str, Fill]]:
        """Return the matches of the account's own takers since the last call, for the public tape."""
        matches, self._matches = self._matches, []
        return matches

    def add_matches(self, matches: list[tuple[str, Fill]]) -> None:
        """Have other matches put on the tape."""
        self._matches += matches

    # --- what the client asks for ---------------------------------------------------------------------------------

    def submit(self, request: OrderRequest, now: int) -> Order:
        """Take an accepted order: let it wait for its trigger, or match it and rest what may rest."""
        order = self._desk.new_order(request, now)
        if request.trigger is not None:
            self._stops.add_conditional(order, now)
        else:
            self._match(order, now)
        return order

    def withdraw(self, order: Order, now: int, cancel_type: str = BY_USER, reason: str = AT_REQUEST) -> bool:
        """Cancel an open order; False if it is too late."""
        if order.status is Status.UNTRIGGERED:
            self._stops.drop_leg(order, cancel_type, reason, now)
            return True
        if order.status not in RESTING:
            return False
        self._end(order, cancel_type, reason, now)
        self._stops.follow_entry(order, now)
        return True

    def reprice(self, order: Order, price_ticks: int, left_lots: int, now: int) -> None:
        """Give a resting order another price or more size: it leaves its place in the queue, and may even match."""
        self._books[order.symbol].cancel(order.book_id)
        order.price_ticks, order.left_lots = price_ticks, left_lots
        order.updated_ms = now // NS_PER_MS
        self._match(order, now)

    def shrink(self, order: Order, left_lots: int, now: int) -> None:
        """Give a resting order less size: it keeps its place in the queue."""
        self._books[order.symbol].reduce(order.book_id, order.left_lots - left_lots)
        order.left_lots, order.updated_ms = left_lots, now // NS_PER_MS
        self._desk.tell(order)

    def outside(self, order: Order, price_ticks: int, now: int, exec_type: str, free: bool = False) -> None:
        """Fill an order outside the book: takeover, auto-deleveraging, settlement."""
        self._desk.execute(order, price_ticks, order.left_lots, False, now, exec_type, free)
        self._books[order.symbol].held_lots[OWNER] = self._desk.account.position(order.symbol).lots
        self._stops.follow_position(order.symbol, now)
        self.trim(order.symbol, now)

    # --- what the market does -------------------------------------------------------------------------------------

    def market_matched(self, symbol: str, fill: Fill, now: int) -> None:
        """Take in one match among the market's own orders, or of one of ours that was resting."""
        self._desk.heard += 1
        if fill.maker_owner == OWNER:
            order = self._fill_maker(fill, now)
            self._settle(order, now)
            self._filled[symbol] = None
        if self._stops.any(symbol):
            self._prices.append((self._desk.heard, symbol, fill.price_ticks))

    def check_triggers(self, now: int) -> None:
        """Do what follows from the market's turn; then compare everything that waits with the present prices."""
        prices, self._prices = self._prices, []
        filled, self._filled = self._filled, {}
        for symbol in filled:
            self.trim(symbol, now)
        for heard, symbol, price_ticks in prices:
            self._trigger(symbol, price_ticks, heard, now)
        for symbol in self._stops.symbols():
            self._trigger(symbol, self._desk.market.last_ticks(symbol), self._desk.heard, now)

    # --- the parts ------------------------------------------------------------------------------------------------

    def _match(self, order: Order, now: int) -> None:
        outcome = self._books[order.symbol].submit(
            order.book_id, OWNER, order.side, order.price_ticks, order.left_lots, order.tif,
            order.smp_type, order.closes,
        )  # fmt: skip
        makers: dict[str, Order] = {}
        for fill in outcome.fills:
            self._matches.append((order.symbol, fill))
            if fill.maker_owner == OWNER:
                maker = self._match_with_itself(order, fill, now)
                makers[maker.order_id] = maker
            else:
                self._desk.execute(order, fill.price_ticks, fill.qty_lots, False, now, seq=fill.seq)
        self._conclude(order, outcome, now)
        for one in (*makers.values(), order):
            self._settle(one, now)
        self.trim(order.symbol, now)
        # Prices of one taker rise or fall: its first and its last match are the extremes.
        for fill in dict.fromkeys((*outcome.fills[:1], *outcome.fills[-1:])):
            self._trigger(order.symbol, fill.price_ticks, self._desk.heard, now)

    def _conclude(self, order: Order, outcome: Outcome, now: int) -> None:
        """Bring the order into the state in which the book has left it, and cancel what it must not trade with."""
        now_ms, met = now // NS_PER_MS, [self._desk.orders.by_book_id(number) for number in outcome.met]
        if outcome.reason == MET_ITSELF:
            order.cancel(BY_SMP, NO_ERROR, now_ms)
        elif outcome.cancelled_lots:
            order.cancel("UNKNOWN", outcome.reason, now_ms)
        elif order.left_lots and order.status not in RESTING:
            order.step(Event.REST, now_ms)
        for maker in met:
            assert maker is not None, "what is in the book is open"
            if order.cancel_type == BY_SMP:
                order.smp_order_id = maker.order_id
            if self._books[order.symbol].order(maker.book_id) is None:
                maker.smp_order_id = order.order_id
                self._end(maker, BY_SMP, NO_ERROR, now)
                self._stops.follow_entry(maker, now)

    def _match_with_itself(self, order: Order, fill: Fill, now: int) -> Order:
        """Book both sides of one match; the side that adds goes first, so that the position is not closed between."""
        taker_first = self._desk.account.position(order.symbol).side == order.side
        if taker_first:
            self._desk.execute(order, fill.price_ticks, fill.qty_lots, False, now, seq=fill.seq)
        maker = self._fill_maker(fill, now)
        if not taker_first:
            self._desk.execute(order, fill.price_ticks, fill.qty_lots, False, now, seq=fill.seq)
        return maker

    def _fill_maker(self, fill: Fill, now: int) -> Order:
        order = self._desk.orders.by_book_id(fill.maker_id)
        assert order is not None, "an order that has just been matched is still open"
        self._desk.execute(order, fill.price_ticks, fill.qty_lots, True, now, seq=fill.seq)
        return order

    def _closable(self, order: Order) -> int:
        position = self._desk.account.position(order.symbol)
        return abs(position.lots) if order.side == -position.side else 0

    def _settle(self, order: Order, now: int) -> None:
        """Let everything follow that the order's change has consequences for; tell it in the venue's order."""
        self._stops.follow_position(order.symbol, now)
        self._desk.tell(order)
        self._stops.follow_entry(order, now)

    def trim(self, symbol: str, now: int) -> None:
        """Cut the resting reduce-only orders to what is left to close: the best prices keep their size.

        Which of several is cut first, and that it shows as a smaller qty, is not documented by the venue.
        """
        resting = [order for order in self._desk.orders.open_orders(symbol) if order.closes and order.status in RESTING]
        if not resting:
            return
        left, book = abs(self._desk.account.position(symbol).lots), self._books[symbol]
        for order in sorted(resting, key=lambda order: (-order.side * order.price_ticks, order.number)):
            gone = book.order(order.book_id) is None  # The book has cut it already.
            keep = 0 if gone else min(order.left_lots, left if self._closable(order) else 0)
            left -= keep
            cut = order.left_lots - keep
            if not keep:
                self._end(order, BY_REDUCE_ONLY, NO_ERROR, now)
            elif cut:
                book.reduce(order.book_id, cut)
                order.left_lots, order.qty_lots = keep, order.qty_lots - cut
                order.updated_ms = now // NS_PER_MS
                self._desk.tell(order)

    def _end(self, order: Order, cancel_type: str, reason: str, now: int) -> None:
        self._books[order.symbol].cancel(order.book_id)
        order.cancel(cancel_type, reason, now // NS_PER_MS)
        self._desk.tell(order)

    # --- triggers -------------------------------------------------------------------------------------------------

    def _trigger(self, symbol: str, last_ticks: int, heard: int, now: int) -> None:
        """Set off whatever the price has reached. What the book cannot fill within the band is cancelled."""
        self._stops.trail(symbol, last_ticks, heard, now)
        while (order := self._stops.hit(symbol, last_ticks, heard)) is not None:
            self._stops.release(order, now)
            order.step(Event.TRIGGER, now // NS_PER_MS)
            self._fire(order, now)

    def _fire(self, order: Order, now: int) -> None:
        """Let a triggered order become an ordinary one: sized, priced, and paid for only now."""
        desk, symbol = self._desk, order.symbol
        if order.kind == CONDITIONAL:
            desk.tell(order)  # A bracket's leg is told by what becomes of it.
        if order.closes:
            # A size of 0 asks for the whole position, up to the largest order there may be.
            wanted = order.qty_lots or desk.money[symbol].instrument.max_lots
            order.qty_lots = min(wanted, self._closable(order)) or order.qty_lots
        order.left_lots = order.qty_lots
        if order.type == "Market":
            order.price_ticks = market_bound_ticks(desk, symbol, order.side)
        else:
            order.price_ticks = within(desk.band(symbol), order.side, order.price_ticks)
        needed = 0 if order.closes else desk.order_margin_e8(symbol, order.side, order.price_ticks, order.left_lots)
        if order.closes and not self._closable(order):
            order.cancel(BY_REDUCE_ONLY, NO_ERROR, now // NS_PER_MS)
        elif desk.status(symbol) != "Trading" and not order.closes:
            order.reject("EC_InvalidSymbolStatus", now // NS_PER_MS)
        elif needed and needed > desk.margin().available_e8:
            order.reject(NO_MARGIN_LEFT, now // NS_PER_MS)
        else:
            self._match(order, now)
            return
        desk.tell(order)
