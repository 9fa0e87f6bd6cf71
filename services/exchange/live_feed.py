"""The public stream of another venue, kept open: what it says is fed to the exchange, and that it is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from random import Random

from services.exchange.live import LiveFrames, LiveLost
from shared.bybit.auth import PING, subscribe_frame
from shared.bybit.socket import ConnectError, Socket, connect_batched
from shared.messages import Message

PING_S = 15.0
SILENCE_S = 5.0  # The top of a book is repeated every 3 s.
WAIT_S_MIN, WAIT_S_MAX = 0.25, 5.0
TOPICS_MAX = 100  # In one request.


class LiveFeed:
    """Runs until cancelled. ``reset`` opens the stream anew."""

    def __init__(self, url: str, topics: Sequence[str], feed: Callable[[Message], None], rng: Random) -> None:
        self._url, self._topics, self._feed, self._rng = url, topics, feed, rng
        self._ended: asyncio.Future[str] | None = None
        self._heard = False

    async def run(self) -> None:
        """Keep the stream open."""
        failures = 0
        while True:
            failures = failures + 1 if not await self._connection() else 0
            wait_s = min(WAIT_S_MIN * 2 ** min(failures, 10), WAIT_S_MAX)
            await asyncio.sleep(wait_s * (0.5 + 0.5 * self._rng.random()))

    async def _connection(self) -> bool:
        """Live through one connection; return whether it brought anything."""
        ended = self._ended = asyncio.get_running_loop().create_future()
        brought = False
        try:
            socket = await connect_batched(self._url, self._take, self._end)
        except ConnectError:
            return False
        try:
            for first in range(0, len(self._topics), TOPICS_MAX):
                socket.send_text(subscribe_frame(self._topics[first : first + TOPICS_MAX]))
            brought = await self._watch(socket, ended)
        finally:
            socket.close()
        self._feed(LiveLost(ended.result() if ended.done() else "silent"))
        return brought

    async def _watch(self, socket: Socket, ended: asyncio.Future[str]) -> bool:
        brought, waited_s = False, 0.0
        while not ended.done():
            self._heard = False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(ended), SILENCE_S)
            if not ended.done() and not self._heard:
                return brought
            brought, waited_s = brought or self._heard, waited_s + SILENCE_S
            if waited_s >= PING_S:
                waited_s = 0.0
                socket.send_text(PING)
        return brought

    def _take(self, frames: list[bytes], _: int) -> None:
        self._heard = True
        self._feed(LiveFrames(tuple(frames)))

    def reset(self, reason: str) -> None:
        """Open the stream anew."""
        self._end(reason)

    def _end(self, reason: str) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)
