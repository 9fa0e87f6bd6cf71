"""Two lines carry the same topics: whichever brings something first is heard, the other one's copy is not.

Books by update id, trades by trade id, tickers by the time at which the venue made them. A frame is told apart before
the kernel has judged it, and counts as heard only after: `took` says that it was good. A copy of a damaged frame is
then still welcome.
"""

from __future__ import annotations

import re
from itertools import islice

import orjson

_U, _TS, _SNAPSHOT = b'"u":', b'"ts":', b'"type":"snapshot"'
_TRADE_ID = re.compile(rb'[{,]"i":"([^"\\]{1,64})"')
AHEAD_MAX = 4_096  # Trades that one line is ahead of the other, at most: some frames of the largest size.


class Arbiter:
    """First arrival wins, by update id. A line's ids begin anew when the venue's push service restarts behind it: a
    snapshot below the line's own last id opens a new era, and an older era's frames are never heard again.
    """

    __slots__ = ("_eras", "_heard", "_joining", "_last", "_offered")

    def __init__(self) -> None:
        self._heard = self._offered = (0, -1)  # Era and update id: of the newest frame in the book, of the last seen.
        self._eras: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._joining: set[int] = set()

    def join(self, line: int) -> None:
        """A subscription on this line was asked for: its next snapshot shows how far the stream is, nothing else."""
        self._joining.add(line)

    def reset(self) -> None:
        """The book is void: the next snapshot is welcome whatever its number."""
        self._heard = (self._heard[0], -1)

    def is_first(self, line: int, data: bytes) -> bool:
        """Whether this frame brings something that was not heard yet. What is not understood is for the kernel."""
        u = update_id(data)
        if u < 0:
            return True
        era = self._eras.get(line, 0)
        if _SNAPSHOT in data[:256]:
            if line in self._joining:
                self._joining.discard(line)
                era = self._heard[0]
            elif u < self._last.get(line, -1):
                era += 1
            self._eras[line] = era
        self._last[line] = u
        self._offered = era, u
        return self._offered > self._heard

    def took(self) -> None:
        """The frame that was let through last is in the book now."""
        self._heard = self._offered


class TradeArbiter:
    """Remembers the trades that one line brought and the other has still to bring: none while both keep step.

    Lines may cut the same stream into frames in their own ways, so trades are told apart one by one.
    """

    __slots__ = ("_ahead", "_offered")

    def __init__(self) -> None:
        self._ahead: dict[bytes, int] = {}  # Trade id -> the line that brought it.
        self._offered: dict[bytes, int] = {}

    def fresh(self, line: int, data: bytes) -> bytes:
        """Return the frame with those trades only that were not heard yet; empty when there are none."""
        ids = _TRADE_ID.findall(data)
        heard = {number for number, trade_id in enumerate(ids) if self._is_heard(line, trade_id)}
        self._offered = dict.fromkeys((ids[number] for number in range(len(ids)) if number not in heard), line)
        if not heard:
            return data
        return _without(data, heard, len(ids)) if self._offered else b""

    def _is_heard(self, line: int, trade_id: bytes) -> bool:
        first = self._ahead.get(trade_id)
        if first is None:
            return False
        if first != line:
            del self._ahead[trade_id]  # Both have brought it.
        return True

    def took(self) -> None:
        """The frame that was let through last was good."""
        self._ahead |= self._offered
        for trade_id in list(islice(self._ahead, max(0, len(self._ahead) - AHEAD_MAX))):
            del self._ahead[trade_id]


class TickerArbiter:
    """First arrival wins, by the venue's time. Values are absolute and each line's changes are complete, so what the
    newest frame of either line leaves behind is the state as of then.
    """

    __slots__ = ("_heard", "_offered")

    def __init__(self) -> None:
        self._heard = self._offered = (-1, -1)  # Time in ms, line.

    def fresh(self, line: int, data: bytes) -> bytes:
        """Return the frame, or nothing when the other line has brought as much. Rubbish is for the kernel."""
        ts_ms = number_after(_TS, data)
        heard_ms, by = self._heard
        if ts_ms >= 0 and (ts_ms < heard_ms or (ts_ms == heard_ms and line != by)):
            return b""
        self._offered = (ts_ms, line) if ts_ms >= 0 else self._heard
        return data

    def took(self) -> None:
        """The frame that was let through last was good."""
        self._heard = self._offered


def _without(data: bytes, heard: set[int], count: int) -> bytes:
    """Return a frame of ``count`` trades without those ``heard``; unchanged if it cannot be understood."""
    try:
        frame = orjson.loads(data)
        rows = frame["data"]
        if len(rows) != count:
            return data
        frame["data"] = [row for number, row in enumerate(rows) if number not in heard]
        return orjson.dumps(frame)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return data


def update_id(data: bytes) -> int:
    """Return the frame's update id as far as a quick look finds it, -1 otherwise."""
    return number_after(_U, data)


def number_after(key: bytes, data: bytes) -> int:
    """Return the whole number after the last ``key``, -1 if there is none of at most 18 digits."""
    start = data.rfind(key) + len(key)
    if start < len(key):
        return -1
    end = start
    while end < len(data) and 48 <= data[end] <= 57:
        end += 1
    return int(data[start:end]) if 0 < end - start <= 18 else -1
