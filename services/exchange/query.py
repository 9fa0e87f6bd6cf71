"""Parameters of list requests, and their pages: newest first, a cursor that is the number of the last row given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from services.exchange.acceptance import invalid, text_of
from services.exchange.auth import whole
from services.exchange.desk import Desk

Item = TypeVar("Item")


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
