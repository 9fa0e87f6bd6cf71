"""What the venue says about a symbol beside its grid: price band, funding cap, risk tiers.

The recorded list of instruments has the band and the cap. It has no tiers: those are a ladder made from the symbol's
largest leverage, in the venue's manner (each step allows 2,000,000 USDT more and asks for more margin).
"""

from __future__ import annotations

from typing import NamedTuple

from shared.messages import Instrument
from shared.scale import E8

# Where nobody says otherwise: 1 % and 2 % for the symbols with the largest leverage, 5 % and 10 % for the others (the
# venue's list has anything from 1 % to 20 %, wider as the leverage falls).
BAND_X_E8, BAND_Y_E8 = 1_000_000, 2_000_000
WIDE_X_E8, WIDE_Y_E8 = 5_000_000, 10_000_000
NARROW_FROM_E2 = 10_000
TIER_VALUE_E8 = 2_000_000 * E8
TIERS_MAX = 25


class Tier(NamedTuple):
    """One step of the risk ladder: up to ``limit_e8`` of position value."""

    number: int  # From 1.
    limit_e8: int
    maintenance_e8: int  # Fraction at 1e-8.
    deduction_e8: int  # Taken off the maintenance margin, so that it grows without steps.
    max_leverage_e2: int


class Rules(NamedTuple):
    """One symbol's rules. Fractions are at 1e-8."""

    limit_x_e8: int
    limit_y_e8: int
    tiers: tuple[Tier, ...]

    def tier(self, value_e8: int) -> Tier:
        """Return the tier of a position of that value; the last one for anything beyond."""
        for tier in self.tiers:
            if value_e8 <= tier.limit_e8:
                return tier
        return self.tiers[-1]


def ladder(max_leverage_e2: int) -> tuple[Tier, ...]:
    """Return the tiers of a symbol with that much leverage: half of the initial margin is for maintenance."""
    first_e8, tiers, deduction = E8 * 50 // max_leverage_e2, list[Tier](), 0
    for number in range(1, TIERS_MAX + 1):
        leverage = max_leverage_e2 // number
        if leverage < 100:
            break
        if tiers:
            deduction += tiers[-1].limit_e8 * first_e8 // E8
        tiers.append(Tier(number, number * TIER_VALUE_E8, number * first_e8, deduction, leverage))
    return tuple(tiers)


def usual(instrument: Instrument) -> Rules:
    """Return a symbol's rules: the band its instrument states, or the usual one where it states none."""
    stated = instrument.price_limit_x_e8, instrument.price_limit_y_e8
    if min(stated) > 0:
        return Rules(*stated, ladder(instrument.max_leverage_e2))
    narrow = instrument.max_leverage_e2 >= NARROW_FROM_E2
    near, far = (BAND_X_E8, BAND_Y_E8) if narrow else (WIDE_X_E8, WIDE_Y_E8)
    return Rules(near, far, ladder(instrument.max_leverage_e2))
