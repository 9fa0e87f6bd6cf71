"""Which bars are missing, and the asking for them: the whole lookback at the start, after a gap what it cost.

One question per symbol at a time and QUESTIONS_MAX in all. A question that had no use is asked again after 0.5 s, then
after twice as long each time, up to once a minute; until it is answered the symbol's bars stay behind the hole, and
whoever trades on them waits.
"""

from __future__ import annotations

from collections.abc import Collection

from services.signals.candles import Candles, Series
from services.signals.klines import parse
from services.signals.wire import KlineAnswer, KlineFailed, KlineRequest
from shared.config_candles import Candles as Config
from shared.messages import Log, Message, ProtocolError
from shared.scale import Scale

MINUTE_MS = 60_000
MINUTES = {"1m": 1, "5m": 5, "1h": 60}
QUESTIONS_MAX = 4
ANSWER_NS_MAX = 10_000_000_000  # A question without an answer for so long was lost.
AGAIN_NS, AGAIN_NS_MAX = 500_000_000, 60_000_000_000
SAID_AT = 3  # Failures in a row that are worth a warning.


class _Symbol:
    """One symbol's bars, and how the asking for them goes."""

    __slots__ = ("asked_ns", "candles", "due_ns", "failures", "question", "scale", "series")

    def __init__(self, scale: Scale, candles: Candles) -> None:
        self.scale, self.candles = scale, candles
        self.question: KlineRequest | None = None  # The one that is out.
        self.series: Series | None = None  # What it is about.
        self.asked_ns = self.due_ns = self.failures = 0


class Backfill:
    """The bars of every symbol, over restarts of the feed."""

    def __init__(self, config: Config) -> None:
        lookbacks = {"1m": config.lookback_1m, "5m": config.lookback_5m, "1h": config.lookback_1h}
        self._intervals = [(name, MINUTES[name] * MINUTE_MS, keep) for name, keep in lookbacks.items()]
        self._symbols: dict[str, _Symbol] = {}
        self._questions = 0

    def candles(self, symbol: str, scale: Scale) -> Candles:
        """Return a symbol's bars: the ones there are, unless they lie on another grid."""
        known = self._symbols.get(symbol)
        if known is None or known.scale != scale:
            known = self._symbols[symbol] = _Symbol(scale, Candles(self._intervals))
        return known.candles

    def keep(self, symbols: Collection[str]) -> None:
        """Forget all symbols but these."""
        self._symbols = {symbol: one for symbol, one in self._symbols.items() if symbol in symbols}

    def lose(self) -> None:
        """Nothing is heard of any symbol any more."""
        for one in self._symbols.values():
            one.candles.lose()

    def tick(self, now: int) -> list[Message]:
        """Ask for what is missing."""
        out: list[Message] = []
        open_questions = 0
        for one in self._symbols.values():
            if one.question is not None and now - one.asked_ns > ANSWER_NS_MAX:
                out += self._failed(one, "no answer", now)
            open_questions += one.question is not None
        for symbol, one in self._symbols.items():
            if open_questions >= QUESTIONS_MAX:
                break
            if one.question is None and now >= one.due_ns:
                question = self._ask(symbol, one, now)
                if question is not None:
                    out.append(question)
                    open_questions += 1
        return out

    def _ask(self, symbol: str, one: _Symbol, now: int) -> KlineRequest | None:
        for name, series in one.candles.series.items():
            span = series.missing(one.candles.at_ms)
            if span is not None:
                self._questions += 1
                bars = (span[1] - span[0]) // series.interval_ms + 1
                one.question = KlineRequest(self._questions, symbol, str(MINUTES[name]), *span, bars)
                one.series, one.asked_ns = series, now
                return one.question
        return None

    def answered(self, message: KlineAnswer, now: int) -> list[Message]:
        """Take the venue's bars, and ask for what is missing still."""
        one = self._asker(message.number)
        if one is None or one.question is None or one.series is None:
            return []
        try:
            bars = parse(message.data, one.scale, one.series.interval_ms)
        except ProtocolError as error:
            return self._failed(one, str(error), now)
        if not one.series.fill(bars, one.question.first_ms, one.question.last_ms):
            return self._failed(one, f"{len(bars)} bars, not the ones that are missing", now)
        one.question, one.failures = None, 0
        return self.tick(now)

    def failed(self, message: KlineFailed, now: int) -> list[Message]:
        """Try again later."""
        one = self._asker(message.number)
        return [] if one is None else self._failed(one, message.reason, now)

    def _asker(self, number: int) -> _Symbol | None:
        """Return whose question that was; None when nobody waits for its answer any more."""
        return next((one for one in self._symbols.values() if one.question and one.question.number == number), None)

    def _failed(self, one: _Symbol, reason: str, now: int) -> list[Message]:
        question, one.question = one.question, None
        one.due_ns = now + min(AGAIN_NS << min(one.failures, 10), AGAIN_NS_MAX)
        one.failures += 1
        level = "WARNING" if one.failures == SAID_AT else "DEBUG"
        symbol = question.symbol if question else ""
        return [Log(level, "candles.backfill", f"bars are missing, asked {one.failures} times: {reason}", symbol)]
