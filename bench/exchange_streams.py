"""What one client hears on its core: how many book frames a second, and how late they are."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from array import array
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any

import orjson
import psutil
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.exchange_server import CLIENT_CPU, OPEN_S, Server, names, pin, serving

WARM_S = 2.0
SLOT_MS = 20  # Interval of orderbook.50.
ASK_MAX = 60  # Topics in one request, and a moment between two: a thousand snapshots at once would choke the line.
ASK_PAUSE_S = 0.05
Figures = dict[str, Any]


class Ear(WSListener):
    """Keeps every frame and when it came; looks at them afterwards."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.times_ns = array("q")
        self.listening = False
        self.acks = 0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        now_ns, data = time.time_ns(), frame.get_payload_as_bytes()
        if not data.startswith(b'{"topic"'):
            self.acks += 1
        elif self.listening:
            self.times_ns.append(now_ns)
            self.frames.append(data)


def _listen(pipe: Connection, port: int, pid: int, topics: list[str], seconds: float) -> None:
    """Be the client: listen to ``topics`` for a while and send what was heard to the pipe."""
    place = pin(CLIENT_CPU)
    ear = Ear()
    spent = asyncio.run(_hear(ear, port, psutil.Process(pid), topics, seconds))
    pipe.send(({**_examine(ear.frames), **spent, "client": place}, _lateness_ms(ear)))


async def _hear(ear: Ear, port: int, server: psutil.Process, topics: list[str], seconds: float) -> Figures:
    """Listen; return how long it took and which share of a core each side was busy."""
    url = f"ws://127.0.0.1:{port}/v5/public/linear"
    transport, _ = await ws_connect(lambda: ear, url, websocket_handshake_timeout=OPEN_S)
    asks = range(0, len(topics), ASK_MAX)
    for first in asks:
        request = {"op": "subscribe", "args": topics[first : first + ASK_MAX]}
        transport.send(WSMsgType.TEXT, orjson.dumps(request))
        await asyncio.sleep(ASK_PAUSE_S)
    while ear.acks < len(asks):
        await asyncio.sleep(ASK_PAUSE_S)
    await asyncio.sleep(WARM_S)
    ear.listening = True
    ours_s, theirs_s, started_s = time.process_time(), sum(server.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(seconds)
    ear.listening = False
    spent_s = time.monotonic() - started_s
    ours_s, theirs_s = time.process_time() - ours_s, sum(server.cpu_times()[:2]) - theirs_s
    transport.disconnect()
    return {"seconds": spent_s, "client_cpu": ours_s / spent_s, "server_cpu": theirs_s / spent_s}


def _examine(frames: list[bytes]) -> Figures:
    """Count what came: every frame a book's, no two alike, no update id left out."""
    ids: dict[str, list[int]] = {}
    others = 0
    for data in frames:
        frame = orjson.loads(data)
        if str(frame.get("topic", "")).startswith("orderbook."):
            ids.setdefault(frame["topic"], []).append(frame["data"]["u"])
        else:
            others += 1
    gaps = sum(new != old + 1 for topic, found in ids.items() for old, new in pairwise(found) if ".1." not in topic)
    count = len(frames)
    return {
        "frames": count - others, "different": len(set(frames)), "gaps": gaps, "topics": len(ids),
        "bytes": sum(map(len, frames)) // max(count, 1),
    }  # fmt: skip


def _lateness_ms(ear: Ear) -> list[float]:
    """Return how long after its slot of 20 ms each frame came.

    A slot in which no symbol at all was heard was left out by a server that was busy: its frames count as waiting until
    the next one that came.
    """
    slots: dict[int, list[float]] = {}
    for data, at_ns in zip(ear.frames, ear.times_ns, strict=True):
        slot = orjson.loads(data)["ts"] // SLOT_MS * SLOT_MS
        slots.setdefault(slot, []).append(at_ns / 1e6 - slot)
    if not slots:
        return []
    usual = max(1, len(ear.frames) // len(slots))
    late = [wait for waits in slots.values() for wait in waits]
    for old, new in pairwise(sorted(slots)):
        for missing in range(old + SLOT_MS, new, SLOT_MS):
            late += [new - missing + min(slots[new])] * usual
    return late


def hear(server: Server, topics: list[str], seconds: float) -> tuple[Figures, list[float]]:
    """Let a client in a process of its own listen."""
    ours, theirs = multiprocessing.Pipe()
    args = (theirs, server.port, server.process.pid, topics, seconds)
    client = multiprocessing.get_context("spawn").Process(target=_listen, args=args)
    client.start()
    theirs.close()
    try:
        found: tuple[Figures, list[float]] = ours.recv()
    except EOFError:
        raise SystemExit("bench: the client failed") from None
    finally:
        client.join()
    return found


def fan_out(symbols: int, seconds: float) -> Figures:
    """Measure book frames a second of this many symbols' depths 1, 50 and 200 to one client."""
    topics = [f"orderbook.{depth}.{name}" for name in names(symbols) for depth in (1, 50, 200)]
    with serving(symbols, seed=1) as server:
        figures, _ = hear(server, topics, seconds)
    rate = figures["frames"] / figures["seconds"]
    return {"symbols": symbols, "frames_per_s": rate, "frames_per_cpu_s": rate / figures["server_cpu"], **figures}


def held(symbols: int, seconds: float) -> Figures:
    """Measure how late the frames of this many symbols' orderbook.50 come."""
    topics = [f"orderbook.50.{name}" for name in names(symbols)]
    with serving(symbols, seed=1) as server:
        figures, late = hear(server, topics, seconds)
    late.sort()
    at = {name: late[min(len(late) - 1, int(len(late) * share))] for name, share in SHARES} if late else {}
    return {"symbols": symbols, "frames_per_s": figures["frames"] / figures["seconds"], **at, **figures}


SHARES = (("late_p50_ms", 0.5), ("late_p99_ms", 0.99), ("late_max_ms", 1.0))
