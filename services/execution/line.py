"""One signed WebSocket, kept: logged in, pinged, and opened again whenever it is lost. Its heirs speak on it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import orjson

from shared.bybit.auth import PING
from shared.bybit.socket import ConnectError, Socket, connect
from shared.bybit.venue import VenueNotReadyError
from shared.clock import NS_PER_MS, Clock
from shared.config import Credentials

PING_S = 20.0
PONG_S = 5.0
LOG_IN_S = 5.0  # From the open socket to the moment at which it can be used.
AUTH_MS = 10_000  # How long a log-in frame stays good.
WAIT_S_MIN, WAIT_S_MAX = 0.2, 5.0
STEADY_NS = 5_000 * NS_PER_MS  # A connection that lasted this long starts the back-off anew.

Connect = Callable[[str, Callable[[bytes], None], Callable[[str], None]], Awaitable[Socket]]


class Line(ABC):
    """Opens ``url`` (asked before every connection, may raise), greets, listens, pings, and begins again.

    ``stamp_ms`` is the venue's time as far as it is known.
    """

    def __init__(
        self, url: Callable[[], str], keys: Credentials, clock: Clock, rng: Random, stamp_ms: Callable[[], int],
        connect: Connect = connect,
    ) -> None:  # fmt: skip
        self._url, self._keys, self._clock, self._rng, self._stamp_ms = url, keys, clock, rng, stamp_ms
        self._connect = connect
        self._ended: asyncio.Future[str] | None = None  # Of the present connection.
        self._heard = asyncio.Event()
        self._up = False

    @property
    def is_up(self) -> bool:
        """Whether it is logged in."""
        return self._up

    # --- what an heir says ----------------------------------------------------------------------------------------

    @abstractmethod
    def _greet(self, socket: Socket) -> None:
        """Log in on a socket that has just been opened."""

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """Take one message."""

    @abstractmethod
    def _fell(self, reason: str) -> None:
        """The line was up and is no more."""

    # --- its life -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the line up until cancelled."""
        failures = 0
        while True:
            started_ns = self._clock.now()
            reason = await self._connection()
            if self._up:
                self._up = False
                self._fell(reason)
            failures = 0 if self._clock.now() - started_ns >= STEADY_NS else failures + 1
            wait_s = min(WAIT_S_MIN * 2 ** min(failures, 10), WAIT_S_MAX)
            await asyncio.sleep(wait_s * (0.5 + 0.5 * self._rng.random()))

    async def _connection(self) -> str:
        """Live through one connection; return why it ended."""
        ended = self._ended = asyncio.get_running_loop().create_future()
        try:
            socket = await self._connect(self._url(), self._hear, self._end)
        except (ConnectError, VenueNotReadyError) as error:
            return str(error)
        try:
            self._greet(socket)
            return await self._watch(socket, ended)
        finally:
            socket.close()

    async def _watch(self, socket: Socket, ended: asyncio.Future[str]) -> str:
        """Ping until the connection ends, or says nothing any more."""
        await asyncio.wait([ended], timeout=LOG_IN_S)
        if not ended.done() and not self._up:
            return "not logged in in time"
        while not ended.done():
            self._heard.clear()
            socket.send_text(PING)
            await asyncio.wait([ended], timeout=PONG_S)
            if not ended.done() and not self._heard.is_set():
                return f"no answer to a ping within {PONG_S:.0f} s"
            await asyncio.wait([ended], timeout=PING_S - PONG_S)
        return ended.result()

    def _end(self, reason: str) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

    def _hear(self, data: bytes) -> None:
        self._heard.set()
        self._take(data)


def control(data: bytes) -> dict[str, Any]:
    """Return a control frame; an empty one for bytes that are none."""
    try:
        answer = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
