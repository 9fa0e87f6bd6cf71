"""One symbol's feed: its topics, its kernels, and the way back to a sound book when it is lost."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, StrEnum
from typing import NamedTuple

from services.ingest.arbiter import Arbiter, TickerArbiter, TradeArbiter
from services.ingest.wire import Subscribe, Unsubscribe
from shared.clock import NS_PER_S
from shared.kernel import BookKernel, FlowKernel, Outcome, TouchKernel
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

    IDLE = "idle"  # None of its connections is up.
    ASKED = "asked"  # The next snapshot makes it live; asked again when ``due_ns`` comes.
    LIVE = "live"
    DISABLED = "disabled"  # Refused too often.


class Kind(StrEnum):
    """What a topic carries."""

    BOOK = "book"
    TRADE = "trade"
    TICKER = "ticker"
    LIQUIDATION = "liquidation"
    TOUCH = "touch"


DOUBLED = (Kind.BOOK, Kind.TRADE, Kind.TICKER)
"""What a second line carries too. The rest says nothing by which two copies could be told apart from two events."""
NEEDED = DOUBLED
"""What a symbol cannot do without: the venue refuses a whole request for one bad topic, so after that only these."""


class Memory(NamedTuple):
    """Where a feed writes."""

    table: BookTable
    ring: RingWriter
    depth: int


class Feed:
    """One subscribed symbol. Methods return what has to be said to the venue.

    Its first line (a connection's number) carries everything; a second one, if there is one, what is DOUBLED again.
    """

    def __init__(
        self,
        symbol: str,
        scale: Scale,
        memory: Memory,
        lines: tuple[int, ...],
        ask_wait_ns: int,
        *,
        cross_check: bool = False,
    ) -> None:
        self.symbol, self.lines = symbol, lines
        self._memory, self._ask_wait_ns = memory, ask_wait_ns
        self.topics = topics_of(symbol, memory.depth, cross_check=cross_check)
        self.arbiter = Arbiter() if len(lines) > 1 else None
        self.arbiters: dict[Kind, TradeArbiter | TickerArbiter] = (
            {Kind.TRADE: TradeArbiter(), Kind.TICKER: TickerArbiter()} if len(lines) > 1 else {}
        )
        self.phase = Phase.IDLE
        self.request = ""
        self._up: set[int] = set()
        self._requests = self._refusals = 0
        self._asks = 0  # Requests for this book since it was last steady.
        self._asked_ns = 0
        self.live_ns = 0  # When a snapshot last made it live; 0: never yet.
        self.due_ns = 0
        self.book_ns = 0  # When its book last said something.
        self.heard_ns: dict[Kind, int] = {}  # The same of its other topics.
        self._cross_check = Kind.TOUCH in self.topics
        self._build(scale)

    def _build(self, scale: Scale) -> None:
        table = self._memory.table
        self.scale = scale
        self.symbol_id = table.add(self.symbol, scale)
        writer = table.writer(self.symbol_id)
        self.book = BookKernel(writer, self._memory.ring, self._memory.depth)
        self.apply = self.book.apply
        flow = FlowKernel(writer, self._memory.ring)
        self._takers: dict[Kind, Callable[[bytes, int], Outcome]] = {
            Kind.TRADE: flow.trades,
            Kind.TICKER: flow.ticker,
            Kind.LIQUIDATION: flow.liquidations,
        }
        self.touch = TouchKernel(self.symbol, scale) if self._cross_check else None

    # --- asking ---------------------------------------------------------------------------------------------------

    def start(self, line: int, now: int) -> list[Message]:
        """Subscribe everything that belongs on a line which knows nothing yet."""
        self._up.add(line)
        if self.phase is not Phase.LIVE:
            self._refusals = self._asks = 0
            self._ask(now)
        self._join(line)
        if line != self.lines[0]:
            return [Subscribe(line, self.request, self._topics(*DOUBLED))]
        self.heard_ns = dict.fromkeys(self.topics, now)
        everything = Subscribe(line, self.request, self._topics(*DOUBLED, Kind.LIQUIDATION))
        return [everything, *([self._alone(line, Kind.TOUCH)] if self.touch is not None else [])]

    def resync(self, now: int) -> list[Message]:
        """Get a new snapshot: there is no other way than to leave the topic and come back. One at a time."""
        if self.phase is not Phase.LIVE:
            return []
        if now - self.live_ns >= STEADY_NS:
            self._asks = 0
        self.phase = Phase.ASKED
        self.due_ns = self._asked_ns + self._wait_ns()
        return self.tick(now)

    def tick(self, now: int) -> list[Message]:
        """Ask again when the snapshot is overdue."""
        if self.phase is not Phase.ASKED or now < self.due_ns:
            return []
        self._ask(now)
        outputs: list[Message] = []
        topics = self._topics(*NEEDED) if self._refusals else self._topics(Kind.BOOK)
        for line in sorted(self._up):
            self._join(line)
            outputs += [self._leave(line, topics), Subscribe(line, self.request, topics)]
        return outputs

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
        self.phase = Phase.IDLE
        self.void(Reason.UNSUBSCRIBED, now)
        self._memory.table.set_state(self.symbol_id, State.OFF)
        everything, doubled = tuple(self.topics.values()), self._topics(*DOUBLED)
        return [self._leave(line, everything if line == self.lines[0] else doubled) for line in sorted(self._up)]

    def silent(self, kind: Kind, now: int, silence_ns: int) -> list[Message]:
        """Subscribe a topic anew that has said nothing for so long (0: however long)."""
        heard_ns = self.heard_ns.get(kind)
        if not silence_ns or self.phase is not Phase.LIVE or heard_ns is None or now - heard_ns < silence_ns:
            return []
        self.heard_ns[kind] = now
        if kind is Kind.TICKER and self.arbiters:
            self.arbiters[kind] = TickerArbiter()  # The snapshots to come are welcome whatever their time.
        lines = [line for line in sorted(self._up) if line == self.lines[0] or kind in DOUBLED]
        return [said for line in lines for said in (self._leave(line, self._topics(kind)), self._alone(line, kind))]

    def _ask(self, now: int) -> None:
        self.phase = Phase.ASKED
        self._requests += 1
        self._asks += 1
        self.request = f"{self.symbol}/{self._requests}"
        self._asked_ns, self.due_ns = now, now + self._wait_ns()

    def _join(self, line: int) -> None:
        if self.arbiter is not None:
            self.arbiter.join(line)

    def _alone(self, line: int, kind: Kind) -> Subscribe:
        """Ask for one topic by itself, so that a refusal costs nothing else."""
        return Subscribe(line, f"{self.symbol}/{kind}", self._topics(kind))

    def _topics(self, *kinds: Kind) -> tuple[str, ...]:
        return tuple(self.topics[kind] for kind in kinds)

    def _leave(self, line: int, topics: tuple[str, ...]) -> Unsubscribe:
        return Unsubscribe(line, f"{self.symbol}/leave", topics)

    def _wait_ns(self) -> int:
        if not self._asks:
            return 0
        return min(self._ask_wait_ns << min(self._asks - 1, 10), ASK_WAIT_NS_MAX)

    # --- what happens to it ---------------------------------------------------------------------------------------

    @property
    def is_new(self) -> bool:
        """Whether it still waits for its very first snapshot."""
        return not self.live_ns and self.phase is not Phase.DISABLED

    def live(self, now: int) -> None:
        """A snapshot was applied."""
        self.book_ns = now
        self._refusals = 0
        if self.phase is not Phase.LIVE:
            self.phase, self.live_ns = Phase.LIVE, now
            self._memory.table.set_state(self.symbol_id, State.ON)

    def hear_beside(self, kind: Kind, data: bytes, now: int) -> Outcome:
        """Take a frame of any topic but the book."""
        self.heard_ns[kind] = now
        take = self._takers.get(kind)
        if take is not None:
            return take(data, now)
        assert self.touch is not None
        return self.touch.hear(data)

    def disconnected(self, line: int, now: int) -> None:
        """One of its lines is gone; with the last one, the book."""
        self._up.discard(line)
        if not self._up:
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
        if self.arbiter is not None:
            self.arbiter.reset()
        if self.touch is not None:
            self.touch.is_waiting = False


def topics_of(symbol: str, depth: int, *, cross_check: bool) -> dict[Kind, str]:
    """Return everything that one symbol subscribes; the book comes first."""
    topics = {
        Kind.BOOK: f"orderbook.{depth}.{symbol}",
        Kind.TRADE: f"publicTrade.{symbol}",
        Kind.TICKER: f"tickers.{symbol}",
        Kind.LIQUIDATION: f"allLiquidation.{symbol}",
    }
    return topics | {Kind.TOUCH: f"orderbook.1.{symbol}"} if cross_check and depth > 1 else topics
