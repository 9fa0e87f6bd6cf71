"""A line is greeted, pinged, and opened again whenever it is lost."""

from __future__ import annotations

from random import Random

import pytest

from services.execution.line import Line, control
from tests.services.execution.line_rig import KEYS, STAMP_MS, FakeSocket, Wires, play

UP = b'{"op":"up"}'
PONG = b'{"op":"pong"}'


class Talk(Line):
    """Is up once the venue says so, and notes what it hears."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(lambda: "ws://x", KEYS, wires.clock, Random(1), lambda: STAMP_MS, wires.connect)  # type: ignore[arg-type]
        self.told: list[str] = []

    def _greet(self, socket: FakeSocket) -> None:  # type: ignore[override]
        socket.send_text(b"hello")

    def _take(self, data: bytes) -> None:
        if data == UP:
            self._up = True
            self.told.append("up")

    def _fell(self, reason: str) -> None:
        self.told.append(reason)


def test_a_lost_line_is_told_once_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await wires.opened()
        socket.say(UP)
        assert wires.line.is_up
        socket.drop("reset by peer")
        (await wires.opened(2)).say(UP)

    assert play(Talk, scenario, monkeypatch).line.told == ["up", "reset by peer", "up"]


def test_a_venue_that_is_not_there_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        wires.refuse = 3
        (await wires.opened()).say(UP)

    assert play(Talk, scenario, monkeypatch).line.told == ["up"]


def test_a_line_that_does_not_answer_pings_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        socket = await wires.opened()
        socket.say(UP)
        await wires.until(lambda: len(socket.heard) == 2)
        socket.say(PONG)
        await wires.opened(2)

    wires = play(Talk, scenario, monkeypatch, LOG_IN_S=0.05, PING_S=0.1, PONG_S=0.05)
    assert wires.sockets[0].heard[1:3] == [b'{"op":"ping"}'] * 2
    assert "ping" in wires.line.told[1]


def test_a_line_that_never_gets_up_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(wires: Wires) -> None:
        await wires.opened(2)

    assert play(Talk, scenario, monkeypatch, LOG_IN_S=0.02).line.told == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7"])
def test_what_is_no_object_is_an_empty_one(data: bytes) -> None:
    assert control(data) == {}
