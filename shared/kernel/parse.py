"""Bybit's order book frame to integers, whole or not at all: the reference that says what a good frame is."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, NamedTuple

import orjson

from shared.kernel.outcome import Outcome
from shared.scale import Scale

COUNT_MAX = 10**15  # Ticks or lots of one level: a thousand of them still sum within 63 bits.
ID_MAX = 10**18  # Update ids and sequences.
MS_MAX = 9 * 10**12  # Times in ms whose ns still fit 63 bits.

_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
Levels = list[tuple[int, int]]


class Grid(NamedTuple):
    """What a number of this kind must be a multiple of: ``step`` at ``decimals`` places."""

    decimals: int
    step: int


class BookSpec(NamedTuple):
    """Which frames are meant, and on which grid."""

    topic: str
    symbol: str
    depth: int
    tick: Grid
    lot: Grid

    @classmethod
    def of(cls, symbol: str, depth: int, scale: Scale) -> BookSpec:
        """Return the spec of ``orderbook.<depth>.<symbol>``."""
        return cls(f"orderbook.{depth}.{symbol}", symbol, depth, Grid(*scale.tick_grid), Grid(*scale.lot_grid))


class BookFrame(NamedTuple):
    """One good frame. Levels are (ticks, lots) in the frame's order; 0 lots deletes."""

    is_snapshot: bool
    u: int
    seq: int
    ts_ms: int
    cts_ms: int
    bids: Levels
    asks: Levels


class Touch(NamedTuple):
    """The best level of each side as (ticks, lots), none where the side is empty, at a cross sequence."""

    seq: int
    bids: Levels
    asks: Levels


class BadFrameError(Exception):
    """Leaves the depths of a frame that is not what it should be."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome


def parse_book(frame: bytes, spec: BookSpec) -> BookFrame | Outcome:
    """Return the frame in integers, or why it is none: MALFORMED, WRONG_SYMBOL or OFF_GRID (nothing else wrong)."""
    try:
        return _book(orjson.loads(frame), spec)
    except orjson.JSONDecodeError:
        return Outcome.MALFORMED
    except BadFrameError as error:
        return error.outcome


def _book(root: Any, spec: BookSpec) -> BookFrame:
    topic, data = value_of(root, "topic", str), value_of(root, "data", dict)
    if topic != spec.topic or value_of(data, "s", str) != spec.symbol:
        raise BadFrameError(Outcome.WRONG_SYMBOL)
    kind = value_of(root, "type", str)
    if kind not in ("snapshot", "delta"):
        raise BadFrameError(Outcome.MALFORMED)
    is_snapshot = kind == "snapshot"
    ts_ms = count_of(root, "ts", MS_MAX)
    cts_ms = count_of(root, "cts", MS_MAX) if "cts" in root else ts_ms
    u, seq = count_of(data, "u", ID_MAX), count_of(data, "seq", ID_MAX)
    levels_max = spec.depth if is_snapshot else 2 * spec.depth
    on_grid = [True]
    bids = _levels(value_of(data, "b", list), spec, levels_max, on_grid)
    asks = _levels(value_of(data, "a", list), spec, levels_max, on_grid)
    if not on_grid[0]:
        raise BadFrameError(Outcome.OFF_GRID)
    if is_snapshot and not (_is_ladder(bids, -1) and _is_ladder(asks, 1)):
        raise BadFrameError(Outcome.MALFORMED)
    return BookFrame(is_snapshot, u, seq, ts_ms, cts_ms, bids, asks)


def value_of(holder: Any, key: str, kind: type) -> Any:
    """Return ``holder[key]``, which must be of exactly this type; raises BadFrameError."""
    value = holder.get(key) if type(holder) is dict else None
    if type(value) is not kind:
        raise BadFrameError(Outcome.MALFORMED)
    return value


def count_of(holder: Any, key: str, limit: int) -> int:
    """Return the integer ``holder[key]``, 0 <= value < limit; raises BadFrameError."""
    value: int = value_of(holder, key, int)
    if not 0 <= value < limit:
        raise BadFrameError(Outcome.MALFORMED)
    return value


def _levels(rows: list[Any], spec: BookSpec, levels_max: int, on_grid: list[bool]) -> Levels:
    if len(rows) > levels_max:
        raise BadFrameError(Outcome.MALFORMED)
    levels: Levels = []
    for row in rows:
        if type(row) is not list or len(row) != 2:
            raise BadFrameError(Outcome.MALFORMED)
        ticks, lots = steps(row[0], spec.tick), steps(row[1], spec.lot)
        if ticks is None or lots is None:
            on_grid[0] = False
        elif ticks == 0:
            raise BadFrameError(Outcome.MALFORMED)
        else:
            levels.append((ticks, lots))
    return levels


def steps(text: Any, grid: Grid) -> int | None:
    """Return the number in ``text`` as a count of steps; None when it is off the grid.

    Raises BadFrameError for what is not plain decimal text (no sign, no exponent) or far too large.
    """
    if type(text) is not str or not _NUMBER.fullmatch(text):
        raise BadFrameError(Outcome.MALFORMED)
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > grid.decimals:
        return None
    value = int(whole + fraction.ljust(grid.decimals, "0"))
    if value % grid.step:
        return None
    if not value // grid.step <= COUNT_MAX:
        raise BadFrameError(Outcome.MALFORMED)
    return value // grid.step


def _is_ladder(levels: Levels, sign: int) -> bool:
    keys = [sign * ticks for ticks, _ in levels]
    return all(left < right for left, right in pairwise(keys)) and all(lots for _, lots in levels)
