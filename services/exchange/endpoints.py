"""The account's endpoints behind their budgets: REST and the order-entry socket both come through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from services.exchange.acceptance import RefusedError, invalid
from services.exchange.auth import Refusal
from services.exchange.desk import NS_PER_MS
from services.exchange.limits import AccountLimits, limit_headers

# The order pages say 20 orders a batch, the rate-limit page 10: the greater of the two.
BATCH_MAX = 20
TOO_MANY = 10006

Handler = Callable[[dict[str, Any], int], dict[str, Any]]


class Row(NamedTuple):
    """What became of one order of a batch."""

    result: dict[str, Any]
    code: int = 0
    text: str = "OK"


RowHandler = Callable[[dict[str, Any], int, Refusal | None], Row]
"""Carries out one order of a batch, unless it is refused beforehand."""


class Route(NamedTuple):
    """One endpoint: ``handler`` for a request, ``row`` for each order of a batch. ``per_second`` 0 is public."""

    handler: Handler | None
    per_second: int = 0
    row: RowHandler | None = None


class Done(NamedTuple):
    """The answer to one request. Code 0 is success; ``headers`` tell the budget."""

    code: int
    text: str
    result: dict[str, Any]
    ext: dict[str, Any]
    headers: tuple[tuple[str, str], ...]
    status: int = 200


class Endpoints:
    """Every endpoint that has a budget, by its REST path."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes, self._limits = routes, AccountLimits()

    def call(self, path: str, params: dict[str, Any], now: int) -> Done:
        """Carry out one request within its budget; whatever is wrong with it is in the answer."""
        route = self._routes[path]
        headers: tuple[tuple[str, str], ...] = ()
        try:
            rows = _batch(params) if route.row else []
            granted = 0
            if route.per_second:
                grant = self._limits.take(path, route.per_second, now // NS_PER_MS, len(rows) or 1)
                headers, granted = limit_headers(route.per_second, grant), grant.units
                if not granted:
                    raise RefusedError(too_many(path))
            if route.row:
                _check_batch(params, rows)
                result, ext = _carry_out(route.row, rows, granted, too_many(path), now)
            else:
                assert route.handler is not None
                result, ext = route.handler(params, now), {}
        except RefusedError as error:
            code, text, status = error.refusal
            return Done(code, text, {}, {}, headers, status)
        return Done(0, "OK", result, ext, headers)


def too_many(path: str) -> Refusal:
    """Return the refusal of a request beyond the endpoint's budget."""
    return Refusal(TOO_MANY, f"Too many visits! Exceeded the API Rate Limit: {path}")


def _batch(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the orders of a batch, each with the batch's category; none of one that makes no sense."""
    rows = params.get("request")
    if not isinstance(rows, list) or len(rows) > BATCH_MAX or not all(isinstance(row, dict) for row in rows):
        return []
    return [{**row, "category": "linear"} for row in rows]


def _check_batch(params: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    if params.get("category") != "linear":
        raise invalid("category")
    if not rows:
        raise invalid("request")


def _carry_out(
    handler: RowHandler, rows: list[dict[str, Any]], granted: int, refusal: Refusal, now: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Carry out the orders of a batch one by one; those beyond the budget fail each for itself."""
    done = [handler(row, now, None if number < granted else refusal) for number, row in enumerate(rows)]
    return {"list": [one.result for one in done]}, {"list": [{"code": one.code, "msg": one.text} for one in done]}
