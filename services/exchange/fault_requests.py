"""Faults of requests, by HTTP or on the order-entry socket: lost, late, refused, or carried out and not answered."""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from services.exchange.acceptance import RefusedError
from services.exchange.faults import NS_PER_MS, REQUEST, Fault, Faults
from services.exchange.rest import Reply, read_query
from services.exchange.wire import HttpRequest, SocketText
from shared.messages import Message

CREATE = "/v5/order/create"
QUERIES_KEPT = 32  # Different queries whose past is kept while answers are stale.
SAMPLE_NS = 50 * NS_PER_MS
EARLY_NS = 20 * SAMPLE_NS  # The oldest answer that will be given is of a sample taken well before it.
PAST_MAX = 2_000  # Samples of one query.
_JSON = (("content-type", "application/json; charset=utf-8"),)
_HTML = (("content-type", "text/html"),)
_OP = b'"op"'

Query = Callable[[str, dict[str, Any], int], dict[str, Any]]
"""Answers a query of that path with those parameters, without signature or budget."""


class Met(NamedTuple):
    """What became of a request that met a fault. No answer: the line stays silent for that long, and is cut."""

    reply: Reply | None
    late_ns: int = 0
    held: bool = False  # It has not arrived yet.


class MetText(NamedTuple):
    """The same for a text on the order-entry socket."""

    answer: bytes | None
    late_ns: int = 0


class RequestFaults:
    """Stands before the doors of REST and order entry."""

    def __init__(self, faults: Faults, query: Query, new_id: Callable[[], str]) -> None:
        self._faults, self._query, self._new_id = faults, query, new_id
        self._held: list[tuple[int, int, Message]] = []
        self._count = 0
        self._past: OrderedDict[tuple[str, str], deque[tuple[int, dict[str, Any]]]] = OrderedDict()
        self._sample_due_ns = 0

    # --- HTTP -------------------------------------------------------------------------------------------------------

    def meet(self, request: HttpRequest, answer: Callable[[], Reply], now: int) -> Met | None:
        """Let a request meet the fault that waits for it, if there is one. ``answer`` carries it out."""
        if request.method == "GET":
            self._note(request)
        fault = self._faults.strike(REQUEST, path=request.path) if self._faults.any(REQUEST) else None
        if fault is None:
            return None
        own = fault.own
        match fault.name:
            case "lose":
                return Met(None, own["ms"])
            case "hold":
                self._hold(request, now + own["ms"])
                return Met(None, held=True)
            case "ghost" if request.path == CREATE:
                return Met(envelope(0, "OK", self._ghost(request.body), now))
            case "http" | "code":
                if own["accepted"]:
                    answer()
                return Met(_refusal(fault, now))
        reply = answer()
        if fault.name == "mute":
            return Met(None, own["ms"])
        return Met(self._stale(request, reply, now - own["ms"], now) if fault.name == "stale" else reply, _late(fault))

    # --- order entry ------------------------------------------------------------------------------------------------

    def meet_text(self, text: SocketText, answer: Callable[[], bytes], now: int) -> MetText | None:
        """The same for a request on the order-entry socket."""
        if not self._faults.any(REQUEST) or _OP not in text.data:
            return None
        frame = _frame(text.data)
        op = frame.get("op")
        if not isinstance(op, str) or not op.startswith("order."):
            return None
        fault = self._faults.strike(REQUEST, ("code", "lose", "mute", "late", "hold", "ghost"), path=op)
        if fault is None:
            return None
        match fault.name:
            case "lose":
                return MetText(None)
            case "hold":
                self._hold(text, now + fault.own["ms"])
                return MetText(None)
            case "ghost" if op == "order.create":
                args = frame.get("args")
                row = args[0] if isinstance(args, list) and args else {}
                return MetText(_text(frame, 0, "OK", self._ghost(orjson.dumps(row))))
            case "code":
                if fault.own["accepted"]:
                    answer()
                return MetText(_text(frame, int(fault.own["code"]), fault.own["text"] or "server error", {}))
        said = answer()
        return MetText(None if fault.name == "mute" else said, _late(fault))

    # --- time -------------------------------------------------------------------------------------------------------

    def arrived(self, now: int) -> list[Message]:
        """Return what was held up and arrives now."""
        found = []
        while self._held and self._held[0][0] <= now:
            found.append(heapq.heappop(self._held)[2])
        return found

    @property
    def next_due_ns(self) -> int | None:
        """When the next of them arrives."""
        return self._held[0][0] if self._held else None

    def remember(self, now: int) -> None:
        """Keep the past of the usual queries as far as answers to them are, or soon will be, as old as it."""
        if now < self._sample_due_ns:
            return
        self._sample_due_ns = now + SAMPLE_NS
        for fault in self._faults.all_of(REQUEST, "stale"):
            if not fault.over(now) and now >= fault.since_ns - fault.own["ms"] - EARLY_NS:
                self._sample(fault, now)

    # --- the parts --------------------------------------------------------------------------------------------------

    def _hold(self, message: Message, due_ns: int) -> None:
        self._count += 1
        heapq.heappush(self._held, (due_ns, self._count, message))

    def _sample(self, fault: Fault, now: int) -> None:
        for (path, query), past in self._past.items():
            known = past and past[-1][0] == now  # Two faults may be about the same queries.
            result = None if known or not fault.meets({"path": path}) else self._ask(path, query, now)
            if result is not None:
                past.append((now, result))

    def _ghost(self, body: bytes) -> dict[str, Any]:
        return {"orderId": self._new_id(), "orderLinkId": str(_frame(body).get("orderLinkId", ""))}

    def _note(self, request: HttpRequest) -> None:
        key = request.path, request.query
        if key not in self._past:
            self._past[key] = deque(maxlen=PAST_MAX)
        self._past.move_to_end(key)
        if len(self._past) > QUERIES_KEPT:
            self._past.popitem(last=False)

    def _ask(self, path: str, query: str, now: int) -> dict[str, Any] | None:
        try:
            return self._query(path, dict(read_query(query)), now)
        except (RefusedError, KeyError, ValueError):
            return None

    def _stale(self, request: HttpRequest, reply: Reply, then: int, now: int) -> Reply:
        """Return the answer as it would have been then, or as far back as is known."""
        past = self._past.get((request.path, request.query))
        if reply.code or request.method != "GET" or not past:
            return reply
        result = next((result for at, result in reversed(past) if at <= then), past[0][1])
        return envelope(0, "OK", result, now)._replace(headers=reply.headers, signed=reply.signed)


def _late(fault: Fault) -> int:
    late_ns: int = fault.own["ms"] if fault.name == "late" else 0
    return late_ns


def _refusal(fault: Fault, now: int) -> Reply:
    own = fault.own
    if fault.name == "code":
        return envelope(int(own["code"]), own["text"] or "server error", {}, now)
    status = int(own["status"])
    html = own["body"] == "html"
    body = f"<html><head><title>{status}</title></head><body>{status}</body></html>".encode() if html else b""
    return Reply(status, status, _HTML if html else (), body, True)


def envelope(code: int, text: str, result: dict[str, Any], now: int) -> Reply:
    """Return an answer in Bybit's envelope."""
    body = {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": now // NS_PER_MS}
    return Reply(200, code, _JSON, orjson.dumps(body), True)


def _frame(data: bytes) -> dict[str, Any]:
    try:
        frame = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return frame if isinstance(frame, dict) else {}


def _text(frame: dict[str, Any], code: int, text: str, result: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {
            "reqId": frame.get("reqId", ""),
            "retCode": code,
            "retMsg": text,
            "op": frame.get("op"),
            "data": result,
            "retExtInfo": {},
            "header": {},
            "connId": "",
        }
    )
