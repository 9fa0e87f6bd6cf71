"""The REST door: routing, signatures, rate limits, and Bybit's envelope around every answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from services.exchange.auth import Door, Refusal
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.endpoints import Done, Endpoints, Route
from services.exchange.limits import AddressLimits, Limits
from services.exchange.wire import HttpRequest

LEDGER_PATH, TIME_PATH = "/admin/ledger", "/v5/market/time"
LOOPBACK = ("127.0.0.1", "::1")
PARAMETERS_MAX = 50
QUERIES_KEPT = 256  # As read.
_JSON = ("content-type", "application/json; charset=utf-8")
_TOO_FREQUENT = Done(403, "access too frequent", {}, {}, (), 403)
_BODY_WITH_GET = Done(403, "GET requests carry no body", {}, {}, (), 403)


class Reply(NamedTuple):
    """An answer: the code in it is 0, Bybit's, or the HTTP status where there is no other."""

    status: int
    code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    signed: bool


class Rest:
    """Answers every HTTP request, the senseless ones too."""

    def __init__(
        self, desk: Desk, endpoints: Endpoints, routes: Mapping[tuple[str, str], Route], door: Door, limits: Limits
    ) -> None:
        self._desk, self._endpoints, self._door, self._routes = desk, endpoints, door, routes
        self._paths = {path for _, path in routes}
        self._visits = AddressLimits(limits.ip_requests, limits.ip_window_ms, limits.ip_ban_ms)

    def answer(self, request: HttpRequest, now: int, clock: int) -> Reply:
        """Decide one request at ``now``, which may be another time than the exchange's own clock tells."""
        now_ms = clock // NS_PER_MS
        if request.path == LEDGER_PATH and request.method == "GET":
            return _reply(self._ledger(request, now), now_ms, signed=False)
        if not self._visits.admit(request.remote, now // NS_PER_MS):
            return _reply(_TOO_FREQUENT, now_ms, signed=False)
        route = self._routes.get((request.method, request.path))
        if route is None:
            return _reply(self._lost(request), now_ms, signed=False)
        if request.method == "GET" and request.body:
            return _reply(_BODY_WITH_GET, now_ms, signed=False)
        done = self._routed(request, bool(route.per_second), now, clock)
        return _reply(done, now_ms, signed=bool(route.per_second))

    def _routed(self, request: HttpRequest, signed: bool, now: int, clock: int) -> Done:
        refusal = self._door.refuse(request, clock // NS_PER_MS) if signed else None
        params = _parameters(request) if refusal is None else refusal
        if isinstance(params, Refusal):
            return Done(params.code, params.text, {}, {}, (), params.status)
        return self._endpoints.call(request.path, params, clock if request.path == TIME_PATH else now)

    def _lost(self, request: HttpRequest) -> Done:
        """Nobody lives there, or not for this method."""
        status, text = (400, "method not supported") if request.path in self._paths else (404, "not found")
        return Done(status, text, {}, {}, (), status)

    def _ledger(self, request: HttpRequest, now: int) -> Done:
        """Everything since the start, for whoever checks it: unsigned, so for this machine only."""
        if request.remote not in LOOPBACK:
            return Done(403, "for this machine only", {}, {}, (), 403)
        ledger = self._desk.oracle.ledger(self._desk.account, self._desk.orders, now)
        return Done(0, "OK", ledger | {"grids": self._desk.all_grids()}, {}, ())


def _reply(done: Done, now_ms: int, signed: bool) -> Reply:
    body = {"retCode": done.code, "retMsg": done.text, "result": done.result, "retExtInfo": done.ext, "time": now_ms}
    return Reply(done.status, done.code, (_JSON, *done.headers), orjson.dumps(body), signed)


@lru_cache(QUERIES_KEPT)
def read_query(query: str) -> tuple[tuple[str, str], ...]:
    """Return the names and values of a query; most are asked again and again. Raises ValueError if it has too many."""
    return tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=PARAMETERS_MAX))


def _parameters(request: HttpRequest) -> dict[str, Any] | Refusal:
    """Return the query's parameters, or the body's."""
    if request.method == "GET":
        try:
            return dict(read_query(request.query))
        except ValueError:
            return Refusal(10001, "params error: too many parameters")
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    return body if isinstance(body, dict) else Refusal(10001, "params error: the body is not a JSON object")
