"""A market that is a recording: its frames again, in their own timing, moved to the present."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from services.exchange.matching import Fill
from services.exchange.ticker_stream import rest_row
from shared.messages import Instrument
from shared.scale import OffGridError, Scale, to_e8

MS = 1_000_000
# Only these three keys tell the time of a frame. Inside a JSON string the quotes would be escaped, so this is exact.
STAMPS = re.compile(rb'("(?:ts|cts|T)"\s*:\s*)(\d+)')


def shifted(frame: bytes, shift_ms: int) -> bytes:
    """Return the frame with ``ts``, ``cts`` and every ``T`` moved by ``shift_ms``; every other byte stays."""
    return STAMPS.sub(lambda found: found[1] + str(int(found[2]) + shift_ms).encode(), frame)


class _Book:
    """What a subscriber of one order-book topic knows, in the recording's own text."""

    def __init__(self, topic: str, scale: Scale) -> None:
        self.topic, self.symbol = topic, topic.split(".", 2)[2]
        self._scale = scale
        self.bids: dict[int, tuple[str, str]] = {}  # price in ticks -> (price, size)
        self.asks: dict[int, tuple[str, str]] = {}
        self.ids: dict[str, int] = {}  # u and seq of the last frame; empty before the first.
        self.ts_ms = self.cts_ms = 0

    def apply(self, frame: dict[str, Any]) -> None:
        """Apply a snapshot or delta."""
        data = frame["data"]
        if frame["type"] == "snapshot":
            self.bids, self.asks = {}, {}
        for side, levels in ((self.bids, data["b"]), (self.asks, data["a"])):
            for price, size in levels:
                ticks = self._scale.price_ticks(price)
                if size.strip("0."):
                    side[ticks] = (price, size)
                else:
                    side.pop(ticks, None)
        self.ids = {"u": data["u"], "seq": data["seq"]}
        self.ts_ms, self.cts_ms = frame["ts"], frame.get("cts", frame["ts"])

    def levels(self, limit: int | None = None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Return bids and asks, best first."""
        bids = [self.bids[ticks] for ticks in sorted(self.bids, reverse=True)[:limit]]
        return bids, [self.asks[ticks] for ticks in sorted(self.asks)[:limit]]


class PlaybackMarket:
    """A ``Market`` that plays ``frames`` (receive time in ns, bytes) from the moment ``start`` is called.

    Frames that belong to no topic (acknowledgements, pongs) or cannot be read are left out and counted in ``skipped``.
    """

    def __init__(self, frames: Iterable[tuple[int, bytes]], instruments: Sequence[Instrument]) -> None:
        self.instruments: Mapping[str, Instrument] = {rules.symbol: rules for rules in instruments}
        self.symbols = tuple(self.instruments)
        self.matches_orders = False
        self.skipped = 0
        self.frames: list[tuple[int, str, bytes]] = []  # Time since the first frame in ns, topic, frame.
        self._scales = {rules.symbol: Scale(rules.tick, rules.lot) for rules in instruments}
        self._tickers: dict[str, dict[str, str]] = {}
        self._books: dict[str, _Book] = {}
        self._topics: dict[str, int] = {}  # topic -> subscribers
        self._played: set[str] = set()  # Topics of which a frame has been sent.
        self._first_ns = self._last_ns = 0
        self._start_ns: int | None = None
        self._shift_ms = 0
        self._next = 0
        self._now = 0
        for recv_ns, frame in frames:
            self._add(recv_ns, frame)
        self.start_topics = tuple(self._books)

    def _add(self, recv_ns: int, frame: bytes) -> None:
        """Take up one frame, and learn from it what REST is to answer before the start."""
        try:
            decoded = orjson.loads(frame)
            topic = decoded["topic"]
            symbol = topic.rsplit(".", 1)[1]
            if topic.startswith("orderbook.") and topic not in self._books:
                self._books[topic] = _Book(topic, self._scales[symbol])
            if topic.startswith("tickers.") and symbol not in self._tickers:
                self._tickers[symbol] = dict(decoded["data"])
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            self.skipped += 1
            return
        if not self.frames:
            self._first_ns = recv_ns
        # A receive time that runs back is played with the frame before it: order outranks timing.
        self._last_ns = max(self._last_ns, recv_ns)
        self._topics.setdefault(topic, 0)
        self.frames.append((self._last_ns - self._first_ns, topic, frame))

    # --- playing ---------------------------------------------------------------------------------------------------

    @property
    def shift_ms(self) -> int:
        """What is added to every ``ts``, ``cts`` and ``T``."""
        return self._shift_ms

    def start(self, now: int) -> None:
        """Begin to play: the first frame is due now. Only the first call counts."""
        if self._start_ns is None:
            self._start_ns = self._now = now
            self._shift_ms = (now - self._first_ns) // MS

    def ended(self, now: int) -> bool:
        """Return whether every frame has been sent."""
        return self._next == len(self.frames)

    def advance(self, now: int, fills: Sequence[tuple[str, Fill]] = ()) -> list[tuple[str, bytes]]:
        """Return the (topic, frame) that are due, for all topics in the recording's order; there are no fills."""
        assert not fills
        self._now = now
        if self._start_ns is None:
            return []
        due: list[tuple[str, bytes]] = []
        while self._next < len(self.frames) and self.frames[self._next][0] <= now - self._start_ns:
            _, topic, frame = self.frames[self._next]
            self._next += 1
            self._played.add(topic)
            self._learn(topic, frame)
            due.append((topic, shifted(frame, self._shift_ms)))
        return due

    def _learn(self, topic: str, frame: bytes) -> None:
        """Keep the state that late subscribers and REST ask for. A frame that cannot be applied is still played."""
        try:
            if topic in self._books:
                self._books[topic].apply(orjson.loads(frame))
            elif topic.startswith("tickers."):
                decoded = orjson.loads(frame)
                self._tickers[topic.split(".", 1)[1]] |= decoded["data"]
        except (KeyError, TypeError, AttributeError, ValueError):
            self.skipped += 1

    # --- topics ----------------------------------------------------------------------------------------------------

    def valid_topic(self, topic: str) -> bool:
        """Return whether the recording holds the topic."""
        return topic in self._topics

    def watch(self, topic: str) -> None:
        """Count one more subscriber."""
        self._topics[topic] += 1

    def unwatch(self, topic: str) -> None:
        """Count one subscriber less."""
        assert self._topics[topic] > 0
        self._topics[topic] -= 1

    def subscribe(self, topic: str, now: int) -> bytes | None:
        """Return the state so far as a snapshot; None before the topic's own first frame, and for trades."""
        head, _, symbol = topic.partition(".")
        if topic not in self._played:
            return None
        if topic in self._books:
            return self._snapshot(self._books[topic], now)
        if head == "tickers":
            data = self._tickers[symbol]
            return orjson.dumps({"topic": topic, "type": "snapshot", "data": data, "cs": 0, "ts": now // MS})
        return None

    def _snapshot(self, book: _Book, now: int) -> bytes | None:
        if not book.ids:
            return None
        bids, asks = book.levels()
        data = {"s": book.symbol, "b": bids, "a": asks, **book.ids}
        cts = book.cts_ms + self._shift_ms
        return orjson.dumps({"topic": book.topic, "type": "snapshot", "ts": now // MS, "data": data, "cts": cts})

    # --- figures ---------------------------------------------------------------------------------------------------

    def last_ticks(self, symbol: str) -> int:
        """Return the last traded price in ticks, 0 while unknown or off the grid."""
        try:
            return self._scales[symbol].price_ticks(self._tickers[symbol]["lastPrice"])
        except (KeyError, OffGridError):
            return 0

    def touch_ticks(self, symbol: str) -> tuple[int, int]:
        """Return (best bid, best ask) in ticks of the deepest book, 0 where a side is empty."""
        book = self._deepest(symbol)
        if book is None:
            return 0, 0
        return max(book.bids, default=0), min(book.asks, default=0)

    def mark_e8(self, symbol: str) -> int:
        """Return the mark price at 1e-8, 0 while unknown."""
        return self._price_e8(symbol, "markPrice")

    def index_e8(self, symbol: str) -> int:
        """Return the index price at 1e-8, 0 while unknown."""
        return self._price_e8(symbol, "indexPrice")

    def ticker_row(self, symbol: str) -> dict[str, str]:
        """Return the symbol's record of GET /v5/market/tickers; before the start the recording's first."""
        return rest_row({"symbol": symbol, **self._tickers.get(symbol, {})})

    def orderbook_result(self, symbol: str, limit: int) -> dict[str, Any]:
        """Return the ``result`` of GET /v5/market/orderbook with up to ``limit`` levels a side."""
        book = self._deepest(symbol)
        if book is None or not book.ids:
            return {"s": symbol, "b": [], "a": [], "ts": self._now // MS, "u": 0, "seq": 0, "cts": self._now // MS}
        bids, asks = ([[price, size] for price, size in side] for side in book.levels(limit))
        times = {"ts": book.ts_ms + self._shift_ms, "cts": book.cts_ms + self._shift_ms}
        return {"s": symbol, "b": bids, "a": asks, **times, **book.ids}

    def _price_e8(self, symbol: str, key: str) -> int:
        try:
            return to_e8(self._tickers[symbol][key])
        except (KeyError, OffGridError):
            return 0

    def _deepest(self, symbol: str) -> _Book | None:
        books = [book for book in self._books.values() if book.symbol == symbol]
        return max(books, key=lambda book: int(book.topic.split(".")[1]), default=None)
