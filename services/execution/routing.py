"""The way of one entry to the book, as a table: take at once, or rest, follow the touch, come off, and take the rest.

Theory of operation. A narrow and liquid book is taken from at once (IOC). Elsewhere the entry rests at the near touch
(PostOnly) and earns the spread: it follows the touch by being amended, so that there is never a second order, and comes
off when its time is over. What is left is taken at once, but only after the venue has ended the resting order and every
fill of it is booked, and only if the signal still stands. So one intent never buys more than its size, whatever fills
late. `router.py` tells the table what happened and does what it says.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from services.execution.wire import Quote
from shared.clock import NS_PER_MS
from shared.config import Router
from shared.messages import BUY, Intent
from shared.scale import E8, Scale

BPS = 10_000
TAKE_ALWAYS, POST_ALWAYS, SMART = "take", "post", "smart"


class Stage(StrEnum):
    """How far an entry has come."""

    CHOOSING = "choosing"
    POSTING = "posting"  # The first leg is on its way to the book.
    RESTING = "resting"
    REPRICING = "repricing"  # It was asked to follow the touch.
    CANCELLING = "cancelling"  # It was asked off; its end is not proven yet.
    LOOKING = "looking"  # It is over: the book is looked at once more.
    TAKING = "taking"  # The last leg is on its way.
    DONE = "done"


class Happening(StrEnum):
    """What can happen to it."""

    NARROW = "narrow"  # A narrow and liquid book.
    WIDE = "wide"  # Any other.
    RESTS = "rests"  # The venue has the order, at the price last asked for.
    MOVED = "moved"  # The touch went away, and the order may follow it.
    AWAY = "away"  # The touch went away, and the order may not follow.
    LATE = "late"  # Its time at this price is over.
    REFUSED = "refused"  # The venue would not amend it.
    STANDS = "stands"  # A cancel came to nothing.
    UNWANTED = "unwanted"  # Nobody may enter now, or the position is being left.
    FILLED = "filled"
    SHORT = "short"  # The leg is over with something left, and the signal stands.
    OVER = "over"  # The leg is over, and what is left is given up.
    FAILED = "failed"  # Refused, never sent, or lost: nothing is tried again.
    QUOTED = "quoted"  # The book has been looked at, and every gate lets the rest through.


class Act(StrEnum):
    """What is to be done about it."""

    NOTHING = "nothing"
    POST = "post"
    AMEND = "amend"
    CANCEL = "cancel"
    LOOK = "look"
    TAKE = "take"


S, H, A = Stage, Happening, Act
_ENDS = {
    H.FILLED: (S.DONE, A.NOTHING), H.SHORT: (S.LOOKING, A.LOOK), H.OVER: (S.DONE, A.NOTHING),
    H.FAILED: (S.DONE, A.NOTHING),
}  # fmt: skip
_OFF = (S.CANCELLING, A.CANCEL)
ROUTES: dict[Stage, dict[Happening, tuple[Stage, Act]]] = {
    S.CHOOSING: {H.NARROW: (S.TAKING, A.TAKE), H.WIDE: (S.POSTING, A.POST)},
    S.POSTING: {H.RESTS: (S.RESTING, A.NOTHING), H.UNWANTED: _OFF, **_ENDS},
    S.RESTING: {H.MOVED: (S.REPRICING, A.AMEND), H.AWAY: _OFF, H.LATE: _OFF, H.UNWANTED: _OFF, **_ENDS},
    S.REPRICING: {H.RESTS: (S.RESTING, A.NOTHING), H.REFUSED: _OFF, H.LATE: _OFF, H.UNWANTED: _OFF, **_ENDS},
    S.CANCELLING: {H.STANDS: _OFF, **_ENDS},
    S.LOOKING: {H.QUOTED: (S.TAKING, A.TAKE), H.OVER: (S.DONE, A.NOTHING)},
    S.TAKING: {H.FILLED: (S.DONE, A.NOTHING), H.OVER: (S.DONE, A.NOTHING), H.FAILED: (S.DONE, A.NOTHING)},
    S.DONE: {},
}  # fmt: skip


class IllegalRouteError(AssertionError):
    """A pair that the table does not have: a bug of ours."""


def step(stage: Stage, happening: Happening) -> tuple[Stage, Act]:
    """Return where ``happening`` leads and what it asks for. Raises IllegalRouteError without such a row."""
    try:
        return ROUTES[stage][happening]
    except KeyError:
        raise IllegalRouteError(f"{happening} while {stage}") from None


class RouteLimits(NamedTuple):
    """The `router` part of the configuration, in the core's units."""

    mode: str = TAKE_ALWAYS
    narrow_bps: float = 10.0
    liquid_e8: int = 5_000 * E8
    post_timeout_ns: int = 600 * NS_PER_MS
    trigger_ticks: int = 1
    attempts_max: int = 3
    chase_bps: float = 10.0
    pmin: float = 0.65
    stand_ns: int = 2_500 * NS_PER_MS
    exit_slip_bps: int = 0


def route_limits(config: Router) -> RouteLimits:
    """Return the limits that ``config`` sets."""
    return RouteLimits(
        mode=config.mode,
        narrow_bps=config.narrow_bps,
        liquid_e8=round(config.liquid_usdt * E8),
        post_timeout_ns=config.post_timeout_ms * NS_PER_MS,
        trigger_ticks=config.reprice_trigger_ticks,
        attempts_max=config.max_reprice_attempts,
        chase_bps=config.chase_max_bps,
        pmin=config.ioc_pmin,
        stand_ns=config.signal_ttl_ms * NS_PER_MS,
        exit_slip_bps=config.exit_slip_bps,
    )


def choose(quote: Quote | None, scale: Scale | None, limits: RouteLimits) -> Happening:
    """Return which way a book asks for. Without a book the gates refuse whatever is asked."""
    if limits.mode == TAKE_ALWAYS or quote is None or scale is None:
        return H.NARROW
    if limits.mode == POST_ALWAYS:
        return H.WIDE
    return H.NARROW if is_narrow(quote, limits) and is_liquid(quote, scale, limits) else H.WIDE


def is_narrow(quote: Quote, limits: RouteLimits) -> bool:
    """Whether the spread is below the limit, basis points of the mid."""
    spread, doubled_mid = quote.best_ask_ticks - quote.best_bid_ticks, quote.best_ask_ticks + quote.best_bid_ticks
    return doubled_mid > 0 and 2 * spread * BPS < limits.narrow_bps * doubled_mid


def is_liquid(quote: Quote, scale: Scale, limits: RouteLimits) -> bool:
    """Whether the near levels of both sides are worth enough, at the best price."""
    bids_e8 = scale.value_e8(quote.best_bid_ticks, quote.bid_depth_lots)
    asks_e8 = scale.value_e8(quote.best_ask_ticks, quote.ask_depth_lots)
    return min(bids_e8, asks_e8) >= limits.liquid_e8


def near_touch(quote: Quote, side: int) -> int:
    """Return the price at which an order of ``side`` rests first."""
    return quote.best_bid_ticks if side == BUY else quote.best_ask_ticks


def far_touch(quote: Quote, side: int) -> int:
    """Return the price at which an order of ``side`` takes first."""
    return quote.best_ask_ticks if side == BUY else quote.best_bid_ticks


def away_ticks(quote: Quote, side: int, price_ticks: int) -> int:
    """Return how far the near touch has gone from a resting order; below 0 the book is yet to show the order."""
    return (near_touch(quote, side) - price_ticks) * side


def moved(intent: Intent, price_ticks: int) -> Intent:
    """Return the intent with its bracket carried along to another entry price: the distances stay."""
    way = price_ticks - intent.entry_ticks
    return replace(intent, stop_ticks=intent.stop_ticks + way, target_ticks=intent.target_ticks + way)
