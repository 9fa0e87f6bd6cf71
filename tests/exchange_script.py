"""A whole day at the exchange in a few seconds of virtual time: the real core, every topic, orders, faults, a restart.

Run as a program with a seed it prints one line that stands for every byte the exchange said.
"""

from __future__ import annotations

import sys
from hashlib import blake2b
from random import Random
from typing import Any

import msgspec
import orjson

from services.exchange.auth import signature
from services.exchange.core import ExchangeCore
from services.exchange.keeping import Keep, Restored
from services.exchange.main import make_core
from services.exchange.wire import (
    HttpReply,
    HttpRequest,
    SocketClose,
    SocketFrames,
    SocketOpened,
    SocketSend,
    SocketText,
)
from shared.config import Config, Exchange
from shared.messages import Message, Started, Tick, encode
from shared.service import handlers

MS = 1_000_000
START = 1_790_000_000_000_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SUIUSDT")
KINDS = (
    *("orderbook.1", "orderbook.50", "orderbook.200", "orderbook.1000", "publicTrade", "tickers"),
    *("kline.1", "kline.60", "allLiquidation"),
)
PRIVATE = ("order", "execution", "position", "wallet", "execution.fast")
FAULTS = """
drop topic=orderbook.50.* p=0.02; delay topic=tickers.* ms=30ms p=0.1; duplicate topic=execution p=0.2 ms=200ms
reorder topic=orderbook.200.* p=0.05; truncate topic=publicTrade.* p=0.02; corrupt topic=orderbook.1.* p=0.05
gap topic=orderbook.50.BTCUSDT at=1s count=3; storm every=700ms p=0.3 path=/v5/public/*
http status=502 path=/v5/order/create p=0.05; mute path=/v5/order/* p=0.05
late path=/v5/order/create p=0.1 ms=40ms; hold path=/v5/order/create p=0.05 ms=300ms
thin share=0.5 p=0.2; jump at=2s percent=0.3 symbol=ETHUSDT; funding at=2500ms; adl at=3s share=0.5 symbol=BTCUSDT
restart_streams at=2200ms; maintenance at=3500ms for=200ms; skew ms=20ms at=1s for=1s
"""


def config(seed: int) -> Config:
    """Return the configuration of the exchange."""
    exchange = msgspec.structs.replace(
        Exchange(), seed=seed, symbols=SYMBOLS, profile="labelled", faults=FAULTS, faults_seed=seed, order_per_s=10_000
    )
    return msgspec.structs.replace(Config(), exchange=exchange)


class Script:
    """Clients of the exchange that do what a seed says; everything said to them goes into one digest."""

    def __init__(self, seed: int) -> None:
        self._rng, self._config = Random(seed), config(seed)
        self.digest, self.said = blake2b(digest_size=16), 0
        self.kept: dict[str, bytes] = {}
        self.topics: set[str] = set()
        self._numbers = 0
        self.now = START
        self._open(0)

    def _open(self, epoch: int) -> None:
        self.core: ExchangeCore = make_core(self._config)
        self._handlers = handlers(self.core)
        self._lines: dict[int, str] = {}
        self.feed(Started("exchange", "script", epoch))
        if epoch:
            self.feed(Restored(tuple(self.kept.items())))

    def feed(self, message: Message) -> None:
        """Tell the exchange something, stamped with the present virtual time."""
        for said in self._handlers[message.HANDLER](message, self.now):
            self.said += 1
            self.digest.update(type(said).__name__.encode() + encode(said))
            if isinstance(said, Keep):
                self.kept.update(said.records)
                self.kept = {name: data for name, data in self.kept.items() if data}
            elif isinstance(said, SocketClose):
                self._lines.pop(said.connection, None)
            elif isinstance(said, SocketSend | SocketFrames):
                for data in (said.data,) if isinstance(said, SocketSend) else said.frames:
                    if data.startswith(b'{"topic":"'):
                        self.topics.add(data.split(b'"', 4)[3].decode().rpartition(".")[0])
            assert not isinstance(said, HttpReply) or said.status in (0, 200, 401, 502), said

    def run(self, ms: int) -> None:
        """Let so many virtual milliseconds pass, with clients that come back when they are cut off."""
        end = self.now + ms * MS
        while self.now < end:
            self.now += self._rng.randint(1, 5 * MS)
            due = self.core.next_due_ns()
            if due is not None:
                self.now = max(min(self.now, due), self.now - 5 * MS)
            for path in ("/v5/public/linear", "/v5/private", "/v5/trade"):
                if path not in self._lines.values():
                    self._connect(path)
            if self._rng.random() < 0.2:
                self._order()
            self.feed(Tick())

    def restart(self) -> None:
        """Kill the exchange and open it again half a second later."""
        self.now += 500 * MS
        self._open(1)

    # --- clients ----------------------------------------------------------------------------------------------------

    def _connect(self, path: str) -> None:
        self._numbers += 1
        line = self._numbers
        self._lines[line] = path
        self.feed(SocketOpened(line, path))
        if path != "/v5/public/linear":
            expires = self.now // MS + 60_000
            sign = signature("local-secret", f"GET/realtime{expires}".encode())
            self._say(line, {"op": "auth", "args": ["local", expires, sign]})
        if path == "/v5/private":
            self._say(line, {"op": "subscribe", "args": list(PRIVATE)})
        elif path == "/v5/public/linear":
            topics = [f"{kind}.{symbol}" for kind in KINDS for symbol in SYMBOLS]
            self._say(line, {"op": "subscribe", "req_id": "all", "args": topics})

    def _say(self, line: int, frame: dict[str, Any]) -> None:
        self.feed(SocketText(line, orjson.dumps(frame)))

    def _order(self) -> None:
        rng, symbol = self._rng, self._rng.choice(SYMBOLS)
        last = self.core.desk.market.last_ticks(symbol)
        scale = self.core.desk.money[symbol].scale
        lots = max(1, 20 * 10**8 // scale.value_e8(last, 1))
        order: dict[str, Any] = {
            "category": "linear", "symbol": symbol, "side": rng.choice(("Buy", "Sell")), "qty": scale.qty_text(lots),
            "orderType": "Market", "orderLinkId": f"o{self._numbers}-{self.now}",
        }  # fmt: skip
        if rng.random() < 0.6:
            order |= {"orderType": "Limit", "price": scale.price_text(last + rng.randint(-30, 30))}
        if rng.random() < 0.3:
            away = rng.randint(5, 200) * (1 if order["side"] == "Buy" else -1)
            order |= {"stopLoss": scale.price_text(last - away), "takeProfit": scale.price_text(last + away)}
        trade = next((line for line, path in self._lines.items() if path == "/v5/trade"), 0)
        if trade and rng.random() < 0.4:
            header = {"X-BAPI-TIMESTAMP": str(self.now // MS)}
            self._say(trade, {"reqId": f"r{self.now}", "op": "order.create", "header": header, "args": [order]})
        elif rng.random() < 0.2:
            self._request("POST", "/v5/order/cancel-all", body=orjson.dumps({"category": "linear", "symbol": symbol}))
        else:
            self._request("POST", "/v5/order/create", body=orjson.dumps(order))
        if rng.random() < 0.3:
            path = rng.choice(("/v5/position/list", "/v5/order/realtime", "/v5/execution/list", "/v5/market/tickers"))
            self._request("GET", path, query=f"category=linear&symbol={symbol}")

    def _request(self, method: str, path: str, query: str = "", body: bytes = b"") -> None:
        self._numbers += 1
        stamp = str(self.now // MS)
        sign = signature("local-secret", f"{stamp}local5000".encode() + (query.encode() if method == "GET" else body))
        headers = (
            ("x-bapi-api-key", "local"), ("x-bapi-timestamp", stamp), ("x-bapi-recv-window", "5000"),
            ("x-bapi-sign", sign),
        )  # fmt: skip
        self.feed(HttpRequest(self._numbers, method, path, query, headers, body, "127.0.0.1"))


def told(seed: int, ms: int = 4_000) -> Script:
    """Play the script of one seed, with the exchange killed once."""
    script = Script(seed)
    script.run(ms)
    script.restart()
    script.run(ms // 4)
    return script


if __name__ == "__main__":
    print(told(int(sys.argv[1])).digest.hexdigest())
