"""Ingest: public frames in; books, trades and tickers in shared memory out. Never silently wrong.

A book that cannot be trusted (a jump in the update id, crossed, empty, off the grid, unreadable, silent, its connection
gone) is void in that very moment and asked for again; nothing but a whole snapshot makes it valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from services.ingest.feed import Feed, Kind, Memory, Phase, topics_of
from services.ingest.lanes import Lanes
from services.ingest.link import Link, LinkState
from services.ingest.swaps import Swaps
from services.ingest.wire import Connected, Disconnected, Frames
from shared.clock import NS_PER_MS
from shared.config import Ingest
from shared.kernel import Outcome
from shared.layout import Reason
from shared.messages import Dirty, ExecutionState, Instrument, Log, Message, OffGrid, Started, Tick, Universe
from shared.mirror import BookTable, TableFullError
from shared.ring import RingWriter
from shared.scale import Scale

if TYPE_CHECKING:
    from random import Random

SAID_MAX = 1_000
PAST_TOPICS_MAX = 4_096
SHOWN_BYTES = 160
WATCHED_MAX = 64  # Feeds looked at in one tick: frames do not wait until all of 600 have been.

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
    redundant: bool  # Books, trades and tickers on two connections.
    cross_check: bool  # Every book beside orderbook.1.
    silence_ns: int  # Of a whole connection.
    book_silence_ns: int  # Of one book: longer than this without a frame and it is asked for again.
    trade_silence_ns: int  # The same of the other topics; 0: never.
    ticker_silence_ns: int
    resync_timeout_ns: int


def settings_of(config: Ingest) -> Settings:
    """Return settings from the configuration's section."""
    return Settings(
        config.depth,
        config.redundant,
        config.cross_check,
        config.silence_ms * NS_PER_MS,
        config.book_silence_ms * NS_PER_MS,
        config.trade_silence_ms * NS_PER_MS,
        config.ticker_silence_ms * NS_PER_MS,
        config.resync_timeout_ms * NS_PER_MS,
    )


class IngestCore:
    """See the module."""

    def __init__(self, table: BookTable, ring: RingWriter, settings: Settings, counts: Counts, rng: Random) -> None:
        self._memory = Memory(table, ring, settings.depth)
        self._ring, self._settings, self._counts, self._rng = ring, settings, counts, rng
        self._feeds: dict[str, Feed] = {}
        self._books: dict[bytes, Feed] = {}  # By topic.
        self._beside: dict[bytes, tuple[Feed, Kind]] = {}  # All other topics.
        self._past: dict[bytes, None] = {}  # Topics once subscribed: a late frame of theirs is no surprise.
        self._links: list[Link] = []
        self._lanes = Lanes(2 if settings.redundant else 1)
        self._swaps = Swaps()
        self._universe: Universe | None = None
        self._open: tuple[str, ...] | None = None  # Symbols execution cannot do without; None: it has not spoken yet.
        self._instruments: dict[str, Instrument] = {}
        self._said: set[str] = set()
        self._watched = 0  # Where the next tick goes on.

    # --- frames ---------------------------------------------------------------------------------------------------

    def on_frames(self, message: Frames, now: int) -> list[Message]:
        """Take the frames of one read: the loop in which this process lives."""
        head, books, line = self._ring.head, self._books, message.connection
        self._counts.add("frames", len(message.frames))
        self._links[line].heard(now)
        outputs: list[Message] = []
        for data in message.frames:
            # Where the topic lies in every frame the venue sends; whatever is elsewhere takes the long way.
            feed = books.get(data[10 : data.find(b'"', 10)])
            if feed is None:
                outputs += self._beside_book(data, line, now)
                continue
            if feed.arbiter is not None and not feed.arbiter.is_first(line, data):
                self._counts.add("duplicates")
                continue
            feed.book_ns = now
            outcome, touch = feed.apply(data, now, now), feed.touch
            if outcome or feed.arbiter is not None or (touch is not None and touch.is_waiting):
                outputs += self._judge(feed, outcome, data, now)
        return outputs + self._grown(head)

    def _judge(self, feed: Feed, outcome: Outcome, data: bytes, now: int) -> list[Message]:
        """Draw the consequences of a book frame."""
        if outcome is Outcome.APPLIED or outcome is Outcome.SNAPSHOT:
            return self._applied(feed, outcome, now)
        if outcome in (Outcome.DUPLICATE, Outcome.IGNORED):
            self._counts.add(COUNTER_OF[outcome])
            return []
        outputs = self._bad(feed.symbol, Kind.BOOK, outcome, data)
        return outputs + self._lose(feed, Reason.MALFORMED, now) + _rules_wanted(feed, outcome)

    def _applied(self, feed: Feed, outcome: Outcome, now: int) -> list[Message]:
        if feed.arbiter is not None:
            feed.arbiter.took()
        outputs: list[Message] = []
        if outcome is Outcome.SNAPSHOT:
            feed.live(now)
            outputs += self._let_go(now)
        if feed.touch is not None and feed.touch.is_waiting:
            outputs += self._compare(feed, now)
        return outputs

    def _beside_book(self, data: bytes, line: int, now: int) -> list[Message]:
        """Take a frame of another topic, or one in which the topic is not where it always is."""
        route = self._beside.get(data[10 : data.find(b'"', 10)])
        return self._control(data, line, now) if route is None else self._feed(*route, data, line, now)

    def _feed(self, feed: Feed, kind: Kind, data: bytes, line: int, now: int) -> list[Message]:
        arbiter = feed.arbiters.get(kind)
        fresh = data if arbiter is None else arbiter.fresh(line, data)
        if not fresh:
            self._counts.add("duplicates")
            return []
        outcome = feed.hear_beside(kind, fresh, now)
        if outcome is Outcome.APPLIED:
            if arbiter is not None:
                arbiter.took()
            return []
        if outcome is Outcome.SNAPSHOT:
            return self._compare(feed, now)
        outputs = self._bad(feed.symbol, kind, outcome, data)
        if outcome is Outcome.OFF_GRID:
            outputs += self._lose(feed, Reason.OFF_GRID, now) + _rules_wanted(feed, outcome)
        return outputs

    def _compare(self, feed: Feed, now: int) -> list[Message]:
        """Hold the book beside the venue's own best levels."""
        if feed.touch is None or feed.phase is not Phase.LIVE or feed.touch.agrees(feed.book):
            return []
        self._counts.add("disagreements")
        said = self._say_once("book.disagrees", f"orderbook.1 says {feed.touch.touch}", feed.symbol)
        return said + self._lose(feed, Reason.DISAGREES, now)

    def _lose(self, feed: Feed, reason: Reason, now: int) -> list[Message]:
        """The book cannot be trusted: void at once (the kernel may have seen to it already), and asked for again."""
        feed.void(reason, now)
        return self._counted(feed.resync(now))

    def _counted(self, asked: list[Message]) -> list[Message]:
        if asked:
            self._counts.add("resyncs")
        return asked

    def _bad(self, symbol: str, kind: Kind, outcome: Outcome, data: bytes) -> list[Message]:
        self._counts.add(COUNTER_OF[outcome])
        event = f"{kind}.{outcome.name.lower()}"
        return self._say_once(event, f"{data[:SHOWN_BYTES]!r}", symbol)

    def _control(self, data: bytes, line: int, now: int) -> list[Message]:
        """Everything that is not market data of a subscribed topic: answers, pongs, late frames, rubbish."""
        try:
            frame = orjson.loads(data)
        except orjson.JSONDecodeError:
            self._counts.add("malformed")
            return self._say_once("frame.malformed", f"{data[:SHOWN_BYTES]!r}", "")
        topic = frame.get("topic") if isinstance(frame, dict) else None
        if isinstance(topic, str):
            key = topic.encode("utf-8", "replace")
            if key in self._books or key in self._beside:
                return self._odd(key, data, line, now)
            if key in self._past:
                self._counts.add("ignored")
                return []
        elif isinstance(frame, dict) and isinstance(frame.get("op"), str):
            return self._answer(frame, now)
        self._counts.add("unknown")
        return self._say_once("frame.unknown", f"{data[:SHOWN_BYTES]!r}", "")

    def _odd(self, key: bytes, data: bytes, line: int, now: int) -> list[Message]:
        """Take a frame that is one of ours but written in another way than usual."""
        feed = self._books.get(key)
        if feed is None:
            return self._feed(*self._beside[key], data, line, now)
        if feed.arbiter is not None and not feed.arbiter.is_first(line, data):
            self._counts.add("duplicates")
            return []
        feed.book_ns = now
        return self._judge(feed, feed.apply(data, now, now), data, now)

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
        """Open the first connections."""
        return self._links_for(self._lanes.lines(0), now)

    def on_connected(self, message: Connected, now: int) -> list[Message]:
        """Subscribe everything that belongs on this connection."""
        line = message.connection
        self._links[line].connected(now)
        feeds = [feed for feed in self._feeds.values() if line in feed.lines]
        return [output for feed in feeds for output in feed.start(line, now)]

    def on_disconnected(self, message: Disconnected, now: int) -> list[Message]:
        """Void every book that has no connection left at once, then open it again."""
        line, head = message.connection, self._ring.head
        link = self._links[line]
        was_open = link.state in (LinkState.OPEN, LinkState.CLOSING)
        for feed in self._feeds.values():
            if line in feed.lines:
                feed.disconnected(line, now)
        outputs = self._grown(head)
        if was_open:
            self._counts.add("reconnects")
            outputs.append(Log("WARNING", "feed.lost", message.reason, ""))
        return outputs + link.disconnected(now)

    def on_tick(self, message: Tick, now: int) -> list[Message]:
        """Watch the connections, the books and the requests under way."""
        head = self._ring.head
        outputs = [output for link in self._links for output in link.tick(now)]
        feeds = list(self._feeds.values())
        first = self._watched if self._watched < len(feeds) else 0
        self._watched = first + WATCHED_MAX
        for feed in feeds[first : first + WATCHED_MAX]:
            outputs += self._watch(feed, now)
        return outputs + self._let_go(now) + self._grown(head)

    def _watch(self, feed: Feed, now: int) -> list[Message]:
        if feed.phase is Phase.ASKED:
            return self._counted(feed.tick(now))
        if feed.phase is not Phase.LIVE:
            return []
        limits = self._settings
        if now - feed.book_ns >= limits.book_silence_ns:
            self._counts.add("stale_books")
            return self._lose(feed, Reason.STALE, now)
        outputs = feed.silent(Kind.TICKER, now, limits.ticker_silence_ns)
        outputs += feed.silent(Kind.TRADE, now, limits.trade_silence_ns)
        return outputs + feed.silent(Kind.TOUCH, now, limits.book_silence_ns)

    def _links_for(self, lines: tuple[int, ...], now: int) -> list[Message]:
        outputs: list[Message] = []
        while len(self._links) <= lines[-1]:
            link = Link(len(self._links), self._settings.silence_ns, self._rng)
            self._links.append(link)
            outputs += link.tick(now)
        return outputs

    def _grown(self, head: int) -> list[Message]:
        now_at = self._ring.head
        if now_at == head:
            return []
        self._counts.add("events", now_at - head)
        return [Dirty(self._ring.generation, now_at)]

    # --- which symbols --------------------------------------------------------------------------------------------

    def on_universe(self, message: Universe, now: int) -> list[Message]:
        """Subscribe what is new first; what nobody needs goes when the new is there."""
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
        before = set(self._feeds)
        outputs: list[Message] = []
        for symbol in wanted:
            rules = self._instruments.get(symbol)
            if rules is None:
                outputs += self._say_once("feed.no_rules", "open at the venue, unknown to the scanner", symbol)
            else:
                outputs += self._want(symbol, Scale(rules.tick, rules.lot), now)
        self._swaps.plan(self._feeds, wanted, self._feeds.keys() - before, now)
        outputs += self._let_go(now)
        kept = wanted.keys() | self._feeds.keys()
        self._instruments = {symbol: rules for symbol, rules in self._instruments.items() if symbol in kept}
        return outputs + self._grown(head)

    def _let_go(self, now: int) -> list[Message]:
        """Drop the symbols whose successors are there, once execution has said what it cannot do without."""
        if self._open is None or not self._swaps:
            return []
        ready = self._swaps.ready(lambda symbol: symbol in self._feeds and self._feeds[symbol].is_new, now)
        return [output for symbol in ready for output in self._drop(symbol, now)]

    def _want(self, symbol: str, scale: Scale, now: int) -> list[Message]:
        feed = self._feeds.get(symbol)
        if feed is not None:
            return [] if feed.scale == scale else self._counted(feed.rescale(scale, now))
        settings = self._settings
        topics = topics_of(symbol, settings.depth, cross_check=settings.cross_check)
        lines = self._lanes.take(symbol, sum(map(len, topics.values())))
        try:
            feed = Feed(
                symbol, scale, self._memory, lines, settings.resync_timeout_ns, cross_check=settings.cross_check
            )
        except TableFullError as error:
            self._lanes.leave(symbol)
            return self._say_once("feed.no_room", str(error), symbol)
        outputs = self._links_for(lines, now)
        self._feeds[symbol] = feed
        for kind, topic in feed.topics.items():
            if kind is Kind.BOOK:
                self._books[topic.encode()] = feed
            else:
                self._beside[topic.encode()] = feed, kind
        for line in lines:
            if self._links[line].is_open:
                outputs += feed.start(line, now)
        return outputs

    def _drop(self, symbol: str, now: int) -> list[Message]:
        feed = self._feeds.pop(symbol)
        self._lanes.leave(symbol)
        for topic in feed.topics.values():
            key = topic.encode()
            self._books.pop(key, None)
            self._beside.pop(key, None)
            self._past[key] = None
        while len(self._past) > PAST_TOPICS_MAX:
            del self._past[next(iter(self._past))]
        return feed.release(now)

    def _say_once(self, event: str, text: str, symbol: str) -> list[Message]:
        """Say this kind of thing the first time only; the counters go on."""
        key = f"{event} {symbol}"
        if key in self._said or len(self._said) >= SAID_MAX:
            return []
        self._said.add(key)
        return [Log("WARNING", event, text, symbol)]


def _rules_wanted(feed: Feed, outcome: Outcome) -> list[Message]:
    return [OffGrid(feed.symbol, feed.scale.tick, feed.scale.lot)] if outcome is Outcome.OFF_GRID else []
