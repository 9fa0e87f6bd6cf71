"""REST about orders and executions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.exchange_rig import OTHER, SYMBOL, Rig


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["orderLinkId"] for row in rows]


def with_orders() -> Rig:
    """Three resting orders, a position with a bracket, one cancelled order."""
    rig = Rig()
    rig.order(orderLinkId="entry", stopLoss="59000", takeProfit="61000")
    for number in range(3):
        rig.order(price=f"5900{number}.0", orderLinkId=f"rest{number}")
    rig.order(price="59500", orderLinkId="gone")
    rig.post("/v5/order/cancel", category="linear", symbol=SYMBOL, orderLinkId="gone")
    rig.order(symbol=OTHER, price="1900", qty="0.1", orderLinkId="other")
    return rig


@pytest.mark.parametrize(
    "params",
    [
        {"orderLinkId": "none"},
        {"orderId": "none"},
        {"orderId": "none", "orderLinkId": "rest0"},
        {"orderLinkId": "gone"},
        {"orderLinkId": "entry"},
        {"orderLinkId": "other"},
    ],
)
def test_what_cannot_be_cancelled_is_too_late(params: dict[str, str]) -> None:
    answer = with_orders().post("/v5/order/cancel", category="linear", symbol=SYMBOL, **params)
    assert (answer["retCode"], answer["retMsg"]) == (110001, "order not exists or too late to cancel")


def test_cancelling_nothing_in_particular_is_an_error() -> None:
    assert Rig().post("/v5/order/cancel", category="linear", symbol=SYMBOL)["retCode"] == 10001


def test_realtime_shows_open_orders_newest_first() -> None:
    rig = with_orders()
    open_ones = rig.rows("/v5/order/realtime", symbol=SYMBOL, orderFilter="Order")
    assert ids(open_ones) == ["rest2", "rest1", "rest0"]
    assert len(rig.rows("/v5/order/realtime", symbol=SYMBOL)) == 5
    assert ids(rig.rows("/v5/order/realtime", settleCoin="USDT", orderFilter="Order"))[0] == "other"
    assert ids(rig.rows("/v5/order/realtime", symbol=SYMBOL, openOnly="1")) == ["gone", "entry"]
    assert rig.get("/v5/order/realtime", category="linear")["retCode"] == 10001


def test_an_order_is_found_by_name_whether_open_or_not() -> None:
    rig = with_orders()
    for link in ("rest0", "gone", "entry", "other"):
        assert ids(rig.rows("/v5/order/realtime", orderLinkId=link)) == [link]
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL, orderLinkId="other") == []
    assert rig.rows("/v5/order/realtime", orderLinkId="none") == []


def test_history_shows_closed_orders() -> None:
    rig = with_orders()
    assert ids(rig.rows("/v5/order/history")) == ["gone", "entry"]
    assert ids(rig.rows("/v5/order/history", orderStatus="Filled")) == ["entry"]
    assert ids(rig.rows("/v5/order/history", orderLinkId="gone")) == ["gone"]
    assert ids(rig.rows("/v5/order/history", symbol=OTHER)) == []
    created = rig.rows("/v5/order/history", orderLinkId="gone")[0]["createdTime"]
    assert ids(rig.rows("/v5/order/history", startTime=created)) == ["gone"]
    assert ids(rig.rows("/v5/order/history", endTime=str(int(created) - 1))) == ["entry"]


def test_lists_come_in_pages() -> None:
    rig = with_orders()
    seen, cursor = [], ""
    for _ in range(3):
        page = rig.get("/v5/order/realtime", category="linear", symbol=SYMBOL, limit="2", cursor=cursor)["result"]
        seen += page["list"]
        cursor = page["nextPageCursor"]
    assert cursor == ""
    assert len({row["orderId"] for row in seen}) == len(seen) == 5


def test_executions_are_found_by_order_time_and_symbol() -> None:
    rig = with_orders()
    rig.order("Sell", reduceOnly=True, orderLinkId="exit")
    assert ids(rig.rows("/v5/execution/list")) == ["exit", "entry"]
    assert ids(rig.rows("/v5/execution/list", orderLinkId="entry")) == ["entry"]
    assert ids(rig.rows("/v5/execution/list", symbol=OTHER)) == []
    assert ids(rig.rows("/v5/execution/list", execType="Funding")) == []
    done = rig.rows("/v5/execution/list", orderLinkId="exit")[0]
    assert ids(rig.rows("/v5/execution/list", startTime=done["execTime"])) == ["exit"]
    page = rig.get("/v5/execution/list", category="linear", limit="1")["result"]
    rest = rig.get("/v5/execution/list", category="linear", limit="1", cursor=page["nextPageCursor"])["result"]
    assert ids(page["list"] + rest["list"]) == ["exit", "entry"]


def test_cancel_all_with_the_filter_leaves_the_bracket_alone() -> None:
    rig = with_orders()
    answer = rig.post("/v5/order/cancel-all", category="linear", symbol=SYMBOL, orderFilter="Order")
    assert sorted(ids(answer["result"]["list"])) == ["rest0", "rest1", "rest2"]
    assert answer["result"]["success"] == "1"
    assert rig.position()["stopLoss"] == "59000.00"
    assert len(rig.rows("/v5/order/realtime", settleCoin="USDT", orderFilter="Order")) == 1


def test_cancel_all_without_the_filter_strips_the_bracket_too() -> None:
    rig = with_orders()
    assert len(rig.post("/v5/order/cancel-all", category="linear", settleCoin="USDT")["result"]["list"]) == 6
    assert (rig.position()["stopLoss"], rig.position()["takeProfit"]) == ("", "")
    rig.tick(5)
    assert rig.core.naked_ms_max(rig.now) >= 5


def test_cancel_all_of_the_stops_leaves_the_orders() -> None:
    rig = with_orders()
    rig.post("/v5/order/cancel-all", category="linear", symbol=SYMBOL, orderFilter="StopOrder")
    assert len(rig.rows("/v5/order/realtime", symbol=SYMBOL)) == 3
    assert rig.position()["stopLoss"] == ""


@pytest.mark.parametrize("params", [{}, {"symbol": "NONE"}, {"symbol": SYMBOL, "orderFilter": "All"}])
def test_cancel_all_needs_to_know_what(params: dict[str, str]) -> None:
    assert with_orders().post("/v5/order/cancel-all", category="linear", **params)["retCode"] == 10001
