"""The executor's process: intents and commands in, the venue's private side, the order journal, facts out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

from services.execution import rest
from services.execution.answers import not_sent
from services.execution.calls import REQUESTS
from services.execution.core import ExecutionCore
from services.execution.disk import Disk
from services.execution.limits import limits_of
from services.execution.orders import State
from services.execution.private import PrivateStream
from services.execution.quotes import Flow, quote_of
from services.execution.rehearsal import Rehearsal
from services.execution.store import HeldError, SchemaError, Store
from services.execution.trade_line import TradeLine
from services.execution.transport import Transport
from services.execution.venue_time import stamp_ms
from services.execution.wire import (
    BadRecord,
    Commit,
    Finished,
    OrderRequest,
    PrivateUp,
    Quote,
    Refused,
    Reply,
    RequestQuote,
)
from shared import log
from shared.attach import DataPlane
from shared.bus import Bus
from shared.bybit.venue import Venue, VenueNotReadyError, venue_of
from shared.clock import NS_PER_S
from shared.config import OWN, Config
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
    Tighten,
    Universe,
    Verdict,
)
from shared.service import Context, Service

JOURNAL = "orders.sqlite"
VENUE_WAIT_S = 0.05
KINDS_MAX = 64
FACTS_S = 0.002
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
    if shell.exit:
        raise SystemExit(shell.exit)


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
        self._disk = Disk(store, ctx.clock, self._feed, self._loop.call_soon_threadsafe)
        self._plane, self._flow = DataPlane(ctx.run_id, ctx.fleet), Flow()
        self._bus = Bus(ctx.name, ctx.epoch, ctx.run_dir, ctx.clock, ctx.counters)
        self._rest: rest.Rest | None = None
        self._line: TradeLine | None = None
        self._transport: Transport | None = None
        self._lines: list[asyncio.Task[None]] = []
        self._line_said = ""
        self._facts: list[Message] = []
        self._corrections, self._ups = 0, 0
        self._state, self._closed = "", False
        self._complained: set[str] = set()
        self.exit = Exit.OK
        core = make_core(ctx.config)
        self.service = Service(ctx, core, self.act)
        self._rehearsal, self._rehearse_s = Rehearsal(core, self._quote), ctx.config.execution.rehearse_ms / 1000
        self.service.on_beat.append(self._bus.retry)

    async def connect(self) -> None:
        """Open the ways to the venue and to the other services; what the journal holds comes first."""
        ctx = self._ctx
        keys = read_credentials(ctx.config)
        for word in (keys.secret, keys.key) if ctx.config.venue not in OWN else (keys.secret,):
            log.hide(word)
        venue = await self._venue()
        limits = ctx.config.execution
        sent, window_ms = ctx.fleet.histogram("decision_to_sent"), limits.recv_window_ms
        sessions = rest.Sessions(
            venue.rest_url, keys, self._stamp_ms, timeout_s=limits.rest_timeout_s, recv_window_ms=window_ms
        )
        self._rest = rest.Rest(sessions, ctx.clock, self._hear, sent)
        if limits.transport == "ws" and venue.trade_url:
            self._line = TradeLine(
                lambda: venue_of(ctx.config, ctx.fleet).trade_url, keys, ctx.clock, self._rng("trade"), self._stamp_ms,
                self._feed, sent, timeout_ns=round(limits.rest_timeout_s * NS_PER_S), recv_window_ms=window_ms,
            )  # fmt: skip
            self._lines.append(asyncio.ensure_future(self._line.run()))
            self.service.on_beat.append(self._look_at_line)
        self._transport = Transport(self._rest, self._line)
        self.service.feed(self._store.recover(ctx.clock.now()))
        stream = PrivateStream(
            lambda: venue_of(ctx.config, ctx.fleet).private_url, keys, ctx.clock, self._rng("private"),
            self._stamp_ms, self._hear_stream,
        )  # fmt: skip
        self._lines.append(asyncio.ensure_future(stream.run()))
        self._bus.subscribe(["scanner"], [Universe], self.service.feed)
        self._bus.accept(self._wish)
        self._rehearse()

    def _rng(self, line: str) -> Random:
        return Random(f"execution/{line}/{self._ctx.seed}/{self._ctx.epoch}")

    def _stamp_ms(self) -> int:
        return stamp_ms(self._ctx.clock.now(), self._ctx.fleet.venue_clock)

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
            self._look(message.symbol)
            self.service.feed(message)
            self._rehearsal.learn(message)
        elif isinstance(message, Command | Leave | Tighten):
            self.service.feed(message)

    def _rehearse(self) -> None:
        if self._rehearse_s and not self._closed:
            self._rehearsal.run(self._ctx.clock.now())
            self._loop.call_later(self._rehearse_s, self._rehearse)

    def _quote(self, symbol: str, price_ticks: int = 0) -> Quote | None:
        self._plane.refresh()
        view = self._plane.view(symbol)
        if view is None:
            return None
        traded_lots = 0
        if price_ticks:
            traded_lots = self._flow.traded_lots(self._plane.ring, view, price_ticks, self._ctx.clock.now())
        return quote_of(symbol, view, self._ctx.fleet.venue_clock, traded_lots)

    def _look(self, symbol: str, price_ticks: int = 0) -> None:
        quote = self._quote(symbol, price_ticks)
        if quote is not None:
            self.service.feed(quote)

    def _feed(self, message: Message) -> None:
        if not self._closed:
            self.service.feed(message)

    def _hear(self, reply: Reply) -> None:
        """Take an answer from a lane's thread to the loop; what comes after the end concerns nobody."""
        if self._closed:
            return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._feed, reply)

    def _look_at_line(self, now: int) -> None:
        """Give up on what got no answer; tell people which way orders go."""
        line, transport = self._line, self._transport
        assert line is not None and transport is not None
        line.expire(now)
        said = "up" if line.is_up else line.fault
        if said and said != self._line_said:
            log.say(
                "INFO" if line.is_up else "WARNING",
                "trade.line",
                f"{said}; orders go by {'socket' if line.is_up else 'REST'}",
            )
            self._line_said = said

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
            self._tell(message)
        elif isinstance(message, REQUESTS):
            self._send(message)
        elif isinstance(message, Commit):
            self._disk.keep(message)
        elif isinstance(message, RequestQuote):
            self._look(message.symbol, message.price_ticks)
        elif isinstance(message, BadRecord):
            self._complain(message.text)
        elif isinstance(message, Refused):
            log.say("ERROR", "account.refused", f"{message.reason}; see docs/operations.md")
            self.exit = Exit.EXCHANGE_REJECTED
            self.service.finish()
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
        assert self._transport is not None  # Nothing is asked for before Recovered was fed.
        if not self._transport.send(request):
            self._feed(not_sent(request, "too many requests are waiting", self._ctx.clock.now()))
        if isinstance(request, OrderRequest):
            self._look(request.symbol)  # The book that it meets: written down, so that its cost can be told later.

    def _tell(self, fact: Message) -> None:
        """Publish a fact a moment later: nobody waits for it, but the journal's thread and an order do."""
        if not self._facts and not self._closed:
            self._loop.call_later(FACTS_S, self._publish)
        self._facts.append(fact)

    def _publish(self) -> None:
        facts, self._facts = self._facts, []
        for fact in facts:
            self._bus.publish(fact)

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
        if self._transport is not None:
            ways = self._transport
            log.say("INFO", "trade.ways", f"{ways.by_line} orders and cancels by socket, {ways.by_rest} by REST")
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        if self._rest is not None:
            self._rest.close()
        self._publish()
        self._bus.close()
        self._plane.close()
        self._store.close()
