"""Parameters of list requests, and their pages."""

from __future__ import annotations

from typing import Any

import pytest

from services.exchange.acceptance import RefusedError
from services.exchange.account import Account
from services.exchange.desk import Desk
from services.exchange.query import limit_of, page_of, scope_of, time_of
from tests.exchange_rig import OTHER, SYMBOL, HandMarket

DESK = Desk(HandMarket(), Account(0, 0, 0), "")


def number(item: int) -> int:
    return item


@pytest.mark.parametrize(("text", "limit"), [(None, 20), ("", 20), ("1", 1), ("50", 50), ("51", 50), ("999999", 50)])
def test_a_limit_has_a_usual_and_a_largest_value(text: str | None, limit: int) -> None:
    assert limit_of({"limit": text}, 20, 50) == limit


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "-1"}, {"limit": "ten"}, {"limit": 5}])
def test_a_senseless_limit_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        limit_of(params, 20, 50)


def test_a_time_is_whole_milliseconds_or_absent() -> None:
    assert time_of({}, "startTime") is None
    assert time_of({"startTime": "17"}, "startTime") == 17
    with pytest.raises(RefusedError):
        time_of({"startTime": "now"}, "startTime")


@pytest.mark.parametrize(
    ("params", "symbols"),
    [
        ({"symbol": SYMBOL}, (SYMBOL,)),
        ({"symbol": SYMBOL, "settleCoin": "USDT"}, (SYMBOL,)),
        ({"baseCoin": "ETH"}, (OTHER,)),
        ({"settleCoin": "USDT"}, (SYMBOL, OTHER)),
        ({"settleCoin": "USDC"}, ()),
    ],
)
def test_a_scope_is_a_symbol_a_base_coin_or_a_settle_coin(params: dict[str, str], symbols: tuple[str, ...]) -> None:
    assert scope_of(params, DESK, needed=True) == symbols


def test_no_scope_is_everything_or_an_error() -> None:
    assert scope_of({}, DESK, needed=False) == (SYMBOL, OTHER)
    with pytest.raises(RefusedError):
        scope_of({}, DESK, needed=True)
    with pytest.raises(RefusedError):
        scope_of({"symbol": "NONE"}, DESK, needed=False)


@pytest.mark.parametrize("size", range(1, 12))
def test_pages_give_everything_once_even_while_more_arrives(size: int) -> None:
    items, seen, cursor = list(range(10, 0, -1)), list[int](), ""
    while True:
        page, cursor = page_of(items, number, {"cursor": cursor}, size)
        seen += page
        items.insert(0, items[0] + 1)  # Newer ones do not shift the older pages.
        if not cursor:
            break
    assert seen == list(range(10, 0, -1))


def test_a_cursor_from_elsewhere_is_refused() -> None:
    with pytest.raises(RefusedError):
        page_of([1], number, {"cursor": "abc"}, 1)
