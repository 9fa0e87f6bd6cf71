"""How much stands before an order of ours at its price: an estimate, for nothing but showing.

Theory of operation. A venue serves one price in the order of arrival, but shows only the sum. What is there when we
join stands in front; what comes later stands behind. A trade takes from the front. Any other decrease is a cancel, and
hits front and back with chances that grow with their sizes: of a decrease x the share p = f(back) / (f(back) +
f(front)) is taken from behind, what the back cannot bear from the front, and never is there more in front than is
shown in all.
"""

from __future__ import annotations

POWER = 1.0  # f(x) = x ** POWER: 1 lets every lot be cancelled with the same chance.


def after_cancel(front: float, back: float, decrease: float, shown: float, power: float = POWER) -> float:
    """Return what is left in front when ``decrease`` lots were cancelled and ``shown`` lots remain beside ours."""
    weights: tuple[float, float] = back**power, front**power
    total = sum(weights)
    behind = weights[0] / total if total > 0 else 0.0
    left = front - (1 - behind) * decrease + min(back - behind * decrease, 0.0)
    return max(0.0, min(left, shown, front))


class Queue:
    """One order's place. Sizes in lots, our own left out; ``front`` is the estimate."""

    __slots__ = ("front", "shown", "traded")

    def __init__(self, shown: float) -> None:
        self.front = self.shown = max(shown, 0.0)
        self.traded = 0.0

    def see(self, traded: float, shown: float | None) -> None:
        """Take one look at the price: all that has traded there since we joined, and what is shown (None: unknown)."""
        if traded > self.traded:
            self.trade(traded - self.traded)
            self.traded = traded
        if shown is not None:
            self.level(shown)

    def trade(self, lots: float) -> None:
        """Take a trade at our price: whoever came first was served first."""
        self.front = max(0.0, self.front - lots)
        self.shown = max(0.0, self.shown - lots)

    def level(self, shown: float) -> None:
        """Take what is shown now; what went without a trade was cancelled, what came stands behind us."""
        shown = max(shown, 0.0)
        if shown < self.shown:
            self.front = after_cancel(self.front, self.shown - self.front, self.shown - shown, shown)
        self.shown = shown
