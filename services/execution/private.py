"""The private WebSocket: logged in, subscribed, pinged, and opened again whenever it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import orjson

from services.execution.wire import PrivateDown, PrivateFrame, PrivateUp
from shared.bybit.auth import PING, auth_frame, subscribe_frame
from shared.bybit.socket import ConnectError, Socket, connect
from shared.bybit.venue import VenueNotReadyError
from shared.clock import NS_PER_MS, Clock
from shared.config import Credentials
from shared.messages import Message

TOPICS = ("order", "execution", "position", "wallet")
PING_S = 20.0
PONG_S = 5.0
LOG_IN_S = 5.0  # From the open socket to the subscription.
AUTH_MS = 10_000  # How long a log-in frame stays good.
WAIT_S_MIN, WAIT_S_MAX = 0.2, 5.0
STEADY_NS = 5_000 * NS_PER_MS  # A connection that lasted this long starts the back-off anew.
Connect = Callable[[str, Callable[[bytes], None], Callable[[str], None]], Awaitable[Socket]]
_TOPIC = b'{"topic"'


class PrivateStream:
    """Feeds PrivateUp, frames and PrivateDown. ``url`` is asked before every connection and may raise."""

    def __init__(
        self,
        url: Callable[[], str],
        keys: Credentials,
        clock: Clock,
        rng: Random,
        feed: Callable[[Message], None],
        connect: Connect = connect,
    ) -> None:
        self._url, self._keys, self._clock, self._rng, self._feed = url, keys, clock, rng, feed
        self._connect = connect
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._heard = asyncio.Event()
        self._up = False

    async def run(self) -> None:
        """Keep the stream up until cancelled."""
        failures = 0
        while True:
            started_ns = self._clock.now()
            reason = await self._connection()
            if self._up:
                self._up = False
                self._feed(PrivateDown(reason))
            failures = 0 if self._clock.now() - started_ns >= STEADY_NS else failures + 1
            wait_s = min(WAIT_S_MIN * 2 ** min(failures, 10), WAIT_S_MAX)
            await asyncio.sleep(wait_s * (0.5 + 0.5 * self._rng.random()))

    async def _connection(self) -> str:
        """Live through one connection; return why it ended."""
        self._ended = asyncio.get_running_loop().create_future()
        try:
            socket = await self._connect(self._url(), self._take, self._end)
        except (ConnectError, VenueNotReadyError) as error:
            return str(error)
        try:
            expires_ms = self._clock.now() // NS_PER_MS + AUTH_MS
            socket.send_text(auth_frame(self._keys.key, self._keys.secret, expires_ms))
            socket.send_text(subscribe_frame(TOPICS))
            return await self._watch(socket)
        finally:
            socket.close()

    async def _watch(self, socket: Socket) -> str:
        """Ping until the connection ends, or says nothing any more."""
        if not await self._ends_within(LOG_IN_S) and not self._up:
            return "not logged in in time"
        while not self._ended.done():
            self._heard.clear()
            socket.send_text(PING)
            if not await self._ends_within(PONG_S) and not self._heard.is_set():
                return f"no answer to a ping within {PONG_S:.0f} s"
            await self._ends_within(PING_S - PONG_S)
        return self._ended.result()

    async def _ends_within(self, seconds: float) -> bool:
        await asyncio.wait([self._ended], timeout=seconds)
        return self._ended.done()

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _take(self, data: bytes) -> None:
        self._heard.set()
        if data.startswith(_TOPIC):
            if self._up:
                self._feed(PrivateFrame(data))
            return
        answer = _control(data)
        refused = answer.get("success") is False or answer.get("retCode", 0) != 0
        if refused and answer.get("op") in ("auth", "subscribe"):
            self._end(f"{answer['op']} refused: {answer.get('ret_msg', '')}")
        elif answer.get("op") == "subscribe":
            self._up = True
            self._feed(PrivateUp())


def _control(data: bytes) -> dict[str, Any]:
    """Return a control frame; an empty one for bytes that are none."""
    try:
        answer = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
