"""A market that is another venue's, now: its public frames are passed on, and our orders are matched against its books.

What a recording is to `PlaybackMarket`, a live stream is to this one: the same rules for what an order may take, where
it queues and when it fills. While the stream is away there is nothing to match against, and nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from services.exchange.core import ExchangeCore
from services.exchange.matching import Fill
from services.exchange.playback import PlaybackMarket
from shared.messages import BUY, SELL, Instrument, Message, Tick

SCHEME = "live:"
DEPTHS = (1, 50, 200)  # The deepest is matched against; which of them is listened to is the client's choice.


class LiveFrames(Message, frozen=True):
    """What one read of the live stream brought."""

    frames: tuple[bytes, ...]


class LiveLost(Message, frozen=True):
    """The live stream is gone: no book of it is true any more."""

    reason: str


class LiveBroken(Message, frozen=True):
    """A book of the live stream has a gap: it has to be opened anew."""

    topic: str


def topics_of(symbols: Sequence[str]) -> list[str]:
    """Return what is wanted of the live stream."""
    heads = [*(f"orderbook.{depth}" for depth in DEPTHS), "publicTrade", "tickers", "allLiquidation"]
    return [f"{head}.{symbol}" for symbol in symbols for head in heads]


def _declared(topics: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    """Yield a frame without content for each topic."""
    empty: dict[str, Any] = {"publicTrade": [], "allLiquidation": []}
    for topic in topics:
        yield 0, orjson.dumps({"topic": topic, "type": "snapshot", "data": empty.get(topic.partition(".")[0], {})})


class LiveMarket(PlaybackMarket):
    """See the module. Nothing is moved in time: the stream's stamps are the present's."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        topics = topics_of([rules.symbol for rules in instruments])
        surveys = [_declared(topics), iter(())]
        super().__init__(lambda: surveys.pop(0), instruments)
        self.start_topics = ()
        self._whole: set[str] = set()  # Books that began with a snapshot since the stream came up.
        self._fills: list[tuple[str, Fill]] = []

    def start(self, now: int) -> None:
        """Nothing waits: the stream runs whether anybody listens or not."""

    def ended(self, now: int) -> bool:
        """It never does."""
        return False

    def take(self, frame: bytes) -> str:
        """Take one frame of the stream; return the topic of a book that is broken by it, or nothing."""
        try:
            decoded = orjson.loads(frame)
            topic = decoded["topic"]
            if topic not in self._topics or not self._follows(topic, decoded):
                return topic if topic in self._books and topic in self._whole else ""
        except (KeyError, TypeError, ValueError, AttributeError):
            self.skipped += 1  # Answers and pongs among them.
            return ""
        self._played.add(topic)
        self._fills += self._learn(topic, decoded)
        self._due.append((topic, frame))
        return ""

    def _follows(self, topic: str, decoded: dict[str, Any]) -> bool:
        """Whether a book's frame continues what is known; the frames of other topics stand alone."""
        if topic not in self._books:
            return True
        if decoded["type"] == "snapshot":
            self._whole.add(topic)
            return True
        return topic in self._whole and decoded["data"]["u"] == self._books[topic].ids.get("u", -1) + 1

    def lose(self) -> None:
        """Forget every book: what is not seen cannot be traded on."""
        self._whole.clear()
        for topic, book in self._books.items():
            book.bids, book.asks = {}, {}
            if topic in self._matched:
                self.books[book.symbol].show({BUY: {}, SELL: {}}, True, (0, 0), book.cts_ms)

    def play(self, now: int) -> list[tuple[str, Fill]]:
        """Return the matches since the last call."""
        self._now = self._played_ns = now
        fills, self._fills = self._fills, []
        return fills


class LiveExchangeCore(ExchangeCore):
    """The local exchange over a live market: the frames are inputs like all others, and in its journal."""

    @property
    def _live(self) -> LiveMarket:
        market = self._venue.market
        assert isinstance(market, LiveMarket)
        return market

    def on_live_frames(self, message: LiveFrames, now: int) -> list[Message]:
        """Pass frames on, and let the orders in the books feel them."""
        broken = [topic for frame in message.frames if (topic := self._live.take(frame))]
        said = self.on_tick(Tick(), now)
        if broken:
            said += [*self.on_live_lost(LiveLost("gap"), now), LiveBroken(broken[0])]
        return said

    def on_live_lost(self, message: LiveLost, now: int) -> list[Message]:
        """Take every book away."""
        self._live.lose()
        return []
