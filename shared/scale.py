"""Where decimal text becomes integers: prices in ticks, sizes in lots, and money at 1e-8."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from math import gcd

# Decimal alone would also take "1_000", "1e999", other alphabets' digits and "nan".
_PLAIN = re.compile(r"-?[0-9]{1,24}(\.[0-9]{0,18})?")

E8 = 100_000_000


class OffGridError(ValueError):
    """A price or size is not a whole number of steps: the instrument's rules have changed, or the text is bad."""


class OtherGridError(OffGridError):
    """A plain number that is no whole number of steps."""


def _number(text: str) -> Decimal:
    if not _PLAIN.fullmatch(text):
        raise OffGridError(f"{text!r} is not a plain decimal number")
    return Decimal(text)


@lru_cache(4096)
def _grid(step: str) -> tuple[int, int]:
    """Return (decimals of ``step``, ``step`` as an integer at those decimals)."""
    value = Decimal(step) if _PLAIN.fullmatch(step) else Decimal(0)
    if not value > 0:
        raise ValueError(f"step must be a positive decimal, got {step!r}")
    exponent = value.as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    return decimals, int(value.scaleb(decimals))


@lru_cache(4096)
def _step_e8(step: str) -> int:
    return to_e8(step)


def _count(text: str, decimals: int, unit: int, step: str) -> int:
    """Return how many steps ``text`` is, exactly; sign is kept."""
    scaled = _number(text).scaleb(decimals)
    whole = int(scaled)
    if whole != scaled or whole % unit:
        raise OtherGridError(f"{text!r} is not a multiple of {step}")
    return whole // unit


def _text(steps: int, decimals: int, unit: int) -> str:
    """Return ``steps`` as plain decimal text with the step's own number of decimals."""
    value = steps * unit
    if not decimals:
        return str(value)
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


class Scale:
    """One instrument's grid. ``tick`` and ``lot`` are the venue's decimal texts, for example "0.10" and "0.001"."""

    __slots__ = ("_lot", "_over", "_tick", "_value", "lot", "per_e8", "tick", "tick_e8")

    def __init__(self, tick: str, lot: str) -> None:
        self.tick, self.lot = tick, lot
        self._tick, self._lot = _grid(tick), _grid(lot)
        (tick_decimals, ticks), (lot_decimals, lots) = self._tick, self._lot
        decimals = tick_decimals + lot_decimals
        self._value, self._over = ticks * lots * int(10 ** max(0, 8 - decimals)), int(10 ** max(0, decimals - 8))
        self.per_e8 = int(10**decimals), ticks * lots * E8  # Lots that 1e-8 buys at one tick, as a fraction.
        self.tick_e8 = _step_e8(tick)  # One tick of the quote coin (exact: Bybit's finest tick is 1e-8).

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scale) and (self._tick, self._lot) == (other._tick, other._lot)

    def __hash__(self) -> int:
        return hash((self._tick, self._lot))

    def __repr__(self) -> str:
        return f"Scale({self.tick!r}, {self.lot!r})"

    def price_ticks(self, text: str) -> int:
        """Return ``text`` in ticks. Raises OffGridError when it is not on the grid."""
        return _count(text, *self._tick, self.tick)

    def qty_lots(self, text: str) -> int:
        """Return ``text`` in lots. Raises OffGridError when it is not on the grid."""
        return _count(text, *self._lot, self.lot)

    def price_text(self, ticks: int) -> str:
        """Return the decimal text Bybit expects for ``ticks``."""
        return _text(ticks, *self._tick)

    def qty_text(self, lots: int) -> str:
        """Return the decimal text Bybit expects for ``lots``."""
        return _text(lots, *self._lot)

    @property
    def tick_size(self) -> float:
        """One tick as a float, for features and reports only."""
        return float(self.tick)

    @property
    def lot_size(self) -> float:
        """One lot as a float, for features and reports only."""
        return float(self.lot)

    @property
    def tick_grid(self) -> tuple[int, int]:
        """(decimals, step at those decimals) of the price grid: what an exact integer parser needs."""
        return self._tick

    @property
    def lot_grid(self) -> tuple[int, int]:
        """(decimals, step at those decimals) of the size grid."""
        return self._lot

    def value_e8(self, ticks: int, lots: int) -> int:
        """Return price x size in the quote coin at 1e-8, rounded towards zero."""
        value, over = ticks * lots * self._value, self._over
        if over == 1:
            return value
        return value // over if value >= 0 else -(-value // over)


def common(one: Scale, other: Scale) -> Scale:
    """Return the coarsest grid that holds every price and size of both."""
    return Scale(_common(one.tick_grid, other.tick_grid), _common(one.lot_grid, other.lot_grid))


def _common(one: tuple[int, int], other: tuple[int, int]) -> str:
    decimals = max(one[0], other[0])
    steps = (unit * 10 ** (decimals - own) for own, unit in (one, other))
    return _text(gcd(*steps), decimals, 1)


def to_e8(text: str) -> int:
    """Return decimal ``text`` at 1e-8, rounded towards zero; empty text is 0 (Bybit writes "" for no value)."""
    return int(_number(text).scaleb(8)) if text else 0


def e8_text(value: int) -> str:
    """Return a 1e-8 fixed-point integer as decimal text without trailing zeros."""
    whole, part = divmod(abs(value), E8)
    text = f"{whole}.{part:08}".rstrip("0") if part else str(whole)
    return f"-{text}" if value < 0 else text
