"""The leader change: every few minutes another symbol's price runs until its day is the one worth trading.

What counts is turnover x |change| of the last 24 hours. Every symbol opens with a modest product; the leader's grows
to several times that, the one before it goes back to where it came from. The prices really trade their way there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from services.exchange.agents.regimes import RegimeValue
from services.exchange.day import Day
from services.exchange.flow import S, U
from services.exchange.grid import Regrid
from services.exchange.matching import Fill
from services.exchange.truth import EVENT, Deed, Truth
from shared.scale import E8

if TYPE_CHECKING:
    from random import Random

SYMBOLS_MIN = 5  # With fewer nobody changes places.
NEVER_LEAD = ("BTCUSDT", "ETHUSDT")  # Nobody trades these for their run.
SCORE_USDT = 20_000_000  # What products are measured in.
MODEST = (0.1, 0.35)
LEADING = (2.2, 2.6)
TURNOVER_USDT = (250_000_000, 500_000_000)
CHANGE_MAX = 0.13  # Only a symbol whose turnover allows this leads.
FIRST_NS = 60 * S
LEAD_NS = (360 * S, 600 * S)  # From one change to the next,
RUN_NS = (120 * S, 200 * S)  # of which the price runs so long.


def opening_day(rng: Random, start_ticks: int, lot_e8: int, now: int) -> Day:
    """Return a past with a modest product. ``lot_e8`` is what a lot is worth."""
    turnover = TURNOVER_USDT[0] + int((TURNOVER_USDT[1] - TURNOVER_USDT[0]) * rng.random())
    change = (MODEST[0] + (MODEST[1] - MODEST[0]) * rng.random()) * SCORE_USDT / turnover
    prev = int(start_ticks / (1.0 + change * (1 if rng.random() < 0.5 else -1)))
    return Day(now, prev, start_ticks, turnover * E8 // lot_e8, turnover * E8)


class Leaders:
    """Lets one symbol after the other run. Drawn from a stream of its own."""

    def __init__(
        self, rng: Random, days: Mapping[str, Day], values: Mapping[str, RegimeValue], truth: Truth, now: int
    ) -> None:
        self._rng, self._days, self._values, self._truth = rng, days, values, truth
        self._leader = ""
        self._from_uticks = 0  # Where the leader's run began.
        self.next_ns = now + FIRST_NS

    def act(self) -> Sequence[Fill]:
        """Choose another leader at ``next_ns``; the prices do the rest."""
        now, rng = self.next_ns, self._rng
        fit = [symbol for symbol in self._days if symbol not in (*NEVER_LEAD, self._leader) and self._fits(symbol)]
        score = SCORE_USDT * (LEADING[0] + (LEADING[1] - LEADING[0]) * rng.random())
        run_ns = RUN_NS[0] + int((RUN_NS[1] - RUN_NS[0]) * rng.random())
        dice = rng.random()
        self.next_ns += LEAD_NS[0] + int((LEAD_NS[1] - LEAD_NS[0]) * rng.random())
        if not fit:
            return ()
        if self._leader:
            self._values[self._leader].run(self._from_uticks, now + run_ns)
        symbol = self._leader = fit[int(len(fit) * dice)]
        value, day = self._values[symbol], self._days[symbol]
        self._from_uticks = value.uticks
        sign = 1 if day.last_ticks >= day.prev_24h_ticks else -1
        target = int(day.prev_24h_ticks * (1.0 + sign * self._change(symbol, score)))
        value.run(target * U, now + run_ns)
        deed = Deed("leader", "run", EVENT, symbol, sign, now)
        deed.low_ticks, deed.high_ticks = sorted((self._from_uticks // U, target))
        self._truth.tell(deed, now + run_ns)
        return ()

    def regrid(self, symbol: str, change: Regrid) -> None:
        """The symbol goes on in the steps of another grid: so does the way home from its run."""
        if symbol == self._leader:
            self._from_uticks = change.ticks(self._from_uticks)

    def _fits(self, symbol: str) -> bool:
        return self._change(symbol, SCORE_USDT * LEADING[1]) < CHANGE_MAX

    def _change(self, symbol: str, score_usdt: float) -> float:
        """Return the change of price that gives a symbol that product."""
        return score_usdt * E8 / max(1, self._days[symbol].value_e8)
