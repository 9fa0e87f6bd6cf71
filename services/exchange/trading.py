"""What happens to the account's orders in the book: matching, cancelling, reduce-only, triggers.

Everything that an event causes is done within the event: the fill, the position, the birth or death of its bracket,
the trimming of reduce-only orders, the triggers that the new price sets off.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.matching import Fill, MatchingBook
from services.exchange.orders import (
    AT_REQUEST,
    BY_REDUCE_ONLY,
    BY_USER,
    NO_ERROR,
    RESTING,
    Event,
    Order,
    OrderRequest,
    Status,
)
from services.exchange.stops import Stops
from shared.messages import BUY

OWNER = 1  # Our account's mark on its orders in the book.


class Trading:
    """Carries orders into the books and their fills back to the desk."""

    def __init__(self, desk: Desk, stops: Stops, books: Mapping[str, MatchingBook]) -> None:
        self._desk, self._stops, self._books = desk, stops, books
        self._matches: list[tuple[str, Fill]] = []

    def take_matches(self) -> list[tuple[str, Fill]]:
        """Return the matches of the account's own takers since the last call, for the public tape."""
        matches, self._matches = self._matches, []
        return matches

    # --- what the client asks for ---------------------------------------------------------------------------------

    def submit(self, request: OrderRequest, now: int) -> Order:
        """Accept an order: match it and rest what may rest."""
        order = self._desk.new_order(request, now)
        self._match(order, now)
        return order

    def cancel(self, order: Order, now: int) -> bool:
        """Cancel an open order at the client's request; False if it is too late."""
        if order.status is Status.UNTRIGGERED:
            self._stops.drop_leg(order, BY_USER, AT_REQUEST, now)
            return True
        if order.status not in RESTING:
            return False
        self._end(order, BY_USER, AT_REQUEST, now)
        self._stops.follow_entry(order, now)
        return True

    # --- what the market does -------------------------------------------------------------------------------------

    def market_matched(self, symbol: str, fill: Fill, now: int) -> None:
        """Take in one match among the market's own orders, or of one of ours that was resting."""
        if fill.maker_owner == OWNER:
            order = self._fill_maker(fill, now)
            if order is not None:
                self._settle(symbol, order, now)
        self._trigger(symbol, fill.price_ticks, now)

    def check_triggers(self, now: int) -> None:
        """Compare every bracket with the present last and mark prices."""
        for symbol in self._stops.symbols():
            self._trigger(symbol, self._desk.market.last_ticks(symbol), now)

    # --- the parts ------------------------------------------------------------------------------------------------

    def _match(self, order: Order, now: int) -> None:
        symbol = order.symbol
        outcome = self._books[symbol].submit(
            order.book_id, OWNER, order.side, order.price_ticks, order.left_lots, order.tif
        )
        for fill in outcome.fills:
            self._matches.append((symbol, fill))
            if fill.maker_owner == OWNER:
                self._match_with_itself(order, fill, now)
            else:
                self._desk.execute(order, fill.price_ticks, fill.qty_lots, False, now)
        if outcome.cancelled_lots:
            order.cancel("UNKNOWN", outcome.reason, now // NS_PER_MS)
        elif order.status is Status.ACCEPTED:
            order.step(Event.REST, now // NS_PER_MS)
        self._settle(symbol, order, now)
        if outcome.fills:
            self._trigger(symbol, outcome.fills[-1].price_ticks, now)

    def _match_with_itself(self, order: Order, fill: Fill, now: int) -> None:
        """Book both sides of one match; the side that adds goes first, so that the position is not closed between."""
        taker_first = self._desk.account.position(order.symbol).side == order.side
        if taker_first:
            self._desk.execute(order, fill.price_ticks, fill.qty_lots, False, now)
        maker = self._fill_maker(fill, now)
        if not taker_first:
            self._desk.execute(order, fill.price_ticks, fill.qty_lots, False, now)
        assert maker is not None, "an order that has just been matched is still open"
        self._settle(order.symbol, maker, now)

    def _fill_maker(self, fill: Fill, now: int) -> Order | None:
        """Fill one of our resting orders; None if an earlier match of the same turn has already ended it.

        The agents' turn is matched as a whole before we hear of it. What a match would have cut or cancelled, had we
        heard of it at once, is taken off the matches after it: a reduce-only order never gets more than there is left.
        """
        order = self._desk.orders.by_book_id(fill.maker_id)
        if order is None:
            return None
        lots = min(fill.qty_lots, order.left_lots)
        if order.reduce_only:
            lots = min(lots, self._closable(order))
        if lots:
            self._desk.execute(order, fill.price_ticks, lots, True, now)
        if lots < fill.qty_lots and order.open:
            self._books[order.symbol].cancel(order.book_id)
            order.cancel(BY_REDUCE_ONLY, NO_ERROR, now // NS_PER_MS)
        return order

    def _closable(self, order: Order) -> int:
        position = self._desk.account.position(order.symbol)
        return abs(position.lots) if order.side == -position.side else 0

    def _settle(self, symbol: str, order: Order, now: int) -> None:
        """Let everything follow that the order's change has consequences for; tell it in the venue's order."""
        self._stops.follow_position(symbol, now)
        self._desk.tell(order)
        self._stops.follow_entry(order, now)
        self._trim(symbol, now)

    def _trim(self, symbol: str, now: int) -> None:
        """Cut the resting reduce-only orders to what is left to close: the best prices keep their size."""
        resting = [
            order for order in self._desk.orders.open_orders(symbol) if order.reduce_only and order.status in RESTING
        ]
        if not resting:
            return
        left = abs(self._desk.account.position(symbol).lots)
        for order in sorted(resting, key=lambda order: (-order.side * order.price_ticks, order.number)):
            keep = min(order.left_lots, left if self._closable(order) else 0)
            left -= keep
            cut = order.left_lots - keep
            if not keep:
                self._end(order, BY_REDUCE_ONLY, NO_ERROR, now)
            elif cut:
                self._books[symbol].reduce(order.book_id, cut)
                order.left_lots, order.qty_lots = keep, order.qty_lots - cut
                order.updated_ms = now // NS_PER_MS
                self._desk.tell(order)

    def _end(self, order: Order, cancel_type: str, reason: str, now: int) -> None:
        self._books[order.symbol].cancel(order.book_id)
        order.cancel(cancel_type, reason, now // NS_PER_MS)
        self._desk.tell(order)

    def _trigger(self, symbol: str, last_ticks: int, now: int) -> None:
        """Set off whatever the price has reached. What the book cannot fill within the band is cancelled."""
        while (order := self._stops.hit(symbol, last_ticks)) is not None:
            self._stops.release(order)
            order.step(Event.TRIGGER, now // NS_PER_MS)
            band = self._desk.band(symbol)
            order.price_ticks = band.max_buy_ticks if order.side == BUY else band.min_sell_ticks
            order.qty_lots = order.left_lots = self._closable(order)
            self._match(order, now)
