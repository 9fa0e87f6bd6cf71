"""Requests become the venue's words, and reductions never share a lane with entries."""

from __future__ import annotations

from msgspec.structs import replace
from pybit.unified_trading import HTTP

from services.execution.calls import ENTRY, EXIT, LANES, REQUESTS, call_of, kind_of
from services.execution.wire import (
    AmendRequest,
    CancelAllRequest,
    CancelRequest,
    LeverageRequest,
    OrderRequest,
    PriceLimitRequest,
    Query,
    StopRequest,
)

ENTER = OrderRequest(1, "abc-e", "BTCUSDT", "0.10", "0.001", 1, 8, 600_004, 597_000, 606_000, False, 5, 6)
LEAVE = OrderRequest(2, "run-0-t1", "BTCUSDT", "0.10", "0.001", -1, 8, 0, 0, 0, True, 0, 0)
FOLLOW = AmendRequest(9, "abc-e", "BTCUSDT", "0.10", 600_005, 597_001, 606_001)
ALL = [
    ENTER, LEAVE, FOLLOW,
    CancelRequest(3, "BTCUSDT", "abc-e"), CancelAllRequest(4), StopRequest(5, "BTCUSDT", "0.10", 597_000),
    LeverageRequest(6, "BTCUSDT", 5), PriceLimitRequest(7),
    *[
        Query(8, kind, "BTCUSDT", "abc-e", "", 9)
        for kind in ("order", "order_history", "order_executions", "open_orders", "positions", "executions", "wallet",
                     "fee_rate", "instrument", "ticker", "key", "account", "mode")
    ],
]  # fmt: skip


def test_an_entry_carries_its_bracket_in_the_same_request() -> None:
    assert call_of(ENTER) == (
        "place_order",
        {
            "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.008",
            "timeInForce": "IOC", "positionIdx": 0, "orderLinkId": "abc-e", "reduceOnly": False, "price": "60000.40",
            "stopLoss": "59700.00", "takeProfit": "60600.00", "tpslMode": "Full", "slTriggerBy": "LastPrice",
            "tpTriggerBy": "LastPrice",
        },
        ENTRY,
    )  # fmt: skip


def test_an_entry_that_rests_never_takes() -> None:
    params = call_of(replace(ENTER, post=True)).params
    assert (params["timeInForce"], params["orderType"]) == ("PostOnly", "Limit")


def test_repricing_an_entry_amends_its_stop_and_target_too_and_leaves_its_size_alone() -> None:
    assert call_of(FOLLOW) == (
        "amend_order",
        {
            "category": "linear", "symbol": "BTCUSDT", "orderLinkId": "abc-e", "price": "60000.50",
            "stopLoss": "59700.10", "takeProfit": "60600.10",
        },
        ENTRY,
    )  # fmt: skip


def test_a_market_order_is_held_near_the_touch_where_that_is_asked() -> None:
    params = call_of(replace(LEAVE, slip_bps=30)).params
    assert (params["slippageToleranceType"], params["slippageTolerance"]) == ("Percent", "0.30")
    assert "slippageTolerance" not in call_of(LEAVE).params
    assert "slippageTolerance" not in call_of(replace(ENTER, slip_bps=30)).params


def test_an_exit_is_a_reduce_only_market_order_without_a_bracket() -> None:
    method, params, lane = call_of(LEAVE)
    assert (method, lane) == ("place_order", EXIT)
    assert (params["orderType"], params["reduceOnly"], params["side"]) == ("Market", True, "Sell")
    assert not {"price", "stopLoss", "takeProfit", "tpslMode"} & params.keys()


def test_cancelling_all_spares_the_stops() -> None:
    params = call_of(CancelAllRequest(1)).params
    assert params == {"category": "linear", "settleCoin": "USDT", "orderFilter": "Order"}


def test_price_limits_refuse_instead_of_moving() -> None:
    assert call_of(PriceLimitRequest(1)).params == {"category": "linear", "modifyEnable": False}


def test_a_stop_is_decimal_text() -> None:
    params = call_of(StopRequest(1, "XUSDT", "0.00001", 123)).params
    assert (params["stopLoss"], params["tpslMode"]) == ("0.00123", "Full")


def test_lists_are_asked_for_with_their_page_and_start() -> None:
    assert call_of(Query(1, "executions", "", "", "p2", 77)).params == {
        "category": "linear", "limit": 100, "startTime": 77, "cursor": "p2",
    }  # fmt: skip
    assert call_of(Query(1, "positions", "", "", "", 0)).params == {
        "category": "linear", "limit": 200, "settleCoin": "USDT",
    }  # fmt: skip


def test_every_request_is_a_call_of_the_client_and_what_reduces_has_its_own_lane() -> None:
    assert {type(request) for request in ALL} == set(REQUESTS)
    for request in ALL:
        call = call_of(request)
        assert callable(getattr(HTTP, call.method))
        assert call.lane in LANES
    entries = [request for request in ALL if call_of(request).lane == ENTRY]
    assert entries == [ENTER, FOLLOW]
    assert [request for request in ALL if call_of(request).lane == EXIT] == [LEAVE]


def test_answers_are_known_by_the_request_s_kind() -> None:
    assert kind_of(ENTER) == "OrderRequest"
    assert kind_of(Query(1, "wallet", "", "", "", 0)) == "wallet"
