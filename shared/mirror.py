"""The books in shared memory: a directory of symbols, and for each symbol its newest book in two slots."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared import layout
from shared.kernel import RowReader, as_words, publish_row
from shared.layout import ENTRY_WORDS, REASON_SHIFT, ROW_HEAD, TEXT_BYTES, VALID, Reason, Row, State
from shared.scale import Scale

_IDENTITY = struct.Struct("=q24xq")  # Version and scale id of a row.
_HEAD = struct.Struct(f"={ROW_HEAD}q")
_N_BIDS, _N_ASKS = int(Row.N_BIDS), int(Row.N_ASKS)  # An enumeration's member takes longer to find than to use.
_TEXT_WORDS = TEXT_BYTES // layout.WORD_BYTES


class TableFullError(RuntimeError):
    """The directory has no entry left: raise ingest.symbols_max."""


class Entry(NamedTuple):
    """One line of the directory."""

    symbol_id: int
    symbol: str
    scale_id: int
    state: State


def format_books(
    buffer: memoryview | bytearray,
    *,
    symbols_max: int,
    depth: int,
    generation: int,
    scales_max: int = layout.SCALES_MAX,
) -> None:
    """Stamp a fresh, zeroed segment of layout.books_bytes(...). The supervisor does this before anyone attaches."""
    assert 1 <= depth <= layout.DEPTH_MAX, f"no book has {depth} levels"
    words = as_words(buffer)
    words[layout.BOOKS_LAYOUT_AT] = layout.LAYOUT
    words[layout.BOOKS_GENERATION_AT] = generation
    words[layout.DEPTH_AT] = depth
    words[layout.SYMBOLS_MAX_AT] = symbols_max
    words[layout.SCALES_MAX_AT] = scales_max
    words[layout.BOOKS_MAGIC_AT] = layout.BOOKS_MAGIC


class BookView:
    """A private copy of one symbol's book. Levels are int64 arrays, best first, in ticks and lots."""

    __slots__ = ("_words", "row", "scale", "symbol")

    def __init__(self, row: bytes, symbol: str, scale: Scale) -> None:
        self.row, self.symbol, self.scale = row, symbol, scale
        self._words = as_words(row)

    @classmethod
    def from_row(cls, row: bytes, symbol: str, scale: Scale) -> BookView:
        """Return the view of a row that was copied earlier (BookCopy in a journal). Raises ValueError if damaged."""
        words = as_words(row) if len(row) % layout.WORD_BYTES == 0 else as_words(b"")
        if len(words) < ROW_HEAD or np.bitwise_xor.reduce(words) != 0:
            raise ValueError("not a whole mirror row")
        return cls(row, symbol, scale)

    @property
    def bid_ticks(self) -> NDArray[np.int64]:
        """Bid prices, best first."""
        return self._levels(0, Row.N_BIDS)

    @property
    def bid_lots(self) -> NDArray[np.int64]:
        """Bid sizes, best first."""
        return self._levels(1, Row.N_BIDS)

    @property
    def ask_ticks(self) -> NDArray[np.int64]:
        """Ask prices, best first."""
        return self._levels(2, Row.N_ASKS)

    @property
    def ask_lots(self) -> NDArray[np.int64]:
        """Ask sizes, best first."""
        return self._levels(3, Row.N_ASKS)

    def _levels(self, number: int, count: Row) -> NDArray[np.int64]:
        words = self._words
        at = ROW_HEAD + number * ((len(words) - ROW_HEAD) // 4)
        return words[at : at + int(words[count])]

    def head(self) -> tuple[int, ...]:
        """Return all words of the row's head, in the order of ``Row``: quicker than one by one."""
        return _HEAD.unpack_from(self.row)

    def near(self, levels: int) -> tuple[list[int], list[int], list[int], list[int]]:
        """Return bid ticks, bid lots, ask ticks and ask lots of so many levels, best first, as plain integers."""
        words = memoryview(self.row).cast("q")
        depth = (len(words) - ROW_HEAD) // 4
        bids, asks = min(levels, words[_N_BIDS]), min(levels, words[_N_ASKS])
        starts = range(ROW_HEAD, len(words), depth)
        bid_ticks, bid_lots, ask_ticks, ask_lots = (
            words[at : at + count].tolist() for at, count in zip(starts, (bids, bids, asks, asks), strict=True)
        )
        return bid_ticks, bid_lots, ask_ticks, ask_lots

    def word(self, name: Row) -> int:
        """Return a word of the row's head."""
        return int(self._words[name])

    @property
    def valid(self) -> bool:
        """Whether this is the book; if not, the levels are the last good ones, for display only."""
        return bool(self._words[Row.FLAGS] & VALID)

    @property
    def reason(self) -> Reason:
        """Why the book is void."""
        return Reason(int(self._words[Row.FLAGS]) >> REASON_SHIFT)

    @property
    def version(self) -> int:
        """Counts up with every write of the mirror."""
        return int(self._words[Row.VERSION])

    @property
    def generation(self) -> int:
        """Which life of ingest wrote it."""
        return int(self._words[Row.GENERATION])

    @property
    def symbol_id(self) -> int:
        """The symbol's number in this generation."""
        return int(self._words[Row.SYMBOL_ID])

    @property
    def scale_id(self) -> int:
        """The number of its price and size grid."""
        return int(self._words[Row.SCALE_ID])

    @property
    def ring_seq(self) -> int:
        """Ring records of this symbol from here on are not in this book yet."""
        return int(self._words[Row.RING_SEQ])

    @property
    def recv_ns(self) -> int:
        """When ingest received the frame that made this book, fleet time."""
        return int(self._words[Row.RECV_NS])

    @property
    def write_ns(self) -> int:
        """When it was written here, fleet time."""
        return int(self._words[Row.WRITE_NS])

    @property
    def cts_ns(self) -> int:
        """The venue's matching time of this state."""
        return int(self._words[Row.CTS_NS])

    @property
    def updates(self) -> int:
        """Frames applied to this book since the generation began."""
        return int(self._words[Row.UPDATES])

    @property
    def best_bid(self) -> int:
        """Best bid in ticks, 0 when there is none."""
        return int(self.bid_ticks[0]) if len(self.bid_ticks) else 0

    @property
    def best_ask(self) -> int:
        """Best ask in ticks, 0 when there is none."""
        return int(self.ask_ticks[0]) if len(self.ask_ticks) else 0


class MirrorReader:
    """Reads one symbol's book; never a torn one, never one older than it returned before."""

    def __init__(self, table: BookTable, symbol_id: int) -> None:
        self._table = table
        self._rows = RowReader(table.words, table.mirror_at(symbol_id), table.row_words)
        self._symbol = table.entry(symbol_id).symbol
        self._view: BookView | None = None
        self._seen = 0

    def read(self) -> BookView | None:
        """Return the newest book, valid or void (see ``valid``); None before the first was written."""
        row = self._rows.read(self._seen)
        if row is not None:
            self._seen, scale_id = _IDENTITY.unpack_from(row)
            self._view = BookView(row, self._symbol, self._table.scale(scale_id))
        return self._view


class MirrorWriter:
    """The only writer of one symbol's mirror."""

    def __init__(self, table: BookTable, symbol_id: int) -> None:
        self.table, self.symbol_id = table, symbol_id
        entry = table.entry(symbol_id)
        self.symbol, self.scale_id, self.scale = entry.symbol, entry.scale_id, table.scale(entry.scale_id)
        self.first = table.mirror_at(symbol_id)

    def publish(self, row: NDArray[np.int64]) -> None:
        """Write ``row`` (row_words long; identity, version and checksum are set here)."""
        row[Row.GENERATION], row[Row.SYMBOL_ID] = self.table.generation, self.symbol_id
        row[Row.SCALE_ID] = self.scale_id
        publish_row(self.table.words, self.first, row)


class BookTable:
    """The books segment. Writers (one process) add symbols; anybody reads. ``buffer`` may be a bytearray in tests."""

    def __init__(self, buffer: memoryview | bytearray) -> None:
        self.buffer = buffer
        words = self.words = as_words(buffer)
        found = int(words[layout.BOOKS_MAGIC_AT]), int(words[layout.BOOKS_LAYOUT_AT])
        assert found == (layout.BOOKS_MAGIC, layout.LAYOUT), f"not a book table of this layout: {found}"
        self.generation = int(words[layout.BOOKS_GENERATION_AT])
        self.depth = int(words[layout.DEPTH_AT])
        self.symbols_max = int(words[layout.SYMBOLS_MAX_AT])
        self._scales_max = int(words[layout.SCALES_MAX_AT])
        self.row_words = layout.row_words(self.depth)
        assert words.nbytes >= layout.books_bytes(self.symbols_max, self.depth, self._scales_max)
        self._scales: dict[int, Scale] = {}

    def __len__(self) -> int:
        return int(self.words[layout.SYMBOL_COUNT_AT])

    def mirror_at(self, symbol_id: int) -> int:
        """Return the word at which the symbol's two slots begin."""
        assert 0 <= symbol_id < self.symbols_max
        mirrors = layout.mirrors_at(self.symbols_max, self._scales_max)
        return mirrors + symbol_id * layout.SLOTS * self.row_words

    def writer(self, symbol_id: int) -> MirrorWriter:
        """Return the writer of a symbol's mirror, on the symbol's present scale."""
        return MirrorWriter(self, symbol_id)

    def reader(self, symbol_id: int) -> MirrorReader:
        """Return a reader of a symbol's mirror."""
        return MirrorReader(self, symbol_id)

    def entries(self) -> list[Entry]:
        """Return the directory."""
        return [self.entry(symbol_id) for symbol_id in range(len(self))]

    def entry(self, symbol_id: int) -> Entry:
        """Return one line of the directory."""
        assert 0 <= symbol_id < len(self), f"no symbol has the id {symbol_id}"
        at = self._symbol_at(symbol_id)
        state = State(int(self.words[at + layout.STATE_AT]))
        return Entry(symbol_id, self._text(at + layout.NAME_AT), int(self.words[at + layout.SCALE_ID_AT]), state)

    def find(self, symbol: str) -> int | None:
        """Return the symbol's id, or None."""
        raw = symbol.encode("utf-8")
        if len(raw) > TEXT_BYTES:
            return None
        names = self.words[self._symbol_at(0) : self._symbol_at(len(self))].reshape(-1, ENTRY_WORDS)
        wanted = as_words(raw.ljust(TEXT_BYTES, b"\0"))
        found = (names[:, layout.NAME_AT : layout.NAME_AT + _TEXT_WORDS] == wanted).all(axis=1).nonzero()[0]
        return int(found[0]) if len(found) else None

    def scale(self, scale_id: int) -> Scale:
        """Return a price and size grid. Grids are never changed once they have a number."""
        known = self._scales.get(scale_id)
        if known is None:
            assert 0 <= scale_id < int(self.words[layout.SCALE_COUNT_AT]), f"no grid has the id {scale_id}"
            at = layout.SCALES_AT + scale_id * ENTRY_WORDS
            known = Scale(self._text(at + layout.TICK_TEXT_AT), self._text(at + layout.LOT_TEXT_AT))
            self._scales[scale_id] = known
        return known

    def add(self, symbol: str, scale: Scale) -> int:
        """Return the symbol's id: a new one, or its old one, moved to ``scale`` if that has changed.

        Raises:
            TableFullError: no id or no grid is left.
        """
        scale_id = self._scale_id(scale)
        symbol_id = self.find(symbol)
        if symbol_id is not None:
            self.words[self._symbol_at(symbol_id) + layout.SCALE_ID_AT] = scale_id
            return symbol_id
        symbol_id = len(self)
        if symbol_id >= self.symbols_max:
            raise TableFullError(f"the book table holds {self.symbols_max} symbols, no room for {symbol}")
        at = self._symbol_at(symbol_id)
        self._put_text(at + layout.NAME_AT, symbol)
        self.words[at + layout.SCALE_ID_AT] = scale_id
        self.words[layout.SYMBOL_COUNT_AT] = symbol_id + 1
        return symbol_id

    def set_state(self, symbol_id: int, state: State) -> None:
        """Say whether the symbol is fed."""
        self.words[self._symbol_at(symbol_id) + layout.STATE_AT] = state

    def _scale_id(self, scale: Scale) -> int:
        count = int(self.words[layout.SCALE_COUNT_AT])
        for scale_id in range(count):
            if self.scale(scale_id) == scale:
                return scale_id
        if count >= self._scales_max:
            raise TableFullError(f"the book table holds {self._scales_max} grids, no room for {scale}")
        at = layout.SCALES_AT + count * ENTRY_WORDS
        self._put_text(at + layout.TICK_TEXT_AT, scale.tick)
        self._put_text(at + layout.LOT_TEXT_AT, scale.lot)
        self.words[layout.SCALE_COUNT_AT] = count + 1
        return count

    def _symbol_at(self, symbol_id: int) -> int:
        return layout.symbols_at(self._scales_max) + symbol_id * ENTRY_WORDS

    def _text(self, at: int) -> str:
        return self.words[at : at + _TEXT_WORDS].tobytes().rstrip(b"\0").decode("ascii")

    def _put_text(self, at: int, text: str) -> None:
        raw = text.encode("ascii")
        if not 0 < len(raw) <= TEXT_BYTES:
            raise ValueError(f"{text!r} does not fit the directory")
        self.words[at : at + _TEXT_WORDS] = as_words(raw.ljust(TEXT_BYTES, b"\0"))
