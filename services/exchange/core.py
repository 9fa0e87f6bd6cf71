"""The local Bybit, whole and pure: requests and time go in, answers and frames come out.

Requests are decided at once; what is said about them leaves a few milliseconds later, as over a real network (clients
that register a callback only after sending rely on it). Nothing here reads a clock or draws a random number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.exchange.account import Account
from services.exchange.admin import Admin
from services.exchange.auth import Door
from services.exchange.dcp import TOPICS as DCP_TOPICS
from services.exchange.dcp import Dcp
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.endpoints import Endpoints
from services.exchange.fault_requests import envelope
from services.exchange.faults import SOCKET, Faults
from services.exchange.keeping import Keep, Keeper, Recall, Record, Restored, last_grids, last_prices_ticks
from services.exchange.matching import Fill, MatchingBook
from services.exchange.outbox import Outbox
from services.exchange.private import take_frames
from services.exchange.regridding import Regridding
from services.exchange.reopening import put_back
from services.exchange.rest import Reply, Rest
from services.exchange.routes import Routes, routes_of
from services.exchange.sockets import TRADE_PATH, Sockets
from services.exchange.status import SystemStatus
from services.exchange.stops import Stops
from services.exchange.streams import Streams
from services.exchange.thinning import watch
from services.exchange.trade_socket import TradeSocket
from services.exchange.trading import Trading
from services.exchange.trouble import STATUS_UNAVAILABLE, UNAVAILABLE, Trouble, commands_of
from services.exchange.venue import Settings, Venue
from services.exchange.wire import (
    HttpReply,
    HttpRequest,
    MarketEnded,
    SocketClose,
    SocketClosed,
    SocketFrames,
    SocketOpened,
    SocketSend,
    SocketText,
)
from shared.messages import Message, Started, Tick

ANSWER_DELAY_NS = 1 * NS_PER_MS  # Of what is asked about the account.
# Of what is said on a socket: some clients note only after sending what they have sent, and lose a quicker answer.
SOCKET_DELAY_NS = 3 * NS_PER_MS
KEEP_EVERY_NS = 1_000 * NS_PER_MS  # What changes without an event of its own is written down this often.


class Build(Protocol):
    """Makes the market at the time of its opening, where it left off if it is a restart."""

    def __call__(
        self, now: int, last_prices_ticks: Mapping[str, int] = ..., grids: Mapping[str, tuple[str, str]] = ..., /
    ) -> Venue:
        """Return the market as it is at ``now``; ``last_prices_ticks`` is empty the first time.

        ``grids`` are the ticks and lots of symbols that are not on their first ones any more.
        """


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
    _keeper: Keeper
    _streams: Streams
    _dcp: Dcp
    _trouble: Trouble
    _admin: Admin
    _status: SystemStatus

    def __init__(self, build: Build, settings: Settings, faults: Faults | None = None) -> None:
        self._build, self._settings = build, settings
        self._faults = faults or Faults()
        self._paths: dict[int, str] = {}  # Of every connection.
        self._outbox = Outbox()
        self._playing = self._ended = False
        self._salt = ""
        self._dirty, self._keep_due_ns = False, 0
        self._matches: list[tuple[str, Fill]] = []  # Not on the public tape yet.
        self.counts = Counts()

    # --- inputs ---------------------------------------------------------------------------------------------------

    def on_started(self, message: Started, now: int) -> list[Message]:
        """Open: a market, an account with its deposit, ids that differ from those of any other run."""
        self._salt = f"{message.run_id}/{message.epoch}"
        if message.epoch and self._settings.keep:
            return [Recall()]
        self._found(now, ())
        return []

    def on_restored(self, message: Restored, now: int) -> list[Message]:
        """Open again: the market where it left off, the account as it was, its orders back in the book."""
        self._found(now, message.records)
        self._matches = put_back(self.desk, self._venue.books)
        self._streams.restart_streams(now)
        self.desk.reopened_ms = now // NS_PER_MS
        return []

    def _found(self, now: int, records: Sequence[Record]) -> None:
        """Build everything."""
        settings, salt = self._settings, self._salt
        last, grids = last_prices_ticks(records), last_grids(records)
        self._venue = self._build(now, last, grids) if grids else self._build(now, last) if last else self._build(now)
        account = Account(settings.deposit_e8, settings.maker_rate_e8, settings.taker_rate_e8)
        self.desk = Desk(self._venue.market, account, salt)
        self._stops = Stops(self.desk, settings.timing)
        self._trading = Trading(self.desk, self._stops, self._venue.books)
        door = Door(settings.api_key, settings.api_secret)
        limits = settings.limits
        self._streams = Streams(self._venue.market, self.desk.band, now)
        self._dcp = Dcp(self.desk, self._trading)
        self._status = SystemStatus(self._faults)
        routes = routes_of(self.desk, self._stops, self._trading, self._dcp, self._streams, self._status, limits)
        endpoints = Endpoints({path: route for (_, path), route in routes.items()})
        self._rest = Rest(self.desk, endpoints, routes, door, limits)
        trade = TradeSocket(endpoints, door, limits.trade_requests_per_s)
        self._sockets = Sockets(self._streams, door, trade, salt, limits)
        self._open_to_faults(routes, door)
        self._keeper = Keeper(
            self.desk,
            {
                "desk": self.desk,
                "account": account,
                "oracle": self.desk.oracle,
                "stops": self._stops,
                "faults": self._faults,
            },
        )
        if records:
            self._keeper.restore(records)
            self._faults.sort()
        else:
            self._faults.add(settings.faults, now)

    def _open_to_faults(self, routes: Routes, door: Door) -> None:
        """Let in whatever may go wrong on purpose."""
        venue = self._venue

        def query(path: str, params: dict[str, Any], now: int) -> dict[str, Any]:
            handler = routes["GET", path].handler
            assert handler is not None
            return handler(params, now)

        parts = self.desk, self._stops, self._trading, self._streams, venue.books
        regridding = Regridding(*parts, venue.regrid, venue.fits)
        commands = commands_of(self.desk, self._trading, self._streams, venue.jump, regridding)
        self._trouble = Trouble(self._faults, door, commands, query, self.desk.new_id, self._status)
        self._admin = Admin(self._faults, venue.truth, self._trouble.refuse)
        watch(venue.books, self._faults)

    def on_http_request(self, request: HttpRequest, now: int) -> list[Message]:
        """Decide a request; its answer leaves a moment later where it concerns the account."""
        self._faults.now = now
        self.counts.requests += 1
        self._dirty = self._dirty or request.method != "GET"
        reply = self._admin.answer(request, now)
        if reply is not None:
            self._answer(request.request_id, reply, now)
            return self._close_event(now)
        met = self._trouble.requests.meet(request, lambda: self._decide(request, now), now)
        if met is None:
            reply = self._decide(request, now)
            self._answer(request.request_id, reply, now + ANSWER_DELAY_NS if reply.signed else now)
        elif met.reply is not None:
            self._answer(request.request_id, met.reply, now + met.late_ns + ANSWER_DELAY_NS)
        elif not met.held:
            self._outbox.put(HttpReply(request.request_id, 0, (), b""), now + met.late_ns)
        return self._close_event(now)

    def _decide(self, request: HttpRequest, now: int) -> Reply:
        """Carry a request out."""
        if self._trouble.unavailable(request.path):
            return envelope(UNAVAILABLE.code, UNAVAILABLE.text, {}, now)
        reply = self._rest.answer(request, now, self._trouble.clock(now))
        body = self._trouble.frames.stamped(reply.body)
        return reply if body is reply.body else reply._replace(body=body)

    def _answer(self, request_id: int, reply: Reply, due_ns: int) -> None:
        self.counts.requests_refused += reply.code != 0
        self._outbox.put(HttpReply(request_id, reply.status, reply.headers, reply.body), due_ns)

    def on_socket_opened(self, message: SocketOpened, now: int) -> list[Message]:
        """A WebSocket client has come; one too many is sent away."""
        self._faults.now = now
        if self._trouble.unavailable(message.path):
            return [SocketClose(message.connection, STATUS_UNAVAILABLE)]
        status = self._sockets.opened(message.connection, message.path, message.query, message.remote, now // NS_PER_MS)
        if status:
            return [SocketClose(message.connection, status)]
        self._paths[message.connection] = message.path
        return []

    def on_socket_closed(self, message: SocketClosed, now: int) -> list[Message]:
        """A WebSocket client has gone."""
        self._sockets.closed(message.connection)
        self._outbox.forget(message.connection)
        self._trouble.frames.forget(message.connection)
        self._paths.pop(message.connection, None)
        return []

    def on_socket_text(self, message: SocketText, now: int) -> list[Message]:
        """Answer a client; after the answer to a subscription comes the topic's first frame."""
        self._faults.now = now
        if self._trouble.frames.frozen(message.connection):
            return []
        self._dirty = True
        if self._paths.get(message.connection) == TRADE_PATH:
            met = self._trouble.requests.meet_text(message, lambda: self._hear_order(message, now), now)
            if met is not None:
                if met.answer is not None:
                    self._outbox.send(message.connection, met.answer, now + met.late_ns + SOCKET_DELAY_NS)
                return self._close_event(now, SOCKET_DELAY_NS)
        heard = self._sockets.text(message.connection, message.data, now, self._trouble.clock(now))
        if heard is None:
            return []
        due_ns = now + SOCKET_DELAY_NS
        self._outbox.send(message.connection, heard.answer, due_ns)
        for topic in heard.joined:
            first = self._streams.subscribe(topic, now)
            if first is not None:
                self.counts.market_frames += 1
                self._outbox.send(message.connection, self._trouble.frames.stamped(first), due_ns)
        return self._close_event(now, SOCKET_DELAY_NS)

    def on_tick(self, message: Tick, now: int) -> list[Message]:
        """Let time pass: the agents act, brackets are checked, market data and whatever else is due goes out."""
        self._faults.now = now
        late = self._arrive(now)
        self._play(now)
        matches = self._matches + self._trading.take_matches()
        self._matches = []
        for symbol, fill in self._venue.agents(now):
            matches.append((symbol, fill))
            self._trading.market_matched(symbol, fill, now)
            matches += self._trading.take_matches()
        self._stops.attach_late(now)
        self._trading.check_triggers(now)
        matches += self._trading.take_matches()
        struck = self._trouble.tick(self._paths, now)
        self._dcp.advance(self._sockets.listened(DCP_TOPICS), now)
        for one in self._trading.take_liquidated():
            self._streams.liquidated(one.symbol, one.side, one.lots, one.price_ticks, now)
        if frames := self._streams.advance(now, matches):
            self._publish(frames, now)
        if struck.frames:
            self._publish(struck.frames, now)
        if frames := self._trouble.regrid(now):
            self._publish(frames, now)
        silent = self._sockets.silent(self._outbox.told_ns, now // NS_PER_MS)
        cut = self._cut([*struck.cut, *silent], now) if struck.cut or silent else []
        return late + self._close_event(now) + cut

    # --- what the shell asks --------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when the next tick must not be late for."""
        due_ns: int | None = None
        for part in (self._outbox, self._stops, self._streams, self._trouble.requests):
            part_ns = part.next_due_ns
            if part_ns is not None and (due_ns is None or part_ns < due_ns):
                due_ns = part_ns
        return due_ns

    def frozen(self, connection: int) -> bool:
        """Return whether a line is to look dead, so that not even its pings are answered."""
        return self._trouble.frames.frozen(connection, count=False)

    def naked_ms_max(self, now: int) -> int:
        """Return the oracle's longest naked time so far."""
        return self.desk.oracle.naked_ms_max(now)

    @property
    def books(self) -> Mapping[str, MatchingBook]:
        """The books behind the market, by symbol."""
        return self._venue.books

    # --- the parts ------------------------------------------------------------------------------------------------

    def _play(self, now: int) -> None:
        """Start a recording once everything that waits for it listens; notice its end."""
        if not self._playing and all(self._sockets.listeners(topic) for topic in self._venue.market.start_topics):
            self._playing = True
            self._venue.market.start(now)
        if self._playing and not self._ended and self._venue.market.ended(now):
            self._ended = True
            self._outbox.put(MarketEnded(), now)

    def _publish(self, frames: list[tuple[str, bytes]], now: int) -> None:
        """Pass market data on to whoever listens."""
        listeners = self._sockets.listeners
        if not self._trouble.quiet:
            for topic, frame in frames:
                if not self._trouble.frames.missed_by_all(topic, frame):
                    for connection in listeners(topic):
                        self.counts.market_frames += 1
                        self._send(topic, connection, frame, now, now)
            return
        said: dict[int, list[bytes]] = {}
        for topic, frame in frames:
            for connection in listeners(topic):
                if connection in said:
                    said[connection].append(frame)
                else:
                    said[connection] = [frame]
        for connection, theirs in said.items():
            self.counts.market_frames += len(theirs)
            self._outbox.pass_all_on(connection, theirs, now)

    def _send(self, topic: str, connection: int, frame: bytes, due_ns: int, now: int) -> None:
        """Send one frame of a topic, or what is left of it."""
        for parcel in self._trouble.frames.parcels(topic, connection, frame):
            if parcel.late_ns:
                self._outbox.put(SocketSend(connection, parcel.data), due_ns + parcel.late_ns)
            elif due_ns == now:
                self._outbox.pass_on(connection, parcel.data, now)
            else:
                self._outbox.send(connection, parcel.data, due_ns)

    def _hear_order(self, message: SocketText, now: int) -> bytes:
        heard = self._sockets.text(message.connection, message.data, now, self._trouble.clock(now))
        return b"" if heard is None else heard.answer

    def _arrive(self, now: int) -> list[Message]:
        """Take in the requests that were held up until now."""
        said: list[Message] = []
        for message in self._trouble.requests.arrived(now):
            if isinstance(message, HttpRequest):
                reply = self._decide(message, now)
                self._answer(message.request_id, reply, now + ANSWER_DELAY_NS)
            elif isinstance(message, SocketText) and message.connection in self._paths:
                self._outbox.send(message.connection, self._hear_order(message, now), now + SOCKET_DELAY_NS)
            self._dirty = True
            said += self._close_event(now)
        return said

    def _cut(self, connections: list[int], now: int) -> list[Message]:
        """Cut lines."""
        gone = dict.fromkeys(connections)
        for connection in gone:
            self.on_socket_closed(SocketClosed(connection), now)
        return [SocketClose(connection) for connection in gone]

    def _close_event(self, now: int, held_ns: int = 0) -> list[Message]:
        """Judge what the event has done to the account, tell the private stream, and send what is due.

        ``held_ns`` is how long the answer takes that the news must not overtake.
        """
        self.desk.oracle.settle(now)
        kept = self._keep(now)
        for frame in take_frames(self.desk, self._stops, now):
            for topic in frame.topics:
                listeners = self._sockets.listeners(topic)
                data = frame.encode(topic) if listeners else b""
                for connection in listeners:
                    self._send(topic, connection, data, now + held_ns + frame.delay_ns, now)
        due = self._outbox.take(now)
        if self._faults.any(SOCKET):
            frozen = self._trouble.frames.frozen
            due = [one for one in due if not (isinstance(one, SocketSend | SocketFrames) and frozen(one.connection))]
        return kept + due

    def _keep(self, now: int) -> list[Message]:
        """Have written down what is new, before anything is said about it."""
        if not self._settings.keep or not (self._dirty or self.desk.moved or now >= self._keep_due_ns):
            return []
        self._dirty, self._keep_due_ns = False, now + KEEP_EVERY_NS
        records = self._keeper.changes()
        return [Keep(tuple(records))] if records else []
