"""Ingest: public frames in; books, trades and tickers in shared memory out. Never silently wrong.

A book that cannot be trusted (a jump in the update id, crossed, empty, off the grid, unreadable, silent, its connection
gone) is void in that very moment and asked for again; nothing but a whole snapshot makes it valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from services.ingest.feed import Feed, Memory, Phase
from services.ingest.link import Link, LinkState
from services.ingest.wire import Connected, Disconnected, Frame
from shared.clock import NS_PER_MS
from shared.kernel import Outcome
from shared.layout import Reason
from shared.messages import Dirty, ExecutionState, Instrument, Log, Message, Started, Tick, Universe
from shared.mirror import BookTable, TableFullError
from shared.ring import RingWriter
from shared.scale import Scale

if TYPE_CHECKING:
    from random import Random

SYMBOLS_A_CONNECTION = 200  # Three topics each stay below the 21,000 characters the venue allows on a connection.
SAID_MAX = 1_000
PAST_TOPICS_MAX = 4_096
SHOWN_BYTES = 160

COUNTER_OF = {
    Outcome.DUPLICATE: "duplicates",
    Outcome.IGNORED: "ignored",
    Outcome.GAP: "book_gaps",
    Outcome.CROSSED: "crossed_books",
    Outcome.EMPTY: "crossed_books",
    Outcome.OFF_GRID: "off_grid",
    Outcome.MALFORMED: "malformed",
    Outcome.WRONG_SYMBOL: "wrong_symbol",
}
"""Every outcome that is not simply good has a counter; crossed and emptied books share one."""


class Counts(Protocol):
    """Where the core counts what it sees."""

    def add(self, name: str, amount: int = 1) -> None:
        """Raise a counter."""


class Settings(NamedTuple):
    """Everything that can be set."""

    depth: int
    silence_ns: int  # Of a whole connection.
    book_silence_ns: int  # Of one book: longer than this without a frame and it is asked for again.
    ticker_silence_ns: int
    resync_timeout_ns: int


def settings_of(depth: int, silence_ms: int, resync_timeout_ms: int) -> Settings:
    """Return settings from the configuration's numbers. Quiet symbols exist, so a topic may be silent for longer."""
    silence_ns = silence_ms * NS_PER_MS
    return Settings(depth, silence_ns, 4 * silence_ns, 8 * silence_ns, resync_timeout_ms * NS_PER_MS)


class IngestCore:
    """See the module."""

    def __init__(self, table: BookTable, ring: RingWriter, settings: Settings, counts: Counts, rng: Random) -> None:
        self._memory = Memory(table, ring, settings.depth)
        self._ring, self._settings, self._counts, self._rng = ring, settings, counts, rng
        self._feeds: dict[str, Feed] = {}
        self._routes: dict[bytes, tuple[Feed, str]] = {}
        self._past: dict[bytes, None] = {}  # Topics once subscribed: a late frame of theirs is no surprise.
        self._links: list[Link] = []
        self._universe: Universe | None = None
        self._open: tuple[str, ...] | None = None  # Symbols execution cannot do without; None: it has not spoken yet.
        self._instruments: dict[str, Instrument] = {}
        self._said: set[str] = set()

    # --- frames ---------------------------------------------------------------------------------------------------

    def on_frame(self, message: Frame, now: int) -> list[Message]:
        """Take one frame."""
        data, head = message.data, self._ring.head
        self._counts.add("frames")
        self._links[message.connection].heard(now)
        route = self._routes.get(_topic(data))
        outputs = self._control(data, now) if route is None else self._feed(*route, data, now)
        grown = self._ring.head - head
        if grown:
            self._counts.add("events", grown)
            outputs.append(Dirty(self._ring.generation, self._ring.head))
        return outputs

    def _feed(self, feed: Feed, kind: str, data: bytes, now: int) -> list[Message]:
        if kind == "book":
            outcome = Outcome(feed.book.apply(data, now, now))
            return self._judge(feed, outcome, data, now)
        if kind == "trade":
            outcome = feed.flow.trades(data, now)
        else:
            feed.ticker_ns = now
            outcome = feed.flow.ticker(data, now)
        if outcome is Outcome.APPLIED:
            return []
        outputs = self._bad(feed.symbol, kind, outcome, data)
        if outcome is Outcome.OFF_GRID:
            outputs += self._lose(feed, Reason.OFF_GRID, now)
        return outputs

    def _judge(self, feed: Feed, outcome: Outcome, data: bytes, now: int) -> list[Message]:
        """Draw the consequences of a book frame."""
        feed.book_ns = now
        if outcome is Outcome.APPLIED:
            return []
        if outcome is Outcome.SNAPSHOT:
            feed.live(now)
            return []
        if outcome in (Outcome.DUPLICATE, Outcome.IGNORED):
            self._counts.add(COUNTER_OF[outcome])
            return []
        outputs = self._bad(feed.symbol, "book", outcome, data)
        return outputs + self._lose(feed, Reason.MALFORMED, now)

    def _lose(self, feed: Feed, reason: Reason, now: int) -> list[Message]:
        """The book cannot be trusted: void at once (the kernel may have seen to it already), and asked for again."""
        feed.void(reason, now)
        return self._counted(feed.resync(now))

    def _counted(self, asked: list[Message]) -> list[Message]:
        if asked:
            self._counts.add("resyncs")
        return asked

    def _bad(self, symbol: str, kind: str, outcome: Outcome, data: bytes) -> list[Message]:
        self._counts.add(COUNTER_OF[outcome])
        event = f"{kind}.{outcome.name.lower()}"
        return self._say_once(event, f"{data[:SHOWN_BYTES]!r}", symbol)

    def _control(self, data: bytes, now: int) -> list[Message]:
        """Everything that is not market data of a subscribed topic: answers, pongs, late frames, rubbish."""
        try:
            frame = orjson.loads(data)
        except orjson.JSONDecodeError:
            self._counts.add("malformed")
            return self._say_once("frame.malformed", f"{data[:SHOWN_BYTES]!r}", "")
        topic = frame.get("topic") if isinstance(frame, dict) else None
        if isinstance(topic, str):
            key = topic.encode("utf-8", "replace")
            route = self._routes.get(key)
            if route is not None:
                return self._feed(*route, data, now)
            if key in self._past:
                self._counts.add("ignored")
                return []
        elif isinstance(frame, dict) and isinstance(frame.get("op"), str):
            return self._answer(frame, now)
        self._counts.add("unknown")
        return self._say_once("frame.unknown", f"{data[:SHOWN_BYTES]!r}", "")

    def _answer(self, frame: dict[str, Any], now: int) -> list[Message]:
        """The venue's answer to a request. Success is silent: the frames that follow say it better."""
        if frame.get("success") is not False:
            return []
        request, text = str(frame.get("req_id", "")), str(frame.get("ret_msg", ""))[:SHOWN_BYTES]
        feed = self._feeds.get(request.partition("/")[0])
        if feed is None:
            return self._say_once("feed.refused", text, "")
        if feed.refused(request, now):
            return [Log("ERROR", "feed.disabled", f"refused too often: {text}", feed.symbol)]
        return self._say_once("feed.refused", text, feed.symbol)

    # --- connections ----------------------------------------------------------------------------------------------

    def on_started(self, message: Started, now: int) -> list[Message]:
        """Open the first connection."""
        return self._new_link(now)

    def on_connected(self, message: Connected, now: int) -> list[Message]:
        """Subscribe everything that belongs on this connection."""
        self._links[message.connection].connected(now)
        feeds = [feed for feed in self._feeds.values() if feed.connection == message.connection]
        return [output for feed in feeds for output in feed.start(now)]

    def on_disconnected(self, message: Disconnected, now: int) -> list[Message]:
        """Void every book of the connection at once, then open it again."""
        link, head = self._links[message.connection], self._ring.head
        was_open = link.state in (LinkState.OPEN, LinkState.CLOSING)
        for feed in self._feeds.values():
            if feed.connection == message.connection:
                feed.disconnected(now)
        outputs = self._grown(head)
        if was_open:
            self._counts.add("reconnects")
            outputs.append(Log("WARNING", "feed.lost", message.reason, ""))
        return outputs + link.disconnected(now)

    def on_tick(self, message: Tick, now: int) -> list[Message]:
        """Watch the connections, the books and the requests under way."""
        head = self._ring.head
        outputs = [output for link in self._links for output in link.tick(now)]
        for feed in self._feeds.values():
            outputs += self._watch(feed, now)
        return outputs + self._grown(head)

    def _watch(self, feed: Feed, now: int) -> list[Message]:
        if feed.phase is Phase.ASKED:
            return self._counted(feed.tick(now))
        if feed.phase is not Phase.LIVE:
            return []
        if now - feed.book_ns >= self._settings.book_silence_ns:
            self._counts.add("stale_books")
            return self._lose(feed, Reason.STALE, now)
        if feed.ticker_is_silent(now, self._settings.ticker_silence_ns):
            return feed.ask_ticker(now)
        return []

    def _new_link(self, now: int) -> list[Message]:
        link = Link(len(self._links), self._settings.silence_ns, self._rng)
        self._links.append(link)
        return link.tick(now)

    def _grown(self, head: int) -> list[Message]:
        if self._ring.head == head:
            return []
        self._counts.add("events", self._ring.head - head)
        return [Dirty(self._ring.generation, self._ring.head)]

    # --- which symbols --------------------------------------------------------------------------------------------

    def on_universe(self, message: Universe, now: int) -> list[Message]:
        """Subscribe what is new first, then let go of what nobody needs."""
        if message == self._universe:
            return []
        self._universe = message
        self._instruments |= {rules.symbol: rules for rules in message.instruments}
        return self._settle(now)

    def on_execution_state(self, message: ExecutionState, now: int) -> list[Message]:
        """Learn which symbols must not be let go."""
        if message.open_symbols == self._open:
            return []
        self._open = message.open_symbols
        return self._settle(now)

    def _settle(self, now: int) -> list[Message]:
        head = self._ring.head
        chosen = [rules.symbol for rules in self._universe.instruments] if self._universe else []
        wanted = dict.fromkeys([*chosen, *(self._open or ())])
        outputs: list[Message] = []
        for symbol in wanted:
            rules = self._instruments.get(symbol)
            if rules is None:
                outputs += self._say_once("feed.no_rules", "open at the venue, unknown to the scanner", symbol)
            else:
                outputs += self._want(symbol, Scale(rules.tick, rules.lot), now)
        if self._open is not None:
            for symbol in [symbol for symbol in self._feeds if symbol not in wanted]:
                outputs += self._drop(symbol, now)
        kept = wanted.keys() | self._feeds.keys()
        self._instruments = {symbol: rules for symbol, rules in self._instruments.items() if symbol in kept}
        return outputs + self._grown(head)

    def _want(self, symbol: str, scale: Scale, now: int) -> list[Message]:
        feed = self._feeds.get(symbol)
        if feed is not None:
            return [] if feed.scale == scale else self._counted(feed.rescale(scale, now))
        connection = len(self._feeds) // SYMBOLS_A_CONNECTION
        outputs: list[Message] = [] if connection < len(self._links) else self._new_link(now)
        try:
            feed = Feed(symbol, scale, self._memory, connection, self._settings.resync_timeout_ns)
        except TableFullError as error:
            return [*outputs, *self._say_once("feed.no_room", str(error), symbol)]
        self._feeds[symbol] = feed
        for topic, kind in zip(feed.topics, ("book", "trade", "ticker"), strict=True):
            self._routes[topic.encode()] = (feed, kind)
        if self._links[connection].is_open:
            outputs += feed.start(now)
        return outputs

    def _drop(self, symbol: str, now: int) -> list[Message]:
        feed = self._feeds.pop(symbol)
        for topic in feed.topics:
            key = topic.encode()
            del self._routes[key]
            if len(self._past) < PAST_TOPICS_MAX:
                self._past[key] = None
        return feed.release(now)

    def _say_once(self, event: str, text: str, symbol: str) -> list[Message]:
        """Say this kind of thing the first time only; the counters go on."""
        key = f"{event} {symbol}"
        if key in self._said or len(self._said) >= SAID_MAX:
            return []
        self._said.add(key)
        return [Log("WARNING", event, text, symbol)]


def _topic(data: bytes) -> bytes:
    """Return the frame's topic as far as a quick look finds it; the kernels check it again."""
    start = data.find(b'"topic":"') + 9
    return data[start : data.find(b'"', start)] if start > 8 else b""
