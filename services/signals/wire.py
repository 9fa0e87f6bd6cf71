"""What the signal engine's core says to its shell and hears from it: the venue's bars, and what it has learned."""

from __future__ import annotations

from shared.messages import Message


class KlineRequest(Message, frozen=True):
    """Fetch a symbol's bars from the one that starts at ``first_ms`` to the one that starts at ``last_ms``."""

    number: int  # Counts up; the answer carries it back.
    symbol: str
    interval: str  # As the venue writes it: minutes.
    first_ms: int
    last_ms: int
    bars: int  # How many that are.


class KlineAnswer(Message, frozen=True):
    """The bars, as the venue sent them."""

    number: int
    data: bytes


class KlineFailed(Message, frozen=True):
    """The question had no usable answer."""

    number: int
    reason: str


class Trade(Message, frozen=True):
    """One round trip as the signals stood when it was opened."""

    favours: tuple[int, ...]  # One per signal: +1 it was for this side, -1 against, 0 it had nothing to say.
    net_bps: float  # Of the entry's value, all fees taken off.
    fees_bps: float  # Of the entry's value.


class Learned(Message, frozen=True):
    """Everything the adaptive weights rest on: said after every round trip, heard once at the start."""

    version: int
    signals: tuple[str, ...]
    effects_bps: tuple[float, ...]
    multipliers: tuple[float, ...]
    trades: tuple[Trade, ...]  # The newest, oldest first.
    unused: int  # How many of them came after the last change of the weights.


class Concluded(Message, frozen=True):
    """Everything is said: the process may end."""
