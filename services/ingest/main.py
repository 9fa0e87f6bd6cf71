"""Ingest's process: the venue's public socket in, shared memory out, a wake-up to whoever reads it."""

from __future__ import annotations

import asyncio
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
    service = shell.service = Service(ctx, core, shell.act)
    bus.subscribe(["scanner"], [Universe], service.feed)
    bus.subscribe(["execution"], [ExecutionState], service.feed)
    service.on_beat.append(bus.retry)
    await service.run()
    await shell.close()
    bus.close()


class _Shell:
    service: Service

    def __init__(self, ctx: Context, bus: Bus) -> None:
        self._ctx, self._bus = ctx, bus
        self._now = ctx.clock.now
        self._frame_to_book = ctx.fleet.histogram("frame_to_book")
        self._sockets: dict[int, Socket] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._dirty: Dirty | None = None

    def act(self, message: Message) -> None:
        """Carry out what the core said."""
        if isinstance(message, Dirty):
            self._wake(message)
        elif isinstance(message, OffGrid):
            self._bus.publish(message)
        elif isinstance(message, Subscribe | Unsubscribe | PingFeed):
            socket = self._sockets.get(message.connection)
            if socket is not None:
                socket.send_text(text_of(message))
        elif isinstance(message, OpenFeed):
            task = asyncio.ensure_future(self._open(message.connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        elif isinstance(message, CloseFeed):
            self._sockets[message.connection].close(message.reason)

    def _wake(self, dirty: Dirty) -> None:
        """One notice for all frames of this turn of the loop."""
        if self._dirty is None:
            asyncio.get_running_loop().call_soon(self._publish)
        self._dirty = dirty

    def _publish(self) -> None:
        dirty, self._dirty = self._dirty, None
        if dirty is not None:
            self._bus.publish(dirty)

    async def _open(self, connection: int) -> None:
        try:
            url = venue_of(self._ctx.config, self._ctx.fleet).public_url
            socket = await connect_batched(
                url, self._receiver(connection), lambda reason: self._lost(connection, reason)
            )
        except (ConnectError, VenueNotReadyError) as error:
            self.service.feed(Disconnected(connection, str(error)))
            return
        if socket.is_open:
            self._sockets[connection] = socket
            self.service.feed(Connected(connection))
        else:
            self.service.feed(Disconnected(connection, "lost as soon as opened"))

    def _receiver(self, connection: int) -> Callable[[list[bytes]], None]:
        def receive(frames: list[bytes]) -> None:
            received_ns = self._now()
            self.service.feed(Frames(connection, tuple(frames)))
            self._frame_to_book.observe(self._now() - received_ns, len(frames))  # The last one's time, for all of them.

        return receive

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
