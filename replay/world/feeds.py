"""The fleet's readers in the world: ingest with its sockets and memory, the scanner, the signal engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from replay.cores import data_memory
from replay.world.actor import Actor
from replay.world.clock import VirtualClock
from replay.world.network import Line, Network
from services.exchange.sockets import PUBLIC_PATH
from services.exchange.wire import HttpReply, HttpRequest
from services.execution.quotes import quote_of
from services.execution.wire import Quote
from services.ingest.main import make_core as ingest_core
from services.ingest.wire import (
    CloseFeed,
    Connected,
    Disconnected,
    Frames,
    OpenFeed,
    PingFeed,
    Subscribe,
    Unsubscribe,
    text_of,
)
from services.scanner.main import PAGE_ROWS
from services.scanner.main import make_core as scanner_core
from services.scanner.wire import (
    InstrumentsAnswer,
    RequestInstruments,
    RequestTickers,
    RequestTime,
    ScanEnded,
    ScanFailed,
    TickersAnswer,
    TimeAnswer,
)
from services.signals.main import make_core as signals_core
from services.signals.venue_bars import PATH
from services.signals.wire import Concluded, KlineAnswer, KlineFailed, KlineRequest, Learned
from shared import shm
from shared.attach import DataPlane
from shared.config import Config
from shared.fleet import SIZE, Counters, FleetPage, Word
from shared.messages import Dirty, Message
from shared.mirror import BookTable
from shared.ring import RingWriter

HOP_NS = 50_000  # From one process to another.
Say = Callable[[str, Message], None]


class _Memory:
    """Stands in for a mapped segment."""

    def __init__(self, memory: bytearray) -> None:
        self.buffer = memoryview(memory)

    def close(self) -> None:
        """Nothing to give back."""


class SharedMemory:
    """The fleet page, and the books and ring of the present generation."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.fleet = FleetPage(bytearray(SIZE))
        self._segments: dict[str, _Memory] = {}

    def renew(self, config: Config) -> tuple[BookTable, RingWriter]:
        """Put up the next generation, as the supervisor does before ingest starts."""
        generation = self.fleet.get(Word.DATA_GENERATION) + 1
        books, events = data_memory(config.ingest, generation)
        for role, memory in (("books", books), ("ring", events)):
            self._segments[shm.segment_name(self.run_id, role, generation)] = _Memory(memory)
        self.fleet.put(Word.DATA_GENERATION, generation)
        return BookTable(books), RingWriter(events)

    def plane(self) -> DataPlane:
        """Return a reader."""
        return DataPlane(self.run_id, self.fleet, lambda name: cast(shm.Segment, self._segments[name]))


class IngestActor:
    """Ingest and its public lines."""

    def __init__(self, config: Config, clock: VirtualClock, network: Network, memory: SharedMemory, say: Say) -> None:
        self._network, self._say, self._clock = network, say, clock
        self._lines: dict[int, Line] = {}
        table, ring = memory.renew(config)
        epoch = memory.fleet.get(Word.DATA_GENERATION) - 1
        self.counters = Counters()
        core = ingest_core(config.ingest, config.exchange.seed, epoch, table, ring, self.counters)
        self.actor = Actor("ingest", core, clock, self._act)
        self.actor.start(memory.run_id, epoch)

    def _act(self, output: Message) -> None:
        match output:
            case OpenFeed():
                self._open(output.connection)
            case Subscribe() | Unsubscribe() | PingFeed():
                line = self._lines.get(output.connection)
                if line is not None:
                    self._network.send(line, text_of(output))
            case CloseFeed():
                self._network.close(self._lines[output.connection], output.reason)
            case _:
                self._say("ingest", output)

    def _open(self, connection: int) -> None:
        feed = self.actor.feed

        def opened(line: Line) -> None:
            self._lines[connection] = line
            feed(Connected(connection))

        def closed(reason: str) -> None:
            self._lines.pop(connection, None)
            feed(Disconnected(connection, reason))

        self._network.open(PUBLIC_PATH, opened, lambda frames: feed(Frames(connection, frames)), closed)


class ScannerActor:
    """The scanner and its questions."""

    def __init__(
        self, config: Config, clock: VirtualClock, network: Network, run_id: str, epoch: int, say: Say
    ) -> None:
        self._network, self._say, self._clock = network, say, clock
        self.actor = Actor("scanner", scanner_core(config), clock, self._act)
        self.actor.start(run_id, epoch)

    def _act(self, output: Message) -> None:
        match output:
            case RequestInstruments():
                cursor = f"&cursor={output.cursor}" if output.cursor else ""
                self._get(
                    "/v5/market/instruments-info",
                    f"category=linear&limit={PAGE_ROWS}{cursor}",
                    lambda reply: self._answer(output.scan, reply, InstrumentsAnswer(output.scan, reply.body)),
                )
            case RequestTickers():
                self._get(
                    "/v5/market/tickers",
                    "category=linear",
                    lambda reply: self._answer(output.scan, reply, TickersAnswer(output.scan, reply.body)),
                )
            case RequestTime():
                sent_ns = self._clock.now_ns
                self._get(
                    "/v5/market/time",
                    "",
                    lambda reply: self.actor.feed(TimeAnswer(reply.body, sent_ns, self._clock.now_ns)),
                )
            case ScanEnded():
                pass
            case _:
                self._say("scanner", output)

    def _answer(self, scan: int, reply: HttpReply, message: Message) -> None:
        self.actor.feed(message if reply.status == 200 else ScanFailed(scan, f"HTTP {reply.status}"))

    def _get(self, path: str, query: str, answered: Callable[[HttpReply], None]) -> None:
        self._network.request(lambda number: HttpRequest(number, "GET", path, query, (), b"", "127.0.0.1"), answered)


class SignalsActor:
    """The signal engine behind the ring; ``learned`` is what an earlier life of it has left behind."""

    def __init__(
        self, config: Config, clock: VirtualClock, network: Network, memory: SharedMemory, epoch: int, say: Say,
        learned: Learned | None = None,
    ) -> None:  # fmt: skip
        self._clock, self._network = clock, network
        self._plane = memory.plane()
        self._say = say
        self._woken = False
        self.learned = learned
        self.actor = Actor("signals", signals_core(config), clock, self._act)
        self.actor.start(memory.run_id, epoch)
        if learned is not None:
            self.actor.feed(learned)

    def _act(self, output: Message) -> None:
        if isinstance(output, KlineRequest):
            self._ask(output)
        elif isinstance(output, Learned):
            self.learned = output
        elif not isinstance(output, Concluded):
            self._say("signals", output)

    def _ask(self, wanted: KlineRequest) -> None:
        span = f"start={wanted.first_ms}&end={wanted.last_ms}&limit={wanted.bars}"
        query = f"category=linear&symbol={wanted.symbol}&interval={wanted.interval}&{span}"

        def answered(reply: HttpReply) -> None:
            good = reply.status == 200
            self.actor.feed(
                KlineAnswer(wanted.number, reply.body) if good else KlineFailed(wanted.number, f"HTTP {reply.status}")
            )

        self._network.request(lambda number: HttpRequest(number, "GET", PATH, query, (), b"", "127.0.0.1"), answered)

    def wake(self, _: Dirty) -> None:
        """The ring has grown."""
        if not self._woken:
            self._woken = True
            self._clock.after(HOP_NS, self._drain)

    def _drain(self) -> None:
        self._woken = False
        for message in self._plane.news(look=False):
            self.actor.feed(message)

    def look(self) -> None:
        """Look for new books and generations, as on every beat."""
        for message in self._plane.news(look=True):
            self.actor.feed(message)


class Glance:
    """What execution sees of the books when an intent comes."""

    def __init__(self, memory: SharedMemory) -> None:
        self._plane, self._fleet = memory.plane(), memory.fleet

    def __call__(self, symbol: str) -> Quote | None:
        """Return one symbol's best prices as of now."""
        self._plane.refresh()
        view = self._plane.view(symbol)
        if view is None:
            return None
        return quote_of(symbol, view, self._fleet.venue_clock)
