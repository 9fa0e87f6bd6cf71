"""What is held, and whether it is still believed in.

A position is left when confidence in its side has stayed below ``exit_confidence`` for ``exit_dwell_ms``, or when the
opinion has turned to the other side with the confidence of an entry; never before it is ``exit_hold_ms`` old. Way in
and way out cost fees whatever happens between, so a flicker must not close anything. Gates stand before entries
only: that a position is open, that nobody may trade, or that a symbol cools down says nothing about the opinion, and
none of it is asked here.
"""

from __future__ import annotations

from services.signals.strategy import Opinion
from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Signals
from shared.messages import ExecutionState, PositionNews

HOLD, TRAIL, LEAVE = "hold", "trail", "leave"
FADED, AGAINST = "confidence", "against"
SURE_NS = NS_PER_S  # How long it counts that confidence was very high; said again after half of it.
AGAIN_NS = NS_PER_S  # A wish that was lost, or came too late, is said again after this.
NEVER = -1


class _Held:
    """One position, since it was first heard of."""

    __slots__ = ("asked_ns", "faded_ns", "side", "since_ns", "sure_ns", "why")

    def __init__(self, side: int, now: int) -> None:
        self.side, self.since_ns = side, now
        self.faded_ns = self.asked_ns = self.sure_ns = NEVER
        self.why = ""


class Holds:
    """The open positions by symbol."""

    def __init__(self, config: Signals) -> None:
        self._enter, self._trail, self._exit = config.enter_confidence, config.trail_confidence, config.exit_confidence
        self._hold_ns, self._dwell_ns = config.exit_hold_ms * NS_PER_MS, config.exit_dwell_ms * NS_PER_MS
        self._held: dict[str, _Held] = {}

    def hear(self, news: PositionNews, now: int) -> None:
        """Take in what is held in one symbol."""
        held = self._held.get(news.symbol)
        side = (news.position_lots > 0) - (news.position_lots < 0)
        if not side:
            self._held.pop(news.symbol, None)
        elif held is None or held.side != side:
            self._held[news.symbol] = _Held(side, now)

    def keep(self, state: ExecutionState) -> None:
        """Forget what execution no longer holds: the news of its end was lost."""
        if not self._held.keys() <= frozenset(state.open_symbols):
            self._held = {symbol: held for symbol, held in self._held.items() if symbol in state.open_symbols}

    def blink(self, symbol: str) -> None:
        """Nothing was seen of this symbol for a while: what was believed before has no duration."""
        held = self._held.get(symbol)
        if held is not None:
            held.faded_ns = NEVER

    def side(self, symbol: str) -> int:
        """Return the side that is held, 0 for none."""
        held = self._held.get(symbol)
        return held.side if held is not None else 0

    def stance(self, symbol: str, opinion: Opinion, now: int) -> str:
        """Return what the opinion means for the position in this symbol; empty when there is none."""
        held = self._held.get(symbol)
        if held is None:
            return ""
        confidence = opinion.confidence if opinion.direction == held.side else 0.0
        if opinion.fades and self._exit > 0 and self._lost(held, opinion, confidence, now):
            return LEAVE
        return TRAIL if confidence >= self._trail else HOLD

    def _lost(self, held: _Held, opinion: Opinion, confidence: float, now: int) -> bool:
        if confidence >= self._exit:
            held.faded_ns = NEVER
        elif held.faded_ns == NEVER:
            held.faded_ns = now
        if now - held.since_ns < self._hold_ns:
            return False
        if opinion.direction == -held.side and opinion.confidence >= self._enter:
            held.why = AGAINST
            return True
        held.why = FADED
        return held.faded_ns != NEVER and now - held.faded_ns >= self._dwell_ns

    def ask(self, symbol: str, now: int) -> str:
        """Return why the position is to be left, when it is time to say so; empty when that was said just now."""
        held = self._held[symbol]
        if held.asked_ns != NEVER and now - held.asked_ns < AGAIN_NS:
            return ""
        held.asked_ns = now
        return held.why

    def sure(self, symbol: str, now: int) -> bool:
        """Return whether it is time to say that its stop may stay closer: its stance is TRAIL."""
        held = self._held[symbol]
        if held.sure_ns != NEVER and now - held.sure_ns < SURE_NS // 2:
            return False
        held.sure_ns = now
        return True
