"""Statuses, times in force, bands, conditional orders and brackets, as an account sees them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.client import LINEAR, SYMBOL, Json, Lines, Rest, price_text, until

POST_ONLY = "EC_PostOnlyWillTakeLiquidity"
AMEND, STOP = "/v5/order/amend", "/v5/position/trading-stop"


def best(rest: Rest) -> tuple[str, str]:
    book = rest.public("/v5/market/orderbook", **LINEAR, limit=1).result
    return book["b"][0][0], book["a"][0][0]


def ended(rest: Rest, **params: Any) -> Json:
    """Place an order and wait for its end."""
    names = rest.order(**params).result
    return rest.settled(names["orderId"], "Filled", "Cancelled", "Rejected", "Deactivated")


def test_post_only_that_would_take_is_accepted_and_cancelled(flat: Rest) -> None:
    """v5/enum rejectReason: retCode 0, then Cancelled with EC_PostOnlyWillTakeLiquidity."""
    row = ended(flat, price=price_text(flat.last() * 1.004), timeInForce="PostOnly")
    assert (row["orderStatus"], row["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")
    assert (row["cumExecQty"], row["cancelType"], row["leavesQty"]) == ("0.000", "UNKNOWN", "0")


def test_ioc_without_a_fill_is_cancelled(flat: Rest) -> None:
    """v5/enum rejectReason: EC_NoImmediateQtyToFill."""
    row = ended(flat, price=price_text(flat.last() * 0.995), timeInForce="IOC")
    assert (row["orderStatus"], row["rejectReason"]) == ("Cancelled", "EC_NoImmediateQtyToFill")
    assert row["cancelType"] == "UNKNOWN"


def test_ioc_with_a_rest_is_cancelled_with_what_it_has(flat: Rest) -> None:
    """v5/enum orderStatus: on derivatives Cancelled may carry a cumExecQty."""
    _, ask = best(flat)
    row = ended(flat, price=ask, qty="40.000", timeInForce="IOC")
    assert row["orderStatus"] == "Cancelled"
    assert 0 < float(row["cumExecQty"]) < 40
    assert row["leavesQty"] == "0"


def test_fok_fills_whole_or_not_at_all(flat: Rest) -> None:
    """v5/enum timeInForce."""
    whole = ended(flat, price=price_text(flat.last() * 1.004), qty="0.010", timeInForce="FOK")
    assert (whole["orderStatus"], whole["cumExecQty"]) == ("Filled", "0.010")
    none = ended(flat, price=best(flat)[0], qty="40.000", timeInForce="FOK")
    assert (none["orderStatus"], none["cumExecQty"]) == ("Cancelled", "0.000")
    assert none["rejectReason"] in ("EC_NoEnoughQtyToFill", "EC_CancelForNoFullFill")


def test_a_market_order_is_an_ioc_at_a_bound(flat: Rest) -> None:
    """v5/order/create-order: its price is the bound, never the price of its fills."""
    row = ended(flat, qty="0.010")
    assert (row["orderType"], row["timeInForce"], row["orderStatus"]) == ("Market", "IOC", "Filled")
    assert float(row["price"]) > float(row["avgPrice"])
    done = flat.get("/v5/execution/list", **LINEAR, orderId=row["orderId"]).rows
    assert {one["orderPrice"] for one in done} == {row["price"]}


def test_a_limit_beyond_the_band_is_moved_to_it(flat: Rest) -> None:
    """v5/account/set-price-limit: the default for futures."""
    flat.post("/v5/account/set-limit-px-action", category="linear", modifyEnable=True)
    limit = flat.public("/v5/market/price-limit", **LINEAR).result
    row = ended(flat, price=price_text(flat.last() * 1.2), qty="0.010")
    assert row["orderStatus"] == "Filled"
    assert float(row["price"]) < flat.last() * 1.1
    assert abs(float(row["price"]) / float(limit["buyLmt"]) - 1) < 0.01


@pytest.mark.parametrize(("side", "factor", "code"), [("Buy", 1.2, 110121), ("Sell", 0.8, 110120)])
def test_a_limit_beyond_the_band_is_refused_on_request(flat: Rest, side: str, factor: float, code: int) -> None:
    """v5/account/set-price-limit with modifyEnable false: 110120 below, 110121 above the limit."""
    flat.post("/v5/account/set-limit-px-action", category="linear", modifyEnable=False)
    try:
        assert flat.order(side, price=price_text(flat.last() * factor)).code == code
    finally:
        flat.post("/v5/account/set-limit-px-action", category="linear", modifyEnable=True)


def test_reduce_only_is_cut_to_the_position(flat: Rest) -> None:
    """v5/order/create-order reduceOnly: it never flips."""
    ended(flat, qty="0.010")
    row = ended(flat, side="Sell", qty="0.050", reduceOnly=True)
    assert row["cumExecQty"] == "0.010"
    assert flat.position()["size"] == "0"


def test_an_opposite_order_that_is_larger_flips(flat: Rest) -> None:
    """v5/position: one-way mode, without reduceOnly."""
    ended(flat, qty="0.010")
    ended(flat, side="Sell", qty="0.030")
    position = flat.position()
    assert (position["side"], position["size"]) == ("Sell", "0.020")


def test_reduce_only_orders_go_when_there_is_nothing_left(flat: Rest) -> None:
    """v5/enum cancelType: CancelByReduceOnly."""
    ended(flat, qty="0.010")
    waiting = flat.order("Sell", price=price_text(flat.last() * 1.005), reduceOnly=True).result["orderId"]
    ended(flat, side="Sell", qty="0.010")
    row = flat.settled(waiting, "Cancelled")
    assert row["cancelType"] == "CancelByReduceOnly"


# --- conditional orders -----------------------------------------------------------------------------------------


def conditional(rest: Rest, factor: float, direction: int, **params: Any) -> str:
    trigger: Json = {"triggerPrice": price_text(rest.last() * factor), "triggerDirection": direction}
    return str(rest.order(**trigger | params).result["orderId"])


def test_a_conditional_order_waits_untriggered(flat: Rest) -> None:
    """v5/order/create-order: triggerPrice makes it conditional; no margin is taken."""
    before = flat.get("/v5/account/wallet-balance", accountType="UNIFIED").rows[0]["totalInitialMargin"]
    row = flat.find(conditional(flat, 1.01, 1))
    assert (row["orderStatus"], row["triggerDirection"], row["stopOrderType"]) == ("Untriggered", 1, "Stop")
    assert flat.get("/v5/account/wallet-balance", accountType="UNIFIED").rows[0]["totalInitialMargin"] == before


@pytest.mark.parametrize(("factor", "direction", "code"), [(0.99, 1, 110092), (1.01, 2, 110093)])
def test_a_trigger_on_the_wrong_side(flat: Rest, factor: float, direction: int, code: int) -> None:
    """v5/error 110092, 110093: expect Rising, expect Falling."""
    answer = flat.order(triggerPrice=price_text(flat.last() * factor), triggerDirection=direction)
    assert answer.code == code
    assert answer.text.startswith("expect Rising" if direction == 1 else "expect Falling")
    assert answer.text.endswith("??LastPrice")


def test_a_cancelled_conditional_order_is_deactivated(flat: Rest) -> None:
    """v5/enum orderStatus: cancelled before it was triggered."""
    order_id = conditional(flat, 1.01, 1)
    flat.post("/v5/order/cancel", **LINEAR, orderId=order_id)
    assert flat.settled(order_id, "Deactivated")


def test_ten_conditional_orders_to_a_symbol(flat: Rest) -> None:
    """v5/error 110009."""
    for _ in range(10):
        conditional(flat, 1.01, 1)
    trigger: Json = {"triggerPrice": price_text(flat.last() * 1.01), "triggerDirection": 1}
    assert flat.order(**trigger).code == 110009


def test_an_amended_trigger_fires(flat: Rest) -> None:
    """v5/order/amend-order: triggerPrice; Untriggered, then Filled."""
    order_id = conditional(flat, 1.01, 1, triggerBy="LastPrice")

    def moved_and_filled() -> bool:
        if flat.find(order_id)["orderStatus"] == "Untriggered":
            near = f"{float(best(flat)[1]) + 0.1:.2f}"
            flat.post(AMEND, **LINEAR, orderId=order_id, triggerPrice=near)
        return bool(flat.find(order_id)["orderStatus"] == "Filled")

    until("fill", moved_and_filled)
    assert flat.position()["size"] == "0.010"


# --- brackets ---------------------------------------------------------------------------------------------------


def legs(rest: Rest) -> dict[str, Json]:
    rows = rest.get("/v5/order/realtime", **LINEAR).rows
    return {row["stopOrderType"]: row for row in rows if row["stopOrderType"] != "UNKNOWN"}


def test_a_bracket_inside_the_entry(flat: Rest) -> None:
    """v5/order/create-order: takeProfit and stopLoss become conditional orders of their own."""
    last = flat.last()
    ended(
        flat, qty="0.010", orderLinkId="with-bracket", stopLoss=price_text(last * 0.98),
        takeProfit=price_text(last * 1.02), tpslMode="Full", slTriggerBy="MarkPrice",
    )  # fmt: skip
    found = legs(flat)
    assert set(found) == {"StopLoss", "TakeProfit"}
    for kind, row in found.items():
        assert row["orderStatus"] == "Untriggered"
        assert (row["reduceOnly"], row["closeOnTrigger"], row["side"]) == (True, True, "Sell")
        assert row["createType"] == f"CreateBy{kind}"
        assert row["parentOrderLinkId"] == "with-bracket"
    assert found["StopLoss"]["triggerBy"] == "MarkPrice"
    position = flat.position()
    assert (float(position["stopLoss"]), position["tpslMode"]) == (float(price_text(last * 0.98)), "Full")


def test_a_closed_position_clears_its_bracket(flat: Rest, lines: Lines) -> None:
    """v5/enum cancelType: Deactivated, CancelByTpSlTsClear."""
    last = flat.last()
    ended(flat, qty="0.010", stopLoss=price_text(last * 0.98))
    stop = legs(flat)["StopLoss"]["orderId"]
    line = lines.private("order")
    flat.order("Sell", "0.010", reduceOnly=True)
    row = line.rows("order", lambda row: row["orderId"] == stop)
    assert (row["orderStatus"], row["cancelType"]) == ("Deactivated", "CancelByTpSlTsClear")


def test_a_partial_bracket(flat: Rest) -> None:
    """v5/order/create-order tpslMode Partial: limit legs for the filled size."""
    last = flat.last()
    ended(
        flat, qty="0.010", tpslMode="Partial", takeProfit=price_text(last * 1.02), tpOrderType="Limit",
        tpLimitPrice=price_text(last * 1.019),
    )  # fmt: skip
    row = legs(flat)["PartialTakeProfit"]
    assert (row["qty"], row["orderType"], row["createType"]) == ("0.010", "Limit", "CreateByPartialTakeProfit")


def test_trading_stop_sets_moves_and_removes(flat: Rest) -> None:
    """v5/position/trading-stop: "0" cancels; values in force are 34040."""
    last = flat.last()
    ended(flat, qty="0.010")
    common: Json = {**LINEAR, "positionIdx": 0, "tpslMode": "Full"}
    for factor in (0.98, 0.97):
        stop = price_text(last * factor)
        assert flat.post(STOP, **common, stopLoss=stop).result == {}
        assert float(flat.position()["stopLoss"]) == float(stop)
    again = flat.post(STOP, **common, stopLoss=stop)
    assert (again.code, again.text) == (34040, "not modified")
    assert flat.post(STOP, **common, stopLoss="0").code == 0
    assert flat.position()["stopLoss"] == ""


def test_trading_stop_without_a_position(flat: Rest) -> None:
    """v5/error 10001: can not set tp/sl/ts for zero position."""
    answer = flat.post(STOP, **LINEAR, positionIdx=0, tpslMode="Full", stopLoss=price_text(flat.last() * 0.98))
    assert answer.code == 10001


def test_partial_stops_add_up(flat: Rest) -> None:
    """v5/position/trading-stop Partial: only adds; tpSize = slSize."""
    last = flat.last()
    ended(flat, qty="0.030")
    common: Json = {**LINEAR, "positionIdx": 0, "tpslMode": "Partial"}
    for factor in (0.98, 0.97):
        answer = flat.post(STOP, **common, stopLoss=price_text(last * factor), slSize="0.010")
        assert answer.code == 0
    rows = flat.get("/v5/order/realtime", **LINEAR).rows
    assert [(row["stopOrderType"], row["qty"]) for row in rows] == [("PartialStopLoss", "0.010")] * 2


def test_a_trailing_stop(flat: Rest, lines: Lines) -> None:
    """v5/position/trading-stop trailingStop: one order whose triggerPrice is pushed with every step."""
    ended(flat, qty="0.010")
    line = lines.private("order")
    assert flat.post(STOP, **LINEAR, positionIdx=0, trailingStop="200").code == 0
    row = line.rows("order", lambda row: row["stopOrderType"] == "TrailingStop")
    assert (row["orderStatus"], row["createType"]) == ("Untriggered", "CreateByTrailingStop")
    assert (row["orderType"], row["timeInForce"], row["price"]) == ("Market", "IOC", "0")
    assert 0 < flat.last() - float(row["triggerPrice"]) < 400
    assert float(flat.position()["trailingStop"]) == 200


def test_a_trailing_stop_as_ccxt_asks_for_it(flat: Rest) -> None:
    """ccxt 4.5: activePrice and reduceOnly, without tpslMode and positionIdx."""
    ended(flat, qty="0.010")
    active = price_text(flat.last() * 1.01)
    answer = flat.post(STOP, **LINEAR, trailingStop="200", activePrice=active, reduceOnly=True)
    assert answer.code == 0


# --- self-match -------------------------------------------------------------------------------------------------


def meet(rest: Rest, kind: str) -> tuple[Json, Json] | None:
    """Rest a bid at the touch and sell into it; None when somebody else came first."""
    bid, ask = best(rest)
    if float(ask) - float(bid) > 0.15:  # Be the best bid.
        bid = f"{float(bid) + 0.1:.2f}"
    maker = rest.order(price=bid, qty="5.000", timeInForce="PostOnly").result["orderId"]
    sell = {"price": price_text(float(bid) * 0.998), "qty": "20.000", "timeInForce": "IOC"}
    taker = rest.order("Sell", smpType=kind, **sell).result["orderId"]
    rows = rest.find(maker), rest.settled(taker, "Filled", "Cancelled")
    rest.flatten()
    met = any(row["smpOrderId"] for row in rows)
    return rows if met and rows[0]["cumExecQty"] == "0.000" and rows[0]["rejectReason"] != POST_ONLY else None


@pytest.mark.parametrize(
    ("kind", "cancelled"),
    [("CancelMaker", {"maker"}), ("CancelTaker", {"taker"}), ("CancelBoth", {"maker", "taker"})],
)
def test_self_match_prevention(flat: Rest, kind: str, cancelled: set[str]) -> None:
    """v5/smp: the incoming order's smpType decides; CancelBySmp and smpOrderId say so."""
    maker, taker = until("meeting", lambda: meet(flat, kind))
    for name, row, other in (("maker", maker, taker), ("taker", taker, maker)):
        if name in cancelled:
            assert (row["orderStatus"], row["cancelType"]) == ("Cancelled", "CancelBySmp")
            assert row["smpOrderId"] == other["orderId"]
        else:
            assert row["cancelType"] != "CancelBySmp"


def trade_with_oneself(rest: Rest) -> tuple[Json, Json] | None:
    """Rest a bid at the touch and sell into it; None when somebody else came first, or took its place."""
    bid, _ = best(rest)
    maker = rest.order(price=bid, qty="5.000", timeInForce="PostOnly").result["orderId"]
    taker = ended(rest, side="Sell", price=price_text(float(bid) * 0.998), qty="20.000", timeInForce="IOC")
    row = rest.find(maker)
    sold, bought = (rest.get("/v5/execution/list", **LINEAR, orderId=one["orderId"]).rows for one in (taker, row))
    rest.flatten()
    met = {fill["execTime"] for fill in sold} & {fill["execTime"] for fill in bought}
    return (row, taker) if met else None


def test_without_a_type_one_trades_with_oneself(flat: Rest) -> None:
    """v5/smp: the default is None; both sides pay."""
    rows = until("trade with oneself", lambda: trade_with_oneself(flat))
    for row in rows:
        assert (row["smpOrderId"], row["cancelType"] != "CancelBySmp") == ("", True)
        assert float(row["cumExecFee"]) > 0


def test_the_symbol_of_an_order_is_its_scope(flat: Rest) -> None:
    """v5/order/cancel-order: the order of one symbol is not found under another."""
    order_id = flat.order(price=price_text(flat.last() * 0.995)).result["orderId"]
    assert flat.post("/v5/order/cancel", category="linear", symbol="ETHUSDT", orderId=order_id).code == 110001
    assert flat.find(order_id)["symbol"] == SYMBOL
