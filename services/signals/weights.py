"""Adaptive weights: every signal's share of the score follows what it has been worth.

Theory of operation. When an entry is proposed, the signs of all scores are remembered; when its round trip is over, the
net return is set against them. Of the newest ``adapt_trades`` trades:

    favour_j   = sign(score_j x side) at entry
    edge_j     = mean of favour_j x net return, bps, over the trades where it is not 0
    effect_j   = coefficient of favour_j in a least-squares fit of (net return + fees) on all favours
    known_j    = 3/4 of what was known before, moved just into effect_j +- adapt_sigmas x its standard error
    multiplier = clip(1 + known_j x n / (n + adapt_shrink) / adapt_scale_bps, adapt_floor, adapt_ceiling)
    share_j    = weight_j x multiplier_j / their sum

The edge alone would be no judge: whoever agrees with most trades inherits what others brought about, and the fees,
which every trade pays whoever wished for it. The effect is what a signal adds by itself. What is known fades slowly and
else gives way only as far as the trades contradict it: noise moves nothing, and a proven signal, against which no trade
is made any more, does not lose its proof at once.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

from services.signals.regression import Estimate, effects, mean
from services.signals.wire import Learned, Trade
from shared.config import Signals
from shared.messages import Message, RoundTrip, WeightsNews
from shared.scale import Scale

ENTRIES_MAX = 1_024  # Entries that wait for the end of their round trip; most never become one.
BPS = 10_000.0
FADE = 0.75  # Of what was known, what is left at the next change if the trades do not confirm it.


class _Entry(NamedTuple):
    favours: tuple[int, ...]
    lot: float  # Base coin.


class Learner:
    """The weights in force, and what they have learned from."""

    def __init__(self, config: Signals, shares: Mapping[str, float]) -> None:
        self._config = config
        self.signals = tuple(shares)
        self._weights = tuple(shares.values())
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._trades: deque[Trade] = deque(maxlen=config.adapt_trades)
        self._known = [0.0] * len(self.signals)
        self.multipliers = (1.0,) * len(self.signals)
        self._unused = 0
        self.version = 0
        self.shares = self._weights

    def enter(self, intent_id: str, side: int, scores: tuple[float, ...], scale: Scale) -> None:
        """Remember how the signals stood when a position was wished for."""
        self._entries[intent_id] = _Entry(tuple(_sign(score * side) for score in scores), scale.lot_size)
        if len(self._entries) > ENTRIES_MAX:
            self._entries.popitem(last=False)

    def close(self, trip: RoundTrip, now: int) -> list[Message]:
        """Take in the end of a round trip, once; return what follows: what is learned, and new weights if due."""
        entry = self._entries.pop(trip.intent_id, None)
        value_e8 = trip.entry_e8 * trip.qty_lots * entry.lot if entry is not None else 0.0
        if entry is None or not value_e8 > 0:
            return []
        self._trades.append(Trade(entry.favours, trip.net_e8 / value_e8 * BPS, trip.fees_e8 / value_e8 * BPS))
        self._unused += 1
        out: list[Message] = []
        if self._unused >= self._config.adapt_every:
            self._adapt()
            out.append(self.news(now))
        return [*out, self.learned()]

    def recall(self, learned: Learned) -> bool:
        """Begin where an earlier run ended; False when that one had other signals, or makes no sense."""
        width = len(self.signals)
        sound = learned.signals == self.signals and learned.version >= 0
        for values in (learned.effects_bps, learned.multipliers):
            sound = sound and len(values) == width and all(isfinite(value) for value in values)
        sound = sound and all(
            len(each.favours) == width and isfinite(each.net_bps + each.fees_bps) for each in learned.trades
        )
        if not sound:
            return False
        self._trades.extend(learned.trades)
        self._known = list(learned.effects_bps)
        self.version, self._unused = learned.version, max(0, learned.unused)
        self._share_out(learned.multipliers)
        return True

    def learned(self) -> Learned:
        """Return everything that a later run needs."""
        return Learned(
            self.version, self.signals, tuple(self._known), self.multipliers, tuple(self._trades), self._unused
        )

    def news(self, now: int) -> WeightsNews:
        """Return the weights as everybody hears of them."""
        edges = [self._edge(at) for at in range(len(self.signals))]
        return WeightsNews(
            version=self.version,
            signals=self.signals,
            shares=self.shares,
            multipliers=self.multipliers,
            edges_bps=tuple(edge.value for edge in edges),
            trades=tuple(self._said(at) for at in range(len(self.signals))),
            at_ns=now,
            effects_bps=tuple(self._known),
        )

    # --- learning ---------------------------------------------------------------------------------------------

    def _adapt(self) -> None:
        self._unused = 0
        self.version += 1
        returns = [trade.net_bps + trade.fees_bps for trade in self._trades]
        found = effects([trade.favours for trade in self._trades], returns)
        self._known = [self._moved(known, effect) for known, effect in zip(self._known, found, strict=True)]
        self._share_out(tuple(self._multiplier(at) for at in range(len(self.signals))))

    def _moved(self, known: float, found: Estimate) -> float:
        """Return what is still known, moved to where the trades no longer contradict it."""
        known *= FADE
        if not isfinite(found.error):
            return known
        room = self._config.adapt_sigmas * found.error
        return min(max(known, found.value - room), found.value + room)

    def _edge(self, at: int) -> Estimate:
        return mean([trade.favours[at] * trade.net_bps for trade in self._trades if trade.favours[at]])

    def _said(self, at: int) -> int:
        return sum(1 for trade in self._trades if trade.favours[at])

    def _multiplier(self, at: int) -> float:
        config, count = self._config, self._said(at)
        shrunk = self._known[at] * count / (count + config.adapt_shrink) if count else 0.0
        return 1.0 + shrunk / config.adapt_scale_bps

    def _share_out(self, multipliers: tuple[float, ...]) -> None:
        floor, ceiling = self._config.adapt_floor, self._config.adapt_ceiling
        self.multipliers = tuple(min(max(factor, floor), ceiling) for factor in multipliers)
        parts = [weight * factor for weight, factor in zip(self._weights, self.multipliers, strict=True)]
        total = sum(parts)
        self.shares = tuple(part / total for part in parts) if total > 0 else self._weights


def _sign(value: float) -> int:
    return 1 if value > 0 else -1 if value < 0 else 0
