"""A small market that lives: every subscribed book gets its snapshot, then deltas at an even rate, until told to stop.

A frame's cross sequence says which symbol and which place in its cycle it is, so a reader of the book that it makes
knows exactly what has to stand there.
"""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.frames import MARKETS, Market
from bench.server import Client, FrameServer, framed
from bench.stage import NS_PER_S, Stage
from bench.streams import CYCLE, DEPTH, Streams, cycle, markets
from shared.fleet import Word
from shared.kernel import Outcome
from shared.kernel.parse import BookSpec, parse_book
from shared.layout import Row
from shared.mirror import BookView
from shared.side import Side

PLACES = 1_000  # More than a cycle has frames.
TICK_NS = 2_000_000
Sides = tuple[NDArray[np.int64], ...]


class LiveMarket:
    """The server's process."""

    def __init__(self, stage: Stage, pipe: Connection, symbols: list[Market], frames_a_second: float) -> None:
        self._pipe, self._clock = pipe, stage.clock
        self._streams = Streams(symbols, seed=5)
        self._numbers = {f"orderbook.{DEPTH}.{market.symbol}": number for number, market in enumerate(symbols)}
        self._interval_ns = NS_PER_S / frames_a_second
        self._server = FrameServer(self._subscribed, self._gone)
        self._fed: dict[int, Client] = {}
        self.sent = [0] * len(symbols)  # Frames of each symbol, snapshots included.
        self.snapshots: list[tuple[int, int]] = []  # (fleet ns, symbol number) of each subscription's answer.
        self.leaves: list[tuple[int, int]] = []  # The same of each goodbye.
        stage.fleet.put(Word.EXCHANGE_PORT, self._server.port)

    def run(self) -> None:
        """Serve until the other end of the pipe says something, then tell it everything."""
        due_ns = float(time.monotonic_ns())
        turn = 0
        while not self._pipe.poll():
            self._server.poll(TICK_NS / NS_PER_S)
            now = time.monotonic_ns()
            due_ns = max(due_ns, now - NS_PER_S / 10)
            parts: dict[int, tuple[Client, list[bytes]]] = {}
            while due_ns < now and self._fed:
                turn += 1
                number = sorted(self._fed)[turn % len(self._fed)]
                client = self._fed[number]
                parts.setdefault(id(client), (client, []))[1].append(framed(self._frame(number)))
                due_ns += self._interval_ns
            for client, frames in parts.values():
                client.send(b"".join(frames))
        self._pipe.send(self._report())

    def _report(self) -> dict[str, Any]:
        return {
            "sent": self.sent,
            "snapshots": self.snapshots,
            "leaves": self.leaves,
            "fed": sorted(self._fed),
            "accepted": self._server.accepted,
        }

    def _frame(self, number: int) -> bytes:
        self.sent[number] += 1
        return self._streams.next(number, number * PLACES + self._streams.position(number))

    def _subscribed(self, client: Client, topic: str) -> list[bytes]:
        number = self._numbers.get(topic)
        if number is None:
            return []
        self._fed[number] = client
        self._streams.rewind(number)
        self.snapshots.append((self._clock.now(), number))
        return [self._frame(number)]

    def _gone(self, client: Client, topic: str) -> None:
        number = self._numbers.get(topic)
        if number is not None and self._fed.get(number) is client:
            del self._fed[number]
            self.leaves.append((self._clock.now(), number))


class Truth(NamedTuple):
    """What every book must look like, by shape and place in the cycle."""

    books: list[list[Sides]]

    def differs(self, number: int, view: BookView) -> str:
        """Return what is wrong with a valid book of symbol ``number``; nothing when all is well."""
        found, place = divmod(view.word(Row.SEQ), PLACES)
        if found != number:
            return f"the book of symbol {found} stands where that of {number} should"
        ours = (view.bid_ticks, view.bid_lots, view.ask_ticks, view.ask_lots)
        theirs = self.books[number % len(MARKETS)][place]
        if not all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True)):
            return f"the levels of symbol {number} are not those of place {place}"
        return ""


def truth() -> Truth:
    """Build every book once with the slow parser."""
    return Truth([list(_books(number)) for number in range(len(MARKETS))])


def _books(number: int) -> list[Sides]:
    market, found = MARKETS[number], []
    spec, bids, asks = BookSpec.of("@", DEPTH, market.scale), Side(-1), Side(1)
    for frame in cycle(number, seed=5):
        parsed = parse_book(frame, spec)
        assert not isinstance(parsed, Outcome), parsed
        if parsed.is_snapshot:
            bids.clear()
            asks.clear()
        for side, levels in ((bids, parsed.bids), (asks, parsed.asks)):
            for ticks, lots in levels:
                side.put(ticks, lots)
        sides = (bids.ticks, bids.lots, asks.ticks, asks.lots)
        found.append(tuple(np.array(values, np.int64) for values in sides))
    return found


__all__ = ["CYCLE", "LiveMarket", "Truth", "markets", "truth"]
