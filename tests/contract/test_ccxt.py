"""ccxt 4.5 over REST, unmodified: every call that a trader of swaps makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from tests.contract.addresses import ccxt_options, point_ccxt
from tests.contract.client import Json, Rest, until
from tests.exchange_process import Running

SWAP = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def client(exchange: Running) -> Iterator[Any]:
    client = ccxt.bybit(ccxt_options())
    point_ccxt(client, exchange.port)
    client.load_markets()
    yield client
    client.session.close()


@pytest.fixture
def ours(client: Any, flat: Rest) -> Any:
    """The client of an account that is flat."""
    flat.room("/v5/order/create", 6)
    return client


def low(client: Any) -> float:
    return float(client.fetch_ticker(SWAP)["last"]) * 0.995


def rested(client: Any, **params: Any) -> Json:
    order: Json = client.create_order(SWAP, "limit", "buy", 0.01, low(client), params)
    return order


def test_load_markets(client: Any) -> None:
    """ccxt load_markets: v5/asset/coin/query-info and v5/market/instruments-info."""
    market = client.market(SWAP)
    assert (market["id"], market["swap"], market["linear"], market["settle"]) == ("BTCUSDT", True, True, "USDT")
    assert market["precision"] == {"amount": 0.001, "price": 0.1}
    assert market["limits"]["amount"]["min"] == 0.001
    assert {name for name, one in client.markets.items() if one["swap"]} == {
        SWAP, "ETH/USDT:USDT", "SOL/USDT:USDT", "SUI/USDT:USDT",
    }  # fmt: skip


def test_load_markets_of_every_kind(exchange: Running) -> None:
    """ccxt load_markets without options: spot, linear, inverse and option lists, PreLaunch too."""
    client = ccxt.bybit({"apiKey": "local", "secret": "local-secret", "enableRateLimit": False})
    point_ccxt(client, exchange.port)
    assert SWAP in client.load_markets()
    client.session.close()


def test_public_calls(client: Any) -> None:
    """ccxt fetch_time, fetch_ticker, fetch_tickers, fetch_order_book, fetch_trades, fetch_ohlcv."""
    assert client.fetch_time() > 1_700_000_000_000
    assert client.fetch_ticker(SWAP)["bid"] < client.fetch_ticker(SWAP)["ask"] * 1.01
    assert SWAP in client.fetch_tickers()
    book = client.fetch_order_book(SWAP, 50)
    assert len(book["bids"]) == len(book["asks"]) == 50
    assert book["bids"][0][0] < book["asks"][0][0]
    until("trades", lambda: client.fetch_trades(SWAP, limit=10))
    trades = client.fetch_trades(SWAP, limit=10)
    assert all(trade["side"] in ("buy", "sell") and trade["price"] > 0 for trade in trades)
    bars = client.fetch_ohlcv(SWAP, "1m", limit=10)
    assert bars
    assert all(low <= open_ <= high and low <= close <= high for _, open_, high, low, close, _ in bars)


def test_funding(client: Any) -> None:
    """ccxt fetch_funding_rate, fetch_funding_rate_history."""
    assert client.fetch_funding_rate(SWAP)["symbol"] == SWAP
    assert client.fetch_funding_rate_history(SWAP, limit=5)


def test_open_interest(client: Any) -> None:
    """ccxt fetch_open_interest, fetch_open_interest_history: v5/market/open-interest."""
    assert client.fetch_open_interest(SWAP)["symbol"] == SWAP
    history = client.fetch_open_interest_history(SWAP, "1h", limit=5)
    assert len(history) == 5
    assert all(one["openInterestAmount"] or one["openInterestValue"] for one in history)


def test_leverage_tiers(client: Any) -> None:
    """ccxt fetch_market_leverage_tiers: v5/market/risk-limit."""
    assert client.fetch_market_leverage_tiers(SWAP)[0]["maxLeverage"] >= 1


def test_balance(ours: Any) -> None:
    """ccxt fetch_balance: v5/account/wallet-balance, after v5/user/query-api and v5/account/info."""
    balance = ours.fetch_balance()
    assert balance["USDT"]["total"] > 0


def test_a_limit_order_from_birth_to_cancel(ours: Any) -> None:
    """ccxt create_order, fetch_open_orders, edit_order, fetch_order, cancel_order, fetch_canceled_orders."""
    order = rested(ours, postOnly=True)
    (mine,) = ours.fetch_open_orders(SWAP)
    assert (mine["id"], mine["status"], mine["postOnly"]) == (order["id"], "open", True)
    assert [one["id"] for one in ours.fetch_open_orders()] == [order["id"]]
    ours.edit_order(order["id"], SWAP, "limit", "buy", 0.02, low(ours))
    assert ours.fetch_order(order["id"], SWAP, {"acknowledged": True})["amount"] == 0.02
    ours.cancel_order(order["id"], SWAP)
    assert ours.fetch_open_orders(SWAP) == []
    assert order["id"] in {one["id"] for one in ours.fetch_canceled_orders(SWAP)}


def test_a_market_order_and_what_came_of_it(ours: Any) -> None:
    """ccxt create_order, fetch_closed_orders, fetch_my_trades, fetch_positions."""
    order = ours.create_order(SWAP, "market", "buy", 0.01)
    until("fill", lambda: order["id"] in {one["id"] for one in ours.fetch_closed_orders(SWAP)})
    mine = [trade for trade in ours.fetch_my_trades(SWAP) if trade["order"] == order["id"]]
    assert sum(trade["amount"] for trade in mine) == pytest.approx(0.01)
    assert all(trade["fee"]["currency"] == "USDT" for trade in mine)
    (position,) = ours.fetch_positions([SWAP])
    assert (position["side"], position["contracts"]) == ("long", 0.01)
    assert [one["symbol"] for one in ours.fetch_positions()] == [SWAP]
    ours.create_order(SWAP, "market", "sell", 0.01, None, {"reduceOnly": True})
    until("flat", lambda: not ours.fetch_position(SWAP)["contracts"])


def test_a_bracket_inside_the_order(ours: Any) -> None:
    """ccxt create_order with stopLoss and takeProfit inline."""
    last = ours.fetch_ticker(SWAP)["last"]
    bracket = {"stopLoss": {"triggerPrice": last * 0.98}, "takeProfit": {"triggerPrice": last * 1.02}}
    ours.create_order(SWAP, "market", "buy", 0.01, None, bracket)
    position = ours.fetch_position(SWAP)
    assert position["stopLossPrice"] == pytest.approx(last * 0.98, rel=1e-4)
    assert position["takeProfitPrice"] == pytest.approx(last * 1.02, rel=1e-4)


def test_a_conditional_order(ours: Any) -> None:
    """ccxt create_order with triggerPrice and triggerDirection."""
    last = ours.fetch_ticker(SWAP)["last"]
    trigger = {"triggerPrice": last * 1.01, "triggerDirection": "ascending"}
    order = ours.create_order(SWAP, "market", "buy", 0.01, None, trigger)
    (mine,) = ours.fetch_open_orders(SWAP, params={"trigger": True})
    assert mine["id"] == order["id"]
    assert mine["triggerPrice"] == pytest.approx(last * 1.01, rel=1e-4)


def test_a_trailing_stop(ours: Any) -> None:
    """ccxt create_order with trailingAmount: v5/position/trading-stop without tpslMode and positionIdx."""
    ours.create_order(SWAP, "market", "buy", 0.01)
    last = ours.fetch_ticker(SWAP)["last"]
    trail = {"trailingAmount": 200, "trailingTriggerPrice": last * 1.01, "reduceOnly": True}
    ours.create_order(SWAP, "market", "sell", 0.01, None, trail)
    kinds = {one["info"]["stopOrderType"] for one in ours.fetch_open_orders(SWAP)}
    assert kinds == {"TrailingStop"}


def test_cancel_all(ours: Any) -> None:
    """ccxt cancel_all_orders."""
    made = {rested(ours)["id"] for _ in range(3)}
    assert {one["id"] for one in ours.cancel_all_orders(SWAP)} == made
    assert ours.fetch_open_orders(SWAP) == []


def test_many_at_once(ours: Any) -> None:
    """ccxt create_orders, cancel_orders: the batch endpoints."""
    price = low(ours)
    order = {"symbol": SWAP, "type": "limit", "side": "buy", "amount": 0.01, "price": price}
    made = ours.create_orders([order] * 3)
    assert len({one["id"] for one in made}) == 3
    ours.cancel_orders([one["id"] for one in made], SWAP)
    assert ours.fetch_open_orders(SWAP) == []


def test_settings(ours: Any) -> None:
    """ccxt set_leverage, set_position_mode, set_margin_mode, cancel_all_orders_after."""
    ours.set_leverage(7, SWAP)
    assert ours.fetch_leverage(SWAP)["longLeverage"] == 7
    ours.set_leverage(10, SWAP)
    with pytest.raises(ccxt.NoChange):
        ours.set_position_mode(False, SWAP)
    ours.set_margin_mode("cross", SWAP, {"leverage": 10})
    assert ours.cancel_all_orders_after(40_000)


def test_trading_fee(ours: Any) -> None:
    """ccxt fetch_trading_fee: v5/account/fee-rate."""
    fee = ours.fetch_trading_fee(SWAP)
    assert (fee["maker"], fee["taker"]) == (0.0002, 0.00055)


def test_errors_have_ccxts_classes(ours: Any) -> None:
    """ccxt maps Bybit's codes: 110007, 110001, 10001, 110072."""
    with pytest.raises(ccxt.InsufficientFunds):
        ours.create_order(SWAP, "limit", "buy", 1_000, low(ours))
    with pytest.raises(ccxt.OrderNotFound):
        ours.cancel_order("00000000-0000-0000-0000-000000000000", SWAP)
    rested(ours, clientOrderId="ccxt-twice")
    with pytest.raises(ccxt.InvalidOrder):
        rested(ours, clientOrderId="ccxt-twice")


def test_a_wrong_secret(exchange: Running) -> None:
    """ccxt maps 10004 to AuthenticationError."""
    client = ccxt.bybit({**ccxt_options(), "secret": "guess"})
    point_ccxt(client, exchange.port)
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()
    client.session.close()
