"""The private stream logs in, is pinged, comes back, and passes on only what a subscribed stream says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import orjson
import pytest

from services.execution import private
from services.execution.private import PrivateStream
from services.execution.wire import PrivateDown, PrivateFrame, PrivateUp
from shared.bybit.auth import auth_signature
from shared.bybit.socket import ConnectError
from shared.config import Credentials
from shared.messages import Message

DEADLINE_S = 5.0
AUTH = b'{"success":true,"ret_msg":"","op":"auth"}'
SUBSCRIBED = b'{"success":true,"ret_msg":"","op":"subscribe"}'
PONG = b'{"op":"pong"}'
FRAME = b'{"topic":"order","data":[]}'


class Clock:
    def now(self) -> int:
        return 1_790_000_000_000_000_000


class FakeSocket:
    """What the stream was given as its socket; the test plays the venue."""

    def __init__(self, on_frame: Callable[[bytes], None], on_disconnect: Callable[[str], None]) -> None:
        self.say, self.drop = on_frame, on_disconnect
        self.heard: list[bytes] = []
        self.closed = False

    def send_text(self, text: bytes) -> None:
        self.heard.append(text)

    def close(self) -> None:
        self.closed = True
        self.drop("closed by us")


class Line:
    """One PrivateStream and every socket it opened."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.sockets: list[FakeSocket] = []
        self.refuse = 0
        self.stream = PrivateStream(
            lambda: "ws://x/v5/private",
            Credentials("key", "secret"),
            Clock(),
            Random(1),
            self.told.append,
            self.connect,
        )
        self.task = asyncio.ensure_future(self.stream.run())

    async def connect(self, url: str, on_frame: Callable[[bytes], None], on_end: Callable[[str], None]) -> FakeSocket:
        if self.refuse:
            self.refuse -= 1
            raise ConnectError("refused")
        self.sockets.append(FakeSocket(on_frame, on_end))
        return self.sockets[-1]

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not met():
                await asyncio.sleep(0.001)

    async def up(self) -> FakeSocket:
        before = len(self.sockets)
        await self.until(lambda: len(self.sockets) > before or len(self.sockets) == 1)
        socket = self.sockets[-1]
        await self.until(lambda: len(socket.heard) >= 2)
        socket.say(AUTH)
        socket.say(SUBSCRIBED)
        return socket

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def run(scenario: Callable[[Line], object], monkeypatch: pytest.MonkeyPatch, **constants: float) -> Line:
    for name, value in {"WAIT_S_MIN": 0.001, "WAIT_S_MAX": 0.002, **constants}.items():
        monkeypatch.setattr(private, name, value)

    async def play() -> Line:
        line = Line()
        await scenario(line)  # type: ignore[misc]
        await line.end()
        return line

    return asyncio.run(play())


def test_it_logs_in_subscribes_and_passes_frames_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(line: Line) -> None:
        socket = await line.up()
        socket.say(FRAME)
        socket.say(PONG)

    line = run(scenario, monkeypatch)
    auth, subscribe = map(orjson.loads, line.sockets[0].heard[:2])
    expires_ms = auth["args"][1]
    assert auth["args"] == ["key", expires_ms, auth_signature("secret", expires_ms)]
    assert expires_ms > Clock().now() // 1_000_000
    assert subscribe["args"] == ["order", "execution", "position", "wallet"]
    assert line.told == [PrivateUp(), PrivateFrame(FRAME)]
    assert line.sockets[0].closed


def test_a_lost_connection_is_told_once_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(line: Line) -> None:
        (await line.up()).drop("reset by peer")
        await line.until(lambda: len(line.sockets) == 2 and len(line.sockets[1].heard) == 2)
        line.sockets[1].say(SUBSCRIBED)

    line = run(scenario, monkeypatch)
    assert line.told == [PrivateUp(), PrivateDown("reset by peer"), PrivateUp()]


def test_a_venue_that_is_not_there_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(line: Line) -> None:
        line.refuse = 3
        await line.up()

    assert run(scenario, monkeypatch).told == [PrivateUp()]


def test_a_refused_log_in_is_never_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(line: Line) -> None:
        await line.until(lambda: bool(line.sockets))
        line.sockets[0].say(FRAME)
        line.sockets[0].say(b'{"success":false,"ret_msg":"bad key","op":"auth"}')
        await line.until(lambda: len(line.sockets) == 2)

    assert run(scenario, monkeypatch).told == []


def test_a_stream_that_does_not_answer_pings_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(line: Line) -> None:
        socket = await line.up()
        await line.until(lambda: len(socket.heard) == 3)
        socket.say(PONG)
        await line.until(lambda: len(line.sockets) == 2)

    line = run(scenario, monkeypatch, LOG_IN_S=0.05, PING_S=0.1, PONG_S=0.05)
    assert line.sockets[0].heard[2:4] == [b'{"op":"ping"}'] * 2
    assert isinstance(line.told[1], PrivateDown)
    assert "ping" in line.told[1].reason


def test_a_log_in_that_nobody_answers_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(line: Line) -> None:
        await line.until(lambda: len(line.sockets) == 2)

    assert run(scenario, monkeypatch, LOG_IN_S=0.02).told == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"op":"dance"}'])
def test_noise_does_no_harm(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(line: Line) -> None:
        (await line.up()).say(data)

    assert run(scenario, monkeypatch).told == [PrivateUp()]
