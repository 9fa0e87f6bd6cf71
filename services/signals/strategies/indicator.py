"""Five indicators on finished bars: what they agree on is entered at a bar's close, and left when they no longer do.

LuxFVGtrend, TVA, CVD and VFI each vote up, down or nothing (`indicators/*.py` say when). ATR has no direction: it
consents when the market moves at all and an average bar does not reach the stop (0 < ATR <= the stop's distance).

    score       sum of the four votes / 4
    direction   sign of the score
    confidence  share of the five that agree: votes for the direction, and ATR when it consents, / 5
    entry       confidence >= ``signals.enter_confidence`` (0.65: four of the five), at the close of a bar
    exit        confidence in the side that is held < ``signals.exit_confidence`` (0.40): the votes against it are as
                many as those for it, or one of the five is all that is left

Decided is when a bar closes; an entry is wished for during the 2 s after that and not again until the next close. Bars
that are missing (a start, a gap) are waited for: until they are there the last opinion stands, and nothing is entered.
"""

from __future__ import annotations

from itertools import islice

from services.signals.candles import Bar, Series
from services.signals.indicators import atr, cvd, luxfvgtrend, tva, vfi
from services.signals.indicators.indicator import Indicator, sign
from services.signals.market import Market
from services.signals.strategy import RIPE, Opinion, Strategy
from shared.config import Config
from shared.config_candles import Indicators

WANTS_CANDLES = True
DECIDES_MS = 2_000  # How long after a bar's end its close is acted on.
BARS_A_FRAME = 250  # A long past is taken in over several frames, lest one of them take long.
VOTERS = ("luxfvgtrend", "tva", "cvd", "vfi")
NAMES = (*VOTERS, "atr")
WARMUP = Opinion(0, 0.0, 0.0, (0.0,) * len(NAMES), "warmup")


class StrategyManager:
    """The five indicators of one symbol, and what they say together."""

    __slots__ = (
        "_acts_until_ms",
        "_atr",
        "_config",
        "_count",
        "_decided",
        "_interval",
        "_least",
        "_rested",
        "_revision",
        "_stop_share",
        "_voters",
        "signals",
    )

    def __init__(self, config: Indicators, interval: str, least_confidence: float, stop_pct: float) -> None:
        self.signals: tuple[str, ...] = NAMES
        self._config, self._interval = config, interval
        self._least, self._stop_share = least_confidence, stop_pct / 100
        self._revision, self._count = -1, 0
        self._begin()

    def _begin(self) -> None:
        """Know of no bar."""
        config = self._config
        self._atr = atr.build(config)
        self._voters: tuple[Indicator, ...] = tuple(module.build(config) for module in (luxfvgtrend, tva, cvd, vfi))
        self._decided = self._rested = WARMUP  # At the close; and later, when it is too late to enter.
        self._acts_until_ms = 0

    def update(self, market: Market) -> None:
        """Take in the bars that have closed."""
        if market.candles is None:
            return
        series = market.candles.series[self._interval]
        if series.revision != self._revision:
            self._revision, self._count = series.revision, 0
            self._begin()
        if series.count != self._count:
            self._catch_up(series, market.weather.regime)

    def _catch_up(self, series: Series, regime: str) -> None:
        """Show the indicators what is new of the series; decide at its end."""
        kept_from = series.count - len(series.closed)
        if self._count < kept_from:  # Some are gone already: what is left is a past of its own.
            self._begin()
            self._count = kept_from
        bars = list(islice(series.since(self._count), BARS_A_FRAME))
        values: list[float | None] = [None]
        for bar in bars:
            values = [each.update(bar) for each in (*self._voters, self._atr)]
        self._count += len(bars)
        reach_ticks = values[-1]
        if self._count == series.count and reach_ticks is not None and None not in values:
            self._decide(bars[-1], reach_ticks, regime)
            self._acts_until_ms = series.end_ms + DECIDES_MS if series.whole else 0

    def _decide(self, bar: Bar, reach_ticks: float, regime: str) -> None:
        votes = [each.vote for each in self._voters]
        total = sum(votes)
        direction = sign(total)
        consents = 0 < reach_ticks <= bar.close_ticks * self._stop_share
        agree = votes.count(direction) + consents if direction else 0
        confidence = agree / len(NAMES)
        scores = (*map(float, votes), float(direction * consents))
        reason = "deadband" if not direction else RIPE if confidence >= self._least else "confidence"
        self._decided = Opinion(direction, total / len(votes), confidence, scores, reason, regime, fades=True)
        self._rested = self._decided._replace(reason="bar") if reason == RIPE else self._decided

    def opinion(self, market: Market) -> Opinion:
        """Return what the last close says; an entry only while that is news."""
        candles = market.candles
        if candles is not None and candles.at_ms <= self._acts_until_ms:
            return self._decided
        return self._rested


def build(config: Config, symbol: str) -> Strategy:
    """Return the strategy of one symbol as configured."""
    return StrategyManager(
        config.indicators, config.candles.interval, config.signals.enter_confidence, config.brackets.stop_pct
    )
