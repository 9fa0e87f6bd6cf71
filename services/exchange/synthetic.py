"""Made-up markets on several symbols: seeded agents that trade through real matching books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.exchange.day import Day
from services.exchange.flow import Flow, U
from services.exchange.matching import Fill, MatchingBook
from shared.messages import Instrument
from shared.scale import E8, Scale

if TYPE_CHECKING:
    from random import Random

MINUTE_MS = 60_000
PAUSE_NS_MAX = 2_000_000_000  # After a longer pause the market has slept: it goes on from here, not through it all.
LEVEL_USDT = 24_000  # The usual worth of a level: ten a side are worth more than 5 BTC, below which is an alert.
PREMIUM_PER_MILLION = 300  # The index stands this much below the contract.


def _perpetual(symbol: str, tick: str, lot: str, max_lots: int, max_market_lots: int, lev: int) -> Instrument:
    """Return the rules of one perpetual, smallest order one lot and 5 USDT, funding every eight hours."""
    return Instrument(symbol, tick, lot, 1, max_lots, max_market_lots, 5 * E8, 480, lev * 100, "Trading")


INSTRUMENTS = (
    _perpetual("BTCUSDT", "0.10", "0.001", 1_500_000, 150_000, 100),
    _perpetual("ETHUSDT", "0.01", "0.01", 1_000_000, 200_000, 100),
    _perpetual("SOLUSDT", "0.010", "0.1", 960_000, 120_000, 100),
    _perpetual("SUIUSDT", "0.00010", "10", 33_000, 6_600, 50),
)
START_PRICES_TICKS = (650_000, 192_250, 14_820, 24_500)


class SyntheticMarket:
    """Several symbols' books and the agents that keep them alive.

    The same seed gives the same market, however often ``advance`` is called (at least every PAUSE_NS_MAX), and the
    orders of an account on one symbol leave the other symbols as they were.
    """

    def __init__(
        self, rng: Random, instruments: Sequence[Instrument], start_prices_ticks: Sequence[int], now: int
    ) -> None:
        assert len(instruments) == len(start_prices_ticks)
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.symbols = tuple(self.instruments)
        self.scales = {symbol: Scale(rules.tick, rules.lot) for symbol, rules in self.instruments.items()}
        self.books: dict[str, MatchingBook] = {}
        self.days: dict[str, Day] = {}
        self.funding_rate_e8: dict[str, int] = {}
        self.open_interest_lots: dict[str, int] = {}
        self._flows: dict[str, Flow] = {}
        self._now, self._slept_ns = now, 0
        for symbol, start_ticks in zip(self.symbols, start_prices_ticks, strict=True):
            self._found(rng, symbol, start_ticks)

    def _found(self, rng: Random, symbol: str, start_ticks: int) -> None:
        """Give one symbol its past, its book and its agents."""
        lot_e8 = self.scales[symbol].value_e8(start_ticks, 1)
        turnover_e8 = int((60 + 1_100 * rng.random()) * 1_000_000) * E8
        change_per_million = int(8_000 + 60_000 * rng.random()) * (1 if rng.random() < 0.5 else -1)
        prev_ticks = start_ticks - start_ticks * change_per_million // 1_000_000
        self.days[symbol] = Day(self._now, prev_ticks, start_ticks, turnover_e8 // lot_e8, turnover_e8)
        self.funding_rate_e8[symbol] = int(20_000 * rng.random()) - 5_000
        self.open_interest_lots[symbol] = turnover_e8 // lot_e8 // 3
        book = self.books[symbol] = MatchingBook()
        book.last_ticks = start_ticks
        level_lots = max(1, LEVEL_USDT * E8 // lot_e8)
        # Own streams for each symbol's value and agents: what happens in one book must not reach the others.
        rngs = (type(rng)(rng.getrandbits(64)), type(rng)(rng.getrandbits(64)))
        self._flows[symbol] = Flow(book, rngs, start_ticks, level_lots, self._now)

    def advance(self, now: int) -> list[tuple[str, Fill]]:
        """Let the agents do everything that is due, in time order; return their matches."""
        pause_ns = now - self._now
        self._slept_ns += max(0, pause_ns - PAUSE_NS_MAX)
        self._now = now
        until = now - self._slept_ns
        fills: list[tuple[str, Fill]] = []
        while True:
            symbol, flow = min(self._flows.items(), key=_due)  # The first of equals: the order of symbols.
            if flow.next_ns > until:
                return fills
            fills += [(symbol, fill) for fill in flow.act()]

    def record(self, symbol: str, fill: Fill) -> None:
        """Count one match (of whoever) in the figures of the day. Buying opens interest, selling closes it."""
        lots, price_ticks = fill.qty_lots, fill.price_ticks
        self.days[symbol].trade(price_ticks, lots, self.scales[symbol].value_e8(price_ticks, lots))
        interest = self.open_interest_lots[symbol] + fill.taker_side * (lots // 4)
        self.open_interest_lots[symbol] = max(1, interest)

    # --- prices ---------------------------------------------------------------------------------------------

    def index_e8(self, symbol: str) -> int:
        """Return the index price at 1e-8, a little below what the agents think the contract is worth."""
        value = self._value_e8(symbol)
        return self._rounded(symbol, value - value * PREMIUM_PER_MILLION // 1_000_000)

    def mark_e8(self, symbol: str) -> int:
        """Return the mark price at 1e-8: the middle one of the agents' value, the mid and the last price."""
        book, tick_e8 = self.books[symbol], self.scales[symbol].tick_e8
        value, last = self._value_e8(symbol), book.last_ticks * tick_e8
        bid, ask = book.best_bid(), book.best_ask()
        mid = value if bid is None or ask is None else (bid + ask) * tick_e8 // 2
        return self._rounded(symbol, sorted((value, mid, last))[1])

    def next_funding_ms(self, symbol: str, now: int) -> int:
        """Return when funding is paid next, in ms since the epoch."""
        interval_ms = self.instruments[symbol].funding_interval_min * MINUTE_MS
        return (now // 1_000_000 // interval_ms + 1) * interval_ms

    def _value_e8(self, symbol: str) -> int:
        return self._flows[symbol].value.uticks * self.scales[symbol].tick_e8 // U

    def _rounded(self, symbol: str, price_e8: int) -> int:
        """Round to the decimals the venue writes this symbol's prices with."""
        unit: int = 10 ** (8 - self.scales[symbol].tick_grid[0])
        return price_e8 // unit * unit


def _due(pair: tuple[str, Flow]) -> int:
    return pair[1].next_ns
