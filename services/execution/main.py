"""The executor's process: intents and commands in, the venue's private side, the order journal, facts out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

from services.execution import rest
from services.execution.calls import REQUESTS
from services.execution.core import ExecutionCore
from services.execution.limits import limits_of
from services.execution.orders import State
from services.execution.private import PrivateStream
from services.execution.store import HeldError, SchemaError, Store
from services.execution.wire import BadRecord, Commit, Committed, Finished, OrderRequest, PrivateUp, Quote, Reply
from shared import log
from shared.attach import DataPlane
from shared.bus import Bus
from shared.bybit.venue import Venue, VenueNotReadyError, venue_of
from shared.config import Config
from shared.config_load import read_credentials
from shared.exits import Exit
from shared.fleet import Word
from shared.messages import (
    Command,
    ExecutionState,
    Fill,
    Intent,
    Leave,
    Message,
    OrderNews,
    PositionNews,
    RoundTrip,
    Universe,
    Verdict,
)
from shared.service import Context, Service

JOURNAL = "orders.sqlite"
VENUE_WAIT_S = 0.05
KINDS_MAX = 64
FACTS = (Verdict, OrderNews, Fill, PositionNews, RoundTrip, ExecutionState)


def make_core(config: Config) -> ExecutionCore:
    """Return the core as this process runs it: a replay of its journal builds it the same way."""
    return ExecutionCore(limits_of(config))


async def main(ctx: Context) -> None:
    """Run until stopped."""
    store = _open_store(ctx)
    ctx.fleet.put(Word.EXECUTION_FLAT, 0)
    shell = _Shell(ctx, store)
    running = asyncio.ensure_future(shell.service.run())  # Its first turn says Started.
    connecting = asyncio.ensure_future(shell.connect())
    try:
        await asyncio.wait({running, connecting}, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
        await running
    finally:
        connecting.cancel()
        running.cancel()
        await shell.close()


def _open_store(ctx: Context) -> Store:
    """Return the order journal, or end: there is one executor, or none."""
    path = ctx.state_dir / JOURNAL
    try:
        return Store(path)
    except HeldError:
        log.say("ERROR", "journal.held", f"another executor holds {path}")
        raise SystemExit(Exit.ALREADY_RUNNING) from None
    except SchemaError as error:
        log.say("ERROR", "journal.schema", str(error))
        raise SystemExit(Exit.FAILURE) from None


class _Shell:
    def __init__(self, ctx: Context, store: Store) -> None:
        self._ctx, self._store, self._counters = ctx, store, ctx.counters
        self._loop = asyncio.get_running_loop()
        self._plane = DataPlane(ctx.run_id, ctx.fleet)
        self._bus = Bus(ctx.name, ctx.epoch, ctx.run_dir, ctx.clock, ctx.counters)
        self._rest: rest.Rest | None = None
        self._stream: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._corrections, self._ups = 0, 0
        self._state, self._closed = "", False
        self._complained: set[str] = set()
        self.service = Service(ctx, make_core(ctx.config), self.act)
        self.service.on_beat.append(self._bus.retry)

    async def connect(self) -> None:
        """Open the ways to the venue and to the other services; what the journal holds comes first."""
        ctx = self._ctx
        keys = read_credentials(ctx.config)
        log.hide(keys.secret)
        venue = await self._venue()
        limits = ctx.config.execution
        sessions = rest.Sessions(
            venue.rest_url, keys, timeout_s=limits.rest_timeout_s, recv_window_ms=limits.recv_window_ms
        )
        self._rest = rest.Rest(sessions, ctx.clock, self._hear, ctx.fleet.histogram("decision_to_sent"))
        self.service.feed(self._store.recover(ctx.clock.now()))
        stream = PrivateStream(
            lambda: venue_of(ctx.config, ctx.fleet).private_url, keys, ctx.clock,
            Random(f"execution/{ctx.seed}/{ctx.epoch}"), self._hear_stream,
        )  # fmt: skip
        self._stream = asyncio.ensure_future(stream.run())
        self._bus.subscribe(["scanner"], [Universe], self.service.feed)
        self._bus.accept(self._wish)

    async def _venue(self) -> Venue:
        """Return the venue's addresses, as soon as there are any."""
        while True:
            try:
                return venue_of(self._ctx.config, self._ctx.fleet)
            except VenueNotReadyError:
                await asyncio.sleep(VENUE_WAIT_S)

    # --- in ---------------------------------------------------------------------------------------------------

    def _wish(self, message: Message) -> None:
        """Take an intent, with the book as it is now, a wish to leave, or a command."""
        if isinstance(message, Intent):
            quote = self._quote(message.symbol)
            if quote is not None:
                self.service.feed(quote)
            self.service.feed(message)
        elif isinstance(message, Command | Leave):
            self.service.feed(message)

    def _quote(self, symbol: str) -> Quote | None:
        self._plane.refresh()
        view = self._plane.view(symbol)
        if view is None:
            return None
        return Quote(
            symbol,
            view.best_bid,
            view.best_ask,
            view.recv_ns,
            view.valid,
            view.generation,
            view.ring_seq,
            view.cts_ns,
            *(self._ctx.fleet.venue_clock or ()),
        )

    def _feed(self, message: Message) -> None:
        if not self._closed:
            self.service.feed(message)

    def _hear(self, reply: Reply) -> None:
        """Take an answer from a lane's thread to the loop; what comes after the end concerns nobody."""
        if self._closed:
            return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._feed, reply)

    def _hear_stream(self, message: Message) -> None:
        if isinstance(message, PrivateUp):
            self._ups += 1
            self._counters.add("private_reconnects", int(self._ups > 1))
        self._feed(message)

    # --- out --------------------------------------------------------------------------------------------------

    def act(self, message: Message) -> None:
        """Carry out what the core said."""
        if isinstance(message, FACTS):
            self._count(message)
            self._bus.publish(message)
        elif isinstance(message, REQUESTS):
            self._send(message)
        elif isinstance(message, Commit):
            task = asyncio.ensure_future(self._commit(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif isinstance(message, BadRecord):
            self._complain(message.text)
        elif isinstance(message, Finished):
            self._ctx.fleet.put(Word.EXECUTION_FLAT, int(self._state == "flat"))
            self.service.finish()

    def _complain(self, text: str) -> None:
        """Count what made no sense; say it once for each kind."""
        self._counters.add("malformed")
        kind = text.partition(":")[0]
        if kind not in self._complained and len(self._complained) < KINDS_MAX:
            self._complained.add(kind)
            log.say("WARNING", "private.malformed", text[:300])

    def _send(self, request: Message) -> None:
        if isinstance(request, OrderRequest):
            self._counters.add("orders_sent")
        assert self._rest is not None  # Nothing is asked for before Recovered was fed.
        if not self._rest.send(request):
            self._loop.call_soon(self._feed, rest.not_sent(request, self._ctx.clock.now()))

    async def _commit(self, rows: Commit) -> None:
        fault = await self._store.commit(rows)
        self._feed(Committed(rows.commit_id, not fault, fault))

    def _count(self, fact: Message) -> None:
        add = self._counters.add
        if isinstance(fact, Verdict) and fact.gate:
            add("verdicts_refused")
        elif isinstance(fact, Fill):
            add("fills")
        elif isinstance(fact, RoundTrip):
            add("round_trips")
        elif isinstance(fact, OrderNews):
            add("rejects", int(fact.state == State.REJECTED))
            add("unknown_orders", int(fact.state == State.UNKNOWN))
        elif isinstance(fact, ExecutionState):
            add("corrections", fact.corrections - self._corrections)
            self._corrections, self._state = fact.corrections, fact.state

    async def close(self) -> None:
        """Leave in order: the journal last."""
        self._closed = True
        if self._stream is not None:
            self._stream.cancel()
            await asyncio.gather(self._stream, return_exceptions=True)
        if self._rest is not None:
            self._rest.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._bus.close()
        self._plane.close()
        self._store.close()
