"""A venue at the other end of a Line: every socket that was opened, and what was said on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.execution import line
from shared.bybit.socket import ConnectError
from shared.config import Credentials

DEADLINE_S = 5.0
KEYS = Credentials("key", "secret")
NOW = 1_790_000_000_000_000_000
STAMP_MS = NOW // 1_000_000 + 7


class Clock:
    def __init__(self) -> None:
        self.now_ns = NOW

    def now(self) -> int:
        return self.now_ns


class FakeSocket:
    """What a line was given as its socket; the test plays the venue."""

    def __init__(self, on_frame: Callable[[bytes], None], on_disconnect: Callable[[str], None]) -> None:
        self.say, self.drop = on_frame, on_disconnect
        self.heard: list[bytes] = []
        self.closed = False

    @property
    def is_open(self) -> bool:
        return not self.closed

    def send_text(self, text: bytes) -> None:
        if not self.closed:
            self.heard.append(text)

    def close(self) -> None:
        self.closed = True
        self.drop("closed by us")


class Wires:
    """Every socket that a line opened. ``make`` builds the line over `connect`."""

    def __init__(self, make: Callable[[Wires], Any]) -> None:
        self.sockets: list[FakeSocket] = []
        self.refuse = 0
        self.clock = Clock()
        self.line = make(self)
        self.task = asyncio.ensure_future(self.line.run())

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

    async def opened(self, count: int = 1) -> FakeSocket:
        """Wait until so many sockets were opened, and the last was greeted."""
        await self.until(lambda: len(self.sockets) >= count and bool(self.sockets[count - 1].heard))
        return self.sockets[count - 1]

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def play(
    make: Callable[[Wires], Any], scenario: Callable[[Wires], Any], monkeypatch: pytest.MonkeyPatch, **constants: float
) -> Wires:
    """Run a scenario over a line, with quick back-offs."""
    for name, value in {"WAIT_S_MIN": 0.001, "WAIT_S_MAX": 0.002, **constants}.items():
        monkeypatch.setattr(line, name, value)

    async def run() -> Wires:
        wires = Wires(make)
        await scenario(wires)
        await wires.end()
        return wires

    return asyncio.run(run())
