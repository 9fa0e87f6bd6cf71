"""Two lines carry the same book: whichever brings an update first is heard, the other one's copy is not."""

from __future__ import annotations

_U, _SNAPSHOT = b'"u":', b'"type":"snapshot"'


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


def update_id(data: bytes) -> int:
    """Return the frame's update id as far as a quick look finds it, -1 otherwise."""
    start = data.rfind(_U) + len(_U)
    if start < len(_U):
        return -1
    end = start
    while end < len(data) and 48 <= data[end] <= 57:
        end += 1
    return int(data[start:end]) if 0 < end - start <= 18 else -1
