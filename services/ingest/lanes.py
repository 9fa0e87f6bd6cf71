"""Which connection carries which symbol: the venue limits the characters of all topics on one connection."""

from __future__ import annotations

TOPIC_CHARS_MAX = 21_000


class Lanes:
    """A lane is one connection, or two that carry the same books. Symbols keep their lane as long as they stay."""

    def __init__(self, lines_a_lane: int) -> None:
        self._width = lines_a_lane
        self._free: list[int] = []  # Characters left, per lane.
        self._taken: dict[str, tuple[int, int]] = {}  # Symbol -> (lane, characters).

    def take(self, symbol: str, chars: int) -> tuple[int, ...]:
        """Return the connections for a new symbol: the first lane with room, or one more."""
        assert chars <= TOPIC_CHARS_MAX and symbol not in self._taken
        lane = next((number for number, free in enumerate(self._free) if free >= chars), len(self._free))
        if lane == len(self._free):
            self._free.append(TOPIC_CHARS_MAX)
        self._free[lane] -= chars
        self._taken[symbol] = lane, chars
        return self.lines(lane)

    def leave(self, symbol: str) -> None:
        """A symbol is gone: its characters are free again."""
        lane, chars = self._taken.pop(symbol)
        self._free[lane] += chars

    def lines(self, lane: int) -> tuple[int, ...]:
        """Return the connections of a lane."""
        return tuple(range(lane * self._width, (lane + 1) * self._width))
