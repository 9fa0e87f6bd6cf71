"""Parameters of list requests, and their pages: newest first, a cursor that is the number of the last row given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from services.exchange.acceptance import invalid, text_of
from services.exchange.auth import whole
from services.exchange.desk import Desk
from services.exchange.orders import RESTING, Order

Item = TypeVar("Item")
OTHER_CATEGORIES = ("inverse", "spot", "option")
WEEK_MS = 604_800_000
FILTERS = ("", "Order", "StopOrder", "tpslOrder", "OpenOrder")


def limit_of(params: dict[str, Any], usual: int, most: int) -> int:
    """Return the page size asked for: at least 1, no more than ``most``."""
    text = text_of(params, "limit")
    if not text:
        return usual
    limit = whole(text)
    if not limit:
        raise invalid("limit")
    return min(limit, most)


def time_of(params: dict[str, Any], name: str) -> int | None:
    """Return a time in ms, None where it is absent."""
    text = text_of(params, name)
    value = whole(text) if text else None
    if text and value is None:
        raise invalid(name)
    return value


def window_of(params: dict[str, Any], now_ms: int) -> tuple[int, int]:
    """Return the first and last ms asked about: seven days at most, the last seven where nothing is said."""
    start, end = time_of(params, "startTime"), time_of(params, "endTime")
    if end is None:
        end = now_ms if start is None else start + WEEK_MS
    if start is None:
        start = end - WEEK_MS
    if not 0 <= end - start <= WEEK_MS:
        raise invalid("startTime")
    return start, end


def scope_of(params: dict[str, Any], desk: Desk, needed: bool) -> tuple[str, ...]:
    """Return the symbols a request is about: by symbol, by base coin or by settle coin, in this order of strength."""
    symbol, base, settle = (text_of(params, name) for name in ("symbol", "baseCoin", "settleCoin"))
    if symbol:
        if symbol not in desk.money:
            raise invalid("symbol")
        return (symbol,)
    if base:
        return tuple(known for known in desk.money if known.removesuffix("USDT") == base)
    if settle:
        return tuple(desk.money) if settle == "USDT" else ()
    if needed:
        raise invalid("symbol")
    return tuple(desk.money)


def page_of(
    items: Iterable[Item], number: Callable[[Item], int], params: dict[str, Any], limit: int
) -> tuple[list[Item], str]:
    """Return one page of ``items`` (newest first, numbers falling) and the cursor of the next, "" at the end."""
    text = text_of(params, "cursor")
    before = whole(text) if text else None
    if text and before is None:
        raise invalid("cursor")
    page: list[Item] = []
    for item in items:
        if before is not None and number(item) >= before:
            continue
        if len(page) == limit:
            return page, str(number(page[-1]))
        page.append(item)
    return page, ""


def filter_of(params: dict[str, Any]) -> Callable[[Order], bool]:
    """Return the test of orderFilter: which of ordinary and conditional orders are meant."""
    name = text_of(params, "orderFilter")
    if name not in FILTERS:
        raise invalid("orderFilter")
    ordinary, conditional = name not in ("StopOrder", "tpslOrder"), name not in ("Order", "OpenOrder")
    # A conditional order that has been triggered and rests is an ordinary one from then on.
    return lambda order: conditional if order.kind and order.status not in RESTING else ordinary


def elsewhere(params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the empty list of a category that exists on the venue, but in which this account has nothing."""
    category = text_of(params, "category")
    return {"category": category, "list": [], "nextPageCursor": ""} if category in OTHER_CATEGORIES else None
