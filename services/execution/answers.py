"""What comes back from the venue, whichever way it went: the outcome of a request, and what is left of its budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from services.execution import outcomes
from services.execution.calls import Call, kind_of
from services.execution.wire import Reply
from shared.messages import Message

OPS = {"place_order": "order.create", "amend_order": "order.amend", "cancel_order": "order.cancel"}
"""Call of the REST client -> the same on the order-entry socket."""

LIMIT, LEFT, RESET = "X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp"
TEXT_MAX = 300
FIGURE_MAX = 1 << 53


class Allowance(NamedTuple):
    """What the venue grants one kind of request, by its own word; nothing known: as it stands here."""

    limit: int = 0  # A second.
    left: int = -1  # Of that, now.
    reset_ms: int = 0  # When there is more, by the venue's clock.


UNTOLD = Allowance()


class Answer(NamedTuple):
    """What became of one request. ``data`` is the venue's whole answer where it was accepted."""

    outcome: str
    code: int = 0
    text: str = ""
    data: bytes = b""
    allowance: Allowance = UNTOLD


def allowance_of(headers: Mapping[str, Any] | None) -> Allowance:
    """Return what the headers say; a header that makes no sense says nothing."""
    if not headers:
        return UNTOLD
    limit, left, reset_ms = (_figure(headers.get(name)) for name in (LIMIT, LEFT, RESET))
    return Allowance(max(limit, 0), left, max(reset_ms, 0))


def _figure(value: object) -> int:
    text = value if isinstance(value, str) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(FIGURE_MAX))):
        return -1
    return min(int(text), FIGURE_MAX)


def reply_to(request: Message, answer: Answer, now: int) -> Reply:
    """Return the message by which the core hears of ``answer``."""
    request_id: int = request.request_id  # type: ignore[attr-defined]
    outcome, code, text, data, allowance = answer
    return Reply(request_id, kind_of(request), outcome, code, text[:TEXT_MAX], data, now, *allowance)


def not_sent(request: Message, why: str, now: int, code: int = 0) -> Reply:
    """Return the answer to a request that certainly never left."""
    return reply_to(request, Answer(outcomes.REJECTED, code, why), now)


def trade_frame(req_id: str, call: Call, stamp_ms: int, recv_window_ms: int) -> bytes:
    """Return the frame that carries ``call`` out on the order-entry socket. It is not signed: the log-in was."""
    header = {"X-BAPI-TIMESTAMP": str(stamp_ms), "X-BAPI-RECV-WINDOW": str(recv_window_ms)}
    return orjson.dumps({"reqId": req_id, "header": header, "op": OPS[call.method], "args": [call.params]})


def trade_answer(frame: Mapping[str, Any]) -> tuple[str, Answer]:
    """Return whose answer a frame of the order-entry socket is, and what it says, in the form that REST gives it."""
    name, code, header = frame.get("reqId"), frame.get("retCode"), frame.get("header")
    req_id, headers = name if isinstance(name, str) else "", header if isinstance(header, dict) else {}
    allowance = allowance_of(headers)
    if not isinstance(code, int) or isinstance(code, bool):
        return req_id, Answer(outcomes.UNKNOWN, 0, "unreadable answer: no retCode")
    if code:
        return req_id, Answer(outcomes.of_code(code), code, str(frame.get("retMsg", "")), b"", allowance)
    body = {"retCode": 0, "result": frame.get("data"), "time": max(0, _figure(headers.get("Timenow")))}
    return req_id, Answer(outcomes.ACCEPTED, 0, "", orjson.dumps(body), allowance)
