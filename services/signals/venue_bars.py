"""Asks the venue for bars over REST, on the shell's own loop. Whatever happens to a question, one answer comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from services.signals.wire import KlineAnswer, KlineFailed, KlineRequest
from shared.bybit.venue import VenueNotReadyError

TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 1 << 20  # A page of bars is a tenth of that.
PATH = "/v5/market/kline"


class VenueBars:
    """``url`` says where the venue's REST is, ``hear`` takes the answers, ``fail`` a bug."""

    def __init__(
        self,
        url: Callable[[], str],
        hear: Callable[[KlineAnswer | KlineFailed], None],
        fail: Callable[[], None],
    ) -> None:
        self._url, self._hear, self._fail = url, hear, fail
        self._session: aiohttp.ClientSession | None = None  # Opened with the first question: few strategies ask.
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, wanted: KlineRequest) -> None:
        """Begin to ask."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        task = asyncio.ensure_future(self._ask(self._session, wanted))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)
        else:
            self._fail()  # A bug: `close` raises it.

    async def _ask(self, session: aiohttp.ClientSession, wanted: KlineRequest) -> None:
        query = {
            "category": "linear",
            "symbol": wanted.symbol,
            "interval": wanted.interval,
            "start": str(wanted.first_ms),
            "end": str(wanted.last_ms),
            "limit": str(wanted.bars),
        }
        try:
            async with session.get(self._url() + PATH, params=query) as answer:
                data = await answer.content.read(ANSWER_BYTES_MAX + 1)
                while len(data) <= ANSWER_BYTES_MAX and (more := await answer.content.read(ANSWER_BYTES_MAX)):
                    data += more
                reason = f"HTTP {answer.status}" if answer.status != 200 else ""
        except (aiohttp.ClientError, TimeoutError, OSError, VenueNotReadyError, ValueError) as error:
            data, reason = b"", f"{type(error).__name__} {error}".strip()
        if len(data) > ANSWER_BYTES_MAX:
            reason = f"more than {ANSWER_BYTES_MAX} bytes"
        self._hear(KlineFailed(wanted.number, reason[:200]) if reason else KlineAnswer(wanted.number, data))

    async def close(self) -> None:
        """Abandon what is under way; raise what went wrong in it."""
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        for result in results:
            if isinstance(result, Exception):
                raise result
