"""The fleet page: one small segment in which every worker says that it lives and counts what it does.

It belongs to the supervisor, so counts survive a worker's restart, and whoever attaches (monitor, CLI) reads a running
system without disturbing it. Every word has one writer at a time: aligned int64 stores, never struct.pack_into.

    words   0 ..   63   registry: layout version, data generation, exchange port, market ended, ...
    words  64 ..  255   worker rows, WORKERS_MAX x WORKER_WORDS: heartbeat, pid, epoch, state
    then                counters, WORKERS_MAX x COUNTERS_MAX, summed over workers by the reader
    then                histograms, HISTOGRAMS x BUCKETS
"""

from __future__ import annotations

from enum import IntEnum

from shared.offset import Offset

LAYOUT_VERSION = 1

WORKERS_MAX = 12
WORKER_WORDS = 16
COUNTERS_MAX = 64
SUB_BITS = 4  # 16 buckets an octave: a quantile is right to 6 %.
BUCKETS = 64 << SUB_BITS

_WORKERS_AT = 64
_COUNTERS_AT = _WORKERS_AT + WORKERS_MAX * WORKER_WORDS
_HISTOGRAMS_AT = _COUNTERS_AT + WORKERS_MAX * COUNTERS_MAX

WORKERS = ("exchange", "ingest", "scanner", "signals", "execution", "monitor", "supervisor")

COUNTERS = (
    # ingest
    "frames", "events", "book_gaps", "crossed_books", "malformed", "unknown", "duplicates", "off_grid", "resyncs",
    "reconnects", "stale_books", "ignored", "wrong_symbol", "disagreements",
    # bus and loop, any worker
    "bus_lost", "bus_dropped", "loop_late",
    # scanner
    "scans", "scan_errors", "universe_changes",
    # signals
    "decisions", "intents", "laps",
    # execution
    "verdicts_refused", "orders_sent", "fills", "round_trips", "rejects", "unknown_orders", "corrections",
    "private_reconnects",
    # exchange
    "requests", "requests_refused", "market_frames", "naked_ms_max",
    # supervisor
    "restarts", "hangs",
    # monitor
    "lines", "csv_rows",
)  # fmt: skip

HISTOGRAMS = ("frame_to_book", "book_to_decision", "decision_to_sent", "tick_late")

SIZE = 8 * (_HISTOGRAMS_AT + len(HISTOGRAMS) * BUCKETS)

_COUNTER_INDEX = {name: index for index, name in enumerate(COUNTERS)}
_HISTOGRAM_INDEX = {name: index for index, name in enumerate(HISTOGRAMS)}
assert len(COUNTERS) <= COUNTERS_MAX


class Word(IntEnum):
    """The registry's words."""

    LAYOUT = 0
    DATA_GENERATION = 1  # The book and ring segments to attach to; 0: none yet.
    EXCHANGE_PORT = 2  # 0: not listening yet.
    MARKET_ENDED = 3  # 1 when a recording has been played to its end.
    EXECUTION_FLAT = 4  # 1 when execution has nothing open; its last word before it stops.
    CLOCK_OFFSET_NS = 16  # The venue's clock minus fleet time,
    CLOCK_UNCERTAINTY_NS = 17  # give or take this,
    CLOCK_AT_NS = 18  # as of then; 0: not measured yet.


class Life(IntEnum):
    """A worker's state as the supervisor sees it."""

    DOWN = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    FAILED = 4


class FleetPage:
    """Typed access to the page. ``buffer`` is the segment's memory (or a bytearray of SIZE in tests)."""

    def __init__(self, buffer: memoryview | bytearray) -> None:
        self._words = memoryview(buffer)[:SIZE].cast("q")

    def create(self) -> None:
        """Stamp a fresh page."""
        self._words[Word.LAYOUT] = LAYOUT_VERSION

    def check(self) -> None:
        """Refuse a page of another layout: an old worker must not meet a new supervisor."""
        found = self._words[Word.LAYOUT]
        assert found == LAYOUT_VERSION, f"fleet page has layout {found}, this program knows {LAYOUT_VERSION}"

    def get(self, word: Word) -> int:
        """Return a registry word."""
        return self._words[word]

    def put(self, word: Word, value: int) -> None:
        """Set a registry word."""
        self._words[word] = value

    @property
    def venue_clock(self) -> Offset | None:
        """How far the venue's clock is from ours; None while that was not measured."""
        found = Offset(
            *(self._words[word] for word in (Word.CLOCK_OFFSET_NS, Word.CLOCK_UNCERTAINTY_NS, Word.CLOCK_AT_NS))
        )
        return found if found.at_ns else None

    def _row(self, worker: str) -> int:
        return _WORKERS_AT + WORKERS.index(worker) * WORKER_WORDS

    def beat(self, worker: str, now: int) -> None:
        """Say that ``worker``'s loop turned at ``now`` (fleet ns)."""
        self._words[self._row(worker)] = now

    def heartbeat_ns(self, worker: str) -> int:
        """Return when ``worker``'s loop last turned, 0 for never."""
        return self._words[self._row(worker)]

    def enrol(self, worker: str, pid: int, epoch: int, life: Life) -> None:
        """The supervisor's word on a worker."""
        row = self._row(worker)
        self._words[row + 1], self._words[row + 2], self._words[row + 3] = pid, epoch, life

    def set_life(self, worker: str, life: Life) -> None:
        """Change only the state."""
        self._words[self._row(worker) + 3] = life

    def enrolled(self, worker: str) -> tuple[int, int, Life]:
        """Return (pid, epoch, state)."""
        row = self._row(worker)
        return self._words[row + 1], self._words[row + 2], Life(self._words[row + 3])

    def counters(self, worker: str) -> Counters:
        """Return ``worker``'s own row of counters."""
        at = _COUNTERS_AT + WORKERS.index(worker) * COUNTERS_MAX
        return Counters(self._words[at : at + COUNTERS_MAX])

    def total(self, counter: str) -> int:
        """Return a counter summed over all workers."""
        index = _COUNTER_INDEX[counter]
        return sum(self._words[_COUNTERS_AT + row * COUNTERS_MAX + index] for row in range(WORKERS_MAX))

    def histogram(self, name: str) -> Histogram:
        """Return the histogram of that name."""
        at = _HISTOGRAMS_AT + _HISTOGRAM_INDEX[name] * BUCKETS
        return Histogram(self._words[at : at + BUCKETS])


class Counters:
    """One worker's counters: only that worker writes them."""

    def __init__(self, words: memoryview | None = None) -> None:
        self._words = memoryview(bytearray(8 * COUNTERS_MAX)).cast("q") if words is None else words

    def add(self, name: str, amount: int = 1) -> None:
        """Raise a counter."""
        self._words[_COUNTER_INDEX[name]] += amount

    def set(self, name: str, value: int) -> None:
        """Set a counter that is a level rather than a count."""
        self._words[_COUNTER_INDEX[name]] = value

    def __getitem__(self, name: str) -> int:
        return self._words[_COUNTER_INDEX[name]]


class Histogram:
    """Durations in ns, counted in buckets that grow by 1/16 octave; fixed memory, one writer."""

    def __init__(self, words: memoryview | None = None) -> None:
        self._words = memoryview(bytearray(8 * BUCKETS)).cast("q") if words is None else words

    def observe(self, ns: int, count: int = 1) -> None:
        """Count one duration, or several equal ones; below zero counts as zero."""
        self._words[_bucket(ns)] += count

    @property
    def count(self) -> int:
        """Return how many durations were counted."""
        return sum(self._words)

    def quantile_ns(self, share: float) -> float:
        """Return the duration that ``share`` of the counts do not exceed (middle of its bucket); nan when empty."""
        total = self.count
        if not total:
            return float("nan")
        wanted, seen = share * total, 0
        for bucket, count in enumerate(self._words):
            seen += count
            if count and seen >= wanted:
                return _middle_ns(bucket)
        return _middle_ns(BUCKETS - 1)


def _bucket(ns: int) -> int:
    if ns < 1 << SUB_BITS:
        return max(ns, 0)
    shift = ns.bit_length() - 1 - SUB_BITS
    return min(((shift + 1) << SUB_BITS) + (ns >> shift) - (1 << SUB_BITS), BUCKETS - 1)


def _middle_ns(bucket: int) -> float:
    if bucket < 1 << SUB_BITS:
        return float(bucket)
    shift = (bucket >> SUB_BITS) - 1
    low = ((1 << SUB_BITS) + (bucket & ((1 << SUB_BITS) - 1))) << shift
    return low + (1 << shift) / 2
