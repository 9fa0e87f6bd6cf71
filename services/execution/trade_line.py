"""The order-entry WebSocket: orders, amendments and cancels leave from the loop itself, with no thread between.

Every request that left gets one Reply: its answer, or UNKNOWN when none came in time or the line was lost meanwhile.
Nothing is ever sent twice; whoever was told False has to send it another way, and may.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from services.execution import outcomes
from services.execution.answers import OPS, Answer, not_sent, reply_to, trade_answer, trade_frame
from services.execution.calls import Call
from services.execution.line import AUTH_MS, Connect, Line, control
from services.execution.wire import OrderRequest, Reply
from shared.bybit.auth import PING, auth_frame
from shared.bybit.socket import Socket, connect
from shared.clock import Clock
from shared.config import Credentials
from shared.fleet import Histogram
from shared.messages import Message

WAITING_MAX = 256
GATEWAY_ENDS = 10019  # This gateway is about to restart: nothing more goes here.
NO_ANSWER = Answer(outcomes.UNKNOWN, 0, "no answer in time")


class _Sent(NamedTuple):
    """A request that has no answer yet."""

    request: Message
    sent_ns: int


class TradeLine(Line):
    """``hear`` gets the replies, on the loop."""

    def __init__(
        self, url: Callable[[], str], keys: Credentials, clock: Clock, rng: Random, stamp_ms: Callable[[], int],
        hear: Callable[[Reply], None], decision_to_sent: Histogram, *, timeout_ns: int, recv_window_ms: int,
        connect: Connect = connect,
    ) -> None:  # fmt: skip
        super().__init__(url, keys, clock, rng, stamp_ms, connect)
        self._reply, self._decision_to_sent = hear, decision_to_sent
        self._timeout_ns, self._recv_window_ms = timeout_ns, recv_window_ms
        self._socket: Socket | None = None
        self._waiting: dict[str, _Sent] = {}  # Oldest first.
        self._doubted = False  # A request got no answer: unused until something is heard again.
        self.ups = 0
        self.fault = ""  # Why it is down.

    # --- out ------------------------------------------------------------------------------------------------------

    def send(self, request: Message, call: Call) -> bool:
        """Send a request; False when this line does not carry it now (nothing was sent then)."""
        socket = self._socket
        if not self._up or self._doubted or socket is None or not socket.is_open or call.method not in OPS:
            return False
        if len(self._waiting) >= WAITING_MAX:
            return False
        now = self._clock.now()
        decided_ns = request.decided_ns if isinstance(request, OrderRequest) else 0
        if decided_ns and isinstance(request, OrderRequest) and not now <= request.expires_ns:
            self._reply(not_sent(request, "expired before it was sent", now))
            return True
        req_id = str(request.request_id)  # type: ignore[attr-defined]
        self._waiting[req_id] = _Sent(request, now)  # Before it leaves: no answer is too quick.
        socket.send_text(trade_frame(req_id, call, self._stamp_ms(), self._recv_window_ms))
        if decided_ns:
            self._decision_to_sent.observe(self._clock.now() - decided_ns)
        return True

    def expire(self, now: int) -> None:
        """Give up on what has waited too long, and doubt the line until it says something again."""
        late = []
        for req_id, sent in self._waiting.items():
            if now - sent.sent_ns < self._timeout_ns:
                break
            late.append(req_id)
        for req_id in late:
            self._answer(req_id, NO_ANSWER)
        if late and self._socket is not None:
            self._doubted = True
            self._socket.send_text(PING)

    # --- in -------------------------------------------------------------------------------------------------------

    def _greet(self, socket: Socket) -> None:
        self._socket, self._doubted = socket, False
        frame = auth_frame(self._keys.key, self._keys.secret, self._stamp_ms() + AUTH_MS, name="reqId")
        socket.send_text(frame)

    def _take(self, data: bytes) -> None:
        self._doubted = False
        frame = control(data)
        op = frame.get("op")
        if op == "auth":
            self._logged_in(frame.get("retCode"), str(frame.get("retMsg", "")))
        elif op != "pong":
            req_id, answer = trade_answer(frame)
            self._answer(req_id, answer)
            if answer.code == GATEWAY_ENDS:
                self._end("the gateway restarts")

    def _logged_in(self, code: object, text: str) -> None:
        if code != 0:
            self.fault = f"auth refused: {code} {text}"
            self._end(self.fault)
            return
        self._up, self.fault = True, ""
        self.ups += 1

    def _answer(self, req_id: str, answer: Answer) -> None:
        """Answer a request, unless that was done before: then it is too late, and was looked for meanwhile."""
        sent = self._waiting.pop(req_id, None)
        if sent is not None:
            self._reply(reply_to(sent.request, answer, self._clock.now()))

    def _fell(self, reason: str) -> None:
        self.fault = reason
        for req_id in list(self._waiting):
            self._answer(req_id, Answer(outcomes.UNKNOWN, 0, f"the line was lost: {reason}"))
