"""A bare client of the exchange: HTTP and WebSocket frames as they are, nothing added and nothing forgiven."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any, NamedTuple, TypeVar

import aiohttp

from tests.exchange_process import Running

KEY, SECRET = "local", "local-secret"
SYMBOL = "BTCUSDT"
LINEAR = {"category": "linear", "symbol": SYMBOL}
WAIT_S = 8.0
TOO_MANY = 10006

T = TypeVar("T")
Json = dict[str, Any]


def now_ms() -> int:
    """The machine's clock, which is the exchange's."""
    return time.time_ns() // 1_000_000


def sign(secret: str, text: bytes) -> str:
    """v5/guide: lower-case hex HMAC-SHA256."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


class Answer(NamedTuple):
    """One HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: Json

    @property
    def code(self) -> int:
        return int(self.body["retCode"])

    @property
    def text(self) -> str:
        return str(self.body["retMsg"])

    @property
    def result(self) -> Json:
        assert self.code == 0, self.body
        found: Json = self.body["result"]
        return found

    @property
    def rows(self) -> list[Any]:
        found: list[Any] = self.result["list"]
        return found


class Rest:
    """Signed and unsigned requests, byte by byte where a test wants it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)

    def close(self) -> None:
        self._line.close()

    def send(self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """Send exactly this."""
        self._line.request(method, target, body or None, headers or {})
        with self._line.getresponse() as answer:
            data = answer.read()
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, loads(data))

    def signed(self, method: str, path: str, query: str = "", body: bytes = b"", **changes: Any) -> Answer:
        """Send with a signature over the bytes; ``changes`` replace stamp, window, key, secret or sign."""
        stamp, window = str(changes.get("stamp", now_ms())), str(changes.get("window", 5_000))
        key = changes.get("key", KEY)
        payload = query.encode() if method == "GET" else body
        good = sign(changes.get("secret", SECRET), f"{stamp}{key}{window}".encode() + payload)
        headers = {
            "X-BAPI-API-KEY": key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": changes.get("sign", good),
            "Content-Type": "application/json",
        }
        headers = {name: value for name, value in headers.items() if value}
        return self.send(method, f"{path}?{query}" if query else path, body, headers)

    def public(self, path: str, **params: object) -> Answer:
        return self.send("GET", f"{path}?{query_of(params)}" if params else path)

    def get(self, path: str, **params: object) -> Answer:
        return self._patient(lambda: self.signed("GET", path, query_of(params)))

    def post(self, path: str, **params: object) -> Answer:
        return self._patient(lambda: self.signed("POST", path, body=json.dumps(params).encode()))

    def _patient(self, ask: Callable[[], Answer]) -> Answer:
        """Ask; wait where the limit was met, as long as the venue says."""
        while (answer := ask()).code == TOO_MANY:
            time.sleep(max(0, int(answer.headers["x-bapi-limit-reset-timestamp"]) - now_ms()) / 1000 + 0.01)
        return answer

    def room(self, path: str, needed: int) -> int:
        """Wait until an endpoint has this much left of its second; return how much."""
        while (left := int(self.signed("POST", path, body=b"{}").headers["x-bapi-limit-status"])) < needed:
            end = time.monotonic() + 1.01
            while time.monotonic() < end:
                time.sleep(0.05)
        return left

    # --- what many tests need -------------------------------------------------------------------------------------

    def order(self, side: str = "Buy", qty: str = "0.010", **params: object) -> Answer:
        """Create an order: market unless a price is given."""
        usual: Json = {**LINEAR, "side": side, "qty": qty, "orderType": "Limit" if "price" in params else "Market"}
        return self.post("/v5/order/create", **usual | params)

    def find(self, order_id: str) -> Json:
        """One order, open or closed a moment ago."""
        return self.get("/v5/order/realtime", **LINEAR, orderId=order_id).rows[0]

    def settled(self, order_id: str, *statuses: str) -> Json:
        """Wait until an order has one of these statuses."""
        row: Json = until(f"{statuses} of {order_id}", lambda: found(self.find(order_id), statuses))
        return row

    def last(self, symbol: str = SYMBOL) -> float:
        return float(self.public("/v5/market/tickers", category="linear", symbol=symbol).rows[0]["lastPrice"])

    def mark(self, symbol: str = SYMBOL) -> float:
        return float(self.public("/v5/market/tickers", category="linear", symbol=symbol).rows[0]["markPrice"])

    def position(self, symbol: str = SYMBOL) -> Json:
        return self.get("/v5/position/list", category="linear", symbol=symbol).rows[0]

    def flatten(self, symbol: str = SYMBOL) -> None:
        """Cancel everything and close the position."""
        self.post("/v5/order/cancel-all", category="linear", symbol=symbol)
        position = self.position(symbol)
        if position["size"] != "0":
            side = "Sell" if position["side"] == "Buy" else "Buy"
            self.order(side, position["size"], symbol=symbol, reduceOnly=True)
            until("flat", lambda: self.position(symbol)["size"] == "0")


def found(row: Json, statuses: tuple[str, ...]) -> Json:
    return row if row["orderStatus"] in statuses else {}


def price_text(value: float) -> str:
    """BTCUSDT's grid."""
    return f"{value:.1f}0"


def query_of(params: dict[str, object]) -> str:
    return "&".join(f"{name}={value}" for name, value in params.items())


def loads(data: bytes) -> Json:
    value = json.loads(data) if data else {}
    assert isinstance(value, dict), value
    return value


def until(what: str, met: Callable[[], T]) -> T:
    """Ask until the answer is true; return it."""
    deadline = time.monotonic() + WAIT_S
    while not (answer := met()):
        assert time.monotonic() < deadline, f"no {what} within {WAIT_S} s"
        time.sleep(0.01)
    return answer


def wait_until_open(exchange: Running) -> None:
    """Wait for the first answer."""

    def answers() -> bool:
        assert exchange.process.is_alive(), "the exchange has died"
        rest = Rest(exchange.port)
        try:
            return rest.public("/v5/market/time").code == 0
        except OSError:
            return False
        finally:
            rest.close()

    until("answer", answers)


class Line:
    """One WebSocket."""

    def __init__(self, run: Callable[[Awaitable[Any]], Any], socket: aiohttp.ClientWebSocketResponse) -> None:
        self._run, self._socket = run, socket
        self._ids = count(1)

    def say(self, frame: object) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self._run(self._socket.send_str(text))

    def say_bytes(self, data: bytes) -> None:
        self._run(self._socket.send_bytes(data))

    def hear_text(self, wait_s: float = WAIT_S) -> str:
        text: str = self._run(self._socket.receive_str(timeout=wait_s))
        return text

    def hear(self, wait_s: float = WAIT_S) -> Json:
        return loads(self.hear_text(wait_s).encode())

    def ask(self, frame: object) -> Json:
        """Say something; return the next frame that is no market or account data."""
        self.say(frame)
        return self.answer()

    def answer(self) -> Json:
        return self.await_frame(lambda frame: "topic" not in frame)

    def await_frame(self, wanted: Callable[[Json], object]) -> Json:
        """Return the first frame like that; skip the others."""
        deadline = time.monotonic() + WAIT_S
        while not wanted(frame := self.hear(max(0.01, deadline - time.monotonic()))):
            pass
        return frame

    def topic(self, name: str) -> Json:
        """Return the next frame of a topic."""
        return self.await_frame(lambda frame: frame.get("topic") == name)

    def rows(self, topic: str, wanted: Callable[[Json], object]) -> Json:
        """Return the next row of a private topic that is like that."""
        while True:
            for row in self.topic(topic)["data"]:
                if wanted(row):
                    found: Json = row
                    return found

    def frames(self, how_many: int) -> list[Json]:
        return [self.hear() for _ in range(how_many)]

    def during(self, seconds: float) -> Iterator[Json]:
        """Yield what comes within a time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                yield self.hear(left)
            except TimeoutError:
                return

    def subscribe(self, *topics: str) -> Json:
        ack = self.ask({"req_id": f"s{next(self._ids)}", "op": "subscribe", "args": list(topics)})
        assert ack["success"], ack
        return ack

    def login(self, key: str = KEY, secret: str = SECRET, **more: object) -> Json:
        expires = now_ms() + 5_000
        text = sign(secret, f"GET/realtime{expires}".encode())
        return self.ask({"op": "auth", "args": [key, expires, text], **more})

    def pong_of(self, data: bytes) -> bytes:
        """Send a ping of the WebSocket protocol; return what the pong carries."""
        self._run(self._socket.ping(data))
        while (message := self._run(self._socket.receive(timeout=WAIT_S))).type is not aiohttp.WSMsgType.PONG:
            assert message.type is aiohttp.WSMsgType.TEXT, message
        found: bytes = bytes(message.data)
        return found

    @property
    def closed(self) -> bool:
        return self._socket.closed

    def received_close(self) -> int | None:
        """Wait until the other side closes; return its code."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            message = self._run(self._socket.receive(timeout=WAIT_S))
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                return self._socket.close_code
        raise AssertionError("not closed")


class Lines:
    """Opens WebSockets and closes them all."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._session = self._run(self._open())
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    def _run(self, step: Awaitable[T]) -> T:
        return self._loop.run_until_complete(step)

    def open(self, path: str = "/v5/public/linear") -> Line:
        url = f"ws://127.0.0.1:{self._port}{path}"
        socket = self._run(self._session.ws_connect(url, max_msg_size=0, autoping=False))
        self._sockets.append(socket)
        return Line(self._run, socket)

    def private(self, *topics: str) -> Line:
        """Open a private socket that is logged in and listens to ``topics``."""
        line = self.open("/v5/private")
        assert line.login()["success"]
        if topics:
            line.subscribe(*topics)
        return line

    def trade(self) -> Line:
        """Open an order-entry socket that is logged in."""
        line = self.open("/v5/trade")
        answer = line.login(reqId="login")
        assert answer["retCode"] == 0, answer
        return line

    def close(self) -> None:
        self._run(self._close())
        self._loop.close()

    async def _close(self) -> None:
        await asyncio.gather(*(socket.close() for socket in self._sockets))
        await self._session.close()
