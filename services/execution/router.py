"""Walks every entry through the table of `routing.py`: sees what has happened to its legs, and does what is next.

Nothing is remembered that could be asked of the orders themselves, so news that is late, doubled or lost leads nowhere
else. A resting entry that no route owns, left by an earlier life or found after all, is taken off.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from msgspec.structs import replace

from services.execution import gates, routing
from services.execution.desk import Desk
from services.execution.gates import Case
from services.execution.orders import ENTRY, EXIT, PARTIAL, Change, Order, State, entry_link
from services.execution.queue import Queue
from services.execution.routing import Act, Happening, Stage
from services.execution.tracker import OWNER as TRACKER
from services.execution.tracker import Tracker
from services.execution.wire import AmendRequest, OrderRequest, Quote, RequestQuote
from shared.clock import NS_PER_MS
from shared.messages import BUY, Intent

AGAIN_NS = 250 * NS_PER_MS  # Between two cancels of one order.
SHOWN_NS = 100 * NS_PER_MS  # By then the book shows an order that has joined it.
STEPS_MAX = 4  # In one turn of one route; more is the next turn's.
WOULD_TAKE = "EC_PostOnlyWillTakeLiquidity"
AT_VENUE = frozenset((State.LIVE, State.PARTLY_FILLED))
LOST = frozenset((State.ABSENT, State.DROPPED))
LOOKING_NOW = frozenset((Stage.RESTING, Stage.REPRICING, Stage.LOOKING))

Ask = Callable[[Intent, int], Case]


class Route:
    """One entry on its way."""

    __slots__ = (
        "amend", "attempts", "due_ns", "first_ticks", "intent", "joined_ns", "leg", "legs", "lots", "place", "request",
        "stage", "withdrawn",
    )  # fmt: skip

    def __init__(self, intent: Intent, request: OrderRequest) -> None:
        self.intent, self.lots = intent, request.qty_lots
        self.stage, self.leg, self.legs = Stage.CHOOSING, request.order_link_id, 1
        self.first_ticks = request.price_ticks
        self.attempts = 0  # How often it followed the touch.
        self.due_ns = 0  # The end of its time in the present stage.
        self.amend: AmendRequest | None = None  # Made by the gates, not sent yet.
        self.request: OrderRequest | None = None
        self.withdrawn = False  # The signals have changed their mind.
        self.place, self.joined_ns = Queue(0), 0  # In the queue at its price, and since when.


class Router:
    """Owns the routes. ``ask`` makes the case of an intent as things stand now."""

    def __init__(self, desk: Desk, tracker: Tracker, ask: Ask) -> None:
        self._desk, self._tracker, self._ask = desk, tracker, ask
        self._limits = desk.limits.route
        self._routes: dict[str, Route] = {}  # By symbol: an entry waits for none but itself.
        self._running = False

    def fit(self, case: Case) -> Case:
        """Return the case of a new intent with the way it would take."""
        rules, quote = case.rules, case.quote
        scale = self._desk.scales.get(rules.symbol) if rules else None
        if quote is None or routing.choose(quote, scale, self._limits) is Happening.NARROW:
            return case
        intent = routing.moved(case.intent, routing.near_touch(quote, case.intent.side))
        return dataclasses.replace(case, intent=intent, post=True)

    def begin(self, intent: Intent, request: OrderRequest, now: int) -> None:
        """Follow the order that an intent has become."""
        route = self._routes[intent.symbol] = Route(intent, request)
        self._join(route, request.price_ticks, now)
        self._step(route, Happening.WIDE if request.post else Happening.NARROW, now)

    def withdraw(self, symbol: str, side: int) -> None:
        """The signal for ``side`` is gone: an entry that still rests comes off, and nothing is taken in its place."""
        route = self._routes.get(symbol)
        if route is not None and route.intent.side == side:
            route.withdrawn = True

    def waits(self, symbol: str) -> bool:
        """Whether an entry is on its way that the book of ``symbol`` matters to."""
        return symbol in self._routes

    def tick(self) -> None:
        """Let time pass: look at the books that entries rest in."""
        for symbol, route in self._routes.items():
            if route.stage in LOOKING_NOW:
                order = self._desk.orders.find(route.leg)
                rests = order is not None and not order.settled
                self._desk.say(RequestQuote(symbol, order.price_ticks if order is not None and rests else 0))

    def see(self, quote: Quote) -> None:
        """Take what the book shows where an entry rests: its place in the queue, for showing."""
        route = self._routes.get(quote.symbol)
        order = self._desk.orders.find(route.leg) if route is not None else None
        if route is None or order is None or not quote.valid or route.stage is not Stage.RESTING:
            return
        shown = quote.best_bid_lots if order.side == BUY else quote.best_ask_lots
        left = order.qty_lots - max(order.booked_lots, order.cum_lots)
        touch = routing.near_touch(quote, order.side)
        shows_us = touch == order.price_ticks and quote.recv_ns - route.joined_ns >= SHOWN_NS
        route.place.see(quote.traded_lots, shown - left if shows_us else None)
        order.front_lots = round(route.place.front)

    def _join(self, route: Route, price_ticks: int, now: int) -> None:
        """Begin a new place: whatever the book shows at the price stands before us."""
        quote, side = self._desk.quotes.get(route.intent.symbol), route.intent.side
        shown = 0
        if quote is not None and routing.near_touch(quote, side) == price_ticks:
            shown = quote.best_bid_lots if side == BUY else quote.best_ask_lots
        route.place, route.joined_ns = Queue(shown), now

    def run(self, now: int, *, running: bool) -> None:
        """Take every route as far as it goes. Call after every change. ``running``: whether entries are wanted."""
        self._running = running
        for symbol, route in list(self._routes.items()):
            for _ in range(STEPS_MAX):
                happening = self._happening(route, now)
                if happening is None:
                    break
                self._step(route, happening, now)
                if route.stage is Stage.DONE:
                    del self._routes[symbol]
                    break
        self._take_off_strays(now)

    def _take_off_strays(self, now: int) -> None:
        orders = self._desk.orders.open()
        owned = {route.leg for route in self._routes.values()} if orders else ()
        for order in orders:
            stray = order.role == ENTRY and order.state in AT_VENUE and order.order_link_id not in owned
            if stray and order.change is Change.NONE and now - order.asked_ns >= AGAIN_NS:
                self._tracker.take_off(order, now)

    # --- what has happened --------------------------------------------------------------------------------------

    def _happening(self, route: Route, now: int) -> Happening | None:
        if route.stage is Stage.LOOKING:
            return self._looked(route, now)
        order = self._desk.orders.find(route.leg)
        if order is None:
            return Happening.FAILED
        if order.settled:
            return self._ended(route, order, now)
        if order.state not in AT_VENUE or route.stage is Stage.TAKING:
            return None
        return self._resting(route, order, now)

    def _ended(self, route: Route, order: Order, now: int) -> Happening:
        if order.booked_lots >= order.qty_lots:
            return Happening.FILLED
        refused = order.state is State.REJECTED and order.why != WOULD_TAKE
        if refused or order.state in LOST or order.vanished:
            return Happening.FAILED
        again = route.stage is not Stage.TAKING and self._stands(route, order, now)
        return Happening.SHORT if again else Happening.OVER

    def _stands(self, route: Route, order: Order, now: int) -> bool:
        """Whether what is left is still worth taking."""
        intent = route.intent
        sure = intent.confidence >= self._limits.pmin
        return sure and now <= self._last_ns(intent) and self._wanted(route, order)

    def _last_ns(self, intent: Intent) -> int:
        return intent.decided_ns + self._limits.stand_ns

    def _wanted(self, route: Route, order: Order) -> bool:
        """Whether this entry may still open a position: not while one is being left, nor after it was."""
        desk, symbol = self._desk, order.symbol
        leaving = any(other.role == EXIT and other.reason != PARTIAL for other in desk.orders.open(symbol))
        left = order.booked_lots > 0 and desk.ledger.lots(symbol) * order.side <= 0
        return self._running and not (route.withdrawn or leaving or left)

    def _resting(self, route: Route, order: Order, now: int) -> Happening | None:
        """Return what is new about an order that the venue has in its book."""
        stage, settling = route.stage, order.change is not Change.NONE
        if stage is Stage.CANCELLING:
            again = not settling and now - order.asked_ns >= AGAIN_NS
            return Happening.STANDS if again else None
        if not self._wanted(route, order):
            return Happening.UNWANTED
        if stage is Stage.POSTING:
            return Happening.RESTS
        if now >= route.due_ns:
            return Happening.LATE
        if stage is Stage.REPRICING:
            if settling:
                return None
            return Happening.REFUSED if order.refused else Happening.RESTS
        return self._strayed(route, order, now)

    def _strayed(self, route: Route, order: Order, now: int) -> Happening | None:
        """Return whether the touch has left a resting order behind, and whether the order may follow."""
        quote = self._desk.quotes.get(order.symbol)
        if quote is None or not quote.valid:
            return None
        if routing.away_ticks(quote, order.side, order.price_ticks) < self._limits.trigger_ticks:
            return None
        touch = routing.near_touch(quote, order.side)
        chased = abs(touch - route.first_ticks) * routing.BPS
        near = chased <= self._limits.chase_bps * route.first_ticks
        # The venue changes no bracket that is in force: what is partly filled keeps its price.
        if not near or route.attempts >= self._limits.attempts_max or order.booked_lots or order.cum_lots:
            return Happening.AWAY
        case = self._case(route, now, left_lots=order.qty_lots, to_ticks=touch, post=True)
        request_id = self._desk.request_id(TRACKER, order.order_link_id)
        _, route.amend = gates.reprice(case, request_id, order.order_link_id)
        return Happening.MOVED if route.amend else self._barred(request_id, Happening.AWAY)

    def _barred(self, request_id: int, happening: Happening) -> Happening:
        del self._desk.pending[request_id]
        return happening

    def _looked(self, route: Route, now: int) -> Happening | None:
        """Return whether what is left may be taken from the book as it is now."""
        desk, intent = self._desk, route.intent
        order, quote = desk.orders.find(route.leg), desk.quotes.get(intent.symbol)
        if order is None or not self._stands(route, order, now):
            return Happening.OVER
        if quote is None:
            return None
        left = route.lots - order.booked_lots
        link = entry_link(intent.intent_id, route.legs + 1)
        request_id = desk.request_id(TRACKER, link)
        case = self._case(route, now, left_lots=left, to_ticks=routing.far_touch(quote, intent.side), post=False)
        verdict, route.request = gates.review(case, request_id, link)
        if route.request is None:
            desk.log("INFO", "route.given_up", f"{intent.intent_id}: {left} lots, {verdict.gate}", intent.symbol)
            return self._barred(request_id, Happening.OVER)
        return Happening.QUOTED

    def _case(self, route: Route, now: int, *, left_lots: int, to_ticks: int, post: bool) -> Case:
        carried = routing.moved(route.intent, to_ticks)
        intent = replace(carried, decided_ns=now, expires_ns=self._last_ns(route.intent))  # A decision of its own.
        return dataclasses.replace(self._ask(intent, now), post=post, left_lots=left_lots)

    # --- what to do about it ------------------------------------------------------------------------------------

    def _step(self, route: Route, happening: Happening, now: int) -> None:
        route.stage, act = routing.step(route.stage, happening)
        order = self._desk.orders.find(route.leg)
        if route.stage is Stage.RESTING:
            route.due_ns = now + self._limits.post_timeout_ns
        if act is Act.CANCEL and order is not None and order.change not in (Change.CANCELLING, Change.CANCEL_UNKNOWN):
            self._tracker.take_off(order, now)
        elif act is Act.AMEND and order is not None and route.amend is not None:
            route.attempts += 1
            self._tracker.amend(order, route.amend, now)
            self._join(route, route.amend.price_ticks, now)
            order.front_lots = round(route.place.front)
        elif act is Act.LOOK:
            self._desk.quotes.pop(route.intent.symbol, None)  # What is next seen is what is decided on.
            self._desk.say(RequestQuote(route.intent.symbol))
        elif act is Act.TAKE and route.request is not None:
            route.legs, route.leg = route.legs + 1, route.request.order_link_id
            self._tracker.place(route.request, route.intent, now, later_leg=True)
