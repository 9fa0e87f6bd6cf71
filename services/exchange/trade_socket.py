"""The order-entry socket /v5/trade: one signed login, then orders without signatures, each with a stamp of its own."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import orjson

from services.exchange.auth import Door, Refusal, refuse_clock
from services.exchange.desk import NS_PER_MS
from services.exchange.endpoints import Done, Endpoints
from services.exchange.limits import SECOND_MS, AddressLimits

OPS = {
    f"order.{name}": f"/v5/order/{name}"
    for name in ("create", "amend", "cancel", "create-batch", "amend-batch", "cancel-batch")
}
REQ_ID_LENGTH_MAX = 36
REQ_IDS_KEPT = 100_000

BAD_FRAME = Refusal(10001, "params error: the frame is not a JSON object")
BAD_REQ_ID = Refusal(10001, "params error: reqId invalid")
BAD_HEADER = Refusal(10001, "params error: header X-BAPI-TIMESTAMP invalid")
BAD_ARGS = Refusal(10001, "params error: args must hold exactly one object")
# What the venue answers before the login is not documented: the general code for a missing permission.
NO_LOGIN = Refusal(10005, "Permission denied: the connection is not logged in")
UNKNOWN_OP = Refusal(10404, "op type is not found")
UNKNOWN_CATEGORY = Refusal(10404, "category is not correct or not supported")
TOO_MANY = Refusal(10403, "Too many requests from this IP")
REPEATED_LOGIN = Refusal(20001, "Repeat auth")
DUPLICATE = Refusal(20006, "reqId is duplicated")
_PARAMS, _KEY = "Params Error", "API key is invalid."


class TradeSession:
    """One connection's login and the names of its requests."""

    __slots__ = ("_req_ids", "authenticated", "conn_id", "count", "remote")

    def __init__(self, conn_id: str, remote: str) -> None:
        self.conn_id, self.remote = conn_id, remote
        self.authenticated = False
        self.count = 0
        self._req_ids: OrderedDict[str, None] = OrderedDict()

    def is_new(self, req_id: str) -> bool:
        """Take note of a request's name; False if this session has had it before."""
        if req_id in self._req_ids:
            return False
        self._req_ids[req_id] = None
        if len(self._req_ids) > REQ_IDS_KEPT:
            self._req_ids.popitem(last=False)
        return True


class TradeSocket:
    """Answers what is said on order-entry sockets.

    ``protection``, when set, is what every order request gets instead of being carried out (a gateway that restarts or
    protects itself).
    """

    def __init__(self, endpoints: Endpoints, door: Door, per_second: int) -> None:
        self._endpoints, self._door = endpoints, door
        self._visits = AddressLimits(per_second, SECOND_MS)
        self.protection: Refusal | None = None

    def text(self, session: TradeSession, data: bytes, now: int, clock: int) -> bytes:
        """Answer one text at ``now``. ``clock`` is what the exchange's own clock tells."""
        session.count += 1
        try:
            frame = orjson.loads(data)
        except orjson.JSONDecodeError:
            frame = None
        if not isinstance(frame, dict):
            return _control(session, {}, "", BAD_FRAME)
        op = frame.get("op")
        if op == "ping":
            stamp = [str(clock // NS_PER_MS)]
            return orjson.dumps({"retCode": 0, "retMsg": "OK", "op": "pong", "data": stamp, "connId": session.conn_id})
        if op == "auth":
            return _control(session, frame, "auth", self._login(session, frame.get("args"), clock))
        if not isinstance(op, str) or op not in OPS:
            return _control(session, frame, op if isinstance(op, str) else "", UNKNOWN_OP)
        return self._order(session, frame, op, now, clock)

    def _login(self, session: TradeSession, args: object, clock: int) -> Refusal | None:
        if session.authenticated:
            return REPEATED_LOGIN
        reason = self._door.refuse_socket(args, clock // NS_PER_MS)
        if not reason:
            session.authenticated = True
            return None
        # An unknown key is not among this socket's documented answers: it gets the code that REST gives it.
        codes = {_PARAMS: 10001, _KEY: 10003}
        return Refusal(codes.get(reason, 10004), reason)

    def _order(self, session: TradeSession, frame: dict[str, Any], op: str, now: int, clock: int) -> bytes:
        refusal = self._refuse(session, frame, now, clock)
        if refusal is None:
            done = self._endpoints.call(OPS[op], frame["args"][0], now)
        else:
            done = Done(refusal.code, refusal.text, {}, {}, ())
        answer: dict[str, Any] = _req_id(frame) | {"retCode": done.code, "retMsg": done.text, "op": op}
        text = f"{session.conn_id}/{session.count}".encode()
        header = {
            **dict(done.headers),
            "Traceid": hashlib.blake2b(text, digest_size=16).hexdigest(),
            "Timenow": str(clock // NS_PER_MS),
        }
        answer |= {"data": done.result, "retExtInfo": done.ext, "header": header, "connId": session.conn_id}
        return orjson.dumps(answer)

    def _refuse(self, session: TradeSession, frame: dict[str, Any], now: int, clock: int) -> Refusal | None:
        """Return the first thing that is wrong with an order request's envelope."""
        if not session.authenticated:
            return NO_LOGIN
        if not self._visits.admit(session.remote, now // NS_PER_MS):
            return TOO_MANY
        if self.protection is not None:
            return self.protection
        req_id = frame.get("reqId")
        if req_id is not None and (not isinstance(req_id, str) or len(req_id) > REQ_ID_LENGTH_MAX):
            return BAD_REQ_ID
        if req_id and not session.is_new(req_id):
            return DUPLICATE
        late = _refuse_header(frame.get("header"), clock // NS_PER_MS)
        if late is not None:
            return late
        return _refuse_args(frame.get("args"))


def _refuse_header(header: object, now_ms: int) -> Refusal | None:
    """Stamp and window may be numbers or text; the window may be missing."""
    if not isinstance(header, dict):
        return BAD_HEADER
    stamp, window = _whole_text(header.get("X-BAPI-TIMESTAMP")), header.get("X-BAPI-RECV-WINDOW")
    window = _whole_text(window) if window not in (None, "") else ""
    if not stamp or window is None:
        return BAD_HEADER
    return refuse_clock(stamp, window, now_ms)


def _whole_text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value)


def _refuse_args(args: object) -> Refusal | None:
    if not isinstance(args, list) or len(args) != 1 or not isinstance(args[0], dict):
        return BAD_ARGS
    return None if args[0].get("category") == "linear" else UNKNOWN_CATEGORY


def _req_id(frame: dict[str, Any]) -> dict[str, Any]:
    """Return the echo of the request's name: absent where it was absent."""
    return {"reqId": frame["reqId"]} if frame.get("reqId") is not None else {}


def _control(session: TradeSession, frame: dict[str, Any], op: str, refusal: Refusal | None) -> bytes:
    """The answer to a login, or to something that is no order request."""
    code, text = (refusal.code, refusal.text) if refusal else (0, "OK")
    return orjson.dumps({**_req_id(frame), "retCode": code, "retMsg": text, "op": op, "connId": session.conn_id})
