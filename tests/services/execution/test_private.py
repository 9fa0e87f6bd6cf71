"""The private stream logs in, subscribes, and passes on only what a subscribed stream says."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest

from services.execution.private import PrivateStream
from services.execution.wire import PrivateDown, PrivateFrame, PrivateUp
from shared.bybit.auth import auth_signature
from shared.messages import Message
from tests.services.execution.line_rig import KEYS, STAMP_MS, FakeSocket, Wires, play

AUTH = b'{"success":true,"ret_msg":"","op":"auth"}'
SUBSCRIBED = b'{"success":true,"ret_msg":"","op":"subscribe"}'
PONG = b'{"op":"pong"}'
FRAME = b'{"topic":"order","data":[]}'


class Stream(PrivateStream):
    """A stream that keeps what it says."""

    def __init__(self, wires: Wires) -> None:
        self.told: list[Message] = []
        connect: Any = wires.connect
        super().__init__(
            lambda: "ws://x/v5/private", KEYS, wires.clock, Random(1), lambda: STAMP_MS, self.told.append, connect
        )


async def up(wires: Wires) -> FakeSocket:
    socket = await wires.opened()
    socket.say(AUTH)
    socket.say(SUBSCRIBED)
    return socket


def test_it_logs_in_by_the_venues_clock_subscribes_and_passes_frames_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await up(wires)
        socket.say(FRAME)
        socket.say(PONG)

    wires = play(Stream, scenario, monkeypatch)
    auth, subscribe = map(orjson.loads, wires.sockets[0].heard[:2])
    expires_ms = auth["args"][1]
    assert auth["args"] == ["key", expires_ms, auth_signature("secret", expires_ms)]
    assert expires_ms == STAMP_MS + 10_000
    assert subscribe["args"] == ["order", "execution", "position", "wallet"]
    assert wires.line.told == [PrivateUp(), PrivateFrame(FRAME)]
    assert wires.sockets[0].closed


def test_after_a_loss_the_core_is_told_that_it_was_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        (await up(wires)).drop("reset by peer")
        (await wires.opened(2)).say(SUBSCRIBED)

    told = play(Stream, scenario, monkeypatch).line.told
    assert told == [PrivateUp(), PrivateDown("reset by peer"), PrivateUp()]


def test_a_refused_log_in_is_never_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await wires.opened()
        socket.say(FRAME)
        socket.say(b'{"success":false,"ret_msg":"bad key","op":"auth"}')
        await wires.opened(2)

    assert play(Stream, scenario, monkeypatch).line.told == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"op":"dance"}'])
def test_noise_does_no_harm(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        (await up(wires)).say(data)

    assert play(Stream, scenario, monkeypatch).line.told == [PrivateUp()]
