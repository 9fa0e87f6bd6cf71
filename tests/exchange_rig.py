"""A whole local exchange in a test: the real core over a market of real books and prices set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import orjson

from services.exchange.auth import signature
from services.exchange.core import ExchangeCore
from services.exchange.faults import Faults
from services.exchange.matching import AGENTS, Fill, MatchingBook
from services.exchange.opening import market_builder
from services.exchange.sockets import PRIVATE_PATH, PUBLIC_PATH
from services.exchange.stops import Timing
from services.exchange.venue import Settings, Venue
from services.exchange.wire import (
    HttpReply,
    HttpRequest,
    SocketClosed,
    SocketFrames,
    SocketOpened,
    SocketSend,
    SocketText,
)
from shared.config import Exchange
from shared.messages import Instrument, Message, Started, Tick
from shared.scale import E8

KEY, SECRET = "local", "local-secret"
NOW = 1_790_000_000_000_000_000
MS = 1_000_000
SYMBOL, OTHER = "BTCUSDT", "ETHUSDT"
RULES = (
    Instrument(SYMBOL, "0.10", "0.001", 1, 1_500_000, 150_000, 5 * E8, 480, 10_000, "Trading"),
    Instrument(OTHER, "0.01", "0.01", 1, 1_000_000, 200_000, 5 * E8, 480, 10_000, "Trading"),
)
MID_TICKS = {SYMBOL: 600_000, OTHER: 200_000}
SETTINGS = Settings(KEY, SECRET, 10_000 * E8, 20_000, 55_000)


class HandMarket:
    """A ``Market`` whose prices are where the test puts them. Each book starts with 10 levels of 1,000 lots a side."""

    def __init__(self, matches_orders: bool = True) -> None:
        self.instruments = {rules.symbol: rules for rules in RULES}
        self.symbols = tuple(self.instruments)
        self.matches_orders = matches_orders
        self.start_topics: tuple[str, ...] = () if matches_orders else ("orderbook.50.BTCUSDT",)
        self.books = {symbol: MatchingBook() for symbol in self.symbols}
        self.marks_e8: dict[str, int] = {}
        self.lasts = dict(MID_TICKS)
        self.watched: dict[str, int] = {}
        self.frames: list[tuple[str, bytes]] = []
        self.heard: list[tuple[str, Fill]] = []
        self.waiting: list[tuple[str, Fill]] = []  # The agents' matches since the last tick.
        self.started_ns = 0
        self.is_ended = False
        self._agents = 0
        for symbol, mid in MID_TICKS.items():
            self.marks_e8[symbol] = mid * (10_000_000 if symbol == SYMBOL else 1_000_000)
            for away in range(10):
                self.quote(symbol, 1, mid - 1 - away, 1_000)
                self.quote(symbol, -1, mid + away, 1_000)

    def quote(self, symbol: str, side: int, price_ticks: int, lots: int) -> int:
        """Rest an agent's order; return its id."""
        self._agents -= 1
        fills = self.books[symbol].submit(self._agents, AGENTS, side, price_ticks, lots, "GTC").fills
        self.waiting += [(symbol, fill) for fill in fills]
        return self._agents

    def clear(self, symbol: str) -> None:
        """Pull every agent's order."""
        for number in range(self._agents, 0):
            self.books[symbol].cancel(number)

    def hit(self, symbol: str, side: int, price_ticks: int, lots: int) -> None:
        """Let an agent take; the exchange hears of it with the next tick."""
        self._agents -= 1
        fills = self.books[symbol].submit(self._agents, AGENTS, side, price_ticks, lots, "IOC").fills
        self.waiting += [(symbol, fill) for fill in fills]

    def agents(self, now: int) -> list[tuple[str, Fill]]:
        """Return what the agents have done."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def start(self, now: int) -> None:
        self.started_ns = now

    def ended(self, now: int) -> bool:
        return self.is_ended

    def valid_topic(self, topic: str) -> bool:
        head, _, symbol = topic.rpartition(".")
        return head in ("orderbook.50", "orderbook.1", "publicTrade", "tickers") and symbol in self.symbols

    def watch(self, topic: str) -> None:
        self.watched[topic] = self.watched.get(topic, 0) + 1

    def unwatch(self, topic: str) -> None:
        self.watched[topic] -= 1

    def subscribe(self, topic: str, now: int) -> bytes | None:
        return None if topic.startswith("publicTrade") else orjson.dumps({"topic": topic, "type": "snapshot"})

    def advance(self, now: int, fills: Sequence[tuple[str, Fill]]) -> list[tuple[str, bytes]]:
        for symbol, fill in fills:
            self.lasts[symbol] = fill.price_ticks
        self.heard += fills
        frames, self.frames = self.frames, []
        return frames

    def last_ticks(self, symbol: str) -> int:
        return self.lasts[symbol]

    def touch_ticks(self, symbol: str) -> tuple[int, int]:
        book = self.books[symbol]
        return book.best_bid() or 0, book.best_ask() or 0

    def mark_e8(self, symbol: str) -> int:
        return self.marks_e8[symbol]

    def index_e8(self, symbol: str) -> int:
        return self.marks_e8[symbol]

    def ticker_row(self, symbol: str) -> dict[str, str]:
        return {"symbol": symbol, "lastPrice": str(self.lasts[symbol])}

    def truth(self, since: int) -> dict[str, Any]:
        return {"since": since}

    def jump(self, symbol: str, percent: float) -> None:
        self.lasts[symbol] += round(self.lasts[symbol] * percent / 100)
        self.marks_e8[symbol] += round(self.marks_e8[symbol] * percent / 100)

    def recent_trades(self, symbol: str, limit: int) -> list[dict[str, Any]]:
        return []

    def orderbook_result(self, symbol: str, limit: int) -> dict[str, Any]:
        return {"s": symbol, "b": self.books[symbol].depth(1, limit), "a": self.books[symbol].depth(-1, limit)}


class Rig:
    """Drives one ExchangeCore by its messages."""

    def __init__(self, settings: Settings = SETTINGS, matches_orders: bool = True) -> None:
        self.market = HandMarket(matches_orders)
        market = self.market
        venue = Venue(market, market.books, market.agents, truth=market.truth, jump=market.jump)
        self.core = ExchangeCore(lambda now: venue, settings, Faults(Random(1)))
        self.now = NOW
        self.sent: dict[int, list[dict[str, Any]]] = {}
        self.times_ns: list[tuple[int, str]] = []  # When each frame was sent, and its topic.
        self.replies: dict[int, HttpReply] = {}
        self.others: list[Message] = []
        self._numbers = 0
        self.take(self.core.on_started(Started("exchange", "run", 0), self.now))

    # --- time -----------------------------------------------------------------------------------------------------

    def take(self, outputs: list[Message]) -> None:
        """Put away what the core says."""
        for output in outputs:
            if isinstance(output, SocketSend | SocketFrames):
                for data in (output.data,) if isinstance(output, SocketSend) else output.frames:
                    frame = orjson.loads(data)
                    self.sent.setdefault(output.connection, []).append(frame)
                    self.times_ns.append((self.now, frame.get("topic", frame.get("op", ""))))
            elif isinstance(output, HttpReply):
                self.replies[output.request_id] = output
            else:
                self.others.append(output)

    def tick(self, ms: int = 1) -> None:
        """Let time pass, one tick a millisecond."""
        for _ in range(ms):
            self.now += MS
            self.take(self.core.on_tick(Tick(), self.now))

    # --- REST -----------------------------------------------------------------------------------------------------

    def ask(self, request: HttpRequest) -> HttpReply:
        """Send a request as it is and wait for the answer."""
        self.take(self.core.on_http_request(request, self.now))
        for _ in range(5):
            if request.request_id in self.replies:
                return self.replies.pop(request.request_id)
            self.tick()
        raise AssertionError(f"no answer to {request}")

    def request(self, method: str, path: str, query: str = "", body: bytes = b"", **changes: Any) -> HttpRequest:
        """Return a signed request; ``changes`` replace the stamp, key, window or sign."""
        self._numbers += 1
        stamp, window = str(changes.get("stamp", self.now // MS)), str(changes.get("window", 5_000))
        key = changes.get("key", KEY)
        text = f"{stamp}{key}{window}".encode() + (query.encode("latin-1") if method == "GET" else body)
        sign = changes.get("sign", signature(changes.get("secret", SECRET), text))
        headers = (
            ("x-bapi-api-key", key),
            ("x-bapi-timestamp", stamp),
            ("x-bapi-recv-window", window),
            ("x-bapi-sign", sign),
        )
        return HttpRequest(self._numbers, method, path, query, headers, body, "127.0.0.1")

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """GET and return the whole answer."""
        query = "&".join(f"{name}={value}" for name, value in params.items())
        answer: dict[str, Any] = orjson.loads(self.ask(self.request("GET", path, query)).body)
        return answer

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        """POST and return the whole answer."""
        answer: dict[str, Any] = orjson.loads(self.ask(self.request("POST", path, body=orjson.dumps(params))).body)
        return answer

    def rows(self, path: str, **params: str) -> list[dict[str, Any]]:
        """GET a list that must be there."""
        answer = self.get(path, **{"category": "linear", **params})
        assert answer["retCode"] == 0, answer
        rows: list[dict[str, Any]] = answer["result"]["list"]
        return rows

    def order(self, side: str = "Buy", qty: str = "0.010", **params: Any) -> dict[str, Any]:
        """Create an order: market unless a price is given. Half a second passes, so that no limit is met."""
        self.tick(110)
        usual = {"category": "linear", "symbol": SYMBOL, "side": side, "qty": qty}
        usual["orderType"] = "Limit" if "price" in params else "Market"
        return self.post("/v5/order/create", **usual | params)

    def position(self, symbol: str = SYMBOL) -> dict[str, Any]:
        """Return the position's REST row."""
        return self.rows("/v5/position/list", symbol=symbol)[0]

    def find(self, order_id: str) -> dict[str, Any]:
        """Return an order's REST row."""
        return self.rows("/v5/order/realtime", symbol=SYMBOL, orderId=order_id)[0]

    def fault(self, text: str) -> None:
        """Let something go wrong from now on."""
        answer = orjson.loads(self.ask(self.request("POST", "/admin/faults", body=text.encode())).body)
        assert answer["retCode"] == 0, answer

    def ledger(self) -> dict[str, Any]:
        """Return the oracle's word."""
        ledger: dict[str, Any] = self.get("/admin/ledger")["result"]
        return ledger

    # --- sockets --------------------------------------------------------------------------------------------------

    def connect(self, private: bool = False) -> int:
        """Open a WebSocket."""
        self._numbers += 1
        self.take(
            self.core.on_socket_opened(SocketOpened(self._numbers, PRIVATE_PATH if private else PUBLIC_PATH), self.now)
        )
        self.sent[self._numbers] = []
        return self._numbers

    def say(self, connection: int, frame: object) -> dict[str, Any]:
        """Say something and return the answer to it."""
        data = frame if isinstance(frame, bytes) else orjson.dumps(frame)
        before = len(self.sent[connection])
        self.take(self.core.on_socket_text(SocketText(connection, data), self.now))
        self.tick(3)
        return self.sent[connection][before]

    def close(self, connection: int) -> None:
        """Close a WebSocket."""
        self.take(self.core.on_socket_closed(SocketClosed(connection), self.now))

    def private(self, *topics: str) -> int:
        """Open a private WebSocket that is logged in and subscribed."""
        connection = self.connect(private=True)
        expires = self.now // MS + 1_000
        sign = signature(SECRET, f"GET/realtime{expires}".encode())
        assert self.say(connection, {"op": "auth", "args": [KEY, expires, sign]})["success"]
        assert self.say(connection, {"op": "subscribe", "args": list(topics)})["success"]
        self.sent[connection].clear()
        return connection


class LiveRig(Rig):
    """A whole exchange over its synthetic market."""

    def __init__(self, settings: Settings = SETTINGS, **changes: Any) -> None:
        super().__init__(settings)
        config = msgspec.structs.replace(Exchange(), symbols=(SYMBOL, "ETHUSDT"), **changes)
        self.core = ExchangeCore(market_builder(config, seed=3), settings, Faults(Random(1)))
        self.take(self.core.on_started(Started("exchange", "run", 0), self.now))
        self.tick(50)

    def rules(self) -> dict[str, Any]:
        row: dict[str, Any] = self.rows("/v5/market/instruments-info", symbol=SYMBOL)[0]
        return row

    def last(self) -> float:
        return float(self.rows("/v5/market/tickers", symbol=SYMBOL)[0]["lastPrice"])

    def near(self, share: float, step: float = 10.0) -> str:
        """Return a price that is so much away from the last one, a multiple of ``step``."""
        return f"{round(self.last() * (1.0 + share) / step) * step:.2f}"

    def listener(self, *topics: str) -> int:
        line = self.connect()
        assert self.say(line, {"op": "subscribe", "args": list(topics)})["success"]
        self.tick(50)
        return line

    def opened(self, **params: Any) -> None:
        """Hold 0.012 BTC."""
        assert self.order(qty="0.012", **params)["retCode"] == 0
        self.tick(30)


def naked_after(timing: Timing) -> Settings:
    """Return settings with another stop timing."""
    return SETTINGS._replace(timing=timing)
