"""The private WebSocket: what the venue says about our orders, executions, positions and money."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from services.execution.line import AUTH_MS, Connect, Line, control
from services.execution.wire import PrivateDown, PrivateFrame, PrivateUp
from shared.bybit.auth import auth_frame, subscribe_frame
from shared.bybit.socket import Socket, connect
from shared.clock import Clock
from shared.config import Credentials
from shared.messages import Message

TOPICS = ("order", "execution", "position", "wallet")
_TOPIC = b'{"topic"'


class PrivateStream(Line):
    """Feeds PrivateUp, frames and PrivateDown."""

    def __init__(
        self, url: Callable[[], str], keys: Credentials, clock: Clock, rng: Random, stamp_ms: Callable[[], int],
        feed: Callable[[Message], None], connect: Connect = connect,
    ) -> None:  # fmt: skip
        super().__init__(url, keys, clock, rng, stamp_ms, connect)
        self._feed = feed

    def _greet(self, socket: Socket) -> None:
        socket.send_text(auth_frame(self._keys.key, self._keys.secret, self._stamp_ms() + AUTH_MS))
        socket.send_text(subscribe_frame(TOPICS))

    def _take(self, data: bytes) -> None:
        if data.startswith(_TOPIC):
            if self._up:
                self._feed(PrivateFrame(data))
            return
        answer = control(data)
        refused = answer.get("success") is False or answer.get("retCode", 0) != 0
        if refused and answer.get("op") in ("auth", "subscribe"):
            self._end(f"{answer['op']} refused: {answer.get('ret_msg', '')}")
        elif answer.get("op") == "subscribe":
            self._up = True
            self._feed(PrivateUp())

    def _fell(self, reason: str) -> None:
        self._feed(PrivateDown(reason))
