"""One order-book topic: the best levels of a book as snapshots and deltas.

The stream never looks at its whole window again: it is told which levels have changed (``note``), and what else enters
or leaves the window lies between its old and its new far edge. Levels are known by their key, side x price, as in the
book: of either side the best has the greatest key, so both are told in falling order of keys.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from services.exchange.matching import Level, MatchingBook
from shared.scale import Scale

MS = 1_000_000
INTERVAL_NS = {1: 10 * MS, 50: 20 * MS, 200: 100 * MS, 1000: 200 * MS}
REPEAT_NS = 3_000 * MS  # A silent depth-1 topic says its last snapshot again.
TEXTS_KEPT = 50_000

Levels = list[tuple[int, int]]


class _Kept(dict[int, str]):
    """Texts that are made once, by number; forgotten all together when there are too many."""

    def __init__(self, make: Callable[[int], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, number: int) -> str:
        if len(self) >= TEXTS_KEPT:
            self.clear()
        text = self[number] = self._make(number)
        return text


class Texts:
    """Levels of one symbol as JSON. The text of a price and of a size is made once."""

    def __init__(self, scale: Scale) -> None:
        self._decimals, self._unit = scale.lot_grid
        self._power: int = 10**self._decimals
        self._prices = _Kept(lambda key: f'["{scale.price_text(abs(key))}","')
        self._sizes = _Kept(self._size)

    def _size(self, lots: int) -> str:
        whole, part = divmod(lots * self._unit, self._power)
        if not self._decimals or not lots:
            return f'{whole}"]'
        return f'{whole}.{part:0{self._decimals}d}"]'

    def levels(self, levels: Iterable[tuple[int, int]]) -> str:
        """Return (key, lots) pairs as the inside of a JSON list; no lots is said as a bare 0."""
        prices, sizes = self._prices, self._sizes
        return ",".join([prices[key] + sizes[lots] for key, lots in levels])


class _Side:
    """What subscribers know of one side."""

    __slots__ = ("_book", "_depth", "_edge", "_known", "_side")

    def __init__(self, book: MatchingBook, side: int, depth: int) -> None:
        self._book, self._side, self._depth = book, side, depth
        self._known: dict[int, int] = {}  # key -> lots
        self._edge = 0  # Key of the last level in the window; meaningless while the window is empty.

    def reset(self) -> None:
        """Know what the book holds now."""
        keys, levels = self._book.ladder(self._side)
        window = keys[-self._depth :]
        self._known = {key: levels[key].lots for key in reversed(window)}
        self._edge = window[0] if window else 0

    def levels(self) -> Levels:
        """Return what is known, best first."""
        return sorted(self._known.items(), reverse=True)

    def update(self, changed: Mapping[int, int]) -> Levels:
        """Learn what has become of the ``changed`` levels of this side; return what is news, best first."""
        keys, levels = self._book.ladder(self._side)
        known, first = self._known, max(0, len(keys) - self._depth)
        edge = keys[first] if keys else 1 << 62
        news = {key: lots for key, lots in changed.items() if key >= edge and known.get(key, 0) != lots}
        if known and edge > self._edge:
            news.update((key, 0) for key in changed if key < edge and key in known)
        elif not news and edge == self._edge:
            return []
        if known and edge != self._edge:
            self._shift(keys, levels, first, news)
        self._edge = edge
        for key, lots in news.items():
            if lots:
                known[key] = lots
            else:
                del known[key]
        return sorted(news.items(), reverse=True)

    def _shift(self, keys: list[int], levels: dict[int, Level], first: int, news: dict[int, int]) -> None:
        """Add to the news what has left or entered the window only because its edge is elsewhere."""
        at = bisect_left(keys, self._edge)
        news.update((key, 0) for key in keys[at:first] if key in self._known)
        news.update((key, levels[key].lots) for key in keys[first:at] if key not in self._known)


class _Top:
    """What subscribers know of one side's best level."""

    __slots__ = ("_best", "_book", "_side")

    def __init__(self, book: MatchingBook, side: int) -> None:
        self._book, self._side = book, side
        self._best: tuple[int, int] | None = None  # key, lots

    def reset(self) -> None:
        """Know what the book holds now."""
        keys, levels = self._book.ladder(self._side)
        self._best = (keys[-1], levels[keys[-1]].lots) if keys else None

    def levels(self) -> Levels:
        """Return what is known."""
        return [self._best] if self._best else []

    def update(self, changed: Mapping[int, int]) -> Levels:
        """Look at the book; return the best level if it is news, the old one without lots if there is none now."""
        before = self._best
        self.reset()
        if self._best == before:
            return []
        return [self._best] if self._best else [(before[0], 0)] if before else []


class State(NamedTuple):
    """A book as its subscribers know it: (key, lots) best first."""

    bids: Levels
    asks: Levels
    update_id: int
    seq: int
    cts_ms: int


class DepthStream:
    """The topic orderbook.<depth>.<symbol>. Its update id rises by one with each frame that has news."""

    def __init__(
        self, symbol: str, depth: int, scale: Scale, book: MatchingBook, update_id: int, texts: Texts | None = None
    ) -> None:
        self.topic = f"orderbook.{depth}.{symbol}"
        self.due_ns = 0
        self._depth, self._interval_ns = depth, INTERVAL_NS[depth]
        self._texts = texts or Texts(scale)
        self._bids: _Side | _Top = _Side(book, 1, depth) if depth > 1 else _Top(book, 1)
        self._asks: _Side | _Top = _Side(book, -1, depth) if depth > 1 else _Top(book, -1)
        # Levels of bids and asks that have changed since the last comparison: key -> lots now.
        self._changed: tuple[dict[int, int], dict[int, int]] = {}, {}
        self._update_id = update_id
        self._seq = self._cts_ms = 0  # Of the state subscribers know.
        self._said_ns = 0
        self._head = f'{{"topic":"{self.topic}",'
        self._data = f'"data":{{"s":"{symbol}","b":['

    def note(self, bids: Mapping[int, int], asks: Mapping[int, int]) -> None:
        """Hear which levels of the book have changed; needed only while there are subscribers."""
        self._changed[0].update(bids)
        self._changed[1].update(asks)

    def _forget(self) -> None:
        self._changed[0].clear()
        self._changed[1].clear()

    def restart(self) -> None:
        """Count from the beginning, as after a restart of the push service: the next snapshot has u = 1."""
        self._update_id = 0

    def state(self, seq: int, cts_ms: int, live: bool) -> State:
        """Return what subscribers know, or where there are none the book as it is."""
        if not live:
            self._bids.reset()
            self._asks.reset()
            self._forget()
            self._seq, self._cts_ms = seq, cts_ms
            self._update_id += 1
        return State(self._bids.levels(), self._asks.levels(), self._update_id, self._seq, self._cts_ms)

    def snapshot(self, now: int, seq: int, cts_ms: int, live: bool) -> bytes:
        """Return the frame a new subscriber starts from: the state of the others, or a fresh one."""
        state = self.state(seq, cts_ms, live)
        if not live:
            self.due_ns = self._said_ns = now
        return self._frame("snapshot", now, state.bids, state.asks)

    def advance(self, now: int, seq: int, cts_ms: int) -> bytes | None:
        """Return the frame that is due, if there is news or a silent depth 1 has to repeat itself."""
        if now < self.due_ns:
            return None
        self.due_ns = (now // self._interval_ns + 1) * self._interval_ns
        bids: Levels = []
        asks: Levels = []
        of_bids, of_asks = self._changed
        if of_bids:
            bids = self._bids.update(of_bids)
            of_bids.clear()
        if of_asks:
            asks = self._asks.update(of_asks)
            of_asks.clear()
        if bids or asks:
            self._update_id += 1
            self._seq, self._cts_ms = seq, cts_ms
        elif self._depth > 1 or now - self._said_ns < REPEAT_NS:
            return None
        self._said_ns = now
        if self._depth == 1:
            return self._frame("snapshot", now, self._bids.levels(), self._asks.levels())
        return self._frame("delta", now, bids, asks)

    def _frame(self, kind: str, now: int, bids: Levels, asks: Levels) -> bytes:
        ts, levels = now // MS, self._texts.levels
        # The venue puts the two keys of depth 1 the other way round.
        head = f'"ts":{ts},"type":"{kind}",' if self._depth == 1 else f'"type":"{kind}","ts":{ts},'
        return (
            f'{self._head}{head}{self._data}{levels(bids)}],"a":[{levels(asks)}],'
            f'"u":{self._update_id},"seq":{self._seq}}},"cts":{self._cts_ms}}}'
        ).encode()
