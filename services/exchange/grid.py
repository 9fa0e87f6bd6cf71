"""From one grid to another: what prices and sizes become when the venue changes an instrument's tick or lot."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from shared.messages import Instrument
from shared.scale import Scale, to_e8


class Regrid(NamedTuple):
    """A change of one symbol's grid."""

    old: Scale
    new: Scale

    def ticks(self, ticks: int) -> int:
        """Return the price on the new grid that is nearest to one of the old; above zero where that is."""
        return _nearest(ticks * self.old.tick_e8, self.new.tick_e8)

    def ticks_down(self, ticks: int) -> int:
        """Return the highest price of the new grid that is not above one of the old, at least one tick."""
        return max(1, ticks * self.old.tick_e8 // self.new.tick_e8)

    def ticks_up(self, ticks: int) -> int:
        """Return the lowest price of the new grid that is not below one of the old."""
        return -(-ticks * self.old.tick_e8 // self.new.tick_e8)

    def lots(self, lots: int) -> int:
        """Return the nearest size on the new grid; above zero where that is."""
        return _nearest(lots * to_e8(self.old.lot), to_e8(self.new.lot))

    def fits_ticks(self, *ticks: int) -> bool:
        """Whether all of these prices are on the new grid too."""
        return all(one * self.old.tick_e8 % self.new.tick_e8 == 0 for one in ticks)

    def fits_lots(self, *lots: int) -> bool:
        """Whether all of these sizes are on the new grid too."""
        return all(one * to_e8(self.old.lot) % to_e8(self.new.lot) == 0 for one in lots)


def _nearest(value: int, step: int) -> int:
    steps = (2 * abs(value) + step) // (2 * step)
    if value and not steps:
        steps = 1
    return -steps if value < 0 else steps


def regridded(rules: Instrument, tick: str, lot: str) -> Instrument:
    """Return the same instrument on another grid: its limits stay what they were, as far as the grid allows."""
    if (tick, lot) == (rules.tick, rules.lot):
        return rules
    was, now = to_e8(rules.lot), to_e8(lot)
    return msgspec.structs.replace(
        rules,
        tick=tick,
        lot=lot,
        min_lots=max(1, -(-rules.min_lots * was // now)),
        max_lots=max(1, rules.max_lots * was // now),
        max_market_lots=max(1, rules.max_market_lots * was // now),
    )
