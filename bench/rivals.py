"""What the book kernel is measured against: other ways from a frame's bytes to a book, each with its own state."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import orjson
from pybit._websocket_stream import _V5WebSocketManager

Call = Callable[[bytes], object]
Levels = list[tuple[float, float]]  # (price, size), best first: how every rival's book is compared.


class Data(msgspec.Struct):
    s: str
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    u: int
    seq: int


class BookFrame(msgspec.Struct):
    topic: str
    type: str
    ts: int
    data: Data
    cts: int


class Lists:
    """orjson, a dict of sizes and a sorted list of prices a side, published to numpy arrays under a version."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self.sizes: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self.prices: tuple[list[float], list[float]] = ([], [])  # Bids negated, so that both rise from the touch.
        self._shared = np.zeros(1 + 4 * depth)

    def feed(self, frame: bytes) -> None:
        """Take one frame."""
        message = orjson.loads(frame)
        data = message["data"]
        if message["type"] == "snapshot":
            self.sizes, self.prices = ({}, {}), ([], [])
        for number, rows in enumerate((data["b"], data["a"])):
            self._put(number, rows)
        self._publish()

    def _put(self, number: int, rows: Sequence[Sequence[str]]) -> None:
        sizes, prices = self.sizes[number], self.prices[number]
        sign = 1 if number else -1
        for price_text, size_text in rows:
            price, size = sign * float(price_text), float(size_text)
            if not size:
                if sizes.pop(price, None) is not None:
                    del prices[bisect_left(prices, price)]
            else:
                if price not in sizes:
                    insort(prices, price)
                sizes[price] = size

    def _publish(self) -> None:
        shared, depth = self._shared, self._depth
        shared[0] += 1
        for number, prices in enumerate(self.prices):
            sizes, at = self.sizes[number], 1 + 2 * number * depth
            shared[at : at + len(prices)] = prices[:depth]
            shared[at + depth : at + depth + len(prices)] = [sizes[price] for price in prices[:depth]]
        shared[0] += 1

    def levels(self) -> tuple[Levels, Levels]:
        """Return both sides."""
        bids, asks = ([(abs(price), self.sizes[side][price]) for price in self.prices[side]] for side in (0, 1))
        return bids, asks


class Pybit:
    """pybit's own handler, unmodified, handed the text that its socket would hand it."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._manager = _V5WebSocketManager("bench", testnet=True)
        self._manager._set_callback(topic, lambda message: None)
        self.feed: Callable[[str], None] = self._manager._on_message

    def levels(self) -> tuple[Levels, Levels]:
        """Return both sides, sorted here: pybit leaves that to its caller."""
        data = self._manager.data[self._topic]
        sides = [[(float(price), float(size)) for price, size in data[key]] for key in ("b", "a")]
        return sorted(sides[0], reverse=True), sorted(sides[1])


def msgspec_decode() -> Call:
    """Return msgspec's typed decoder of a book frame, bytes to Python objects and no further."""
    return msgspec.json.Decoder(BookFrame).decode
