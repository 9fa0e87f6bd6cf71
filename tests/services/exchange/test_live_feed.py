"""The live stream is subscribed, told to the exchange, and opened again when it is lost, silent or broken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import pytest

from services.exchange import live_feed
from services.exchange.live import LiveFrames, LiveLost
from services.exchange.live_feed import LiveFeed
from shared.bybit.socket import ConnectError
from shared.messages import Message

DEADLINE_S = 5.0


class Venue:
    """Plays the venue for a LiveFeed."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.sent: list[list[bytes]] = []  # By connection.
        self.ends: list[Any] = []
        self.refuse = 1

    async def connect(self, url: str, on_frames: Any, on_end: Any) -> Venue:
        if self.refuse:
            self.refuse -= 1
            raise ConnectError("refused")
        self.sent.append([])
        self.say, self.end = on_frames, on_end
        return self

    def send_text(self, text: bytes) -> None:
        self.sent[-1].append(text)

    def close(self) -> None:
        """Nothing to do."""

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not met():
                await asyncio.sleep(0.001)


def test_it_subscribes_passes_frames_on_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = Venue()
    for name, value in {"WAIT_S_MIN": 0.001, "WAIT_S_MAX": 0.002, "SILENCE_S": 0.05, "PING_S": 0.05}.items():
        monkeypatch.setattr(live_feed, name, value)
    monkeypatch.setattr(live_feed, "connect_batched", venue.connect)

    async def play() -> None:
        feed = LiveFeed("ws://x", ["a", "b"], venue.told.append, Random(1))
        running = asyncio.ensure_future(feed.run())
        await venue.until(lambda: bool(venue.sent and venue.sent[0]))
        venue.say([b"one", b"two"], 5)
        venue.end("cut")
        await venue.until(lambda: len(venue.sent) == 2 and bool(venue.sent[1]))
        venue.say([b"three"], 6)
        feed.reset("gap")
        await venue.until(lambda: len(venue.sent) == 4)  # The third says nothing, and is given up.
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(play())
    assert orjson.loads(venue.sent[0][0])["args"] == ["a", "b"]
    told = [LiveFrames((b"one", b"two")), LiveLost("cut"), LiveFrames((b"three",)), LiveLost("gap"), LiveLost("silent")]
    assert venue.told[:5] == told
