"""The scanner's process: asks the venue over REST what the core wants to know, and says the universe to everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp

from services.scanner.core import ScannerCore
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
from shared.bus import Bus
from shared.bybit.venue import VenueNotReadyError, venue_of
from shared.config import Config
from shared.fleet import Word
from shared.messages import ClockOffset, ExecutionState, Message, OffGrid, Universe
from shared.service import Context, Service

TIMEOUT_S = 2.0
ANSWER_BYTES_MAX = 16 << 20
PAGE_ROWS = "1000"


def make_core(config: Config) -> ScannerCore:
    """Return the core as this process runs it: a replay of its journal builds it the same way."""
    return ScannerCore(config.scanner)


async def main(ctx: Context) -> None:
    """Run until stopped."""
    bus = Bus(ctx.name, ctx.epoch, ctx.run_dir, ctx.clock, ctx.counters)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        shell = _Shell(ctx, bus, session)
        service = shell.service = Service(ctx, make_core(ctx.config), shell.act)
        bus.subscribe(["execution"], [ExecutionState], service.feed)
        bus.subscribe(["ingest"], [OffGrid], service.feed)
        service.on_beat.append(bus.retry)
        await service.run()
        await shell.close()
    bus.close()


class _Shell:
    service: Service

    def __init__(self, ctx: Context, bus: Bus, session: aiohttp.ClientSession) -> None:
        self._ctx, self._bus, self._session = ctx, bus, session
        self._tasks: set[asyncio.Task[None]] = set()
        self._version = -1

    def act(self, message: Message) -> None:
        """Carry out what the core said."""
        if isinstance(message, Universe):
            self._ctx.counters.add("universe_changes", int(message.version != self._version))
            self._version = message.version
            self._bus.publish(message)
        elif isinstance(message, RequestInstruments):
            self._start(self._instruments(message))
        elif isinstance(message, RequestTickers):
            self._start(self._tickers(message))
        elif isinstance(message, RequestTime):
            self._start(self._time())
        elif isinstance(message, ClockOffset):
            self._set_offset(message)
        elif isinstance(message, ScanEnded):
            self._ctx.counters.add("scan_errors" if message.reason else "scans")

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)
        else:
            self.service.finish()  # A bug: `close` raises it, and the supervisor starts us again.

    async def _instruments(self, wanted: RequestInstruments) -> None:
        query = {"category": "linear", "limit": PAGE_ROWS} | ({"cursor": wanted.cursor} if wanted.cursor else {})
        data = await self._get(wanted.scan, "/v5/market/instruments-info", query)
        if data is not None:
            self.service.feed(InstrumentsAnswer(wanted.scan, data))

    async def _tickers(self, wanted: RequestTickers) -> None:
        data = await self._get(wanted.scan, "/v5/market/tickers", {"category": "linear"})
        if data is not None:
            self.service.feed(TickersAnswer(wanted.scan, data))

    async def _time(self) -> None:
        """Ask once; no answer is no news."""
        now = self._ctx.clock.now
        try:
            url = venue_of(self._ctx.config, self._ctx.fleet).market_url + "/v5/market/time"
            sent_ns = now()
            async with self._session.get(url) as answer:
                data, received_ns = await _read(answer), now()
        except (aiohttp.ClientError, TimeoutError, OSError, VenueNotReadyError, ValueError):
            return
        self.service.feed(TimeAnswer(data, sent_ns, received_ns))

    def _set_offset(self, message: ClockOffset) -> None:
        fleet = self._ctx.fleet
        fleet.put(Word.CLOCK_OFFSET_NS, message.offset_ns)
        fleet.put(Word.CLOCK_UNCERTAINTY_NS, message.uncertainty_ns)
        fleet.put(Word.CLOCK_AT_NS, message.at_ns)
        self._bus.publish(message)

    async def _get(self, scan: int, path: str, query: dict[str, str]) -> bytes | None:
        """Return the answer's body; whatever goes wrong is told to the core, and None returned."""
        try:
            url = venue_of(self._ctx.config, self._ctx.fleet).market_url + path
            async with self._session.get(url, params=query) as answer:
                data = await _read(answer)
                if answer.status == 200:
                    return data
                reason = f"HTTP {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, VenueNotReadyError, ValueError) as error:
            reason = f"{type(error).__name__} {error}".strip()
        self.service.feed(ScanFailed(scan, f"{path}: {reason[:200]}"))
        return None

    async def close(self) -> None:
        """Abandon what is under way; raise what went wrong in it."""
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body, refused when it is larger than any true answer."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_chunked(1 << 16):
        size += len(chunk)
        if size > ANSWER_BYTES_MAX:
            raise ValueError(f"more than {ANSWER_BYTES_MAX} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
