"""Made-up markets on several symbols: seeded agents that trade through real matching books.

A ``Profile`` says who lives in the books. Every inhabitant draws from a stream of its own: another one more changes
what it does to the book, but nobody's draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heapreplace
from typing import TYPE_CHECKING, Protocol

from services.exchange.agents.leaders import SYMBOLS_MIN, Leaders, opening_day
from services.exchange.agents.regimes import RegimeValue
from services.exchange.agents.stage import Stage
from services.exchange.agents.turns import TURNS
from services.exchange.day import Day
from services.exchange.flow import SPAN_TICKS, Flow, U
from services.exchange.grid import Regrid, regridded
from services.exchange.matching import Fill, MatchingBook
from services.exchange.profile import PROFILES, Profile
from services.exchange.truth import Truth
from services.exchange.universe import FOUR
from shared.messages import Instrument
from shared.scale import E8, Scale

if TYPE_CHECKING:
    from random import Random

MINUTE_MS = 60_000
PAUSE_NS_MAX = 2_000_000_000  # After a longer pause the market has slept: it goes on from here, not through it all.
LEVEL_USDT = 24_000  # The usual worth of a level: ten a side are worth more than 5 BTC, below which is an alert.
PREMIUM_PER_MILLION = 300  # The index stands this much below the contract.
LIVELY = PROFILES["lively"]
TICKS_MAX = 10_000_000  # A price of more ticks than this is not far from the highest that an order may have.
ID_SPAN = 1 << 44  # So many order ids for each agent of a symbol.


INSTRUMENTS = tuple(one.rules for one in FOUR)
START_PRICES_TICKS = tuple(one.start_ticks for one in FOUR)


class Inhabitant(Protocol):
    """Somebody who acts when it is due, and then says when next."""

    next_ns: int

    def act(self) -> Sequence[Fill]:
        """Do what is due."""


class SyntheticMarket:
    """Several symbols' books and the agents that keep them alive.

    The same seed gives the same market, however often ``advance`` is called (at least every PAUSE_NS_MAX), and the
    orders of an account on one symbol leave the other symbols as they were.
    """

    def __init__(
        self,
        rng: Random,
        instruments: Sequence[Instrument],
        start_prices_ticks: Sequence[int],
        now: int,
        profile: Profile = LIVELY,
    ) -> None:
        assert len(instruments) == len(start_prices_ticks)
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.symbols = tuple(self.instruments)
        self.scales = {symbol: Scale(rules.tick, rules.lot) for symbol, rules in self.instruments.items()}
        self.books: dict[str, MatchingBook] = {}
        self.days: dict[str, Day] = {}
        self.funding_rate_e8: dict[str, int] = {}
        self.open_interest_lots: dict[str, int] = {}
        self.truth = Truth()
        self._profile, self._rng = profile, rng
        self._flows: dict[str, Flow] = {}
        self._values: dict[str, RegimeValue] = {}
        self._leaders: Leaders | None = None
        self._now, self._slept_ns = now, 0
        inhabitants: list[tuple[str, Inhabitant]] = []
        for symbol, start_ticks in zip(self.symbols, start_prices_ticks, strict=True):
            self._found(rng, symbol, start_ticks)
            inhabitants.append((symbol, self._flows[symbol]))
        for symbol in self.symbols:
            inhabitants += [(symbol, agent) for agent in self._agents(rng, symbol, now)]
        if profile.leaders and len(self.symbols) >= SYMBOLS_MIN:
            self._leaders = Leaders(_stream(rng), self.days, self._values, self.truth, now)
            inhabitants.append(("", self._leaders))
        # The first of those who are due together: the order of symbols.
        self._due = [(one.next_ns, number, symbol, one) for number, (symbol, one) in enumerate(inhabitants)]
        heapify(self._due)

    def _found(self, rng: Random, symbol: str, start_ticks: int) -> None:
        """Give one symbol its past, its book and its agents."""
        lot_e8 = self.scales[symbol].value_e8(start_ticks, 1)
        turnover_e8 = int((60 + 1_100 * rng.random()) * 1_000_000) * E8
        change_per_million = int(8_000 + 60_000 * rng.random()) * (1 if rng.random() < 0.5 else -1)
        prev_ticks = start_ticks - start_ticks * change_per_million // 1_000_000
        past = _stream(rng) if self._profile.volatilities else rng
        self.days[symbol] = (
            opening_day(past, start_ticks, lot_e8, self._now)
            if self._profile.leaders
            else Day(self._now, prev_ticks, start_ticks, turnover_e8 // lot_e8, turnover_e8)
        )
        self.funding_rate_e8[symbol] = int(20_000 * rng.random()) - 5_000
        self.open_interest_lots[symbol] = turnover_e8 // lot_e8 // 3
        book = self.books[symbol] = MatchingBook()
        book.last_ticks = start_ticks
        self._people(rng, symbol, start_ticks, self._now)

    def _people(self, rng: Random, symbol: str, start_ticks: int, now: int) -> None:
        """Let makers and takers into one symbol's empty book."""
        level_lots = max(1, LEVEL_USDT * E8 // max(1, self.scales[symbol].value_e8(start_ticks, 1)))
        # Own streams for each symbol's value and agents: what happens in one book must not reach the others.
        rngs, profile, value = (_stream(rng), _stream(rng)), self._profile, None
        if profile.volatilities:
            value = RegimeValue(symbol, rngs[0], start_ticks, now, self.truth, profile.volatilities)
            self._values[symbol] = value
        self._flows[symbol] = Flow(self.books[symbol], rngs, start_ticks, level_lots, now, profile.habits, value)

    def _agents(self, rng: Random, symbol: str, now: int) -> list[Inhabitant]:
        """Return those who do in one book what detectors look for."""
        found: list[Inhabitant] = []
        own = _stream(rng)
        streams = [_stream(own) for _ in range(TURNS)]
        for agent in self._profile.agents:
            stage = Stage(
                symbol, self.books[symbol], self.scales[symbol], self._flows[symbol], self._values[symbol],
                self.truth, -(agent.TURN + 1) * ID_SPAN,
            )  # fmt: skip
            found.append(agent(stage, streams[agent.TURN], now))
        return found

    def advance(self, now: int) -> list[tuple[str, Fill]]:
        """Let the agents do everything that is due, in time order; return their matches."""
        pause_ns = now - self._now
        self._slept_ns += max(0, pause_ns - PAUSE_NS_MAX)
        self._now = now
        until = now - self._slept_ns
        fills: list[tuple[str, Fill]] = []
        due = self._due
        while True:
            at, number, symbol, one = due[0]
            if at > until:
                return fills
            done = one.act()
            if done:
                fills += [(symbol, fill) for fill in done]
            heapreplace(due, (one.next_ns, number, symbol, one))

    def jump(self, symbol: str, percent: float) -> None:
        """Let a symbol's value jump; makers and takers follow at once. Never below half of what it was."""
        value = self._flows[symbol].value
        step = round(value.uticks * max(-50.0, min(percent, 100.0)) / 100)
        if symbol in self._values:
            self._values[symbol].nudge(step)
        else:
            value.uticks += step

    def fits(self, symbol: str, tick: str) -> bool:
        """Return whether a symbol could live on another tick: not so coarse or fine that nobody could quote."""
        ticks = self._value_e8(symbol) // Scale(tick, "1").tick_e8
        return 3 * SPAN_TICKS < ticks < TICKS_MAX

    def regrid(self, symbol: str, tick: str, lot: str) -> None:
        """Put a symbol on another grid: its book is empty for a moment, then its agents begin anew at the same price.

        What one of them was in the middle of is not told of any more. The account's orders are its own affair.
        """
        assert self.fits(symbol, tick)
        start_ticks = self._value_e8(symbol)
        rules = self.instruments[symbol] = regridded(self.instruments[symbol], tick, lot)
        change = Regrid(self.scales[symbol], Scale(rules.tick, rules.lot))
        self.scales[symbol], start_ticks = change.new, start_ticks // change.new.tick_e8
        self.days[symbol].regrid(change)
        self.open_interest_lots[symbol] = change.lots(self.open_interest_lots[symbol])
        book, now = self.books[symbol], self._now - self._slept_ns
        book.clear()
        book.last_ticks = change.ticks(book.last_ticks)
        if self._leaders is not None:
            self._leaders.regrid(symbol, change)
        self._people(self._rng, symbol, start_ticks, now)
        fresh: list[Inhabitant] = [self._flows[symbol], *self._agents(self._rng, symbol, now)]
        theirs = sorted(number for _, number, whose, _ in self._due if whose == symbol)
        self._due = [due for due in self._due if due[2] != symbol]
        self._due += [(one.next_ns, number, symbol, one) for number, one in zip(theirs, fresh, strict=True)]
        heapify(self._due)

    def record(self, symbol: str, fill: Fill, seq: int = 0) -> None:
        """Count one match (of whoever) in the figures of the day. Buying opens interest, selling closes it."""
        self.truth.traded(symbol, fill.taker_id, seq)
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


def _stream(rng: Random) -> Random:
    """Return a stream of random numbers of its own."""
    return type(rng)(rng.getrandbits(64))
