"""The reader's side of the market-data segments: attached by the number in the fleet page, again when it changes.

A shell asks for `news` on every wake-up and tick and feeds its core whatever comes: `Lapped` when all that was known
is void, `BookCopy` for every book the core has not seen, `Events` for what happened since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator

from shared import shm
from shared.fleet import FleetPage, Word
from shared.layout import HEAD_AT
from shared.messages import BookCopy, Events, Lapped, Message
from shared.mirror import BookTable, BookView, MirrorReader
from shared.ring import LappedError, RingReader

TAKE_RECORDS_MAX = 4_096
LOOKS = 1_000  # About 0.1 ms: sockets and timers of a spinning process wait no longer than that.


class DataPlane:
    """Books and event ring of the present generation. Nothing is attached before the first `refresh`.

    ``attach`` maps a segment by name and raises FileNotFoundError when there is none (tests hand in their own).
    """

    def __init__(self, run_id: str, fleet: FleetPage, attach: Callable[[str], shm.Segment] = shm.attach) -> None:
        self._run_id, self._fleet, self._attach = run_id, fleet, attach
        self._segments: list[shm.Segment] = []
        self._readers: dict[int, MirrorReader] = {}
        self._ids: dict[str, int] = {}
        self._told: dict[int, int] = {}  # Symbol id -> the scale id under which the core knows its book.
        self.generation = 0  # 0: nothing is attached.
        self.books: BookTable | None = None
        self.ring: RingReader | None = None
        self.laps = 0  # How often this reader was overtaken.

    def refresh(self) -> bool:
        """Attach to the generation in the fleet page; True when it is another one than before."""
        wanted = self._fleet.get(Word.DATA_GENERATION)
        if wanted in (0, self.generation):
            return False
        segments: list[shm.Segment] = []
        try:
            for role in ("books", "ring"):
                segments.append(self._attach(shm.segment_name(self._run_id, role, wanted)))  # noqa: PERF401
        except FileNotFoundError:  # Already replaced by the next one: its number will be there next time.
            _close(segments)
            return False
        self.close()
        self._segments, self.generation = segments, wanted
        self.books, self.ring = BookTable(segments[0].buffer), RingReader(segments[1].buffer)
        return True

    def close(self) -> None:
        """Let go of the segments."""
        self.books, self.ring, self.generation = None, None, 0
        self._readers, self._ids, self._told = {}, {}, {}
        _close(self._segments)
        self._segments = []

    def view(self, symbol: str) -> BookView | None:
        """Return ``symbol``'s newest book, valid or void; None while there is none."""
        symbol_id = self._ids.get(symbol)
        if symbol_id is None and self.books is not None:
            symbol_id = self.books.find(symbol)
        if symbol_id is None:
            return None
        self._ids[symbol] = symbol_id
        return self._read(symbol_id)

    def symbols(self) -> list[str]:
        """Return every symbol of this generation, in the order in which they came."""
        return [] if self.books is None else [entry.symbol for entry in self.books.entries()]

    def copy(self, symbol: str) -> BookCopy | None:
        """Return ``symbol``'s newest book as a message."""
        view = self.view(symbol)
        return None if view is None else self._message(view)

    def news(self, *, look: bool = True) -> Iterator[Message]:
        """Yield everything new, in the order in which a core must hear it, up to the head as it is now.

        ``look`` also looks for new generations and new symbols: on ticks, not on every wake-up.
        """
        if look and self.refresh():
            yield Lapped(self.generation)
        if self.ring is None or self.books is None:
            return
        whole = yield from self._events(self.ring)
        if look or not whole:
            yield from self._copies(self.books)

    def _events(self, ring: RingReader) -> Generator[Message, None, bool]:
        """Yield the records up to the present head; return False when the writer had overtaken this reader."""
        head = ring.head
        while ring.cursor < head:
            first = ring.cursor
            try:
                data = ring.take(TAKE_RECORDS_MAX)
            except LappedError:
                self.laps += 1
                yield Lapped(self.generation)
                self._told = {}
                ring.cursor = ring.head  # Before the mirrors are copied: then no record is missed between the two.
                return False
            if data is None:
                break
            yield Events(self.generation, first, data)
        return True

    def _copies(self, books: BookTable) -> Iterator[Message]:
        """Yield the books the core does not know. Taken after the cursor moved: each holds all that was passed over."""
        for entry in books.entries():
            if self._told.get(entry.symbol_id) == entry.scale_id:
                continue
            view = self._read(entry.symbol_id)
            if view is not None and view.scale_id == entry.scale_id:
                self._told[entry.symbol_id] = entry.scale_id
                yield self._message(view)

    def _read(self, symbol_id: int) -> BookView | None:
        reader = self._readers.get(symbol_id)
        if reader is None:
            assert self.books is not None
            reader = self._readers[symbol_id] = self.books.reader(symbol_id)
        return reader.read()

    def _message(self, view: BookView) -> BookCopy:
        return BookCopy(
            self.generation,
            view.symbol_id,
            view.symbol,
            view.scale.tick,
            view.scale.lot,
            view.ring_seq,
            view.row,
        )


class Spinner:
    """Watches the ring without sleeping, for a process with a core of its own: no system call lies between a record
    and its reader. Between two bursts of looks the event loop has its turn, for everything else goes on there.
    """

    def __init__(self, plane: DataPlane, drain: Callable[[], None]) -> None:
        self._plane, self._drain = plane, drain
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_soon(self._turn)

    def stop(self) -> None:
        """Look no more."""
        self._handle.cancel()

    def _turn(self) -> None:
        ring = self._plane.ring
        if ring is not None:
            words, cursor = ring.words, ring.cursor
            for _ in range(LOOKS):
                if words[HEAD_AT] != cursor:
                    self._drain()
                    break
        self._handle = self._loop.call_soon(self._turn)


def _close(segments: list[shm.Segment]) -> None:
    for segment in segments:
        segment.close()
