"""One side of an order book: sorted integer levels, best first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

NOWHERE = -(1 << 62)  # Nearer than every price.


class Side:
    """Levels of one side. ``sign`` is -1 for bids and 1 for asks, so that sign x ticks rises away from the touch."""

    __slots__ = ("_keys", "_lots", "_sign")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[int] = []
        self._lots: list[int] = []

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, ticks: int, lots: int) -> int:
        """Set the size at a price (0 deletes, also what is not there); return the size before."""
        key = self._sign * ticks
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            before = self._lots[at]
            if lots:
                self._lots[at] = lots
            else:
                del self._keys[at], self._lots[at]
            return before
        if lots:
            self._keys.insert(at, key)
            self._lots.insert(at, lots)
        return 0

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        """Become ``levels``: (ticks, lots), best first."""
        self.clear()
        for ticks, lots in levels:
            self._keys.append(self._sign * ticks)
            self._lots.append(lots)

    def pop_worst(self) -> tuple[int, int]:
        """Remove the level furthest from the touch; return (ticks, lots)."""
        return self._sign * self._keys.pop(), self._lots.pop()

    def copy(self) -> Side:
        """Return a copy that shares nothing."""
        other = Side(self._sign)
        other._keys, other._lots = self._keys[:], self._lots[:]
        return other

    def clear(self) -> None:
        """Remove every level."""
        self._keys.clear()
        self._lots.clear()

    @property
    def best(self) -> int:
        """The best price in ticks, 0 when there is none."""
        return self._sign * self._keys[0] if self._keys else 0

    @property
    def lots_at_best(self) -> int:
        """The size at the best price, 0 when there is none."""
        return self._lots[0] if self._lots else 0

    def lots_at(self, ticks: int) -> int:
        """Return the size at a price, 0 when there is none."""
        key = self._sign * ticks
        at = bisect_left(self._keys, key)
        return self._lots[at] if at < len(self._keys) and self._keys[at] == key else 0

    def depth(self, levels: int) -> int:
        """Return the lots on the best ``levels`` levels."""
        return sum(self._lots[:levels])

    def reach(self, levels: int) -> int:
        """Return how far out the best ``levels`` levels reach, as sign x ticks; NOWHERE when there is none."""
        keys = self._keys
        return keys[levels - 1] if len(keys) >= levels else keys[-1] if keys else NOWHERE

    @property
    def end(self) -> int:
        """Where the worst level stands, as sign x ticks; NOWHERE when there is none."""
        return self._keys[-1] if self._keys else NOWHERE

    def levels(self, count: int | None = None) -> list[tuple[int, int]]:
        """Return the best ``count`` levels (all by default) as (ticks, lots)."""
        return [(self._sign * key, lots) for key, lots in zip(self._keys[:count], self._lots[:count], strict=True)]

    @property
    def ticks(self) -> list[int]:
        """All prices, best first."""
        return [self._sign * key for key in self._keys]

    @property
    def lots(self) -> list[int]:
        """All sizes, best first."""
        return self._lots[:]
