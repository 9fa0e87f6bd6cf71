"""Where this exchange is smaller than the venue: said plainly, never by silence."""

from __future__ import annotations

import aiohttp
import pytest

from tests.contract.client import LINEAR, Lines, Rest, price_text


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
    """v5/position/position-mode: one-way only."""
    assert flat.post("/v5/position/switch-mode", category="linear", coin="USDT", mode=3).code != 0


def test_there_are_no_retail_price_improvement_orders(flat: Rest) -> None:
    """v5/order/create-order: RPI is for market makers."""
    assert flat.order(price=price_text(flat.last() * 0.995), timeInForce="RPI").code == 10001


@pytest.mark.parametrize("path", ["/v5/market/insurance", "/v5/market/account-ratio", "/v5/market/open-interest"])
def test_endpoints_that_are_not_here(rest: Rest, path: str) -> None:
    """v5/market/*: 404."""
    assert rest.send("GET", f"{path}?category=linear&symbol=BTCUSDT").status == 404


def test_orders_of_other_categories(rest: Rest) -> None:
    """v5/order/create-order: linear only."""
    order = {**LINEAR, "category": "spot", "side": "Buy", "orderType": "Market", "qty": "1"}
    assert rest.post("/v5/order/create", **order).code == 10001
