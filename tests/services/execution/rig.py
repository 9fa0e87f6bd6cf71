"""Drives one ExecutionCore by its messages, over a venue that does exactly what a test tells it to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import orjson
from msgspec.structs import replace

from services.execution.core import ExecutionCore
from services.execution.limits import Limits
from services.execution.wire import (
    Commit,
    Committed,
    OrderRequest,
    PrivateFrame,
    PrivateUp,
    Query,
    Quote,
    Recovered,
    Reply,
    WordRow,
)
from shared.messages import BUY, ExecutionState, Instrument, Intent, Message, Started, Tick, Universe, Verdict
from shared.scale import E8

T = TypeVar("T", bound=Message)

MS = 1_000_000
S = 1_000_000_000
NOW = 1_790_000_000 * S
RUN = "20260901-120000-ab12"
BTC = Instrument("BTCUSDT", "0.10", "0.001", 1, 100_000, 50_000, 5 * E8, 480, 10_000, "Trading")
ETH = Instrument("ETHUSDT", "0.01", "0.01", 1, 100_000, 50_000, 5 * E8, 480, 10_000, "Trading")
BID, ASK = 600_000, 600_001
FUNDING_NS = NOW // (28_800 * S) * 28_800 * S + 28_800 * S  # More than an hour and a half away.
LIMITS = Limits(
    position_size_e8=500 * E8,
    max_position_e8=1_000 * E8,
    max_positions=2,
    leverage=5,
    max_spread_bps=20.0,
    max_spread_ticks=0,
    max_daily_loss_e8=100 * E8,
    flatten_on_stop=True,
    stop_share_e6=5_000,
    time_exit_ns=10 * S,
    stale_ns=500 * MS,
    max_latency_ns=80 * MS,
    clock_measured=True,
    recv_window_ns=2_500 * MS,
    rest_timeout_ns=2_000 * MS,
    reconcile_ns=30 * S,
)
NOTHING = Recovered((), (), (), (), 0, NOW // (86_400 * S), 0, 0, WordRow("", "", "", 0))


def intent(name: str = "abc-0-1", now: int = NOW, **changes: Any) -> Intent:
    """Return a wish to buy BTCUSDT that passes every gate."""
    usual = Intent(name, "BTCUSDT", BUY, ASK, 597_000, 606_000, 0.8, 0.9, 1, 77, now, now, now + 250 * MS)
    return replace(usual, **changes)


def quote(now: int = NOW, **changes: Any) -> Quote:
    return replace(Quote("BTCUSDT", BID, ASK, now, True, 1, 77, now - 5 * MS, 0, MS, now), **changes)


def order_row(link: str, status: str, filled: str = "0", **changes: Any) -> dict[str, Any]:
    """Return a row of the order topic: a buy of 0.008 BTC."""
    return {
        "symbol": "BTCUSDT", "orderId": f"id-{link}", "orderLinkId": link, "side": "Buy", "orderStatus": status,
        "price": "60000.40", "qty": "0.008", "cumExecQty": filled, "stopOrderType": "", "triggerPrice": "",
        "rejectReason": "EC_NoError",
    } | changes  # fmt: skip


def execution_row(exec_id: str, link: str, qty: str, now: int, **changes: Any) -> dict[str, Any]:
    """Return a row of the execution topic: a buy at 60000.1."""
    return {
        "symbol": "BTCUSDT", "execId": exec_id, "execQty": qty, "execPrice": "60000.10", "execTime": str(now // MS),
        "side": "Buy", "execType": "Trade", "execFee": "0.264", "orderId": f"id-{link}", "orderLinkId": link,
        "stopOrderType": "UNKNOWN", "isMaker": False,
    } | changes  # fmt: skip


def position_row(size: str, stop: str = "59700.00", **changes: Any) -> dict[str, Any]:
    side = "Buy" if size != "0" else ""
    row = {"symbol": "BTCUSDT", "size": size, "side": side, "entryPrice": "60000.1", "stopLoss": stop, "takeProfit": ""}
    return row | changes


def blocking(verdict: Verdict) -> list[str]:
    """Return the gates that stood in the way."""
    return [name for name, check in zip(verdict.gates, verdict.checks, strict=True) if not check.passed]


class Rig:
    """The core, its journal, and a venue whose lists a test fills in."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.core = ExecutionCore(limits)
        self.now = NOW
        self.said: list[Message] = []
        self.disk = ""  # Why commits fail.
        self.commits: list[Commit] = []
        self.writes = True  # Whether commits are answered at all.
        self.lists: dict[str, list[dict[str, Any]]] = {
            "open_orders": [], "executions": [], "positions": [],
            "order": [], "order_history": [], "order_executions": [],
            "fee_rate": [{"symbol": rules.symbol, "takerFeeRate": "0.00055"} for rules in (BTC, ETH)],
            "wallet": [
                {"totalAvailableBalance": "10000", "totalEquity": "10000", "totalWalletBalance": "10000"},
            ],
            "ticker": [
                {"symbol": rules.symbol, "nextFundingTime": str(FUNDING_NS // MS)} for rules in (BTC, ETH)
            ],
            "instrument": [],
        }  # fmt: skip
        self.page = 100
        self.silent: set[str] = set()  # Kinds that time out.
        self.asked: list[Query] = []
        self.told: list[tuple[int, Message]] = []

    # --- telling the core -------------------------------------------------------------------------------------

    def feed(self, message: Message) -> list[Message]:
        """Tell the core; its journal and every query are answered at once. Return all it said."""
        first = len(self.said)
        queue = [message]
        while queue:
            told = queue.pop(0)
            self.told.append((self.now, told))
            handler = getattr(self.core, told.HANDLER)
            for output in handler(told, self.now):
                self.said.append(output)
                queue += self._answers(output)
        return self.said[first:]

    def _answers(self, output: Message) -> Iterable[Message]:
        if isinstance(output, Commit):
            self.commits.append(output)
            return [Committed(output.commit_id, not self.disk, self.disk)] if self.writes else []
        if isinstance(output, Query):
            self.asked.append(output)
            return [self.answer_to(output)]
        if type(output).__name__ in ("LeverageRequest", "PriceLimitRequest", "CancelAllRequest"):
            return [self.reply(output)]
        return []

    def answer_to(self, query: Query) -> Reply:
        if query.kind in self.silent:
            return Reply(query.request_id, query.kind, "unknown", 0, "ReadTimeout", b"", self.now)
        rows = self.lists[query.kind]
        if query.order_link_id:
            rows = [row for row in rows if row["orderLinkId"] == query.order_link_id]
        first = int(query.cursor or 0)
        cursor = str(first + self.page) if first + self.page < len(rows) else ""
        result = {"list": rows[first : first + self.page], "nextPageCursor": cursor}
        data = orjson.dumps({"retCode": 0, "result": result, "time": self.now // MS})
        return Reply(query.request_id, query.kind, "accepted", 0, "", data, self.now)

    def reply(self, request: Any, outcome: str = "accepted", code: int = 0, text: str = "") -> Reply:
        """Return an answer to a request that is no query."""
        data = b""
        if isinstance(request, OrderRequest) and outcome == "accepted":
            data = orjson.dumps({"result": {"orderId": f"id-{request.order_link_id}"}, "time": self.now // MS})
        return Reply(request.request_id, type(request).__name__, outcome, code, text, data, self.now)

    def push(self, topic: str, *rows: dict[str, Any]) -> list[Message]:
        """Send one private frame."""
        return self.feed(PrivateFrame(orjson.dumps({"topic": topic, "data": rows})))

    def wait(self, ms: int) -> list[Message]:
        """Let time pass, a tick every 50 ms; return all that was said."""
        first = len(self.said)
        for _ in range(0, ms, 50):
            self.now += 50 * MS
            self.feed(Tick())
        return self.said[first:]

    # --- usual beginnings -------------------------------------------------------------------------------------

    def start(self, recovered: Recovered = NOTHING, epoch: int = 0) -> Rig:
        """Start, reconcile, learn two symbols; the core then runs."""
        self.feed(Started("execution", RUN, epoch))
        self.feed(recovered)
        self.feed(PrivateUp())
        self.feed(Universe(1, (BTC, ETH), (2.0, 1.0)))
        self.wait(100)
        return self

    def wish(self, name: str = "abc-0-1", **changes: Any) -> list[Message]:
        """Show a fresh book and wish for a position."""
        self.feed(quote(self.now))
        return self.feed(intent(name, self.now, **changes))

    def enter(self, name: str = "abc-0-1", price: str = "60000.10") -> OrderRequest:
        """Open a position of 0.008 BTC with its stop in place."""
        self.wish(name)
        request = self.last(OrderRequest)
        self.feed(self.reply(request))
        link = request.order_link_id
        self.push("execution", execution_row(f"exec-{link}", link, "0.008", self.now, execPrice=price))
        self.push("order", order_row(link, "Filled", "0.008"))
        self.push("position", position_row("0.008"))
        self.lists["positions"] = [position_row("0.008")]
        return request

    def leave(self, link: str = "", exec_id: str = "out", **changes: Any) -> list[Message]:
        """Let the venue close that position; through our order ``link`` if given."""
        self.lists["positions"] = []
        row = execution_row(exec_id, link, "0.008", self.now, **{"side": "Sell", "execPrice": "60100.00"} | changes)
        said = self.push("execution", row)
        if link:
            said += self.push("order", order_row(link, "Filled", "0.008", side="Sell"))
        return said + self.push("position", position_row("0", ""))

    # --- looking ----------------------------------------------------------------------------------------------

    def all(self, kind: type[T], said: Iterable[Message] | None = None) -> list[T]:
        return [one for one in (self.said if said is None else said) if isinstance(one, kind)]

    def last(self, kind: type[T]) -> T:
        return self.all(kind)[-1]

    @property
    def state(self) -> str:
        return self.last(ExecutionState).state


def exits(rig: Rig, said: Iterable[Message] | None = None) -> list[OrderRequest]:
    """Return the orders that only reduce: all, or those among ``said``."""
    return [request for request in rig.all(OrderRequest, said) if request.reduce_only]
