"""The WebSocket client against a real server on this machine."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import picows
import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from shared.bybit.socket import BATCH_MAX, ConnectError, Socket, connect, connect_batched

DEADLINE_S = 10.0


class Server(WSListener):
    """Keeps what it hears and says what the test wants."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.transport: WSTransport | None = None
        self.gone = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        self.heard.append(frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.gone = True

    def say(self, data: bytes, *, kind: WSMsgType = WSMsgType.TEXT, fin: bool = True) -> None:
        assert self.transport is not None
        self.transport.send(kind, data, fin)


class Client:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.ends: list[str] = []
        self.socket: Socket


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.001)


def run(test: Callable[[Server, Client], Awaitable[None]]) -> None:
    async def whole() -> None:
        server, client = Server(), Client()
        listening = await picows.ws_create_server(lambda _: server, "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v5/public/linear"
        client.socket = await connect(url, client.frames.append, client.ends.append)
        await test(server, client)
        client.socket.close()
        await until(lambda: server.gone and client.ends)
        listening.close()

    asyncio.run(whole())


def test_messages_travel_both_ways_whole() -> None:
    async def test(server: Server, client: Client) -> None:
        client.socket.send_text('{"op":"ping"}')
        client.socket.send_text(b"bytes")
        server.say(b"one")
        server.say(b"x" * 300_000)
        await until(lambda: len(server.heard) == len(client.frames) == 2)
        assert server.heard == [b'{"op":"ping"}', b"bytes"]
        assert client.frames == [b"one", b"x" * 300_000]

    run(test)


def test_a_message_cut_into_frames_is_put_together() -> None:
    async def test(server: Server, client: Client) -> None:
        server.say(b"a", fin=False)
        server.say(b"b", kind=WSMsgType.CONTINUATION, fin=False)
        server.say(b"c", kind=WSMsgType.CONTINUATION)
        server.say(b"next")
        await until(lambda: len(client.frames) == 2)
        assert client.frames == [b"abc", b"next"]

    run(test)


def test_what_one_read_brought_is_handed_over_together_and_in_order() -> None:
    async def test() -> None:
        server = Server()
        listening = await picows.ws_create_server(lambda _: server, "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        batches: list[list[bytes]] = []
        began: list[int] = []
        ends: list[str] = []

        def hear(batch: list[bytes], began_ns: int) -> None:
            batches.append(batch)
            began.append(began_ns)

        ticks = count()
        socket = await connect_batched(url, hear, ends.append, lambda: next(ticks))
        await until(lambda: server.transport)
        texts = [b"%d" % number for number in range(3 * BATCH_MAX)]
        for text in texts:
            server.say(text)
        await until(lambda: sum(map(len, batches)) == len(texts))
        assert [text for batch in batches for text in batch] == texts
        assert max(map(len, batches)) <= BATCH_MAX
        assert len(batches) < len(texts)
        assert began == list(range(len(batches)))  # One look at the clock for each, before its first message.
        socket.close()
        await until(lambda: ends)
        listening.close()

    asyncio.run(test())


def test_a_ping_is_answered_and_holds_no_message_back() -> None:
    async def test(server: Server, client: Client) -> None:
        assert server.transport is not None
        server.say(b"one")
        server.transport.send_ping(b"alive?")
        await until(lambda: server.heard and client.frames)
        assert (server.heard, client.frames) == ([b"alive?"], [b"one"])

    run(test)


def test_the_end_is_told_once_whoever_makes_it() -> None:
    async def theirs(server: Server, client: Client) -> None:
        assert server.transport is not None
        server.transport.send_close(picows.WSCloseCode.GOING_AWAY)
        await until(lambda: client.ends)
        assert client.ends[0].startswith("closed by the venue")
        assert not client.socket.is_open
        client.socket.send_text("into the void")

    async def ours(server: Server, client: Client) -> None:
        assert client.socket.is_open
        client.socket.close("enough")
        client.socket.close("again")
        await until(lambda: client.ends)
        assert client.ends == ["enough"]

    async def nobodys(server: Server, client: Client) -> None:
        assert server.transport is not None
        server.transport.underlying_transport.abort()
        await until(lambda: client.ends)
        assert client.ends == ["connection lost"]

    for test in (theirs, ours, nobodys):
        run(test)


def test_nothing_is_handed_over_after_close() -> None:
    async def test(server: Server, client: Client) -> None:
        server.say(b"one")
        await until(lambda: client.frames)
        server.say(b"two")
        client.socket.close()
        await until(lambda: client.ends)
        assert client.frames == [b"one"]

    run(test)


def test_a_bug_in_the_receiver_reaches_the_loops_exception_handler() -> None:
    async def test(server: Server, client: Client) -> None:
        caught: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: caught.append(context))
        client.frames = ()  # type: ignore[assignment]
        client.socket._on_frames = lambda _, __: client.frames.append(b"")
        server.say(b"one")
        await until(lambda: caught and client.ends)
        assert isinstance(caught[0]["exception"], AttributeError)

    run(test)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/v5", "ws://no-such-host.invalid/v5"])
def test_a_connection_that_fails_is_one_kind_of_error(url: str) -> None:
    async def test() -> None:
        with pytest.raises(ConnectError):
            await connect(url, lambda _: None, lambda _: None)

    asyncio.run(test())
    gc.collect()


def test_a_server_that_is_no_websocket_is_refused() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(ConnectError, match="403"):
            await connect(url, lambda _: None, lambda _: None)
        server.close()

    asyncio.run(test())
