"""Ingest's process: the venue's public socket in, shared memory out, a wake-up to whoever reads it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from random import Random

from services.ingest.core import Counts, IngestCore, settings_of
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
from shared import shm
from shared.bus import Bus
from shared.bybit.socket import ConnectError, Socket, connect_batched
from shared.bybit.venue import VenueNotReadyError, venue_of
from shared.config import Ingest
from shared.fleet import Word
from shared.messages import Dirty, ExecutionState, Message, OffGrid, Universe
from shared.mirror import BookTable
from shared.ring import RingWriter
from shared.service import Context, Service

PARTS = 4  # Looks at the time within one read: a longer one's frames are booked in so many groups.


def make_core(config: Ingest, seed: int, epoch: int, table: BookTable, ring: RingWriter, counts: Counts) -> IngestCore:
    """Return the core as this process runs it: a replay of its journal builds it the same way."""
    return IngestCore(table, ring, settings_of(config), counts, Random(f"ingest/{seed}/{epoch}"))


async def main(ctx: Context) -> None:
    """Run until stopped."""
    generation = ctx.fleet.get(Word.DATA_GENERATION)
    books, events = (shm.attach(shm.segment_name(ctx.run_id, role, generation)) for role in ("books", "ring"))
    table, ring = BookTable(books.buffer), RingWriter(events.buffer)
    core = make_core(ctx.config.ingest, ctx.seed, ctx.epoch, table, ring, ctx.counters)
    bus = Bus(ctx.name, ctx.epoch, ctx.run_dir, ctx.clock, ctx.counters)
    shell = _Shell(ctx, bus)
    service = shell.service = Service(ctx, core, shell.act, wakes=(Dirty,))
    service.on_heard = shell.heard
    bus.subscribe(["scanner"], [Universe], service.feed)
    bus.subscribe(["execution"], [ExecutionState], service.feed)
    service.on_beat += [bus.retry, shell.settle]
    await service.run()
    await shell.close()
    bus.close()


class _Shell:
    service: Service

    def __init__(self, ctx: Context, bus: Bus) -> None:
        self._ctx, self._bus = ctx, bus
        self._now = ctx.clock.now
        self._frame_to_book = ctx.fleet.histogram("frame_to_book")
        self._began_ns = 0
        self._has_grown = False
        self._sockets: dict[int, Socket] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._is_waited_for = ctx.config.signals.wait == "zmq"  # A signal engine that spins sees it for itself.
        self._dirty: Dirty | None = None

    def act(self, message: Message) -> None:
        """Carry out what the core said."""
        if isinstance(message, Dirty):
            if self._is_waited_for:
                self._wake(message)
        elif isinstance(message, OffGrid):
            self._bus.publish(message)
        elif isinstance(message, Subscribe | Unsubscribe | PingFeed):
            self._has_grown = self._has_grown or isinstance(message, Subscribe)
            socket = self._sockets.get(message.connection)
            if socket is not None:
                socket.send_text(text_of(message))
        elif isinstance(message, OpenFeed):
            task = asyncio.ensure_future(self._open(message.connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        elif isinstance(message, CloseFeed):
            self._sockets[message.connection].close(message.reason)

    def settle(self, now: int) -> None:
        """Take what new feeds are made of out of the garbage collector's sight: going through 600 of them in search of
        garbage holds the frames up for tens of milliseconds. What lives here for long makes none.
        """
        if self._has_grown:
            self._has_grown = False
            gc.freeze()

    def _wake(self, dirty: Dirty) -> None:
        """One notice for all frames of this turn of the loop."""
        if self._dirty is None:
            asyncio.get_running_loop().call_soon(self._publish)
        self._dirty = dirty

    def _publish(self) -> None:
        dirty, self._dirty = self._dirty, None
        if dirty is not None:
            self._bus.poke("signals", dirty)

    async def _open(self, connection: int) -> None:
        try:
            url = venue_of(self._ctx.config, self._ctx.fleet).public_url
            socket = await connect_batched(
                url, self._receiver(connection), lambda reason: self._lost(connection, reason), self._now
            )
        except (ConnectError, VenueNotReadyError) as error:
            self.service.feed(Disconnected(connection, str(error)))
            return
        if socket.is_open:
            self._sockets[connection] = socket
            self.service.feed(Connected(connection))
        else:
            self.service.feed(Disconnected(connection, "lost as soon as opened"))

    def _receiver(self, connection: int) -> Callable[[list[bytes], int], None]:
        def receive(frames: list[bytes], began_ns: int) -> None:
            self._began_ns = began_ns
            self.service.feed(Frames(connection, tuple(frames)))

        return receive

    def heard(self, message: Message, given_ns: int) -> None:
        """Book how long each frame took from the read that brought it until its book was published.

        What happened before the core had the frames is every frame's; then they were published one after the other.
        """
        if not isinstance(message, Frames):
            return
        waited_ns, spent_ns, count = given_ns - self._began_ns, self._now() - given_ns, len(message.frames)
        if count <= PARTS:
            for number in range(1, count + 1):
                self._frame_to_book.observe(waited_ns + spent_ns * number // count)
            return
        for part in range(PARTS):
            share = count * (part + 1) // PARTS - count * part // PARTS
            self._frame_to_book.observe(waited_ns + spent_ns * (part + 1) // PARTS, share)

    def _lost(self, connection: int, reason: str) -> None:
        if self._sockets.pop(connection, None) is not None:
            self.service.feed(Disconnected(connection, reason))

    async def close(self) -> None:
        """Leave without a word to the core: the run is over."""
        tasks = list(self._opening)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        sockets, self._sockets = list(self._sockets.values()), {}
        for socket in sockets:
            socket.close("stopping")
