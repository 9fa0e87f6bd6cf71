"""Seeded frames for every benchmark: order book walks in Bybit's shape, and the real recording where it lies beside."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shared.scale import Scale

RECORDING = Path(__file__).resolve().parents[2] / "shared" / "data" / "bybit-linear-20260809-btc-eth.ndjson.gz"
START_MS = 1_790_000_000_000
FRAME_MS = 20
SPARE_LEVELS = 60  # Levels a side beyond the topic's depth, from which the window is filled up.
CHANGES_MEAN = 8.0  # Book changes a frame and side, before those that cancel out.
NEAR_LEVELS = 8.0  # Mean distance of a change from the touch.


class Market(NamedTuple):
    """One symbol, its grid, and where its price begins."""

    symbol: str
    scale: Scale
    mid_ticks: int


MARKETS = (
    Market("BTCUSDT", Scale("0.10", "0.001"), 651_140),
    Market("ETHUSDT", Scale("0.01", "0.01"), 350_012),
    Market("XRPUSDT", Scale("0.0001", "0.1"), 22_871),
    Market("1000PEPEUSDT", Scale("0.0000001", "100"), 101_230),
)
Side = dict[int, int]


class Walk:
    """A sound book that moves: what is outside the best ``depth`` levels a side is told only when it comes in."""

    def __init__(self, market: Market, *, seed: int, depth: int = 50) -> None:
        self.market, self.depth = market, depth
        self._rng = random.Random(f"{seed} {market.symbol} {depth}")
        mid = market.mid_ticks
        count = depth + SPARE_LEVELS
        self._full: dict[int, Side] = {
            sign: {mid + sign * (1 + n + n // 3): self._lots() for n in range(count)} for sign in (-1, 1)
        }
        self._shown = {sign: self._window(sign) for sign in (-1, 1)}
        self._u, self._seq, self._ms = 1, 500_000_000_000, START_MS

    def snapshot(self) -> bytes:
        """Return the present book."""
        return self._frame("snapshot", {sign: self._window(sign) for sign in (-1, 1)})

    def delta(self) -> bytes:
        """Move on and return what changed."""
        self._u += 1
        self._seq += self._rng.randint(1, 900)
        self._ms += FRAME_MS
        changes: dict[int, Side] = {-1: {}, 1: {}}
        while not (changes[-1] or changes[1]):
            self._move()
            for sign in (-1, 1):
                changes[sign] = self._difference(sign)
        return self._frame("delta", changes)

    def frames(self, count: int) -> Iterator[bytes]:
        """Yield a snapshot and ``count`` deltas."""
        yield self.snapshot()
        for _ in range(count):
            yield self.delta()

    def _move(self) -> None:
        if self._rng.random() < 0.15:
            self._step(self._rng.choice((-1, 1)))
        for sign in (-1, 1):
            for _ in range(min(int(self._rng.expovariate(1 / CHANGES_MEAN)), self.depth)):
                self._change(sign)
            self._refill(sign)

    def _step(self, sign: int) -> None:
        """Eat the best level of one side and put one of the other side in its place."""
        side = self._full[sign]
        best = min(side, key=lambda ticks: sign * ticks)
        del side[best]
        self._full[-sign][best] = self._lots()

    def _change(self, sign: int) -> None:
        side, rng = self._full[sign], self._rng
        ordered = sorted(side, key=lambda ticks: sign * ticks)
        at = min(int(rng.expovariate(1 / NEAR_LEVELS)), self.depth - 1)
        ticks, kind = ordered[at], rng.random()
        if kind < 0.2 and len(side) > self.depth:
            del side[ticks]
        elif kind < 0.4 and ticks + sign not in side:
            side[ticks + sign] = self._lots()
        else:
            side[ticks] = self._lots()

    def _refill(self, sign: int) -> None:
        side = self._full[sign]
        count = self.depth + SPARE_LEVELS
        while len(side) < count:
            far = max(sign * ticks for ticks in side)
            side[sign * (far + self._rng.randint(1, 3))] = self._lots()
        if len(side) > 2 * count:
            for ticks in sorted(side, key=lambda ticks: sign * ticks)[count:]:
                del side[ticks]

    def _lots(self) -> int:
        return int(10 ** self._rng.uniform(0, 5))

    def _window(self, sign: int) -> Side:
        side = self._full[sign]
        return {ticks: side[ticks] for ticks in sorted(side, key=lambda ticks: sign * ticks)[: self.depth]}

    def _difference(self, sign: int) -> Side:
        old, new = self._shown[sign], self._window(sign)
        self._shown[sign] = new
        changed = {ticks: lots for ticks, lots in new.items() if old.get(ticks) != lots}
        changed |= {ticks: 0 for ticks in old if ticks not in new}
        return dict(sorted(changed.items(), key=lambda level: sign * level[0]))

    def _frame(self, kind: str, sides: dict[int, Side]) -> bytes:
        symbol = self.market.symbol
        data = f'"s":"{symbol}","b":[{self._rows(sides[-1])}],"a":[{self._rows(sides[1])}]'
        text = (
            f'{{"topic":"orderbook.{self.depth}.{symbol}","type":"{kind}","ts":{self._ms + 4},'
            f'"data":{{{data},"u":{self._u},"seq":{self._seq}}},"cts":{self._ms}}}'
        )
        return text.encode()

    def _rows(self, side: Side) -> str:
        price, size = self.market.scale.price_text, self.market.scale.qty_text
        return ",".join(f'["{price(ticks)}","{size(lots) if lots else "0"}"]' for ticks, lots in side.items())


def interleaved(count: int, *, seed: int, depth: int = 50) -> list[tuple[str, bytes]]:
    """Return (symbol, frame) of all MARKETS in turn: one snapshot each, then ``count`` deltas in all."""
    walks = [Walk(market, seed=seed, depth=depth) for market in MARKETS]
    found = [(walk.market.symbol, walk.snapshot()) for walk in walks]
    for number in range(count):
        walk = walks[number % len(walks)]
        found.append((walk.market.symbol, walk.delta()))
    return found


def recorded(topic: str = "orderbook.200.") -> list[tuple[str, bytes]]:
    """Return (symbol, frame) of the real recording's frames of one kind; empty where there is no recording."""
    if not RECORDING.exists():
        return []
    head = f'{{"topic":"{topic}'.encode()
    found = []
    with gzip.open(RECORDING) as lines:
        for line in lines:
            frame = line.rstrip().split(b" ", 1)[1]
            if frame.startswith(head):
                symbol = frame[len(head) : frame.index(b'"', len(head))].decode()
                found.append((symbol, frame))
    return found
