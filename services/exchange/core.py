"""The local Bybit, whole and pure: requests and time go in, answers and frames come out.

Requests are decided at once; what is said about them leaves a few milliseconds later, as over a real network (clients
that register a callback only after sending rely on it). Nothing here reads a clock or draws a random number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from services.exchange.account import Account
from services.exchange.auth import Door
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.market import Market
from services.exchange.matching import Fill, MatchingBook
from services.exchange.outbox import Outbox
from services.exchange.private import take_frames
from services.exchange.rest import Rest
from services.exchange.sockets import Sockets
from services.exchange.stops import Stops, Timing
from services.exchange.trading import Trading
from services.exchange.wire import (
    HttpReply,
    HttpRequest,
    MarketEnded,
    SocketClosed,
    SocketOpened,
    SocketText,
)
from shared.messages import Message, Started, Tick

ANSWER_DELAY_NS = 2 * NS_PER_MS


class Settings(NamedTuple):
    """What the account and its exchange are like. Rates are fractions at 1e-8."""

    api_key: str
    api_secret: str
    deposit_e8: int
    maker_rate_e8: int
    taker_rate_e8: int
    timing: Timing = Timing()


class Venue(NamedTuple):
    """A market, and where it matches orders what moves it: its books, and the agents' turn up to a time."""

    market: Market
    books: Mapping[str, MatchingBook]
    agents: Callable[[int], list[tuple[str, Fill]]]


class Counts:
    """What has happened since the start."""

    def __init__(self) -> None:
        self.requests = self.requests_refused = self.market_frames = 0


class ExchangeCore:
    """See the module. The shell feeds Started first, then Tick at least every 10 ms and at ``next_due_ns``.

    ``build`` makes the market at the time of the first input, so that the journal of inputs tells the whole story.
    """

    desk: Desk
    _venue: Venue
    _stops: Stops
    _trading: Trading
    _rest: Rest
    _sockets: Sockets

    def __init__(self, build: Callable[[int], Venue], settings: Settings) -> None:
        self._build, self._settings = build, settings
        self._outbox = Outbox()
        self._playing = self._ended = False
        self.counts = Counts()

    # --- inputs ---------------------------------------------------------------------------------------------------

    def on_started(self, message: Started, now: int) -> list[Message]:
        """Open: a market, an account with its deposit, ids that differ from those of any other run."""
        settings, salt = self._settings, f"{message.run_id}/{message.epoch}"
        self._venue = self._build(now)
        account = Account(settings.deposit_e8, settings.maker_rate_e8, settings.taker_rate_e8)
        self.desk = Desk(self._venue.market, account, salt)
        self._stops = Stops(self.desk, settings.timing)
        self._trading = Trading(self.desk, self._stops, self._venue.books)
        door = Door(settings.api_key, settings.api_secret)
        self._rest = Rest(self.desk, self._stops, self._trading, door)
        self._sockets = Sockets(self._venue.market, door, salt)
        return []

    def on_http_request(self, request: HttpRequest, now: int) -> list[Message]:
        """Decide a request; its answer leaves a moment later where it concerns the account."""
        reply = self._rest.answer(request, now)
        self.counts.requests += 1
        self.counts.requests_refused += reply.code != 0
        answer = HttpReply(request.request_id, reply.status, reply.headers, reply.body)
        self._outbox.put(answer, now + ANSWER_DELAY_NS if reply.signed else now)
        return self._close_event(now)

    def on_socket_opened(self, message: SocketOpened, now: int) -> list[Message]:
        """A WebSocket client has come."""
        self._sockets.opened(message.connection, message.path)
        return []

    def on_socket_closed(self, message: SocketClosed, now: int) -> list[Message]:
        """A WebSocket client has gone."""
        self._sockets.closed(message.connection)
        self._outbox.forget(message.connection)
        return []

    def on_socket_text(self, message: SocketText, now: int) -> list[Message]:
        """Answer a client; after the answer to a subscription comes the topic's first frame."""
        heard = self._sockets.text(message.connection, message.data, now // NS_PER_MS)
        if heard is None:
            return []
        self._outbox.send(message.connection, heard.answer, now + ANSWER_DELAY_NS)
        for topic in heard.joined:
            first = self._venue.market.subscribe(topic, now)
            if first is not None:
                self.counts.market_frames += 1
                self._outbox.send(message.connection, first, now + ANSWER_DELAY_NS)
        return self._close_event(now)

    def on_tick(self, message: Tick, now: int) -> list[Message]:
        """Let time pass: the agents act, brackets are checked, market data and whatever else is due goes out."""
        self._play(now)
        matches = self._trading.take_matches()
        for symbol, fill in self._venue.agents(now):
            matches.append((symbol, fill))
            self._trading.market_matched(symbol, fill, now)
            matches += self._trading.take_matches()
        self._stops.attach_late(now)
        self._trading.check_triggers(now)
        matches += self._trading.take_matches()
        for topic, frame in self._venue.market.advance(now, matches):
            for connection in self._sockets.listeners(topic):
                self.counts.market_frames += 1
                self._outbox.send(connection, frame, now)
        return self._close_event(now)

    # --- what the shell asks --------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when the next tick must not be late for."""
        due = [at for at in (self._outbox.next_due_ns, self._stops.next_due_ns) if at is not None]
        return min(due, default=None)

    def naked_ms_max(self, now: int) -> int:
        """Return the oracle's longest naked time so far."""
        return self.desk.oracle.naked_ms_max(now)

    # --- the parts ------------------------------------------------------------------------------------------------

    def _play(self, now: int) -> None:
        """Start a recording once everything that waits for it listens; notice its end."""
        if not self._playing and all(self._sockets.listeners(topic) for topic in self._venue.market.start_topics):
            self._playing = True
            self._venue.market.start(now)
        if self._playing and not self._ended and self._venue.market.ended(now):
            self._ended = True
            self._outbox.put(MarketEnded(), now)

    def _close_event(self, now: int) -> list[Message]:
        """Judge what the event has done to the account, tell the private stream, and send what is due."""
        self.desk.oracle.settle(now)
        for frame in take_frames(self.desk, self._stops, now):
            for topic in frame.topics:
                listeners = self._sockets.listeners(topic)
                data = frame.encode(topic) if listeners else b""
                for connection in listeners:
                    self._outbox.send(connection, data, now + frame.delay_ns)
        return self._outbox.take(now)
