"""Execution in the world: its lanes of requests, its private stream, and a real order journal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import orjson

from replay.world.actor import Actor
from replay.world.clock import VirtualClock
from replay.world.feeds import Say
from replay.world.network import Line, Network
from replay.world.trade import TradeActor
from services.exchange.auth import signature
from services.exchange.sockets import PRIVATE_PATH
from services.exchange.wire import API_KEY, RECV_WINDOW, SIGN, TIMESTAMP, HttpReply, HttpRequest
from services.execution import outcomes
from services.execution.calls import LANES, REQUESTS, Call, call_of, kind_of
from services.execution.line import AUTH_MS, PING_S, PONG_S, WAIT_S_MAX, WAIT_S_MIN
from services.execution.main import make_core
from services.execution.private import TOPICS
from services.execution.store import Store
from services.execution.wire import (
    BadRecord,
    Commit,
    Committed,
    Finished,
    OrderRequest,
    PrivateDown,
    PrivateFrame,
    PrivateUp,
    Quote,
    Reply,
    RequestQuote,
)
from shared.bybit.auth import PING, auth_frame, subscribe_frame
from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Config
from shared.messages import Intent, Message

Look = Callable[[str], Quote | None]

COMMIT_NS = 250_000  # A synced transaction on an ordinary disk.
ENDPOINTS = {
    "place_order": ("POST", "/v5/order/create"),
    "amend_order": ("POST", "/v5/order/amend"),
    "cancel_order": ("POST", "/v5/order/cancel"),
    "cancel_all_orders": ("POST", "/v5/order/cancel-all"),
    "set_trading_stop": ("POST", "/v5/position/trading-stop"),
    "set_leverage": ("POST", "/v5/position/set-leverage"),
    "set_limit_price_action": ("POST", "/v5/account/set-limit-px-action"),
    "get_open_orders": ("GET", "/v5/order/realtime"),
    "get_order_history": ("GET", "/v5/order/history"),
    "get_executions": ("GET", "/v5/execution/list"),
    "get_positions": ("GET", "/v5/position/list"),
    "get_wallet_balance": ("GET", "/v5/account/wallet-balance"),
    "get_fee_rates": ("GET", "/v5/account/fee-rate"),
    "get_instruments_info": ("GET", "/v5/market/instruments-info"),
    "get_api_key_information": ("GET", "/v5/user/query-api"),
    "get_account_info": ("GET", "/v5/account/info"),
    "get_tickers": ("GET", "/v5/market/tickers"),
}


class _Lane:
    """One request at a time, in order; no answer in time is an answer too."""

    def __init__(self, owner: ExecutionActor) -> None:
        self._owner = owner
        self._waiting: deque[tuple[Message, Call]] = deque()
        self._busy: Message | None = None

    def put(self, request: Message, call: Call) -> None:
        self._waiting.append((request, call))
        self._next()

    def _next(self) -> None:
        if self._busy is not None or not self._waiting:
            return
        request, call = self._waiting.popleft()
        owner = self._owner
        now = owner.clock.now_ns
        if isinstance(request, OrderRequest) and request.decided_ns and not now <= request.expires_ns:
            owner.reply(request, outcomes.REJECTED, 0, "expired before it was sent", b"")
            owner.clock.after(0, self._next)
            return
        self._busy = request
        owner.clock.after(owner.timeout_ns, lambda: self._end(request, outcomes.UNKNOWN, 0, "ReadTimeout", b""))
        owner.network.request(lambda number: owner.signed(number, call), lambda reply: self._end(request, *read(reply)))

    def _end(self, request: Message, outcome: str, code: int, text: str, data: bytes) -> None:
        if self._busy is request:
            self._busy = None
            self._owner.reply(request, outcome, code, text, data)
            self._next()


def read(reply: HttpReply) -> tuple[str, int, str, bytes]:
    """Return what an HTTP answer means: outcome, code, text, and the whole answer where it was accepted."""
    if reply.status != 200:
        return outcomes.of_http(reply.status), reply.status, f"HTTP {reply.status}", b""
    try:
        answer = orjson.loads(reply.body)
        code, text = int(answer["retCode"]), str(answer["retMsg"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return outcomes.UNKNOWN, 0, "unreadable answer", b""
    return (outcomes.of_code(code), code, text, b"") if code else (outcomes.ACCEPTED, 0, "", reply.body)


def control_of(data: bytes) -> dict[str, Any]:
    """Return a control frame; an empty one for bytes that are none."""
    try:
        answer = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


class ExecutionActor:
    """Execution, from its order journal to its lines to the exchange."""

    def __init__(
        self, config: Config, clock: VirtualClock, network: Network, quote: Look, run: tuple[str, int], say: Say,
        journal: Path, rng: Random,
    ) -> None:  # fmt: skip
        self.clock, self.network = clock, network
        self._config, self._say, self._rng = config, say, rng
        self.timeout_ns = round(config.execution.rest_timeout_s * NS_PER_S)
        self._quote = quote
        self._store = Store(journal)
        self._lanes = {name: _Lane(self) for name in LANES}
        self._line: Line | None = None
        self._trade: TradeActor | None = None
        self._is_up, self._failures, self._heard_ns = False, 0, 0
        self.finished: Finished | None = None
        self.disk_full = False
        self._unwritten: list[Commit] = []
        self.written: Callable[[Commit], None] | None = None  # Told what is on disk, before the core is.
        self.actor = Actor("execution", make_core(config), clock, self._act)
        self.actor.start(*run)
        self.actor.feed(self._store.recover(clock.now_ns))
        self._connect()
        if config.execution.transport == "ws":
            self._trade = TradeActor(config, clock, network, self.actor.feed, Random(rng.random()))

    def kill(self) -> None:
        """End as a killed process does: in the middle of everything."""
        self.actor.stop()
        self._store.close()
        line, self._line = self._line, None
        if line is not None:
            self.network.close(line, "killed")
        if self._trade is not None:
            self._trade.kill()

    # --- intents -----------------------------------------------------------------------------------------------------

    def wish(self, message: Message) -> None:
        """Take an intent with the book as it is now, or a command."""
        if isinstance(message, Intent):
            self._look(message.symbol)
        self.actor.feed(message)

    def _look(self, symbol: str) -> None:
        quote = self._quote(symbol)
        if quote is not None:
            self.actor.feed(quote)

    # --- requests ----------------------------------------------------------------------------------------------------

    def signed(self, number: int, call: Call) -> HttpRequest:
        """Return a call as the REST client would send it now."""
        method, path = ENDPOINTS[call.method]
        exchange = self._config.exchange
        timestamp, window = str(self.clock.now_ns // NS_PER_MS), str(self._config.execution.recv_window_ms)
        query, body = "", b""
        if method == "GET":
            query = "&".join(f"{name}={value}" for name, value in sorted(call.params.items()))
        else:
            body = orjson.dumps(call.params)
        text = f"{timestamp}{exchange.api_key}{window}{query}".encode() + body
        headers = (
            (API_KEY, exchange.api_key), (TIMESTAMP, timestamp), (RECV_WINDOW, window),
            (SIGN, signature(exchange.api_secret, text)),
        )  # fmt: skip
        return HttpRequest(number, method, path, query, headers, body, "127.0.0.1")

    def reply(self, request: Message, outcome: str, code: int, text: str, data: bytes) -> None:
        """Tell the core what became of a request."""
        number: int = request.request_id  # type: ignore[attr-defined]
        self.actor.feed(Reply(number, kind_of(request), outcome, code, text[:300], data, self.clock.now_ns))

    def _act(self, output: Message) -> None:
        if isinstance(output, REQUESTS):
            call = call_of(output)
            if self._trade is None or not self._trade.send(output, call):
                self._lanes[call.lane].put(output, call)
        elif isinstance(output, Commit):
            self._unwritten.append(output)
            self.clock.after(COMMIT_NS, lambda: self._write(output))
        elif isinstance(output, Finished):
            self.finished = output
            for rows in list(self._unwritten):  # A process that ends in order waits for its disk.
                self._write(rows)
            self.actor.stop()
        elif isinstance(output, RequestQuote):
            self._look(output.symbol)
        elif not isinstance(output, BadRecord):
            self._say("execution", output)

    def _write(self, rows: Commit) -> None:
        if self.actor.is_up and rows in self._unwritten:
            self._unwritten.remove(rows)
            fault = "OSError: no space left on device" if self.disk_full else self._store.write(rows)
            if not fault and self.written is not None:
                self.written(rows)
            self.actor.feed(Committed(rows.commit_id, not fault, fault))

    # --- the private stream ------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if self.actor.is_up:
            self.network.open(PRIVATE_PATH, self._opened, self._frames, self._closed)

    def _opened(self, line: Line) -> None:
        if not self.actor.is_up:
            self.network.close(line, "killed")
            return
        self._line = line
        exchange = self._config.exchange
        expires_ms = self.clock.now_ns // NS_PER_MS + AUTH_MS
        self.network.send(line, auth_frame(exchange.api_key, exchange.api_secret, expires_ms))
        self.network.send(line, subscribe_frame(TOPICS))
        self._ping(line)

    def _ping(self, line: Line) -> None:
        if line is self._line and line.is_open:
            sent_ns = self.clock.now_ns
            self.network.send(line, PING)
            self.clock.after(int(PONG_S * NS_PER_S), lambda: self._wonder(line, sent_ns))
            self.clock.after(int(PING_S * NS_PER_S), lambda: self._ping(line))

    def _wonder(self, line: Line, since_ns: int) -> None:
        if line is self._line and self._heard_ns < since_ns:
            self.network.close(line, "no answer to a ping")

    def _frames(self, frames: tuple[bytes, ...]) -> None:
        self._heard_ns = self.clock.now_ns
        for data in frames:
            if data.startswith(b'{"topic"'):
                if self._is_up:
                    self.actor.feed(PrivateFrame(data))
                continue
            answer = control_of(data)
            refused = answer.get("success") is False and answer.get("op") in ("auth", "subscribe")
            if refused and self._line is not None:
                self.network.close(self._line, f"{answer['op']} refused")
            elif answer.get("op") == "subscribe":
                self._is_up, self._failures = True, 0
                self.actor.feed(PrivateUp())

    def _closed(self, reason: str) -> None:
        self._line = None
        if self._is_up:
            self._is_up = False
            self.actor.feed(PrivateDown(reason))
        self._failures += 1
        wait_s = min(WAIT_S_MIN * 2 ** min(self._failures, 10), WAIT_S_MAX) * (0.5 + 0.5 * self._rng.random())
        self.clock.after(int(wait_s * NS_PER_S), self._connect)
