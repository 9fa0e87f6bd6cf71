"""What the monitor's core says to its shell and hears from it: copies, vital signs, and things to write down."""

from __future__ import annotations

from shared.messages import Message


class RequestBooks(Message, frozen=True):
    """Copy every symbol's mirror. ``final``: for the last time."""

    final: bool


class BooksCopied(Message, frozen=True):
    """All copies that were asked for have been handed over."""

    final: bool


class RequestVitals(Message, frozen=True):
    """Read the fleet page."""


class Worker(Message, frozen=True):
    """One worker's row of the fleet page."""

    name: str
    pid: int
    epoch: int  # How often it was restarted.
    life: str
    beat_ns: int  # When its loop last turned, 0 for never.


class Latency(Message, frozen=True):
    """One histogram of the fleet page, microseconds; 0 while nothing was measured."""

    name: str
    p50_us: float
    p99_us: float


class Vitals(Message, frozen=True):
    """The fleet page in words."""

    generation: int
    workers: tuple[Worker, ...]
    counters: dict[str, int]  # Totals over all workers, those that are not 0.
    latencies: tuple[Latency, ...]


class MarketLine(Message, frozen=True):
    """One symbol's line for people."""

    symbol: str
    text: str


class Row(Message, frozen=True):
    """One line of a CSV file."""

    file: str
    at_ns: int  # Becomes the first column, in UTC.
    cells: tuple[str, ...]


class Document(Message, frozen=True):
    """A whole small file, replaced at once."""

    name: str
    data: bytes


class Reported(Message, frozen=True):
    """Everything is said: the process may end."""
