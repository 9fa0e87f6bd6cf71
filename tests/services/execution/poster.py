"""A rig whose book can be moved, for entries that rest in it; and a venue that carries out what they ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from services.execution.routing import RouteLimits
from services.execution.wire import AmendRequest, CancelRequest, OrderRequest, Query, Quote, Reply, RequestQuote
from shared.messages import Message
from shared.scale import Scale
from tests.services.execution.rig import ASK, BID, LIMITS, MS, Rig, execution_row, intent, order_row, quote

POST = RouteLimits(mode="post", exit_slip_bps=0)
LINK, NEXT = "abc-0-1-e", "abc-0-1-e2"
SCALE = Scale("0.10", "0.001")


class Poster(Rig):
    """Shows the book at ``bid``/``ask`` whenever the core looks."""

    def __init__(self, route: RouteLimits = POST) -> None:
        super().__init__(dataclasses.replace(LIMITS, route=route))
        self.bid, self.ask = BID, ASK
        self.blind = False
        self.bid_lots, self.traded_lots = 40, 0

    def _answers(self, output: Message) -> Iterable[Message]:
        if isinstance(output, RequestQuote):
            return [] if self.blind else [self.book()]
        return super()._answers(output)

    def book(self) -> Quote:
        """Return what a look at the book shows now."""
        return quote(
            self.now, best_bid_ticks=self.bid, best_ask_ticks=self.ask, best_bid_lots=self.bid_lots, best_ask_lots=9,
            traded_lots=self.traded_lots,
        )  # fmt: skip

    def post(self, **changes: Any) -> OrderRequest:
        """Have an entry rest in the book; return its request."""
        self.start().feed(self.book())
        self.feed(intent("abc-0-1", self.now, **changes))
        request = self.last(OrderRequest)
        self.feed(self.reply(request))
        self.push("order", self.row("New"))
        return request

    def row(self, status: str, filled: str = "0", link: str = LINK, **changes: Any) -> dict[str, Any]:
        """Return the venue's word on an entry that rests at the bid it was sent with."""
        usual = {"price": "60000.00", "stopLoss": "59699.90", "takeProfit": "60599.90", "updatedTime": self.now // MS}
        return order_row(link, status, filled, **(usual | {"updatedTime": str(self.now // MS)} | changes))

    def fill(self, exec_id: str, qty: str, link: str = LINK) -> list[Message]:
        return self.push("execution", execution_row(exec_id, link, qty, self.now, execPrice="60000.00", isMaker=True))

    def move(self, ticks: int, ms: int = 50) -> list[Message]:
        """Move both touches, and let the core see it."""
        self.bid, self.ask = self.bid + ticks, self.ask + ticks
        return self.wait(ms)

    def entries(self) -> list[OrderRequest]:
        return [request for request in self.all(OrderRequest) if not request.reduce_only]


class Venue(Poster):
    """Carries out entries, amendments and cancels at once; its news comes when the test delivers it, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.books: dict[str, list[int]] = {}  # Link -> size, filled, open (1 or 0), price.
        self.rows: dict[str, dict[str, Any]] = {}  # How each stands.
        self.news: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[Reply] = []
        self.executions = 0
        self.arrives = True  # Whether requests reach the venue.
        self.replies = True  # Whether its answers come back.

    def _answers(self, output: Message) -> Iterable[Message]:
        if isinstance(output, AmendRequest | CancelRequest) or (
            isinstance(output, OrderRequest) and not output.reduce_only
        ):
            self._carry_out(output)
        return super()._answers(output)

    def answer_to(self, query: Query) -> Reply:
        self._show()
        return super().answer_to(query)

    def _carry_out(self, request: OrderRequest | AmendRequest | CancelRequest) -> None:
        outcome, code = ("accepted", 0) if self.arrives else ("unknown", 0)
        if self.arrives:
            code = self._take(request)
            outcome = "already_done" if code else "accepted"
        if not self.replies:
            outcome = "unknown"
        self.answers.append(self.reply(request, outcome, code))

    def _take(self, request: OrderRequest | AmendRequest | CancelRequest) -> int:
        link = request.order_link_id
        if isinstance(request, OrderRequest):
            assert link not in self.books, f"{link} was sent twice"
            self.books[link] = [request.qty_lots, 0, 1, request.price_ticks]
            self._say(link)
            if not request.post:
                self.trade(link, request.qty_lots // 2)
                self.end(link)
        elif not self.books.get(link, [0, 0, 0])[2]:
            return 110001
        elif isinstance(request, AmendRequest):
            self.books[link][3] = request.price_ticks
            self._say(link)
        else:
            self.end(link)
        return 0

    def trade(self, link: str, lots: int) -> None:
        """Fill some of an order that is open."""
        order = self.books[link]
        lots = min(lots, order[0] - order[1]) if order[2] else 0
        if lots <= 0:
            return
        order[1] += lots
        order[2] = int(order[1] < order[0])
        self.executions += 1
        row = execution_row(f"x{self.executions}", link, SCALE.qty_text(lots), self.now, execPrice="60000.00")
        self.lists["order_executions"].append(row)
        self.lists["executions"].append(row)
        self.news.append(("execution", row))
        self._say(link)

    def end(self, link: str) -> None:
        """Take an order off."""
        if self.books[link][2]:
            self.books[link][2] = 0
            self._say(link)

    def _say(self, link: str) -> None:
        size, filled, is_open, price = self.books[link]
        status = "Filled" if filled == size else ("PartiallyFilled" if filled else "New") if is_open else "Cancelled"
        text, whole = SCALE.qty_text(filled), SCALE.qty_text(size)
        self.rows[link] = self.row(status, text, link, price=SCALE.price_text(price), qty=whole)
        self.news.append(("order", self.rows[link]))

    def _show(self) -> None:
        """Let questions be answered by how things stand."""
        rows = list(self.rows.values())
        self.lists["order"] = rows
        self.lists["order_history"] = [row for row in rows if row["orderStatus"] in ("Filled", "Cancelled")]
        self.lists["open_orders"] = [row for row in rows if row not in self.lists["order_history"]]
        lots = sum(order[1] for order in self.books.values())
        position = {"symbol": "BTCUSDT", "size": SCALE.qty_text(lots), "side": "Buy" if lots else "",
                    "entryPrice": "60000.0", "stopLoss": "59699.90", "takeProfit": ""}  # fmt: skip
        self.lists["positions"] = [position] if lots else []

    def deliver(self, at: int) -> None:
        """Let one piece of news arrive, out of order."""
        if self.news:
            topic, row = self.news[at % len(self.news)]
            self.news.remove((topic, row))
            self.push(topic, row)

    def answer(self) -> None:
        """Let the oldest answer arrive."""
        if self.answers:
            self.feed(self.answers.pop(0))

    def exposure_lots(self) -> int:
        """Return what the entries have bought and may still buy."""
        return sum(filled if not is_open else size for size, filled, is_open, _ in self.books.values())
