"""The REST door: routing, signatures, rate limits, and Bybit's envelope around every answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from services.exchange.acceptance import RefusedError
from services.exchange.auth import Door, Refusal
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.rest_account import AccountRest
from services.exchange.rest_market import MarketRest
from services.exchange.rest_orders import OrderRest
from services.exchange.stops import Stops
from services.exchange.trading import Trading
from services.exchange.wire import HttpRequest

LEDGER_PATH = "/admin/ledger"
LOOPBACK = ("127.0.0.1", "::1")
PARAMETERS_MAX = 50
_JSON = ("content-type", "application/json; charset=utf-8")

Handler = Callable[[dict[str, Any], int], dict[str, Any]]


class Route(NamedTuple):
    """One endpoint. ``per_second`` is its rate limit; 0 where the endpoint is public."""

    handler: Handler
    per_second: int


class Reply(NamedTuple):
    """An answer: the code in it is 0, Bybit's, or the HTTP status where there is no other."""

    status: int
    code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    signed: bool


class RateLimits:
    """Requests of the last second per endpoint."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[int]] = {}

    def take(self, path: str, per_second: int, now_ms: int) -> tuple[int, int]:
        """Count one request; return (remaining, reset in ms), remaining below zero when it is one too many."""
        seen = self._seen.setdefault(path, deque())
        while seen and seen[0] <= now_ms - 1_000:
            seen.popleft()
        if len(seen) >= per_second:
            return -1, seen[0] + 1_000
        seen.append(now_ms)
        return per_second - len(seen), now_ms


class Rest:
    """Answers every HTTP request, the senseless ones too."""

    def __init__(self, desk: Desk, stops: Stops, trading: Trading, door: Door) -> None:
        self._desk, self._door = desk, door
        self._limits = RateLimits()
        self._routes = _routes(MarketRest(desk), OrderRest(desk, trading), AccountRest(desk, stops))

    def answer(self, request: HttpRequest, now: int) -> Reply:
        """Decide one request at ``now``."""
        now_ms = now // NS_PER_MS
        if request.path == LEDGER_PATH and request.method == "GET":
            return self._ledger(request, now)
        route = self._routes.get((request.method, request.path))
        if route is None:
            return self._lost(request, now_ms)
        headers: tuple[tuple[str, str], ...] = (_JSON,)
        try:
            if route.per_second:
                refusal = self._door.refuse(request, now_ms)
                if refusal is not None:
                    raise RefusedError(refusal)
                limit = self._limits.take(request.path, route.per_second, now_ms)
                headers = (_JSON, *_limit_headers(route.per_second, *limit))
                if limit[0] < 0:
                    raise RefusedError(Refusal(10006, f"Too many visits! Exceeded the API Rate Limit: {request.path}"))
            result = route.handler(_parameters(request), now)
        except RefusedError as error:
            code, text, status = error.refusal
            body = _envelope(code, text, {}, now_ms)
            return Reply(status, code, headers, body, bool(route.per_second))
        return Reply(200, 0, headers, _envelope(0, "OK", result, now_ms), bool(route.per_second))

    def _lost(self, request: HttpRequest, now_ms: int) -> Reply:
        """Nobody lives there, or not for this method."""
        known = any(path == request.path for _, path in self._routes)
        status, text = (400, "method not supported") if known else (404, "not found")
        return Reply(status, status, (_JSON,), _envelope(status, text, {}, now_ms), False)

    def _ledger(self, request: HttpRequest, now: int) -> Reply:
        """Everything since the start, for whoever checks it: unsigned, so for this machine only."""
        if request.remote not in LOOPBACK:
            return Reply(403, 403, (_JSON,), _envelope(403, "for this machine only", {}, now // NS_PER_MS), False)
        ledger = self._desk.oracle.ledger(self._desk.account, self._desk.orders, now)
        return Reply(200, 0, (_JSON,), _envelope(0, "OK", ledger, now // NS_PER_MS), False)


def _parameters(request: HttpRequest) -> dict[str, Any]:
    """Return the query's parameters, or the body's."""
    if request.method == "GET":
        try:
            return dict(parse_qsl(request.query, keep_blank_values=True, max_num_fields=PARAMETERS_MAX))
        except ValueError:
            raise RefusedError(Refusal(10001, "params error: too many parameters")) from None
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(Refusal(10001, "params error: the body is not a JSON object"))
    return body


def _envelope(code: int, text: str, result: dict[str, Any], now_ms: int) -> bytes:
    return orjson.dumps({"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": now_ms})


def _limit_headers(per_second: int, remaining: int, reset_ms: int) -> tuple[tuple[str, str], ...]:
    return (
        ("X-Bapi-Limit", str(per_second)),
        ("X-Bapi-Limit-Status", str(max(remaining, 0))),
        ("X-Bapi-Limit-Reset-Timestamp", str(reset_ms)),
    )


def _routes(market: MarketRest, orders: OrderRest, account: AccountRest) -> dict[tuple[str, str], Route]:
    return {
        ("GET", "/v5/market/time"): Route(market.time, 0),
        ("GET", "/v5/market/instruments-info"): Route(market.instruments, 0),
        ("GET", "/v5/market/tickers"): Route(market.tickers, 0),
        ("GET", "/v5/market/orderbook"): Route(market.orderbook, 0),
        ("POST", "/v5/order/create"): Route(orders.create, 10),
        ("POST", "/v5/order/cancel"): Route(orders.cancel, 10),
        ("POST", "/v5/order/cancel-all"): Route(orders.cancel_all, 10),
        ("GET", "/v5/order/realtime"): Route(orders.realtime, 50),
        ("GET", "/v5/order/history"): Route(orders.history, 50),
        ("GET", "/v5/execution/list"): Route(orders.executions, 50),
        ("GET", "/v5/position/list"): Route(account.positions, 50),
        ("POST", "/v5/position/trading-stop"): Route(account.trading_stop, 10),
        ("POST", "/v5/position/set-leverage"): Route(account.set_leverage, 10),
        ("GET", "/v5/account/wallet-balance"): Route(account.wallet, 50),
        ("GET", "/v5/account/info"): Route(account.info, 50),
        ("GET", "/v5/account/fee-rate"): Route(account.fee_rate, 5),
        ("POST", "/v5/account/set-limit-px-action"): Route(account.set_limit_action, 10),
        ("GET", "/v5/user/query-api"): Route(account.key, 10),
    }
