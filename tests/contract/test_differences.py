"""Where this exchange is smaller than the venue: said plainly, never by silence."""

from __future__ import annotations

import aiohttp
import pytest

from tests.contract.client import LINEAR, SYMBOL, Lines, Rest, price_text


@pytest.mark.parametrize("category", ["spot", "inverse", "option", "spread"])
def test_there_is_one_public_socket(lines: Lines, category: str) -> None:
    """v5/ws/connect has one for each category; here there are linear perpetuals only."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        lines.open(f"/v5/public/{category}")
    assert refused.value.status == 404


@pytest.mark.parametrize(
    "topic", ["orderbook.full.BTCUSDT", "orderbook.rpi.BTCUSDT", "adlAlert.USDT", "insurance.USDT"]
)
def test_topics_that_are_not_here(lines: Lines, topic: str) -> None:
    """v5/websocket/public/*: refused like any unknown topic."""
    ack = lines.open().ask({"op": "subscribe", "args": [topic]})
    assert ack["ret_msg"] == f"error:handler not found,topic:{topic}"


def test_there_is_no_hedge_mode(flat: Rest) -> None:
    """v5/position/position-mode, v5/error: one-way only, with the code of a symbol that has no other."""
    for scope in ({"coin": "USDT"}, {"symbol": SYMBOL}):
        answer = flat.post("/v5/position/switch-mode", category="linear", mode=3, **scope)
        assert (answer.code, answer.text) == (110029, "Hedge mode is not available for this symbol")
    for index in (1, 2):
        answer = flat.order(positionIdx=index)
        assert (answer.code, answer.text) == (10001, "position idx not match position mode")


def test_the_switch_to_hedge_mode_meets_what_is_open_first(flat: Rest) -> None:
    """v5/position/position-mode, v5/error: a position, then an order, stands in its way."""
    order_id = flat.order(price=price_text(flat.last() * 0.995)).result["orderId"]
    switch = {"category": "linear", "symbol": SYMBOL, "mode": 3}
    assert flat.post("/v5/position/switch-mode", **switch).code == 110028
    flat.settled(flat.order().result["orderId"], "Filled")
    assert flat.post("/v5/position/switch-mode", **switch).code == 110024
    assert flat.post("/v5/order/cancel", **LINEAR, orderId=order_id).code == 0


@pytest.mark.parametrize("mode", ["ISOLATED_MARGIN", "PORTFOLIO_MARGIN"])
def test_there_is_cross_margin_only(flat: Rest, mode: str) -> None:
    """v5/account/set-margin-mode, v5/error: refused as the venue refuses what an account may not have."""
    assert flat.post("/v5/account/set-margin-mode", setMarginMode=mode).code == 3400045
    assert flat.post("/v5/account/set-margin-mode", setMarginMode="NONE").code == 10001
    assert flat.get("/v5/account/info").result["marginMode"] == "REGULAR_MARGIN"
    switch = flat.post("/v5/position/switch-isolated", **LINEAR, tradeMode=1, buyLeverage="5", sellLeverage="5")
    assert (switch.code, switch.text) == (100028, "The API cannot be accessed by unified account users.")


def test_there_are_no_retail_price_improvement_orders(flat: Rest) -> None:
    """v5/order/create-order: RPI is for market makers."""
    assert flat.order(price=price_text(flat.last() * 0.995), timeInForce="RPI").code == 10001


@pytest.mark.parametrize("path", ["/v5/market/full_orderbook", "/v5/market/historical-volatility"])
def test_endpoints_that_are_not_here(rest: Rest, path: str) -> None:
    """v5/market/*: 404."""
    assert rest.send("GET", f"{path}?category=linear&symbol=BTCUSDT").status == 404


def test_orders_of_other_categories(rest: Rest) -> None:
    """v5/order/create-order: linear only."""
    order = {**LINEAR, "category": "spot", "side": "Buy", "orderType": "Market", "qty": "1"}
    assert rest.post("/v5/order/create", **order).code == 10001
