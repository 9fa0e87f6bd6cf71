"""One order-book topic: the best levels of a book as snapshots and deltas.

The stream never looks at its whole window again: it is told which levels have changed (``note``), and what else enters
or leaves the window lies between its old and its new far edge. Levels are known by their key, side x price, as in the
book: of either side the best has the greatest key, so both are told in falling order of keys.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import NamedTuple

from services.exchange.matching import MatchingBook
from shared.scale import Scale

MS = 1_000_000
INTERVAL_NS = {1: 10 * MS, 50: 20 * MS, 200: 100 * MS, 1000: 200 * MS}
REPEAT_NS = 3_000 * MS  # A silent depth-1 topic says its last snapshot again.
TEXTS_KEPT = 50_000
NOWHERE = 1 << 62  # Above every key.

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


class Sizes(_Kept):
    """Sizes of one lot grid (decimals, step at those decimals) as the end of a JSON pair."""

    def __init__(self, grid: tuple[int, int]) -> None:
        super().__init__(self._text)
        self._decimals, self._unit = grid
        self._power: int = 10**self._decimals

    def _text(self, lots: int) -> str:
        whole, part = divmod(lots * self._unit, self._power)
        if not self._decimals or not lots:
            return f'{whole}"]'
        return f'{whole}.{part:0{self._decimals}d}"]'


class Texts:
    """Levels of one symbol as JSON. ``sizes`` may be those of all symbols with the same lot."""

    def __init__(self, scale: Scale, sizes: Sizes | None = None) -> None:
        self._prices = _Kept(lambda key: f'["{scale.price_text(abs(key))}","')
        self._sizes = Sizes(scale.lot_grid) if sizes is None else sizes

    def levels(self, levels: Levels) -> str:
        """Return (key, lots) pairs as the inside of a JSON list; no lots is said as a bare 0."""
        prices, sizes = self._prices, self._sizes
        return ",".join([prices[key] + sizes[lots] for key, lots in levels])


class _Side:
    """What subscribers know of one side."""

    __slots__ = ("_depth", "_edge", "_end", "_keys", "_known", "_levels")

    def __init__(self, book: MatchingBook, side: int, depth: int) -> None:
        self._keys, self._levels = book.ladder(side)
        self._depth = depth
        self._end = NOWHERE if side > 0 else 0  # Keys of this side are below it.
        self._known: dict[int, int] = {}  # key -> lots
        self._edge = 0  # Key of the last level in the window; meaningless while the window is empty.

    def reset(self) -> None:
        """Know what the book holds now."""
        window, levels = self._keys[-self._depth :], self._levels
        self._known = {key: levels[key].lots for key in reversed(window)}
        self._edge = window[0] if window else 0

    def levels(self) -> Levels:
        """Return what is known, best first."""
        return sorted(self._known.items(), reverse=True)

    def update(self, changed: Mapping[int, int]) -> Levels:
        """Learn what has become of the ``changed`` levels of the book; return what is news here, best first."""
        keys, known, depth, end = self._keys, self._known, self._depth, self._end
        edge = keys[-depth] if len(keys) >= depth else keys[0] if keys else NOWHERE
        news = [(key, lots) for key, lots in changed.items() if edge <= key < end and known.get(key, 0) != lots]
        if edge != self._edge:
            if known:
                news += self._shifted(changed, edge)
            self._edge = edge
        for key, lots in news:
            if lots:
                known[key] = lots
            else:
                del known[key]
        if len(news) > 1:
            news.sort(reverse=True)
        return news

    def _shifted(self, changed: Mapping[int, int], edge: int) -> Levels:
        """Return what has left or entered the window only because its edge is elsewhere now."""
        keys, known, old = self._keys, self._known, self._edge
        if edge > old:
            here = keys[bisect_left(keys, old) : bisect_left(keys, edge)]
            gone = {key: 0 for key in (*here, *changed) if key < edge and key in known}
            return list(gone.items())
        here = keys[bisect_left(keys, edge) : bisect_left(keys, old)]
        return [(key, self._levels[key].lots) for key in here if key not in known and key not in changed]


class _Top:
    """What subscribers know of one side's best level."""

    __slots__ = ("_best", "_keys", "_levels")

    def __init__(self, book: MatchingBook, side: int) -> None:
        self._keys, self._levels = book.ladder(side)
        self._best: tuple[int, int] | None = None  # key, lots

    def reset(self) -> None:
        """Know what the book holds now."""
        keys = self._keys
        self._best = (keys[-1], self._levels[keys[-1]].lots) if keys else None

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

    __slots__ = (
        "_asks", "_bids", "_changed", "_cts_ms", "_data", "_depth", "_heads", "_interval_ns", "_said_ns", "_seq",
        "_texts", "_update_id", "due_ns", "topic",
    )  # fmt: skip

    def __init__(
        self, symbol: str, depth: int, scale: Scale, book: MatchingBook, update_id: int, texts: Texts | None = None
    ) -> None:
        self.topic = f"orderbook.{depth}.{symbol}"
        self.due_ns = 0
        self._depth, self._interval_ns = depth, INTERVAL_NS[depth]
        self._texts = texts or Texts(scale)
        self._bids: _Side | _Top = _Side(book, 1, depth) if depth > 1 else _Top(book, 1)
        self._asks: _Side | _Top = _Side(book, -1, depth) if depth > 1 else _Top(book, -1)
        self._changed: dict[int, int] = {}  # Levels that have changed since the last comparison: key -> lots now.
        self._update_id = update_id
        self._seq = self._cts_ms = 0  # Of the state subscribers know.
        self._said_ns = 0
        head, data = f'{{"topic":"{self.topic}",', f'"data":{{"s":"{symbol}","b":['
        self._heads = {kind: f'{head}"type":"{kind}","ts":' for kind in ("snapshot", "delta")}
        self._data = f",{data}"
        if depth == 1:  # The venue puts the two keys of depth 1 the other way round.
            self._heads["snapshot"], self._data = f'{head}"ts":', f',"type":"snapshot",{data}'

    def note(self, changed: Mapping[int, int]) -> None:
        """Hear which levels of the book have changed; needed only while there are subscribers."""
        self._changed.update(changed)

    def regrid(self, texts: Texts) -> None:
        """Go on in the steps of another grid: the next thing to be said is a snapshot."""
        self._texts = texts

    def restart(self) -> None:
        """Count from the beginning, as after a restart of the push service: the next snapshot has u = 1."""
        self._update_id = 0

    def state(self, seq: int, cts_ms: int, live: bool) -> State:
        """Return what subscribers know, or where there are none the book as it is."""
        if not live:
            self._bids.reset()
            self._asks.reset()
            self._changed = {}
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
        self.due_ns = now - now % self._interval_ns + self._interval_ns
        changed = self._changed
        if changed:
            self._changed = {}
            bids, asks = self._bids.update(changed), self._asks.update(changed)
            if bids or asks:
                self._update_id += 1
                self._seq, self._cts_ms, self._said_ns = seq, cts_ms, now
                if self._depth > 1:
                    return self._frame("delta", now, bids, asks)
                return self._frame("snapshot", now, self._bids.levels(), self._asks.levels())
        if self._depth > 1 or now - self._said_ns < REPEAT_NS:
            return None
        self._said_ns = now
        return self._frame("snapshot", now, self._bids.levels(), self._asks.levels())

    def _frame(self, kind: str, now: int, bids: Levels, asks: Levels) -> bytes:
        levels = self._texts.levels
        return (
            f"{self._heads[kind]}{now // MS}{self._data}{levels(bids) if bids else ''}],"
            f'"a":[{levels(asks) if asks else ""}],'
            f'"u":{self._update_id},"seq":{self._seq}}},"cts":{self._cts_ms}}}'
        ).encode()
