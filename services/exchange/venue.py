"""What an exchange is opened with: its account and rules, and a market with the books behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from services.exchange.admin import Truth
from services.exchange.limits import Limits
from services.exchange.market import Market
from services.exchange.matching import Fill, MatchingBook
from services.exchange.stops import Timing


class Settings(NamedTuple):
    """What the account and its exchange are like. Rates are fractions at 1e-8."""

    api_key: str
    api_secret: str
    deposit_e8: int
    maker_rate_e8: int
    taker_rate_e8: int
    timing: Timing = Timing()
    limits: Limits = Limits()
    keep: bool = False  # Have the account written down, and given back to a restarted exchange.
    faults: str = ""  # A schedule that begins with the exchange.


class Venue(NamedTuple):
    """A market, and where it matches orders what moves it: its books, and the agents' turn up to a time."""

    market: Market
    books: Mapping[str, MatchingBook]
    agents: Callable[[int], list[tuple[str, Fill]]]
    truth: Truth | None = None  # What the market knows about its own doings, from a number on.
    jump: Callable[[str, float], None] | None = None  # Moves a symbol's price by so many percent.
    # Puts a symbol on another tick and lot; whether it could live on a tick.
    regrid: Callable[[str, str, str], None] | None = None
    fits: Callable[[str, str], bool] | None = None
