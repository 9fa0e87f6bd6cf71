"""What the rest of the local exchange may ask of a market, whether its prices are made up or played back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from shared.messages import Instrument

if TYPE_CHECKING:
    from services.exchange.matching import Fill


class Market(Protocol):
    """The public side of the exchange: topics, frames, and the figures REST answers with.

    ``PublicStreams`` (over a ``SyntheticMarket``) and ``PlaybackMarket`` both are one. One subscriber of a topic
    is one ``watch``, then ``subscribe`` for its first frame, and one ``unwatch`` when it leaves.
    """

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol there is, in a fixed order."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The rules of each symbol."""

    @property
    def matches_orders(self) -> bool:
        """True if there is a book to match against; a recording only shows prices."""

    @property
    def start_topics(self) -> tuple[str, ...]:
        """The topics that want a subscriber before ``start``; empty where nothing waits."""

    def start(self, now: int) -> None:
        """Begin to play. Only the first call counts."""

    def ended(self, now: int) -> bool:
        """Return whether there is nothing more to come."""

    def valid_topic(self, topic: str) -> bool:
        """Return whether the topic exists."""

    def watch(self, topic: str) -> None:
        """Count one more subscriber: only watched topics are computed."""

    def unwatch(self, topic: str) -> None:
        """Count one subscriber less."""

    def subscribe(self, topic: str, now: int) -> bytes | None:
        """Return the frame a new subscriber gets first, if the topic has one to give now."""

    def advance(self, now: int, fills: Sequence[tuple[str, Fill]]) -> list[tuple[str, bytes]]:
        """Return the (topic, frame) that are due; ``fills`` are all matches since the last call in order."""

    def last_ticks(self, symbol: str) -> int:
        """Return the last traded price in ticks, 0 while unknown."""

    def touch_ticks(self, symbol: str) -> tuple[int, int]:
        """Return (best bid, best ask) in ticks, 0 where that side is empty."""

    def mark_e8(self, symbol: str) -> int:
        """Return the mark price at 1e-8, 0 while unknown."""

    def index_e8(self, symbol: str) -> int:
        """Return the index price at 1e-8, 0 while unknown."""

    def ticker_row(self, symbol: str) -> dict[str, str]:
        """Return the symbol's record of GET /v5/market/tickers."""

    def orderbook_result(self, symbol: str, limit: int) -> dict[str, Any]:
        """Return the ``result`` of GET /v5/market/orderbook with up to ``limit`` levels a side."""

    def recent_trades(self, symbol: str, limit: int) -> list[dict[str, Any]]:
        """Return the last trades with the keys of the publicTrade topic, newest first."""
