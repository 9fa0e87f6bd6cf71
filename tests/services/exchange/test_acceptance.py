"""What is refused at the door of order/create, with Bybit's codes and texts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.exchange_rig import SYMBOL, Rig

LONG_ID = "x" * 36


def refused(**params: Any) -> tuple[int, str]:
    answer = Rig().order(**params)
    assert answer["result"] == {}
    return answer["retCode"], answer["retMsg"]


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"category": "spot"}, 10001, "params error: category invalid"),
        ({"category": None}, 10001, "params error: category invalid"),
        ({"symbol": "DOGEUSDT"}, 10001, "params error: symbol invalid"),
        ({"symbol": 7}, 10001, "params error: symbol invalid"),
        ({"side": "buy"}, 10001, "params error: side invalid"),
        ({"orderType": "Stop"}, 10001, "params error: orderType invalid"),
        ({"timeInForce": "RPI"}, 10001, "params error: timeInForce invalid"),
        ({"qty": 0.01}, 10001, "params error: qty invalid"),
        ({"qty": "-1"}, 10001, "params error: qty invalid"),
        ({"qty": "NaN"}, 10001, "params error: qty invalid"),
        ({"qty": "1e3"}, 10001, "params error: qty invalid"),
        ({"qty": "0.0105"}, 10001, "params error: qty invalid"),
        ({"qty": "9" * 40}, 10001, "params error: qty invalid"),
        ({"qty": "0"}, 10001, "The number of contracts exceeds minimum limit allowed"),
        ({"qty": "150.001"}, 10001, "The number of contracts exceeds maximum limit allowed"),
        ({"qty": "1500.001", "price": "59000"}, 10001, "The number of contracts exceeds maximum limit allowed"),
        ({"orderType": "Limit"}, 10001, "params error: price invalid"),
        ({"price": "59000.05"}, 10001, "params error: price invalid"),
        ({"price": "0"}, 10001, "params error: price invalid"),
        ({"price": "2000000.1"}, 110003, "Order price is out of permissible range"),
        ({"orderLinkId": "x" * 37}, 10001, "params error: orderLinkId invalid"),
        ({"orderLinkId": "a b"}, 10001, "params error: orderLinkId invalid"),
        ({"reduceOnly": "true"}, 10001, "params error: reduceOnly invalid"),
        ({"reduceOnly": True, "stopLoss": "59000"}, 10001, "params error: reduceOnly invalid"),
        ({"positionIdx": 1}, 10001, "position idx not match position mode"),
        ({"tpslMode": "partial"}, 10001, "params error: tpslMode invalid"),
        ({"triggerPrice": "61000"}, 10001, "params error: triggerDirection invalid"),
        ({"triggerPrice": "61000", "triggerDirection": 3}, 10001, "params error: triggerDirection invalid"),
        ({"triggerPrice": "61000.05", "triggerDirection": 1}, 10001, "params error: triggerPrice invalid"),
        ({"stopLoss": "59000", "slTriggerBy": "Index"}, 10001, "params error: slTriggerBy invalid"),
        ({"stopLoss": "59000", "slOrderType": "Limit"}, 10001, "params error: slOrderType invalid"),
        ({"stopLoss": "59000", "slLimitPrice": "58999"}, 10001, "params error: slLimitPrice invalid"),
        ({"smpType": "CancelAll"}, 10001, "params error: smpType invalid"),
        ({"stopLoss": "59000.05"}, 10001, "params error: stopLoss invalid"),
        ({"price": "100.0", "qty": "0.049"}, 110094, "Order does not meet minimum order value 5USDT"),
        ({"reduceOnly": True}, 110017, "current position is zero, cannot fix reduce-only order qty"),
        ({"qty": "2.000"}, 110007, "ab not enough for new order"),
    ],
)
def test_a_senseless_order_is_refused_with_its_reason(params: dict[str, Any], code: int, text: str) -> None:
    assert refused(**params) == (code, text)


@pytest.mark.parametrize(
    ("params", "name", "order", "base"),
    [
        ({"stopLoss": "60000"}, "StopLoss:600000000", "Buy position should lower", "600000000??LastPrice"),
        ({"takeProfit": "60000"}, "TakeProfit:600000000", "Buy position should higher", "600000000??LastPrice"),
        (
            {"side": "Sell", "stopLoss": "59999.9"},
            "StopLoss:599999000",
            "Sell position should higher",
            "600000000??LastPrice",
        ),
        (
            {"price": "59000", "stopLoss": "59500"},
            "StopLoss:595000000",
            "Buy position should lower",
            "590000000??LastPrice",
        ),
        (
            {"stopLoss": "60000", "slTriggerBy": "MarkPrice"},
            "StopLoss:600000000",
            "Buy position should lower",
            "600000000??MarkPrice",
        ),
    ],
)
def test_a_bracket_on_the_wrong_side_is_refused(params: dict[str, Any], name: str, order: str, base: str) -> None:
    assert refused(**params) == (10001, f"{name} set for {order} than base_price:{base}")


@pytest.mark.parametrize(
    "params",
    [
        {"orderLinkId": LONG_ID},
        {"positionIdx": 0},
        {"positionIdx": None, "reduceOnly": None, "stopLoss": None, "orderLinkId": None},
        {"stopLoss": "0", "takeProfit": ""},
        {"tpslMode": "Full", "stopLoss": "59000", "slTriggerBy": "MarkPrice"},
        {"qty": "0.001"},
        {"price": "60000", "qty": "0.001", "timeInForce": "PostOnly"},
        {"smpType": "None", "closeOnTrigger": False, "unknownParameter": [1]},
    ],
)
def test_a_sensible_order_is_taken(params: dict[str, Any]) -> None:
    answer = Rig().order(**params)
    assert (answer["retCode"], answer["retMsg"]) == (0, "OK")
    assert answer["result"]["orderLinkId"] == (params.get("orderLinkId") or "")


def test_a_name_is_never_used_twice_even_after_the_order_is_gone() -> None:
    rig = Rig()
    assert rig.order(price="59000", orderLinkId="one")["retCode"] == 0
    assert rig.post("/v5/order/cancel", category="linear", symbol=SYMBOL, orderLinkId="one")["retCode"] == 0
    answer = rig.order(price="59000", orderLinkId="one")
    assert (answer["retCode"], answer["retMsg"]) == (110072, "OrderLinkedID is duplicate")
    assert len(rig.ledger()["orders"]) == 1


def test_a_refused_order_does_not_use_up_its_name() -> None:
    rig = Rig()
    assert rig.order(qty="2.000", orderLinkId="one")["retCode"] == 110007
    assert rig.order(orderLinkId="one")["retCode"] == 0


def test_reduce_only_the_wrong_way_is_refused_and_small_reduce_only_is_not() -> None:
    rig = Rig()
    rig.order(qty="0.010")
    assert rig.order("Buy", reduceOnly=True)["retMsg"] == "Reduce-only rule not satisfied"
    assert rig.order("Sell", "0.001", price="60599.0", reduceOnly=True)["retCode"] == 0
    rig.market.lasts[SYMBOL] = 10_000  # Worth a USDT: the minimum does not bind who closes.
    assert rig.order("Sell", "0.001", reduceOnly=True)["retCode"] == 0


def test_nothing_at_all_with_close_on_trigger_closes_the_position() -> None:
    rig = Rig()
    rig.order(qty="0.010")
    assert rig.order("Sell", "0", reduceOnly=True, closeOnTrigger=True)["retCode"] == 0
    assert rig.position()["size"] == "0"


def test_what_closes_needs_no_margin() -> None:
    rig = Rig()
    assert rig.order(qty="1.600")["retCode"] == 0  # 96,000 USDT at ten times: nearly everything.
    assert rig.order(qty="0.100")["retCode"] == 110007
    assert rig.order("Sell", "1.600")["retCode"] == 0


def test_a_limit_beyond_the_band_is_moved_to_it_or_refused_by_choice() -> None:
    rig = Rig()
    moved = rig.order(price="65000", timeInForce="IOC")["result"]["orderId"]
    assert rig.find(moved)["price"] == "60600.00"
    assert rig.post("/v5/account/set-limit-px-action", category="linear", modifyEnable=False)["retCode"] == 0
    assert rig.order(price="65000")["retCode"] == 110121
    assert rig.order("Sell", price="55000")["retCode"] == 110120
    assert rig.order(price="55000")["retCode"] == 0


def test_a_recording_takes_no_orders() -> None:
    answer = Rig(matches_orders=False).order()
    assert answer["retCode"] == 110074
    assert "recording" in answer["retMsg"]
