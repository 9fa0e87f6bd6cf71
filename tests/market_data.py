"""Builders for market-data tests: segments in plain bytearrays, frames in Bybit's shape, the real recording."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from shared import layout
from shared.mirror import BookTable, format_books
from shared.ring import RingReader, RingWriter, format_ring
from shared.scale import Scale

ROOT = Path(__file__).resolve().parents[1]
RECORDING = ROOT.parent / "shared" / "data" / "bybit-linear-20260809-btc-eth.ndjson.gz"
BTC, ETH = Scale("0.10", "0.001"), Scale("0.01", "0.01")
SYMBOL = "BTCUSDT"
Level = tuple[str, str]


def table(*, depth: int = 50, symbols_max: int = 4, generation: int = 1) -> BookTable:
    buffer = bytearray(layout.books_bytes(symbols_max, depth))
    format_books(buffer, symbols_max=symbols_max, depth=depth, generation=generation)
    return BookTable(buffer)


def ring(capacity: int = 4096, generation: int = 1) -> RingWriter:
    buffer = bytearray(layout.ring_bytes(capacity))
    format_ring(buffer, capacity, generation)
    return RingWriter(buffer)


def reader(writer: RingWriter) -> RingReader:
    return RingReader(writer.buffer, 0)


def book_frame(
    kind: str,
    u: int,
    bids: list[Level],
    asks: list[Level],
    *,
    symbol: str = SYMBOL,
    depth: int = 50,
    ts: int = 1_790_000_000_000,
) -> bytes:
    data = {"s": symbol, "b": bids, "a": asks, "u": u, "seq": 1000 + u}
    return orjson.dumps({"topic": f"orderbook.{depth}.{symbol}", "type": kind, "ts": ts + 4, "data": data, "cts": ts})


def price(ticks: int) -> str:
    """Text of a price on the BTC grid."""
    return f"{ticks // 10}.{ticks % 10}0"


def size(lots: int) -> str:
    """Text of a size on the BTC grid."""
    return f"{lots // 1000}.{lots % 1000:03d}" if lots else "0"


def levels(pairs: list[tuple[int, int]]) -> list[Level]:
    return [(price(ticks), size(lots)) for ticks, lots in pairs]


def random_walk(seed: int, count: int, *, depth: int = 50) -> Iterator[bytes]:
    """Yield a snapshot and ``count`` deltas of a sound book that keeps to ``depth`` levels, as the venue does."""
    rng = random.Random(seed)
    mid = 651_140
    held = {-1: {mid - n: rng.randint(1, 5000) for n in range(depth)}, 1: {mid + 1 + n: 7 for n in range(depth)}}
    yield book_frame("snapshot", 1, _sorted(held[-1], -1), _sorted(held[1], 1), depth=depth)
    for u in range(2, count + 2):
        changes = {side: _shift(rng, levels_, side, depth) for side, levels_ in held.items()}
        yield book_frame("delta", u, _sorted(changes[-1], -1), _sorted(changes[1], 1), depth=depth)


def _shift(rng: random.Random, held: dict[int, int], sign: int, depth: int) -> dict[int, int]:
    """Change some levels, delete some, and fill up at the far end."""
    changed: dict[int, int] = {}
    for ticks in rng.sample(sorted(held), rng.randint(0, min(5, len(held)))):
        changed[ticks] = held[ticks] = rng.randint(1, 5000)
    for ticks in rng.sample(sorted(held), rng.randint(0, min(3, len(held) - 1))):
        del held[ticks]
        changed[ticks] = 0
    while len(held) < depth:
        far = sign * max(sign * ticks for ticks in held) + sign
        changed[far] = held[far] = rng.randint(1, 5000)
    return changed


def _sorted(side: dict[int, int], sign: int) -> list[Level]:
    return levels(sorted(side.items(), key=lambda level: sign * level[0]))


def recording() -> list[tuple[int, bytes]]:
    """Return (receive ns, frame) of the real recording; skips the test where it is absent."""
    if not RECORDING.exists():
        pytest.skip(f"the real recording is not here: {RECORDING}")
    with gzip.open(RECORDING) as lines:
        pairs = [line.rstrip().split(b" ", 1) for line in lines]
    return [(int(at), frame) for at, frame in pairs]
