"""How fast simulated time goes without a clock to wait for, and whether memory grows with it."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import orjson
import psutil

from services.exchange.main import make_core
from services.exchange.sockets import PUBLIC_PATH
from services.exchange.wire import SocketFrames, SocketOpened, SocketText
from shared.config import Config, Exchange
from shared.messages import Started, Tick

MS = 1_000_000
TICK_NS = 10 * MS
START_NS = 1_790_000_000_000_000_000
SYMBOL = "BTCUSDT"
TOPICS = [f"orderbook.50.{SYMBOL}", f"publicTrade.{SYMBOL}", f"tickers.{SYMBOL}"]
PARTS = 8  # How often memory is looked at.
Figures = dict[str, Any]


def accelerated(hours: float) -> Figures:
    """Simulate one symbol's market with one listener to its book, trades and ticker."""
    section = msgspec.structs.replace(Exchange(), symbols=(SYMBOL,), persist=False)
    core = make_core(msgspec.structs.replace(Config(), exchange=section))
    core.on_started(Started("exchange", "bench", 0), START_NS)
    core.on_socket_opened(SocketOpened(1, PUBLIC_PATH), START_NS)
    core.on_socket_text(SocketText(1, orjson.dumps({"op": "subscribe", "args": TOPICS})), START_NS)
    ticks = int(hours * 3600 * 1_000_000_000 // TICK_NS)
    process, tick, now = psutil.Process(), Tick(), START_NS
    memory_mb = [process.memory_info().rss / 2**20]
    frames, started_s = 0, time.monotonic()
    for part in range(PARTS):
        for _ in range(ticks * part // PARTS, ticks * (part + 1) // PARTS):
            now += TICK_NS
            frames += sum(len(said.frames) for said in core.on_tick(tick, now) if isinstance(said, SocketFrames))
        memory_mb.append(process.memory_info().rss / 2**20)
    spent_s = time.monotonic() - started_s
    simulated = (now - START_NS) / 3.6e12
    return {
        "hours": simulated, "seconds": spent_s, "hours_per_s": simulated / spent_s, "frames": frames,
        "memory_mb": [round(value, 1) for value in memory_mb], "growth_mb": memory_mb[-1] - memory_mb[0],
        "growth_second_half_mb": memory_mb[-1] - memory_mb[PARTS // 2],
    }  # fmt: skip
