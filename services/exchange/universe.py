"""Symbols for a whole synthetic market: four that exist, and as many invented ones as are wanted.

The rules of the four are the venue's as recorded in August 2026, funding caps apart. Invented coins are called TOY01,
TOY02 and so on; a lot of each is worth one to ten USDT at its opening price, ticks reach from a tenth to a millionth.
"""

from __future__ import annotations

from typing import NamedTuple

from shared.messages import Instrument
from shared.scale import E8

TICK_DECIMALS = (1, 2, 3, 4, 5, 6)
TOY_TICKS, TOY_TICKS_STEP = 6_000, 1_730  # The opening price of the first, and of each further one.
TOYS_MAX = 96
WIDE = (5, 10)


class Listed(NamedTuple):
    """A symbol's rules, and where its price begins."""

    rules: Instrument
    start_ticks: int


def perpetual(
    symbol: str, tick: str, lot: str, max_lots: int, max_market_lots: int, lev: int, band_percent: tuple[int, int]
) -> Instrument:
    """Return the rules of one perpetual, smallest order one lot and 5 USDT, funding every eight hours.

    ``band_percent`` are the price band's X and Y.
    """
    near, far = (percent * E8 // 100 for percent in band_percent)
    return Instrument(symbol, tick, lot, 1, max_lots, max_market_lots, 5 * E8, 480, lev * 100, "Trading", near, far)


FOUR = (
    Listed(perpetual("BTCUSDT", "0.10", "0.001", 1_500_000, 150_000, 100, (1, 2)), 650_000),
    Listed(perpetual("ETHUSDT", "0.01", "0.01", 1_000_000, 200_000, 100, (2, 4)), 192_250),
    Listed(perpetual("SOLUSDT", "0.010", "0.1", 960_000, 120_000, 100, WIDE), 14_820),
    Listed(perpetual("SUIUSDT", "0.00010", "10", 33_000, 6_600, 50, WIDE), 24_500),
)


def toy(number: int) -> Listed:
    """Return the invented coin of that number, from 1."""
    assert 1 <= number <= TOYS_MAX
    ticks = TOY_TICKS + TOY_TICKS_STEP * (number - 1)
    decimals = TICK_DECIMALS[number % len(TICK_DECIMALS)]
    lot_exponent = decimals - len(str(ticks)) + 1
    lot = f"1{'0' * lot_exponent}" if lot_exponent >= 0 else f"0.{'1'.rjust(-lot_exponent, '0')}"
    tick = f"0.{'1'.rjust(decimals, '0')}"
    return Listed(perpetual(f"TOY{number:02}USDT", tick, lot, 1_000_000, 200_000, 25, WIDE), ticks)


def universe(count: int) -> dict[str, Listed]:
    """Return so many symbols by name: the four first."""
    listed = [*FOUR, *(toy(number) for number in range(1, count - len(FOUR) + 1))][:count]
    return {one.rules.symbol: one for one in listed}
