"""The public topics of the synthetic market: who watches what, and the frames that are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.exchange.depth_stream import INTERVAL_NS, MS, DepthStream, Sizes, Texts
from services.exchange.matching import Fill
from services.exchange.synthetic import SyntheticMarket
from services.exchange.ticker_stream import TickerStream, rest_row
from services.exchange.trade_stream import TradeStream
from shared.messages import Instrument

UPDATE_START = 1_000_000
DEEPEST = 1_000
LOOK_NS = 1_000 * MS  # How often a symbol that nobody watches is looked at.

Stream = DepthStream | TradeStream | TickerStream


class _Symbol:
    """One symbol's topics. ``seq`` is the book's own sequence, which depths, trades and tickers share."""

    __slots__ = (
        "book", "cts_ms", "depths", "due_ns", "listened", "live", "name", "seq", "ticker", "ticker_live", "trades",
    )  # fmt: skip

    def __init__(self, market: SyntheticMarket, symbol: str, texts: Texts, now: int) -> None:
        self.book, self.name = market.books[symbol], symbol
        # A sequence goes on over restarts: it begins at the microsecond, which no book gets ahead of.
        self.book.seq = max(self.book.seq, now // 1_000)
        scale = market.scales[symbol]
        self.depths = {
            depth: DepthStream(symbol, depth, scale, self.book, UPDATE_START * depth, texts) for depth in INTERVAL_NS
        }
        self.trades = TradeStream(symbol, scale, self.book.last_ticks, now)
        self.ticker = TickerStream(market, symbol)
        self.live: list[DepthStream] = []  # Watched depths whose first snapshot has gone out.
        self.ticker_live = False
        self.seq, self.cts_ms = self.book.seq, now // MS
        self.due_ns = 0
        self.listened = False

    def sync(self, now: int) -> None:
        """Take note of what has changed in the book."""
        if self.book.changed:
            changed = self.book.take_changed()
            self.seq, self.cts_ms = self.book.seq, now // MS
            for depth in self.live:
                depth.note(changed)

    def advance(self, now: int, frames: list[tuple[str, bytes]]) -> None:
        """Add the books and tickers that are due to ``frames``, and note when the next ones are."""
        due_ns = now + LOOK_NS
        for depth in self.live:
            if now >= depth.due_ns:
                frame = depth.advance(now, self.seq, self.cts_ms)
                if frame is not None:
                    frames.append((depth.topic, frame))
            if depth.due_ns < due_ns:
                due_ns = depth.due_ns
        if self.ticker_live:
            frames += [(self.ticker.topic, frame) for frame in self.ticker.advance(now, self.seq)]
            due_ns = min(due_ns, self.ticker.due_ns)
        self.due_ns = due_ns

    def look(self, now: int) -> None:
        """Find out whether anybody listens, and when to come back."""
        due = [depth.due_ns for depth in self.live]
        if self.ticker_live:
            due.append(self.ticker.due_ns)
        self.listened, self.due_ns = bool(due), min(due, default=now + LOOK_NS)


class PublicStreams:
    """A ``Market``: the public face of a ``SyntheticMarket``."""

    def __init__(self, market: SyntheticMarket, now: int) -> None:
        self._market, self._now = market, now
        self._sizes: dict[tuple[int, int], Sizes] = {}  # By lot grid.
        self._symbols = {symbol: _Symbol(market, symbol, self._texts(symbol), now) for symbol in market.symbols}
        self._topics: dict[str, tuple[_Symbol, Stream]] = {}
        for symbol in self._symbols.values():
            streams: list[Stream] = [*symbol.depths.values(), symbol.trades, symbol.ticker]
            self._topics |= {stream.topic: (symbol, stream) for stream in streams}
        self._watchers = dict.fromkeys(self._topics, 0)
        self._live: set[str] = set()  # Watched topics whose first snapshot has gone out.
        self._due_ns = now

    def _texts(self, symbol: str) -> Texts:
        scale = self._market.scales[symbol]
        return Texts(scale, self._sizes.setdefault(scale.lot_grid, Sizes(scale.lot_grid)))

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
        """Return the ``result`` of GET /v5/market/orderbook with up to ``limit`` levels a side.

        It is the book that the subscribers of the deepest topic have, with its update id.
        """
        topics, scale = self._symbols[symbol], self._market.scales[symbol]
        topics.sync(self._now)
        deepest = topics.depths[DEEPEST]
        state = deepest.state(topics.seq, topics.cts_ms, deepest.topic in self._live)
        sides = [
            [[scale.price_text(abs(key)), scale.qty_text(lots)] for key, lots in side[:limit]]
            for side in (state.bids, state.asks)
        ]
        ids = {"ts": self._now // MS, "u": state.update_id, "seq": state.seq, "cts": state.cts_ms}
        return {"s": symbol, "b": sides[0], "a": sides[1], **ids}

    def recent_trades(self, symbol: str, limit: int) -> list[dict[str, Any]]:
        """Return the last trades as the stream shows them, newest first."""
        return self._symbols[symbol].trades.recent(limit)

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
        if not self._watchers[topic] and topic in self._live:
            self._live.discard(topic)
            symbol, stream = self._topics[topic]
            if isinstance(stream, DepthStream):
                symbol.live.remove(stream)
            else:
                symbol.ticker_live = False
            symbol.look(self._now)

    def subscribe(self, topic: str, now: int) -> bytes | None:
        """Return the snapshot that a new subscriber gets first; trades have none."""
        symbol, stream = self._topics[topic]
        if isinstance(stream, TradeStream):
            return None
        symbol.sync(now)
        live = topic in self._live
        self._live.add(topic)
        if isinstance(stream, TickerStream):
            symbol.ticker_live = True
            frame = stream.snapshot(now, symbol.seq, live)
        else:
            frame = stream.snapshot(now, symbol.seq, symbol.cts_ms, live)
            if not live:
                symbol.live.append(stream)
        symbol.look(now)
        self._due_ns = min(self._due_ns, symbol.due_ns)
        return frame

    def restart_streams(self, now: int) -> list[tuple[str, bytes]]:
        """Begin every topic anew, as the push service does when it is restarted: books come again with u = 1."""
        frames = []
        for symbol in self._symbols.values():
            symbol.sync(now)
            for depth in symbol.depths.values():
                depth.restart()
                if depth.topic in self._live:
                    frames.append((depth.topic, depth.snapshot(now, symbol.seq, symbol.cts_ms, live=False)))
            if symbol.ticker_live:
                frames.append((symbol.ticker.topic, symbol.ticker.snapshot(now, symbol.seq, live=False)))
        return frames

    def regrid(self, symbol: str, tick: str, lot: str) -> None:
        """Put a symbol on another grid; ``show`` tells its subscribers once its book stands again."""
        self._market.regrid(symbol, tick, lot)
        topics, scale = self._symbols[symbol], self._market.scales[symbol]
        texts = self._texts(symbol)
        for depth in topics.depths.values():
            depth.regrid(texts)
        topics.trades.regrid(scale, topics.book.last_ticks)

    def show(self, symbol: str, now: int) -> list[tuple[str, bytes]]:
        """Return a new snapshot of each of a symbol's watched books."""
        topics = self._symbols[symbol]
        topics.sync(now)
        return [(one.topic, one.snapshot(now, topics.seq, topics.cts_ms, live=False)) for one in topics.live]

    @property
    def next_due_ns(self) -> int | None:
        """When the next book or ticker is due; None while nobody listens to any."""
        return self._due_ns if self._live else None

    def advance(self, now: int, fills: Sequence[tuple[str, Fill]]) -> list[tuple[str, bytes]]:
        """Return the (topic, frame) that are due; ``fills`` are all matches since the last call in order."""
        self._now = now
        frames = self._trades(now, fills) if fills else []
        symbols = self._symbols.values()
        for symbol in symbols:
            if symbol.book.changed and symbol.listened:
                symbol.sync(now)
        if now < self._due_ns:
            return frames
        due_ns = now + LOOK_NS
        for symbol in symbols:
            if now >= symbol.due_ns:
                self._market.days[symbol.name].roll(now)
                if not symbol.listened:
                    symbol.sync(now)
                symbol.advance(now, frames)
            if symbol.due_ns < due_ns:
                due_ns = symbol.due_ns
        self._due_ns = due_ns
        return frames

    def _trades(self, now: int, fills: Sequence[tuple[str, Fill]]) -> list[tuple[str, bytes]]:
        """Count all matches and return the trade frames. All fills of one taker order share one ``seq``."""
        said: dict[str, list[str]] = {}
        for name, fill in fills:
            symbol = self._symbols[name]
            self._market.record(name, fill, fill.seq)
            said.setdefault(name, []).append(symbol.trades.add(fill, fill.seq, now // MS))
            symbol.ticker.tick_direction = symbol.trades.tick_direction
        return [
            (trades.topic, frame)
            for name, texts in said.items()
            if self._watchers[(trades := self._symbols[name].trades).topic]
            for frame in trades.frames(texts, now // MS)
        ]
