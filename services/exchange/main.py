"""Shell of the local exchange: one port on 127.0.0.1 for REST and both WebSockets, and the clock."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Sequence
from itertools import count
from random import Random

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError

from services.exchange.core import ExchangeCore
from services.exchange.faults import Faults
from services.exchange.framing import text_head
from services.exchange.keeping import Keep, Recall, Restored
from services.exchange.live import SCHEME, LiveBroken, LiveExchangeCore, topics_of
from services.exchange.live_feed import LiveFeed
from services.exchange.opening import market_builder, settings_of
from services.exchange.sockets import PATHS
from services.exchange.storage import Storage, StorageError
from services.exchange.wire import (
    HEADERS,
    HttpReply,
    HttpRequest,
    MarketEnded,
    SocketClose,
    SocketClosed,
    SocketFrames,
    SocketOpened,
    SocketSend,
    SocketText,
)
from shared import log
from shared.config import Config
from shared.exits import Exit
from shared.fleet import Word
from shared.messages import Message, Tick
from shared.service import Context, Service

HOST = "127.0.0.1"
NAME = "peregrine local exchange"
TICK_MS = 5
BODY_BYTES_MAX = 64 << 10
TEXT_BYTES_MAX = 256 << 10
UNSENT_BYTES_MAX = 4 << 20  # A client that lets more than this pile up is dropped.
CLIENTS_MAX = 500
CLOSE_WAIT_S = 1.0
GC_THRESHOLDS = (20_000, 20, 20)  # A turn makes thousands of short-lived objects, hardly one of them in a cycle.
COUNTED = ("requests", "requests_refused", "market_frames")


def make_core(config: Config) -> ExchangeCore:
    """Return the core as this process runs it: a replay of its journal builds it the same way."""
    exchange = config.exchange
    faults = Faults(Random(exchange.faults_seed))
    make = LiveExchangeCore if exchange.market.startswith(SCHEME) else ExchangeCore
    return make(market_builder(exchange, exchange.seed), settings_of(exchange), faults)


async def main(ctx: Context) -> None:
    """Run the exchange until it is told to stop."""
    gc.disable()  # Until the market stands: a million objects come, and none of them goes.
    shell = Shell(ctx, make_core(ctx.config))
    runner = web.AppRunner(
        shell.application(), access_log=None, handle_signals=False, shutdown_timeout=CLOSE_WAIT_S, logger=_logger(shell)
    )
    await runner.setup()
    # A restarted exchange is found where its clients have known it.
    port = ctx.fleet.get(Word.EXCHANGE_PORT) or ctx.config.exchange.port
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        await runner.cleanup()
        log.say("ERROR", "exchange.port", f"cannot listen on {HOST}:{port}: {error.strerror}")
        raise SystemExit(Exit.PORT_IN_USE) from None
    ctx.fleet.put(Word.EXCHANGE_PORT, runner.addresses[0][1])
    turning = asyncio.ensure_future(shell.service.run())
    feeding = asyncio.ensure_future(shell.live.run()) if shell.live is not None else None
    try:
        ended, _ = await asyncio.wait({turning, shell.bug}, return_when=asyncio.FIRST_COMPLETED)
        for one in ended:
            one.result()
    finally:
        if feeding is not None:
            feeding.cancel()
        await shell.close_clients()
        await runner.cleanup()


def _logger(shell: Shell) -> logging.Logger:
    """Return aiohttp's way to complain: a client's nonsense is counted, anything else is a bug of ours."""
    logger = logging.getLogger("peregrine.exchange.http")
    logger.propagate = False
    logger.addHandler(_Complaints(shell))
    return logger


class _Complaints(logging.Handler):
    def __init__(self, shell: Shell) -> None:
        super().__init__(logging.ERROR)
        self._shell = shell

    def emit(self, record: logging.LogRecord) -> None:
        """Judge one failed request."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, (HttpProcessingError, ConnectionError)):
            self._shell.malformed()
        elif error is not None:
            self._shell.die(error)


def _storage(ctx: Context) -> Storage:
    """Open the account's log of this run; a first start begins it anew."""
    path, spare_bytes = ctx.var_dir / "exchange.account", ctx.config.exchange.persist_spare_mb << 20
    try:
        return Storage(path, spare_bytes, fresh=ctx.epoch == 0)
    except StorageError as error:
        log.say("ERROR", "exchange.storage", str(error))
        raise SystemExit(Exit.FAILURE) from None


# --- sockets ---------------------------------------------------------------------------------------------------------


class Client:
    """One WebSocket's way out: what is said in one turn of the loop leaves in one write."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._socket, self._transport = socket, transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._unsent_bytes = 0

    def send(self, frames: Sequence[bytes]) -> bool:
        """Say some frames; False when the client has fallen too far behind."""
        parts = self._parts
        if not parts:
            self._loop.call_soon(self._write)
        for data in frames:
            parts += (text_head(len(data)), data)
            self._unsent_bytes += len(data)
        return self._unsent_bytes <= UNSENT_BYTES_MAX

    def _write(self) -> None:
        """Hand everything to the network; what it does not take yet counts as unsent."""
        parts, self._parts = self._parts, []
        if self._transport is None or self._transport.is_closing():
            return  # The reading side notices too, and cleans up.
        self._transport.write(b"".join(parts))
        self._unsent_bytes = self._transport.get_write_buffer_size()

    def drop(self) -> None:
        """Cut the line: whoever does not read would not read a farewell either."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Say goodbye, after everything else."""
        self._write()
        await self._socket.close(code=WSCloseCode.GOING_AWAY, drain=False)


class Shell:
    """Turns requests and frames into inputs of the core, and its outputs into answers."""

    def __init__(self, ctx: Context, core: ExchangeCore) -> None:
        self._ctx, self._core = ctx, core
        self.service = Service(ctx, core, self._act, tick_ms=TICK_MS)
        self.service.on_beat.append(self._beat)
        self._storage = _storage(ctx)
        exchange = ctx.config.exchange
        self.live = None
        if exchange.market.startswith(SCHEME):
            url, rng = exchange.market.removeprefix(SCHEME), Random(f"live/{ctx.seed}/{ctx.epoch}")
            self.live = LiveFeed(url, topics_of(exchange.symbols), self._feed, rng)
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[HttpReply]] = {}
        self._clients: dict[int, Client] = {}
        self._refused: dict[int, int] = {}  # Connections that are not let in -> HTTP status.
        self._open = asyncio.Event()
        self.bug: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_ns = 0
        self._counted = dict.fromkeys(COUNTED, 0)

    def application(self) -> web.Application:
        """Return the one handler of everything."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    async def close_clients(self) -> None:
        """Say goodbye to every WebSocket."""
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    # --- inputs ---------------------------------------------------------------------------------------------------

    def malformed(self) -> None:
        """A client has sent something that is not HTTP."""
        self._ctx.counters.add("malformed")

    def die(self, error: BaseException) -> None:
        """End the process: aiohttp would hide a bug behind a status 500."""
        if not self.bug.done():
            self.bug.set_exception(error)

    def _feed(self, message: Message) -> None:
        try:
            self.service.feed(message)
            self._set_alarm()
        except BaseException as error:
            self.die(error)
            raise

    def _beat(self, now: int) -> None:
        """Once a tick of the loop: the door is open from the first on; counters go to the fleet page."""
        if not self._open.is_set():
            gc.freeze()  # The market stands: no collection is to walk through all its books ever again.
            gc.set_threshold(*GC_THRESHOLDS)
            gc.enable()
            self._open.set()
        counters, counts = self._ctx.counters, self._core.counts
        for name in COUNTED:
            total: int = getattr(counts, name)
            counters.add(name, total - self._counted[name])
            self._counted[name] = total
        counters.set("naked_ms_max", max(counters["naked_ms_max"], self._core.naked_ms_max(now)))
        self._set_alarm()

    def _set_alarm(self) -> None:
        """Wake up when the core has something to say before the next tick of the loop."""
        due_ns = self._core.next_due_ns()
        if due_ns is None or (self._alarm is not None and self._alarm_ns <= due_ns):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_ns = due_ns
        wait_s = max(0, due_ns - self._ctx.clock.now()) / 1e9
        self._alarm = asyncio.get_running_loop().call_later(wait_s, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._feed(Tick())

    # --- outputs --------------------------------------------------------------------------------------------------

    def _act(self, output: Message) -> None:
        match output:
            case SocketFrames():
                self._send(output.connection, output.frames)
            case SocketSend():
                self._send(output.connection, (output.data,))
            case HttpReply():
                asked = self._asked.get(output.request_id)
                if asked is not None and not asked.done():
                    asked.set_result(output)
            case SocketClose():
                self._cut(output)
            case Keep():
                self._storage.append(output.records)
            case Recall():
                self.service.feed(Restored(self._storage.records))
            case LiveBroken() if self.live is not None:
                self.live.reset(f"gap in {output.topic}")
            case MarketEnded():
                self._ctx.fleet.put(Word.MARKET_ENDED, 1)
            case _:
                raise AssertionError(f"nobody carries out {output}")

    def _send(self, connection: int, frames: Sequence[bytes]) -> None:
        client = self._clients.get(connection)
        if client is None or client.send(frames):
            return
        log.say("WARNING", "exchange.slow_client", f"connection {connection} does not keep up: dropped")
        self._gone(connection)
        client.drop()

    def _cut(self, output: SocketClose) -> None:
        """Let a client go, or not in at all."""
        client = self._clients.pop(output.connection, None)
        if client is not None:
            client.drop()
        elif output.status:
            self._refused[output.connection] = output.status

    def _gone(self, connection: int) -> None:
        if self._clients.pop(connection, None) is not None:
            self._feed(SocketClosed(connection))

    # --- HTTP -----------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        await self._open.wait()
        if request.path in PATHS and request.headers.get("upgrade", "").lower() == "websocket":
            return await self._serve_socket(request)
        path, _, query = _latin(request.raw_path).partition("?")
        headers = tuple((name.lower(), _latin(value)) for name, value in request.headers.items())
        number = next(self._numbers)
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        known = tuple(pair for pair in headers if pair[0] in HEADERS)
        try:
            body = await request.read()
            self._feed(HttpRequest(number, request.method, path, query, known, body, request.remote or ""))
            reply = await asked
        finally:
            del self._asked[number]
        if not reply.status:  # A fault: nobody ever answers.
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("never answered, on purpose")
        return web.Response(status=reply.status, headers={"Server": NAME, **dict(reply.headers)}, body=reply.body)

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        if len(self._clients) >= CLIENTS_MAX:
            return web.Response(status=503)
        number = next(self._numbers)
        _, _, query = _latin(request.raw_path).partition("?")
        self._feed(SocketOpened(number, request.path, query, request.remote or ""))
        if number in self._refused:
            return web.Response(status=self._refused.pop(number))
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=TEXT_BYTES_MAX, timeout=CLOSE_WAIT_S, decode_text=False, autoping=False
        )
        socket.headers["Server"] = NAME
        try:
            await socket.prepare(request)
        except BaseException:
            self._feed(SocketClosed(number))
            raise
        self._clients[number] = Client(socket, request.transport)
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) and number in self._clients:
                    self._feed(SocketText(number, bytes(message.data)))
                elif message.type is WSMsgType.PING and not self._core.frozen(number):
                    await socket.pong(message.data)
        finally:
            self._gone(number)
        return socket


def _latin(text: str) -> str:
    """Return the bytes that aiohttp has decoded, one character for each."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
