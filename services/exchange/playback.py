"""A market that is a recording: its frames again, in their own timing, moved to the present."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from services.exchange.matching import Fill
from services.exchange.recorded_book import RecordedBook
from services.exchange.ticker_stream import rest_row
from shared.messages import BUY, SELL, Instrument
from shared.scale import OffGridError, Scale, to_e8

MS = 1_000_000
TRADES_KEPT = 1_000
# Only these three keys tell the time of a frame. Inside a JSON string the quotes would be escaped, so this is exact.
STAMPS = re.compile(rb'("(?:ts|cts|T)"\s*:\s*)(\d+)')


def shifted(frame: bytes, shift_ms: int) -> bytes:
    """Return the frame with ``ts``, ``cts`` and every ``T`` moved by ``shift_ms``; every other byte stays."""
    return STAMPS.sub(lambda found: found[1] + str(int(found[2]) + shift_ms).encode(), frame)


def _whole(value: object) -> int:
    """Insist on a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _tape_row(row: dict[str, Any], shift_ms: int) -> dict[str, Any]:
    """Return one recorded trade, moved to the present, if it has everything that a trade is told with."""
    if not all(isinstance(row[key], str) for key in ("s", "S", "v", "p", "i")):
        raise TypeError("a trade without text where text belongs")
    return {**row, "T": _whole(row["T"]) + shift_ms, "BT": bool(row.get("BT")), "RPI": bool(row.get("RPI"))}


def _texts(data: dict[str, Any]) -> dict[str, str]:
    """Return what of a ticker is text, as all of it should be."""
    return {key: value for key, value in data.items() if isinstance(value, str)}


class _Book:
    """What a subscriber of one order-book topic knows, in the recording's own text."""

    def __init__(self, topic: str, scale: Scale) -> None:
        self.topic, self.symbol = topic, topic.split(".", 2)[2]
        self.depth = int(topic.split(".", 2)[1])
        self._scale = scale
        self.bids: dict[int, tuple[str, str]] = {}  # price in ticks -> (price, size)
        self.asks: dict[int, tuple[str, str]] = {}
        self.ids: dict[str, int] = {}  # u and seq of the last frame; empty before the first.
        self.ts_ms = self.cts_ms = 0

    def apply(self, frame: dict[str, Any]) -> dict[int, dict[int, int]]:
        """Apply a snapshot or delta; return the sizes it names in lots, by side and price in ticks."""
        data, scale = frame["data"], self._scale
        ids = {"u": _whole(data["u"]), "seq": _whole(data["seq"])}
        ts_ms, cts_ms = _whole(frame["ts"]), _whole(frame.get("cts", frame["ts"]))
        said = {
            sign: {scale.price_ticks(price): (price, size, scale.qty_lots(size)) for price, size in levels}
            for sign, levels in ((BUY, data["b"]), (SELL, data["a"]))
        }
        # Nothing is changed by a frame that cannot be read to its end.
        if frame["type"] == "snapshot":
            self.bids, self.asks = {}, {}
        for sign, side in ((BUY, self.bids), (SELL, self.asks)):
            for ticks, (price, size, lots) in said[sign].items():
                if lots:
                    side[ticks] = (price, size)
                else:
                    side.pop(ticks, None)
        self.ids, self.ts_ms, self.cts_ms = ids, ts_ms, cts_ms
        return {sign: {ticks: lots for ticks, (_, _, lots) in levels.items()} for sign, levels in said.items()}

    def levels(self, limit: int | None = None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Return bids and asks, best first."""
        bids = [self.bids[ticks] for ticks in sorted(self.bids, reverse=True)[:limit]]
        return bids, [self.asks[ticks] for ticks in sorted(self.asks)[:limit]]


class PlaybackMarket:
    """A ``Market`` that plays the recorded frames from the moment ``start`` is called, and takes orders.

    ``source`` opens the recording: pairs of receive time in ns and bytes. It is read twice, once now to learn what
    there is and once while it plays; never more of it is held than the next frame. Frames that belong to no topic
    (acknowledgements, pongs) or cannot be read are left out and counted in ``skipped``.

    Orders meet the deepest recorded book of their symbol (``RecordedBook``); what is said in public is the recording.
    """

    def __init__(
        self,
        source: Callable[[], Iterable[tuple[int, bytes]]],
        instruments: Sequence[Instrument],
        queue_power: float | None = None,
    ) -> None:
        self.instruments: Mapping[str, Instrument] = {rules.symbol: rules for rules in instruments}
        self.symbols = tuple(self.instruments)
        self.skipped = self.frames = 0
        self._scales = {rules.symbol: Scale(rules.tick, rules.lot) for rules in instruments}
        self._tickers: dict[str, dict[str, str]] = {}
        self._books: dict[str, _Book] = {}
        self._trades: dict[str, deque[dict[str, Any]]] = {}  # The last ones of each symbol, moved to the present.
        self._topics: dict[str, int] = {}  # topic -> subscribers
        self._played: set[str] = set()  # Topics of which a frame has been sent.
        self._first_ns = 0
        self._start_ns: int | None = None
        self._shift_ms = 0
        self._now, self._played_ns = 0, -1
        self._due: list[tuple[str, bytes]] = []  # Played, but not yet said.
        for recv_ns, frame in source():
            self._survey(recv_ns, frame)
        self.start_topics = tuple(self._books)
        self.books = {symbol: RecordedBook(queue_power) for symbol in self.symbols}
        self._matched = {book.topic for symbol in self.symbols if (book := self._deepest(symbol)) is not None}
        self._ahead = self._frames(source())
        self._next = next(self._ahead, None)

    def _survey(self, recv_ns: int, frame: bytes) -> None:
        """Learn from one frame what topics there are, and what REST is to answer before the start."""
        try:
            decoded = orjson.loads(frame)
            topic = decoded["topic"]
            symbol = topic.rsplit(".", 1)[1]
            if topic.startswith("orderbook.") and topic not in self._books:
                self._books[topic] = _Book(topic, self._scales[symbol])
            if topic.startswith("tickers.") and symbol not in self._tickers:
                self._tickers[symbol] = _texts(decoded["data"])
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            self.skipped += 1
            return
        if not self.frames:
            self._first_ns = recv_ns
        self.frames += 1
        self._topics.setdefault(topic, 0)

    def _frames(self, source: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, str, dict[str, Any], bytes]]:
        """Yield (time since the first frame in ns, topic, decoded, frame) of every frame that is played."""
        last_ns = self._first_ns
        for recv_ns, frame in source:
            try:
                decoded = orjson.loads(frame)
                topic = decoded["topic"]
                known = topic in self._topics
            except (KeyError, TypeError, ValueError):
                continue
            if known:
                # A receive time that runs back is played with the frame before it: order outranks timing.
                last_ns = max(last_ns, recv_ns)
                yield last_ns - self._first_ns, topic, decoded, frame

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
        """Return whether every frame has been played."""
        return self._next is None

    @property
    def matches_orders(self) -> bool:
        """True once every symbol has shown a book and a price to judge orders by."""
        return all(self.mark_e8(symbol) and all(self.touch_ticks(symbol)) for symbol in self.symbols)

    def play(self, now: int) -> list[tuple[str, Fill]]:
        """Let everything happen that is due: return the recorded trades as matches, and those of resting orders."""
        self._now = self._played_ns = now
        fills: list[tuple[str, Fill]] = []
        while self._start_ns is not None and self._next is not None and self._next[0] <= now - self._start_ns:
            _, topic, decoded, frame = self._next
            self._played.add(topic)
            fills += self._learn(topic, decoded)
            self._due.append((topic, shifted(frame, self._shift_ms)))
            self._next = next(self._ahead, None)
        return fills

    def advance(self, now: int, fills: Sequence[tuple[str, Fill]] = ()) -> list[tuple[str, bytes]]:
        """Return the (topic, frame) that are due, for all topics in the recording's order.

        ``fills`` are not told: the recording is what the public sees, whatever the account does.
        """
        if now != self._played_ns:
            self.play(now)
        due, self._due = self._due, []
        return due

    def _learn(self, topic: str, decoded: dict[str, Any]) -> list[tuple[str, Fill]]:
        """Keep what late subscribers and REST ask for; match. A frame that cannot be applied is still played."""
        head, _, symbol = topic.partition(".")
        try:
            if topic in self._books:
                return self._show(topic, self._books[topic], decoded)
            if head == "tickers":
                self._tickers[symbol] |= _texts(decoded["data"])
            elif head == "publicTrade":
                rows = [_tape_row(row, self._shift_ms) for row in decoded["data"]]
                self._trades.setdefault(symbol, deque(maxlen=TRADES_KEPT)).extend(rows)
                return [(symbol, fill) for row in decoded["data"] for fill in self._trade(symbol, row)]
        except (KeyError, TypeError, AttributeError, ValueError):
            self.skipped += 1
        return []

    def _show(self, topic: str, book: _Book, decoded: dict[str, Any]) -> list[tuple[str, Fill]]:
        """Apply a frame of a book, and let the orders in it feel that."""
        changed = book.apply(decoded)
        if topic not in self._matched:
            return []
        edges = tuple(
            pick(side) if len(side) >= book.depth else 0 for pick, side in ((min, book.bids), (max, book.asks))
        )
        matched = self.books[book.symbol].show(
            changed, decoded["type"] == "snapshot", (edges[0], edges[1]), book.cts_ms
        )
        return [(book.symbol, fill) for fill in matched]

    def _trade(self, symbol: str, row: dict[str, Any]) -> list[Fill]:
        """Play one trade, unless it came about outside the displayed book."""
        if symbol not in self.books or row.get("BT") or row.get("RPI"):
            return []
        scale, side = self._scales[symbol], BUY if row["S"] == "Buy" else SELL
        return self.books[symbol].trade(side, scale.price_ticks(row["p"]), scale.qty_lots(row["v"]), row["T"])

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
        if self.books[symbol].last_ticks:
            return self.books[symbol].last_ticks
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
        """Return the mark price at 1e-8: of the ticker, else the middle of the book, 0 while unknown."""
        bid, ask = self.touch_ticks(symbol)
        mid = (bid + ask) * self._scales[symbol].tick_e8 // 2 if bid and ask else 0
        return self._price_e8(symbol, "markPrice") or mid

    def index_e8(self, symbol: str) -> int:
        """Return the index price at 1e-8: of the ticker, else the mark price, 0 while unknown."""
        return self._price_e8(symbol, "indexPrice") or self.mark_e8(symbol)

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

    def recent_trades(self, symbol: str, limit: int) -> list[dict[str, Any]]:
        """Return the last trades that were played, newest first."""
        return list(reversed(self._trades.get(symbol, ())))[:limit]

    def _price_e8(self, symbol: str, key: str) -> int:
        try:
            return max(0, to_e8(self._tickers[symbol][key]))
        except (KeyError, OffGridError):
            return 0

    def _deepest(self, symbol: str) -> _Book | None:
        books = [book for book in self._books.values() if book.symbol == symbol]
        return max(books, key=lambda book: int(book.topic.split(".")[1]), default=None)
