"""A value whose volatility and whose drift come in regimes that last, and can be told from outside.

Volatility is quiet, normal, high or extreme: below 0.3, 1.2, 3.0 or above, annualised over 365 days. Independently the
value goes on as it went (momentum), or comes back to where the regime began (reverting).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.exchange.flow import S, U
from services.exchange.truth import EVENT, Deed, Truth

if TYPE_CHECKING:
    from random import Random

YEAR_S = 365 * 86_400
VOLATILITIES = {"quiet": (0.08, 0.2), "normal": (0.5, 0.9), "high": (1.6, 2.3), "extreme": (4.2, 6.0)}  # Annualised.
VOLATILITY_DWELL_NS = (60 * S, 180 * S)
DRIFTS = ("momentum", "reverting")
DRIFT_DWELL_NS = (20 * S, 60 * S)
MOMENTUM = (0.3, 0.6)  # Drift per second in standard deviations of a second.
REVERSION_PER_S = 0.5  # Of the distance to the anchor.
HOME_MAX = 0.4  # The way home is never faster than this, in standard deviations of a second.
HOME_S = 300  # The time constant of the way home: prices stay in the same region for ever.
MOVE_NS_MAX = S  # Of a longer pause the value moves only this much.
LEAN = 0.6  # How far the makers lean into a momentum.


class RegimeValue:
    """The hidden value of one symbol. ``volatilities`` are the regimes it knows."""

    def __init__(
        self, symbol: str, rng: Random, start_ticks: int, now: int, truth: Truth, volatilities: tuple[str, ...]
    ) -> None:
        self._symbol, self._rng, self._truth, self._names = symbol, rng, truth, volatilities
        self.home_uticks = self.uticks = start_ticks * U + U // 2
        self._at_ns = self._held_ns = now
        self._sd_uticks = 0.0  # Of a second.
        self._drift = self._sign = 0.0
        self._anchor_uticks = self.uticks
        self._volatility = self._deed("volatility", "", now)
        self._course = self._deed("drift", "", now)
        self._volatility_ends_ns = self._course_ends_ns = self._run_ends_ns = now

    @property
    def lean(self) -> float:
        """The makers lean into a momentum."""
        return LEAN * self._sign

    @property
    def pushing(self) -> bool:
        """Everybody is in a hurry while the value goes one way."""
        return self._sign != 0

    def hold(self, until_ns: int) -> None:
        """Let the value stand still until then: what others do in the book has the stage for itself."""
        self._held_ns = until_ns

    def nudge(self, uticks: int) -> None:
        """Move the value at once."""
        self.uticks += uticks
        self._anchor_uticks += uticks

    def run(self, to_uticks: int, until_ns: int) -> None:
        """Let the value go somewhere else by then, and stay around there."""
        self.home_uticks, self._run_ends_ns = to_uticks, until_ns

    def move(self, now: int) -> None:
        """Let the value move on to ``now``. As many draws are made whether it is held or not."""
        if now >= self._volatility_ends_ns:
            self._next_volatility(now)
        if now >= self._course_ends_ns:
            self._next_course(now)
        noise = self._rng.gauss(0.0, 1.0)
        passed_s = min(MOVE_NS_MAX, now - max(self._at_ns, self._held_ns)) / S
        self._at_ns = now
        if passed_s <= 0.0:
            return
        step = self._sd_uticks * (noise * passed_s**0.5 + self._sign * self._drift * passed_s)
        left_s = (self._run_ends_ns - now) / S
        step += self._homewards(left_s) * passed_s
        if left_s > 0.0:
            self._anchor_uticks = self.uticks
        elif not self._sign:
            step += (self._anchor_uticks - self.uticks) * REVERSION_PER_S * passed_s
        self.uticks = max(U, self.uticks + int(step))

    def _homewards(self, left_s: float) -> float:
        """Return the way home in a second: as fast as a run wants it, else slow beside the noise of the regime."""
        way = float(self.home_uticks - self.uticks)
        if left_s > 0.0:
            return way / max(1.0, left_s)
        most = HOME_MAX * self._sd_uticks
        return max(-most, min(most, way / HOME_S))

    def _next_volatility(self, now: int) -> None:
        """Choose another volatility; tell of the one that is over."""
        if self._volatility.form:
            self._truth.tell(self._volatility, now)
        others = [name for name in self._names if name != self._volatility.form] or list(self._names)
        name = others[int(len(others) * self._rng.random())]
        low, high = VOLATILITIES[name]
        level = low + (high - low) * self._rng.random()
        self._sd_uticks = self.uticks * level / YEAR_S**0.5
        self._volatility = self._deed("volatility", name, now)
        self._volatility.details["annualised_e4"] = int(level * 10_000)
        self._volatility_ends_ns = now + self._dwell(VOLATILITY_DWELL_NS)

    def _next_course(self, now: int) -> None:
        """Go on or come back; tell of what is over."""
        if self._course.form:
            self._truth.tell(self._course, now)
        name = DRIFTS[int(2 * self._rng.random())]
        up = self._rng.random() < 0.5
        low, high = MOMENTUM
        self._drift = low + (high - low) * self._rng.random()
        self._sign = (1.0 if up else -1.0) if name == "momentum" else 0.0
        self._anchor_uticks = self.uticks
        self._course = self._deed("drift", name, now, int(self._sign))
        self._course_ends_ns = now + self._dwell(DRIFT_DWELL_NS)

    def _dwell(self, span_ns: tuple[int, int]) -> int:
        return span_ns[0] + int((span_ns[1] - span_ns[0]) * self._rng.random())

    def _deed(self, kind: str, form: str, now: int, side: int = 0) -> Deed:
        return Deed(kind, form, EVENT, self._symbol, side, now)
