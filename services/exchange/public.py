"""The public topics of the synthetic market: who watches what, and the frames that are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.exchange.depth_stream import INTERVAL_NS, MS, DepthStream
from services.exchange.matching import Fill
from services.exchange.synthetic import SyntheticMarket
from services.exchange.ticker_stream import TickerStream, rest_row
from services.exchange.trade_stream import TradeStream
from shared.messages import Instrument

SEQ_START = 500_000_000_000
UPDATE_START = 1_000_000

Stream = DepthStream | TradeStream | TickerStream


class _Symbol:
    """One symbol's topics. ``seq`` is the cross sequence that depths, trades and tickers share."""

    def __init__(self, market: SyntheticMarket, symbol: str, now: int) -> None:
        self.book, self.name = market.books[symbol], symbol
        scale = market.scales[symbol]
        self.depths = [DepthStream(symbol, depth, scale, self.book, UPDATE_START * depth) for depth in INTERVAL_NS]
        self.trades = TradeStream(symbol, scale, self.book.last_ticks, now)
        self.ticker = TickerStream(market, symbol)
        self.seq, self.cts_ms = SEQ_START, now // MS
        self.update_id = UPDATE_START  # Of the 1000-level stream that REST quotes.

    def sync(self, now: int) -> None:
        """Take note of what has changed in the book."""
        changes = self.book.take_changes()
        if changes:
            self.seq += len(changes)
            self.update_id += 1
            self.cts_ms = now // MS


class PublicStreams:
    """A ``Market``: the public face of a ``SyntheticMarket``."""

    def __init__(self, market: SyntheticMarket, now: int) -> None:
        self._market, self._now = market, now
        self._symbols = {symbol: _Symbol(market, symbol, now) for symbol in market.symbols}
        self._topics: dict[str, tuple[_Symbol, Stream]] = {}
        for symbol in self._symbols.values():
            streams: list[Stream] = [*symbol.depths, symbol.trades, symbol.ticker]
            self._topics |= {stream.topic: (symbol, stream) for stream in streams}
        self._watchers = dict.fromkeys(self._topics, 0)
        self._live: set[str] = set()  # Watched topics whose first snapshot has gone out.

    # --- what there is --------------------------------------------------------------------------------------

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol there is, in a fixed order."""
        return self._market.symbols

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The rules of each symbol."""
        return self._market.instruments

    @property
    def matches_orders(self) -> bool:
        """There are books behind these prices."""
        return True

    @property
    def start_topics(self) -> tuple[str, ...]:
        """Nothing waits: the market is always open."""
        return ()

    def start(self, now: int) -> None:
        """Nothing to do: the market is always open."""

    def ended(self, now: int) -> bool:
        """Return False: the market never closes."""
        return False

    def last_ticks(self, symbol: str) -> int:
        """Return the last traded price in ticks."""
        return self._market.books[symbol].last_ticks

    def touch_ticks(self, symbol: str) -> tuple[int, int]:
        """Return (best bid, best ask) in ticks, 0 where that side is empty."""
        book = self._market.books[symbol]
        return book.best_bid() or 0, book.best_ask() or 0

    def mark_e8(self, symbol: str) -> int:
        """Return the mark price at 1e-8."""
        return self._market.mark_e8(symbol)

    def index_e8(self, symbol: str) -> int:
        """Return the index price at 1e-8."""
        return self._market.index_e8(symbol)

    def ticker_row(self, symbol: str) -> dict[str, str]:
        """Return the symbol's record of GET /v5/market/tickers."""
        return rest_row(self._symbols[symbol].ticker.state(self._now))

    def orderbook_result(self, symbol: str, limit: int) -> dict[str, Any]:
        """Return the ``result`` of GET /v5/market/orderbook with up to ``limit`` levels a side."""
        topics, scale = self._symbols[symbol], self._market.scales[symbol]
        topics.sync(self._now)
        sides = [
            [[scale.price_text(ticks), scale.qty_text(lots)] for ticks, lots in topics.book.depth(side, limit)]
            for side in (1, -1)
        ]
        ids = {"ts": self._now // MS, "u": topics.update_id, "seq": topics.seq, "cts": topics.cts_ms}
        return {"s": symbol, "b": sides[0], "a": sides[1], **ids}

    # --- topics ---------------------------------------------------------------------------------------------

    def valid_topic(self, topic: str) -> bool:
        """Return whether the topic exists."""
        return topic in self._topics

    def watch(self, topic: str) -> None:
        """Count one more subscriber: only watched topics are computed."""
        self._watchers[topic] += 1

    def unwatch(self, topic: str) -> None:
        """Count one subscriber less."""
        assert self._watchers[topic] > 0
        self._watchers[topic] -= 1
        if not self._watchers[topic]:
            self._live.discard(topic)

    def subscribe(self, topic: str, now: int) -> bytes | None:
        """Return the snapshot that a new subscriber gets first; trades have none."""
        symbol, stream = self._topics[topic]
        if isinstance(stream, TradeStream):
            return None
        symbol.sync(now)
        live = topic in self._live
        self._live.add(topic)
        if isinstance(stream, TickerStream):
            return stream.snapshot(now, symbol.seq, live)
        return stream.snapshot(now, symbol.seq, symbol.cts_ms, live)

    def advance(self, now: int, fills: Sequence[tuple[str, Fill]]) -> list[tuple[str, bytes]]:
        """Return the (topic, frame) that are due; ``fills`` are all matches since the last call in order."""
        self._now = now
        frames = self._trades(now, fills)
        for symbol in self._symbols.values():
            self._market.days[symbol.name].roll(now)
            symbol.sync(now)
            for depth in symbol.depths:
                if depth.topic in self._live:
                    frames += [(depth.topic, frame) for frame in depth.advance(now, symbol.seq, symbol.cts_ms)]
            ticker = symbol.ticker
            if ticker.topic in self._live:
                frames += [(ticker.topic, frame) for frame in ticker.advance(now, symbol.seq)]
        return frames

    def _trades(self, now: int, fills: Sequence[tuple[str, Fill]]) -> list[tuple[str, bytes]]:
        """Count all matches and return the trade frames. All fills of one taker order share one ``seq``."""
        said: dict[str, list[str]] = {}
        taker = ("", 0)
        for name, fill in fills:
            symbol = self._symbols[name]
            if (name, fill.taker_id) != taker:
                taker = name, fill.taker_id
                symbol.seq += 1
            self._market.record(name, fill)
            said.setdefault(name, []).append(symbol.trades.add(fill, symbol.seq, now // MS))
            symbol.ticker.tick_direction = symbol.trades.tick_direction
        return [
            (trades.topic, frame)
            for name, texts in said.items()
            if self._watchers[(trades := self._symbols[name].trades).topic]
            for frame in trades.frames(texts, now // MS)
        ]
