"""One symbol's feed: its three topics, its kernels, and the way back to a sound book when it is lost."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from services.ingest.wire import Subscribe, Unsubscribe
from shared.clock import NS_PER_S
from shared.kernel import BookKernel
from shared.kernel.flow import FlowKernel
from shared.layout import Reason, State
from shared.messages import Message
from shared.mirror import BookTable
from shared.ring import RingWriter
from shared.scale import Scale

REFUSALS_MAX = 3
ASK_WAIT_NS_MAX = 30 * NS_PER_S
STEADY_NS = 5 * NS_PER_S  # A book that lived this long is asked for again at once; a younger one only after a wait.


class Phase(Enum):
    """How far a feed is."""

    IDLE = "idle"  # Its connection is down.
    ASKED = "asked"  # The next snapshot makes it live; asked again when ``due_ns`` comes.
    LIVE = "live"
    DISABLED = "disabled"  # Refused too often.


class Memory(NamedTuple):
    """Where a feed writes."""

    table: BookTable
    ring: RingWriter
    depth: int


class Feed:
    """One subscribed symbol. Methods return what has to be said to the venue."""

    def __init__(self, symbol: str, scale: Scale, memory: Memory, connection: int, ask_wait_ns: int) -> None:
        self.symbol, self.connection = symbol, connection
        self._memory, self._ask_wait_ns = memory, ask_wait_ns
        self.book_topic = f"orderbook.{memory.depth}.{symbol}"
        self.trade_topic, self.ticker_topic = f"publicTrade.{symbol}", f"tickers.{symbol}"
        self.phase = Phase.IDLE
        self.request = ""
        self._requests = 0
        self._refusals = 0
        self._asks = 0  # Requests for this book since it was last steady.
        self._asked_ns = self._live_ns = 0
        self.due_ns = 0
        self.book_ns = self.ticker_ns = 0  # When these topics last said something.
        self._build(scale)

    def _build(self, scale: Scale) -> None:
        table = self._memory.table
        self.scale = scale
        self.symbol_id = table.add(self.symbol, scale)
        writer = table.writer(self.symbol_id)
        self.book = BookKernel(writer, self._memory.ring, self._memory.depth)
        self.flow = FlowKernel(writer, self._memory.ring)

    @property
    def topics(self) -> tuple[str, str, str]:
        """Everything this symbol subscribes."""
        return self.book_topic, self.trade_topic, self.ticker_topic

    # --- asking ---------------------------------------------------------------------------------------------------

    def start(self, now: int) -> list[Message]:
        """Subscribe everything on a connection that knows nothing yet."""
        self._refusals = self._asks = 0
        return [self._subscribe(self.topics, now)]

    def resync(self, now: int) -> list[Message]:
        """Get a new snapshot: there is no other way than to leave the topic and come back. One at a time."""
        if self.phase is not Phase.LIVE:
            return []
        if now - self._live_ns >= STEADY_NS:
            self._asks = 0
        self.phase = Phase.ASKED
        self.due_ns = self._asked_ns + self._wait_ns()
        return self.tick(now)

    def tick(self, now: int) -> list[Message]:
        """Ask again when the snapshot is overdue."""
        if self.phase is not Phase.ASKED or now < self.due_ns:
            return []
        topics = self.topics if self._refusals else (self.book_topic,)
        return [self._leave(topics), self._subscribe(topics, now)]

    def refused(self, request: str, now: int) -> bool:
        """The venue refused ``request``; True when that was once too often."""
        if request != self.request or self.phase is not Phase.ASKED:
            return False
        self._refusals += 1
        self.due_ns = now + self._wait_ns()
        if self._refusals >= REFUSALS_MAX:
            self.phase = Phase.DISABLED
            self._memory.table.set_state(self.symbol_id, State.DISABLED)
        return self.phase is Phase.DISABLED

    def release(self, now: int) -> list[Message]:
        """Let the symbol go."""
        was = self.phase
        self.phase = Phase.IDLE
        self.void(Reason.UNSUBSCRIBED, now)
        self._memory.table.set_state(self.symbol_id, State.OFF)
        return [] if was is Phase.IDLE else [self._leave(self.topics)]

    def _subscribe(self, topics: tuple[str, ...], now: int) -> Subscribe:
        self.phase = Phase.ASKED
        self._requests += 1
        self._asks += 1
        self.request = f"{self.symbol}/{self._requests}"
        self._asked_ns, self.due_ns = now, now + self._wait_ns()
        self.ticker_ns = now
        return Subscribe(self.connection, self.request, topics)

    def _leave(self, topics: tuple[str, ...]) -> Unsubscribe:
        return Unsubscribe(self.connection, f"{self.symbol}/leave", topics)

    def _wait_ns(self) -> int:
        if not self._asks:
            return 0
        return min(self._ask_wait_ns << min(self._asks - 1, 10), ASK_WAIT_NS_MAX)

    # --- what happens to it ---------------------------------------------------------------------------------------

    def live(self, now: int) -> None:
        """A snapshot was applied."""
        self.book_ns = now
        self._refusals = 0
        if self.phase is not Phase.LIVE:
            self.phase, self._live_ns = Phase.LIVE, now
            self._memory.table.set_state(self.symbol_id, State.ON)

    def disconnected(self, now: int) -> None:
        """Its connection is gone."""
        self.void(Reason.DISCONNECTED, now)
        self.phase = Phase.IDLE

    def rescale(self, scale: Scale, now: int) -> list[Message]:
        """The instrument's grid has changed: everything known is void."""
        self.void(Reason.RESCALED, now)
        self._build(scale)
        if self.phase not in (Phase.LIVE, Phase.ASKED):
            return []
        self.phase, self.due_ns, self._asks = Phase.ASKED, now, 0
        return self.tick(now)

    def void(self, reason: Reason, now: int) -> None:
        """Declare the book unusable, if it is not so already."""
        self.book.void(reason, now, now)

    def ticker_is_silent(self, now: int, silence_ns: int) -> bool:
        """Whether tickers have stopped coming."""
        return self.phase is Phase.LIVE and now - self.ticker_ns >= silence_ns

    def ask_ticker(self, now: int) -> list[Message]:
        """Subscribe the ticker anew."""
        self.ticker_ns = now
        topics = (self.ticker_topic,)
        return [self._leave(topics), Subscribe(self.connection, f"{self.symbol}/ticker", topics)]
