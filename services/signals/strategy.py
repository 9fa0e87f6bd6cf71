"""The shape of a strategy: what looks at one symbol and says what it thinks of it."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, Protocol, runtime_checkable

from services.signals.market import Market
from shared.config import Config

RIPE = ""


class Opinion(NamedTuple):
    """What a strategy thinks of one symbol after one frame."""

    direction: int  # +1, -1; 0 nothing to do
    score: float  # -1..1
    confidence: float  # 0..1
    scores: tuple[float, ...]  # One per name of the strategy's ``signals``.
    reason: str  # Why it would not enter: deadband, confidence, warmup, ...; RIPE when it would.
    regime: str = ""  # low, normal, high, extreme; empty: not known.
    fades: bool = False  # Whether a position is to be left once confidence in its side is lost.


class Strategy(Protocol):
    """The opinions on one symbol. A file `strategies/<name>.py` holds one class of this shape and ends in ``build``;
    ``strategy: <name>`` in the configuration takes it.
    """

    signals: tuple[str, ...]
    """Names of what goes into an opinion, in the order of its scores."""

    def update(self, market: Market) -> None:
        """Take in one complete frame: the book has changed, or there were trades."""

    def opinion(self, market: Market) -> Opinion:
        """Return what it thinks now; asked after frames that changed the book."""


def wants_candles(config: Config) -> bool:
    """Return whether the configured strategy reads ``market.candles``: its file then says WANTS_CANDLES = True."""
    return getattr(import_module(f"services.signals.strategies.{config.strategy}"), "WANTS_CANDLES", False) is True


@runtime_checkable
class Weighed(Protocol):
    """A strategy whose score is a weighted sum of its signals' scores: its weights can follow what they earn."""

    signals: tuple[str, ...]
    shares: tuple[float, ...]
    """Share of each signal in the score."""

    def weigh(self, shares: tuple[float, ...]) -> None:
        """Take other shares, one per signal."""


class Builder(Protocol):
    """What a strategy's file offers."""

    def __call__(self, config: Config, symbol: str) -> Strategy:
        """Return the strategy of one symbol."""


def builder(config: Config) -> Builder:
    """Return what makes the configured strategy for one symbol."""
    build: Builder = import_module(f"services.signals.strategies.{config.strategy}").build
    return build
