"""A recording driven through the cores of ingest and signals on its own clock, in one thread, as fast as it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from replay.cores import data_memory
from services.ingest.main import make_core as ingest_core
from services.ingest.wire import Connected, Frames, OpenFeed
from services.signals.main import make_core as signals_core
from shared import shm
from shared.attach import DataPlane
from shared.bybit.recordings import Recording
from shared.clock import NS_PER_MS
from shared.config import Config
from shared.fleet import SIZE, Counters, FleetPage, Word
from shared.messages import ExecutionState, Message, Started, Tick, Universe
from shared.mirror import BookTable
from shared.ring import RingWriter
from shared.service import Handlers, handlers

RUN = "drive"
TICK_NS = 50 * NS_PER_MS


class _Memory:
    """Stands in for a mapped segment."""

    def __init__(self, memory: bytearray) -> None:
        self.buffer = memoryview(memory)

    def close(self) -> None:
        """Nothing to give back."""


def drive(recording: Recording, frames: Iterable[tuple[int, bytes]], config: Config) -> Iterator[Message]:
    """Yield everything the signal engine says to ``frames`` of (receive time in ns, frame)."""
    books, events = data_memory(config.ingest, 1)
    segments = {shm.segment_name(RUN, role, 1): _Memory(data) for role, data in (("books", books), ("ring", events))}
    fleet = FleetPage(bytearray(SIZE))
    fleet.put(Word.DATA_GENERATION, 1)
    plane = DataPlane(RUN, fleet, lambda name: cast(shm.Segment, segments[name]))
    ingest = handlers(
        ingest_core(config.ingest, config.exchange.seed, 0, BookTable(books), RingWriter(events), Counters())
    )
    signals = handlers(signals_core(config))
    scores = tuple(0.0 for _ in recording.instruments)
    began = False
    due_ns = 0
    for now, data in frames:
        if not began:
            began, due_ns = True, now
            for message in (
                Started(RUN, RUN, 0),
                Universe(1, recording.instruments, scores),
                ExecutionState("running", "", (), 0),
            ):
                for core in (ingest, signals):
                    _tell(core, message, now)
        while due_ns <= now:
            for said in _tell(ingest, Tick(), due_ns):
                if isinstance(said, OpenFeed):
                    _tell(ingest, Connected(said.connection), due_ns)
            yield from _follow(signals, plane, due_ns, look=True)
            due_ns += TICK_NS
        _tell(ingest, Frames(0, (data,)), now)
        yield from _follow(signals, plane, now, look=False)


def _tell(core: Handlers, message: Message, now: int) -> list[Message]:
    handler = core.get(message.HANDLER)
    return [] if handler is None else handler(message, now)


def _follow(signals: Handlers, plane: DataPlane, now: int, *, look: bool) -> Iterator[Message]:
    for news in plane.news(look=look):
        yield from _tell(signals, news, now)
