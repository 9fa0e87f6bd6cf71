"""The order-entry socket in the world: execution's own line, over a connection of the simulated network."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from replay.world.clock import VirtualClock
from replay.world.network import Line, Network
from services.exchange.sockets import TRADE_PATH
from services.execution.line import PING_S, PONG_S, WAIT_S_MAX, WAIT_S_MIN
from services.execution.trade_line import TradeLine
from services.execution.wire import Reply
from shared.bybit.auth import PING
from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Config, Credentials
from shared.fleet import Histogram

BEAT_NS = 50 * NS_PER_MS


class _Wire:
    """A connection as the line knows it."""

    def __init__(self, network: Network, line: Line) -> None:
        self._network, self.line = network, line

    @property
    def is_open(self) -> bool:
        return self.line.is_open

    def send_text(self, text: bytes) -> None:
        if self.line.is_open:
            self._network.send(self.line, text)


class TradeActor(TradeLine):
    """Opens, pings and reopens on the virtual clock what the process does on the loop."""

    def __init__(
        self, config: Config, clock: VirtualClock, network: Network, hear: Callable[[Reply], None], rng: Random
    ) -> None:
        exchange, execution = config.exchange, config.execution
        self._world, self._network = clock, network
        self._wire: _Wire | None = None
        self._alive, self._failures, self._heard_ns = True, 0, 0
        super().__init__(
            lambda: TRADE_PATH, Credentials(exchange.api_key, exchange.api_secret), clock, rng,
            lambda: clock.now_ns // NS_PER_MS, hear, Histogram(),
            timeout_ns=round(execution.rest_timeout_s * NS_PER_S), recv_window_ms=execution.recv_window_ms,
        )  # fmt: skip
        self._open()
        self._beat()

    def kill(self) -> None:
        """End as a killed process does."""
        self._alive = False
        self._end("killed")

    def _beat(self) -> None:
        if self._alive:
            self.expire(self._world.now_ns)
            self._world.after(BEAT_NS, self._beat)

    def _open(self) -> None:
        if self._alive:
            self._network.open(TRADE_PATH, self._opened, self._frames, self._closed)

    def _opened(self, line: Line) -> None:
        self._wire = _Wire(self._network, line)
        if not self._alive:
            self._end("killed")
            return
        self._greet(self._wire)  # type: ignore[arg-type]
        self._ping(line)

    def _ping(self, line: Line) -> None:
        if self._wire is not None and line is self._wire.line and line.is_open:
            sent_ns = self._world.now_ns
            self._wire.send_text(PING)
            self._world.after(int(PONG_S * NS_PER_S), lambda: self._wonder(line, sent_ns))
            self._world.after(int(PING_S * NS_PER_S), lambda: self._ping(line))

    def _wonder(self, line: Line, since_ns: int) -> None:
        if self._wire is not None and line is self._wire.line and self._heard_ns < since_ns:
            self._end("no answer to a ping")

    def _frames(self, frames: tuple[bytes, ...]) -> None:
        self._heard_ns = self._world.now_ns
        for data in frames:
            self._hear(data)

    def _end(self, reason: str) -> None:
        if self._wire is not None:
            self._network.close(self._wire.line, reason)

    def _closed(self, reason: str) -> None:
        self._wire = self._socket = None
        if self._up:
            self._up, self._failures = False, 0
            self._fell(reason)
        self._failures += 1
        wait_s = min(WAIT_S_MIN * 2 ** min(self._failures, 10), WAIT_S_MAX) * (0.5 + 0.5 * self._rng.random())
        self._world.after(int(wait_s * NS_PER_S), self._open)
