"""How long a signed order takes: from the request's first byte to the order's message on the private stream."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from typing import Any

import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.exchange_server import CLIENT_CPU, pin, serving

KEY, SECRET = "local", "local-secret"
SYMBOL = "BTCUSDT"
WAIT_S = 5.0
PAUSE_S = 0.003
Figures = dict[str, Any]


def _sign(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


class Stream(WSListener):
    """The private socket: when each order was first heard of."""

    def __init__(self) -> None:
        self.heard_ns: dict[str, int] = {}
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.news = asyncio.Event()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        now_ns = time.monotonic_ns()
        message = orjson.loads(frame.get_payload_as_bytes())
        if message.get("topic") != "order":
            self.answers.put_nowait(message)
            return
        for row in message["data"]:
            self.heard_ns.setdefault(row["orderLinkId"], now_ns)
        self.news.set()


class Line:
    """A kept-alive HTTP connection without a library's overhead."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, path: str, body: dict[str, Any]) -> None:
        """Send a signed POST."""
        data, stamp = orjson.dumps(body).decode(), str(time.time_ns() // 1_000_000)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
            f"X-BAPI-API-KEY: {KEY}\r\nX-BAPI-TIMESTAMP: {stamp}\r\nX-BAPI-RECV-WINDOW: 5000\r\n"
            f"X-BAPI-SIGN: {_sign(stamp + KEY + '5000' + data)}\r\n\r\n"
        )
        self._writer.write((head + data).encode())

    async def answer(self) -> dict[str, Any]:
        """Return the next answer's body."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        answer: dict[str, Any] = orjson.loads(await self._reader.readexactly(int(length.split(b":")[1])))
        return answer

    def close(self) -> None:
        self._writer.close()


async def _login(port: int) -> tuple[WSTransport, Stream]:
    stream = Stream()
    transport, _ = await ws_connect(lambda: stream, f"ws://127.0.0.1:{port}/v5/private")
    expires = time.time_ns() // 1_000_000 + 5_000
    for said in (
        {"op": "auth", "args": [KEY, expires, _sign(f"GET/realtime{expires}")]},
        {"op": "subscribe", "args": ["order"]},
    ):
        transport.send(WSMsgType.TEXT, orjson.dumps(said))
        answer = await asyncio.wait_for(stream.answers.get(), WAIT_S)
        if not answer["success"]:
            raise SystemExit(f"bench: {answer}")
    return transport, stream


async def _measure(port: int, orders: int) -> tuple[list[float], list[float]]:
    """Create and cancel orders one by one; return ms to the stream's message and ms to the answer."""
    transport, stream = await _login(port)
    line = Line(*await asyncio.open_connection("127.0.0.1", port))
    price = await _resting_price(port)
    heard, answered = list[float](), list[float]()
    order = {"category": "linear", "symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.001"}
    for number in range(orders):
        link_id = f"bench-{number}"
        sent_ns = time.monotonic_ns()
        line.send("/v5/order/create", {**order, "price": price, "timeInForce": "PostOnly", "orderLinkId": link_id})
        answer = await asyncio.wait_for(line.answer(), WAIT_S)
        answered.append((time.monotonic_ns() - sent_ns) / 1e6)
        if answer["retCode"]:
            raise SystemExit(f"bench: {answer}")
        while link_id not in stream.heard_ns:
            stream.news.clear()
            await asyncio.wait_for(stream.news.wait(), WAIT_S)
        heard.append((stream.heard_ns[link_id] - sent_ns) / 1e6)
        line.send("/v5/order/cancel", {"category": "linear", "symbol": SYMBOL, "orderLinkId": link_id})
        await asyncio.wait_for(line.answer(), WAIT_S)
        await asyncio.sleep(PAUSE_S)  # Its stream message, too, before the next order.
    line.close()
    transport.disconnect()
    return heard, answered


async def _resting_price(port: int) -> str:
    """Return a price half a percent below the market, so that nothing fills."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /v5/market/tickers?category=linear&symbol={SYMBOL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    row = (await Line(reader, writer).answer())["result"]["list"][0]
    writer.close()
    return f"{float(row['lastPrice']) * 0.995:.1f}0"


def round_trips(orders: int) -> Figures:
    """Measure ``orders`` creations, beside a market of the four built-in symbols."""
    place = pin(CLIENT_CPU)
    # The account of a client with a high rate limit: 10 orders a second would measure the limit.
    with serving(order_per_s=10_000, ip_requests=10**9) as server:
        heard, answered = asyncio.run(_measure(server.port, orders))
    heard.sort()
    answered.sort()
    middle, last = orders // 2, orders * 99 // 100
    return {
        "orders": orders, "client": place, "stream_p50_ms": heard[middle], "stream_p99_ms": heard[last],
        "answer_p50_ms": answered[middle], "answer_p99_ms": answered[last],
    }  # fmt: skip
