"""How many order requests may still leave: so many a second, some of them kept for getting out.

Everything that goes to the venue's order endpoints is counted; only entries ever wait for it, and they leave a reserve.
What may not wait may overdraw, so that the venue is not asked more than it allows by what follows.
"""

from __future__ import annotations

from shared.clock import NS_PER_S


class Bucket:
    """Tokens, counted in the time that they take to come back, so that no fraction is ever lost."""

    def __init__(self, per_s: int) -> None:
        self._cost_ns, self._full_ns = NS_PER_S // per_s, NS_PER_S // per_s * per_s
        self._level_ns, self._at_ns = self._full_ns, 0

    def left(self, now: int) -> int:
        """Return how many requests may leave now; below 0 when too many have."""
        self._refill(now)
        return self._level_ns // self._cost_ns

    def spend(self, requests: int, now: int) -> None:
        """Count requests that have left."""
        self._refill(now)
        self._level_ns = max(self._level_ns - requests * self._cost_ns, -self._full_ns)

    def _refill(self, now: int) -> None:
        self._level_ns = min(self._full_ns, self._level_ns + max(0, now - self._at_ns))
        self._at_ns = max(self._at_ns, now)
