"""What the scanner's core says to its shell and hears from it: REST pages, in and out."""

from __future__ import annotations

from shared.messages import Message


class RequestInstruments(Message, frozen=True):
    """Fetch one page of the venue's instrument list. ``cursor`` is empty for the first page."""

    scan: int  # Number of the scan: an answer to an abandoned one is not used.
    cursor: str


class RequestTickers(Message, frozen=True):
    """Fetch the tickers of the whole market."""

    scan: int


class RequestTime(Message, frozen=True):
    """Ask the venue what time it is. Nothing comes back when that fails."""

    number: int


class InstrumentsAnswer(Message, frozen=True):
    """One page of the instrument list, as the venue sent it."""

    scan: int
    data: bytes


class TickersAnswer(Message, frozen=True):
    """The tickers, as the venue sent them."""

    scan: int
    data: bytes


class TimeAnswer(Message, frozen=True):
    """The venue's time, as it sent it, and when (fleet time) we had asked and had the answer."""

    data: bytes
    sent_ns: int
    received_ns: int


class ScanFailed(Message, frozen=True):
    """A request had no usable answer."""

    scan: int
    reason: str


class ScanEnded(Message, frozen=True):
    """A scan is over: counted by the shell. ``reason`` is empty when it went well."""

    scan: int
    reason: str
    candidates: int
