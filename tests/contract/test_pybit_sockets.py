"""pybit 5.17's WebSocket and WebSocketTrading, unmodified: callbacks, merged books, order entry."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pybit.unified_trading import WebSocket, WebSocketTrading

from tests.contract.addresses import pybit_http, pybit_sockets
from tests.contract.client import KEY, LINEAR, SECRET, SYMBOL, WAIT_S, Json, Rest, price_text, until
from tests.exchange_process import Running

Heard = queue.Queue[Json]


@pytest.fixture(scope="module")
def public(exchange: Running) -> Iterator[WebSocket]:
    with pybit_sockets(exchange.port):
        socket = WebSocket(testnet=False, channel_type="linear")
    yield socket
    socket.exit()


@pytest.fixture(scope="module")
def private(exchange: Running) -> Iterator[WebSocket]:
    with pybit_sockets(exchange.port):
        socket = WebSocket(testnet=False, channel_type="private", api_key=KEY, api_secret=SECRET)
    until("login", lambda: socket.auth)
    yield socket
    socket.exit()


@pytest.fixture(scope="module")
def trading(exchange: Running) -> Iterator[WebSocketTrading]:
    with pybit_sockets(exchange.port):
        socket = WebSocketTrading(testnet=False, api_key=KEY, api_secret=SECRET)
    until("login", lambda: socket.auth)
    yield socket
    socket.exit()


def hear(heard: Heard, wanted: Callable[[Json], object] = bool) -> Json:
    while not wanted(message := heard.get(timeout=WAIT_S)):
        pass
    return message


def copied(heard: Heard) -> Callable[[Json], None]:
    """A callback that keeps what it was told: pybit hands out the same object each time."""

    def callback(message: Json) -> None:
        data = message["data"]
        book = {name: [list(level) for level in data[name]] for name in "ba"} if "b" in data else {}
        heard.put({**message, "data": {**data, **book} if isinstance(data, dict) else list(data)})

    return callback


@pytest.mark.parametrize("depth", [1, 50, 200, 1000])
def test_order_books(public: WebSocket, depth: int) -> None:
    """pybit orderbook_stream: its merged book is whole and never crossed."""
    heard: Heard = queue.Queue()
    public.orderbook_stream(depth, "ETHUSDT", copied(heard))
    for _ in range(10):
        data = hear(heard)["data"]
        assert 0 < len(data["b"]) <= depth
        assert max(float(price) for price, _ in data["b"]) < min(float(price) for price, _ in data["a"])


def test_many_books_in_one_request(public: WebSocket) -> None:
    """pybit orderbook_stream with a list: one request, one ack."""
    heard: Heard = queue.Queue()
    symbols = ["BTCUSDT", "SOLUSDT", "SUIUSDT"]
    public.orderbook_stream(50, symbols, copied(heard))
    seen: set[str] = set()
    until("books", lambda: seen.add(hear(heard)["data"]["s"]) or len(seen) == 3)


def test_trades_tickers_and_klines(public: WebSocket) -> None:
    """pybit trade_stream, ticker_stream, kline_stream, all_liquidation_stream, price_limit_stream."""
    trades, tickers, klines, others = (queue.Queue[Json]() for _ in range(4))
    public.trade_stream(SYMBOL, copied(trades))
    public.ticker_stream(SYMBOL, copied(tickers))
    public.kline_stream(1, SYMBOL, copied(klines))
    public.all_liquidation_stream(SYMBOL, copied(others))
    assert hear(trades)["data"][0]["s"] == SYMBOL
    for _ in range(5):
        assert float(hear(tickers)["data"]["lastPrice"]) > 0
    assert hear(klines)["data"][0]["interval"] == "1"
    assert public.is_connected()


def test_thirty_subscriptions_one_after_the_other(exchange: Running) -> None:
    """pybit stores its callback after it has sent: the ack must not be faster than that."""
    with pybit_sockets(exchange.port):
        socket = WebSocket(testnet=False, channel_type="linear")
    heard: Heard = queue.Queue()
    topics = [
        *(f"orderbook.{depth}" for depth in (1, 50, 200)),
        *("publicTrade", "tickers", "kline.1", "kline.5"),
    ]
    for topic in topics:
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "SUIUSDT"):
            socket.subscribe(f"{topic}.{{symbol}}", copied(heard), symbol)
    assert socket.is_connected()
    assert hear(heard)
    socket.exit()


def test_private_callbacks(private: WebSocket, flat: Rest) -> None:
    """pybit order_stream, execution_stream, fast_execution_stream, position_stream, wallet_stream."""
    heard: dict[str, Heard] = {name: queue.Queue() for name in ("order", "execution", "fast", "position", "wallet")}
    private.order_stream(heard["order"].put)
    private.execution_stream(heard["execution"].put)
    private.fast_execution_stream(heard["fast"].put)
    private.position_stream(heard["position"].put)
    private.wallet_stream(heard["wallet"].put)
    flat.order(qty="0.010", orderLinkId="pybit-private")
    for name, box in heard.items():
        message = hear(box)
        assert message["topic"].startswith("execution.fast" if name == "fast" else name)
        assert message["data"]


def test_a_categorised_topic(exchange: Running, flat: Rest) -> None:
    """pybit subscribe("order.linear", callback, "")."""
    with pybit_sockets(exchange.port):
        socket = WebSocket(testnet=False, channel_type="private", api_key=KEY, api_secret=SECRET)
    heard: Heard = queue.Queue()
    socket.subscribe("order.linear", heard.put, "")
    flat.order(qty="0.010")
    assert hear(heard)["topic"] == "order.linear"
    socket.exit()


def asked(call: Callable[..., None], **params: Any) -> Json:
    heard: Heard = queue.Queue()
    call(heard.put, error_callback=heard.put, **params)
    return hear(heard)


def limit_order(rest: Rest, **changes: Any) -> Json:
    price = price_text(rest.last() * 0.995)
    usual: Json = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": price}
    return usual | changes


def test_order_entry(trading: WebSocketTrading, flat: Rest) -> None:
    """pybit WebSocketTrading place_order, amend_order, cancel_order."""
    flat.room("/v5/order/create", 6)
    answer = asked(trading.place_order, **limit_order(flat, orderLinkId="pybit-ws"))
    assert (answer["retCode"], answer["data"]["orderLinkId"]) == (0, "pybit-ws")
    names = {**LINEAR, "orderId": answer["data"]["orderId"]}
    assert asked(trading.amend_order, **names, qty="0.020")["retCode"] == 0
    assert flat.find(names["orderId"])["qty"] == "0.020"
    assert asked(trading.cancel_order, **names)["retCode"] == 0
    assert flat.settled(names["orderId"], "Cancelled")
    assert asked(trading.cancel_order, **names)["retCode"] == 110001


def test_batches(trading: WebSocketTrading, flat: Rest) -> None:
    """pybit WebSocketTrading place_batch_order, amend_batch_order, cancel_batch_order."""
    orders = [{key: value for key, value in limit_order(flat).items() if key != "category"} for _ in range(3)]
    made = asked(trading.place_batch_order, category="linear", request=orders)
    assert [row["code"] for row in made["retExtInfo"]["list"]] == [0, 0, 0]
    names = [{"symbol": SYMBOL, "orderId": row["orderId"]} for row in made["data"]["list"]]
    changed = [{**name, "qty": "0.020"} for name in names]
    assert asked(trading.amend_batch_order, category="linear", request=changed)["retCode"] == 0
    gone = asked(trading.cancel_batch_order, category="linear", request=names)
    assert [row["code"] for row in gone["retExtInfo"]["list"]] == [0, 0, 0]
    assert flat.get("/v5/order/realtime", **LINEAR).rows == []


def test_many_orders_one_after_the_other(trading: WebSocketTrading, flat: Rest) -> None:
    """pybit registers its callback after it has sent: no answer may be faster than that."""
    heard: Heard = queue.Queue()
    for _ in range(4):
        flat.room("/v5/order/create", 9)
        order = limit_order(flat, qty="0.001")
        for _ in range(8):
            trading.place_order(heard.put, error_callback=heard.put, **order)
        assert [hear(heard)["retCode"] for _ in range(8)] == [0] * 8
        flat.post("/v5/order/cancel-all", **LINEAR)


def test_the_system_status(exchange_alone: Rest) -> None:
    """pybit system_status_stream, get_system_status: v5/system-status, told before, during and after."""
    heard: Heard = queue.Queue()
    with pybit_sockets(exchange_alone.port):
        socket = WebSocket(testnet=False, channel_type="misc/status")
    http = pybit_http(exchange_alone.port)
    try:
        socket.system_status_stream(callback=heard.put)
        assert exchange_alone.send("POST", "/admin/faults", b"maintenance at=300ms for=100ms").code == 0
        states = [hear(heard)["data"][0]["state"] for _ in range(3)]
        assert states == ["scheduled", "ongoing", "completed"]
        (row,) = http.get_system_status()["result"]["list"]
        assert (row["product"], row["state"]) == ([1], "completed")
    finally:
        socket.exit()
        http.client.close()
