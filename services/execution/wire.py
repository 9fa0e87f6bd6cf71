"""What the execution core hears from its own sockets, threads and disk, and what it tells them to do.

Requests carry integers and the grid they are counted on; decimal text is made at the venue's door (`calls.py`).
"""

from __future__ import annotations

from shared.messages import Fill, Message, RoundTrip

# --- heard: the private stream, REST answers, our own book mirror ----------------------------------------------------


class PrivateUp(Message, frozen=True):
    """The private stream is logged in and subscribed: from here on nothing is missed."""


class PrivateDown(Message, frozen=True):
    """The private stream is gone."""

    reason: str


class PrivateFrame(Message, frozen=True):
    """One frame of the private stream, as it came."""

    data: bytes


class Reply(Message, frozen=True):
    """What became of one request. ``data`` is the whole answer of the venue, or empty."""

    request_id: int
    kind: str  # The request's class, or a Query's kind.
    outcome: str  # accepted, rejected, unknown, already_done
    code: int
    text: str
    data: bytes
    at_ns: int
    limit: int = 0  # Requests of this sort that the venue grants a second, by the answer's header; 0: it did not say.
    left: int = -1  # Of these, at the time of the answer; -1: it did not say.
    reset_ms: int = 0  # When there are more, by the venue's clock.


class Quote(Message, frozen=True):
    """One symbol's best prices as the book mirror shows them at this moment."""

    symbol: str
    best_bid_ticks: int
    best_ask_ticks: int
    recv_ns: int
    valid: bool
    generation: int
    ring_seq: int
    cts_ns: int = 0  # When the venue's engine had it, by the venue's clock.
    clock_offset_ns: int = 0  # The venue's clock minus ours,
    clock_uncertainty_ns: int = 0  # give or take this,
    clock_at_ns: int = 0  # as of then; 0: not measured yet.
    best_bid_lots: int = 0
    best_ask_lots: int = 0
    bid_depth_lots: int = 0  # In the near levels (quotes.py); 0 counts as an empty book.
    ask_depth_lots: int = 0
    traded_lots: int = 0  # At the price of our resting order, in all since it was first asked about.
    tick: str = ""  # Of the grid it is counted on; empty: not said.


# --- rows of the order journal ----------------------------------------------------------------------------------------


class IntentRow(Message, frozen=True):
    """An intent that became an order. Its id is never used again."""

    intent_id: str
    symbol: str
    side: int
    decided_ns: int
    at_ns: int


class OrderRow(Message, frozen=True):
    """One of our orders as it stands."""

    order_link_id: str
    order_id: str
    intent_id: str
    symbol: str
    tick: str
    lot: str
    side: int
    role: str  # entry, exit
    reason: str  # Why an exit: time, flatten, ...
    state: str
    qty_lots: int
    price_ticks: int  # 0 for a market order.
    stop_ticks: int
    target_ticks: int
    cum_lots: int  # Filled, by the order's own word.
    booked_lots: int  # Filled, by executions booked.
    sent_ns: int
    at_ns: int
    risk_e8: int = 0  # What the whole of it loses at its stop, costs included (its R); 0: not known.


class ExecutionRow(Message, frozen=True):
    """One execution, trade or funding, and what it did to the account."""

    fill: Fill
    exec_type: str
    realised_e8: int  # Change of the realised result, fee taken off.


class PositionRow(Message, frozen=True):
    """What we hold in one symbol and what the open round trip is made of; sums are ticks x lots."""

    symbol: str
    tick: str
    lot: str
    position_lots: int
    entry_e8: int
    stop_ticks: int  # Wanted, not what the venue has.
    target_ticks: int
    opened_ns: int
    cash_e8: int  # Everything ever paid and received in this symbol.
    trip_side: int
    trip_lots_max: int
    trip_open_sum: int
    trip_open_lots: int
    trip_close_sum: int
    trip_close_lots: int
    trip_fees_e8: int
    trip_cash_e8: int
    intent_id: str = ""  # What opened it; empty: not us.
    risk_e8: int = 0  # R of what was filled, fixed at entry; 0: not known.
    first_stop_ticks: int = 0  # Where the stop was first; 0: not known.


class CorrectionRow(Message, frozen=True):
    """Reconciliation had to change what we believed."""

    kind: str  # execution, order, position, stop
    symbol: str
    text: str
    at_ns: int


class WordRow(Message, frozen=True):
    """The last word of a person, or of a breaker, that outlives a restart."""

    word: str  # paused, flattening, latched, or empty
    reason: str
    run_id: str
    at_ns: int
    rearmed_ns: int = 0  # When a person last re-armed the breakers: what was lost before does not count again.


class BreachRow(Message, frozen=True):
    """Something that a breaker counts."""

    kind: str  # slippage
    symbol: str
    order_link_id: str
    value_ticks: int
    limit_ticks: int
    at_ns: int


class Recovered(Message, frozen=True):
    """What the order journal held when this worker began."""

    orders: tuple[OrderRow, ...]  # Those that were not settled.
    intent_ids: tuple[str, ...]  # The newest, oldest first.
    exec_ids: tuple[str, ...]  # The newest, oldest first.
    positions: tuple[PositionRow, ...]
    round_trips: int
    day: int  # Days since the epoch, UTC, that the next figure belongs to.
    day_realised_e8: int
    last_exec_ms: int  # 0: none yet.
    word: WordRow
    day_peak_e8: int = 0  # The most that the day had realised at any moment, never below 0.
    armed_realised_e8: int = 0  # Realised in the day since the breakers were last re-armed.
    armed_r_e6: int = 0  # The same in millionths of R.
    breaches: int = 0  # The same count of breaches.
    losses: tuple[tuple[str, int], ...] = ()  # When each symbol last lost, ns; of the last hour.


# --- said -------------------------------------------------------------------------------------------------------------


class Commit(Message, frozen=True):
    """Write these rows to disk in one transaction and sync; answered by Committed."""

    commit_id: int
    intents: tuple[IntentRow, ...]
    orders: tuple[OrderRow, ...]
    executions: tuple[ExecutionRow, ...]
    positions: tuple[PositionRow, ...]
    trips: tuple[RoundTrip, ...]
    corrections: tuple[CorrectionRow, ...]
    words: tuple[WordRow, ...]
    breaches: tuple[BreachRow, ...] = ()


class Committed(Message, frozen=True):
    """The rows of one Commit are on disk, or why not."""

    commit_id: int
    ok: bool
    text: str


class OrderRequest(Message, frozen=True):
    """Create an order. Made by the gates alone."""

    request_id: int
    order_link_id: str
    symbol: str
    tick: str
    lot: str
    side: int
    qty_lots: int
    price_ticks: int  # 0: a market order.
    stop_ticks: int  # 0: none (reduce-only).
    target_ticks: int
    reduce_only: bool
    decided_ns: int  # 0 when no intent stands behind it.
    expires_ns: int  # 0: never too late.
    post: bool = False  # Rests in the book or is cancelled; otherwise it takes at once what it can.
    slip_bps: int = 0  # How far beyond the touch a market order goes; 0: as far as the venue lets it.
    risk_e8: int = 0  # What all of it loses at its stop, costs included: its R. 0: reduce-only.


class AmendRequest(Message, frozen=True):
    """Give a resting entry another price, and its bracket with it. Made by the gates alone."""

    request_id: int
    order_link_id: str
    symbol: str
    tick: str
    price_ticks: int
    stop_ticks: int
    target_ticks: int


class RequestQuote(Message, frozen=True):
    """Look at one symbol's book: an order of ours rests there. Answered by a Quote, if there is a book."""

    symbol: str
    price_ticks: int = 0  # Where it rests; 0: nowhere any more.


class CancelRequest(Message, frozen=True):
    """Cancel one order by our name for it."""

    request_id: int
    symbol: str
    order_link_id: str


class CancelAllRequest(Message, frozen=True):
    """Cancel every ordinary order; stops and targets of positions stay."""

    request_id: int


class StopRequest(Message, frozen=True):
    """Set the venue-side stop of a whole position."""

    request_id: int
    symbol: str
    tick: str
    stop_ticks: int
    urgent: bool = True  # There is none: nothing that is merely useful goes before it.


class LeverageRequest(Message, frozen=True):
    """Set the leverage of one symbol."""

    request_id: int
    symbol: str
    leverage: int


class PriceLimitRequest(Message, frozen=True):
    """Have the venue refuse an order beyond its price limits instead of moving it."""

    request_id: int


class Query(Message, frozen=True):
    """Ask the venue. Fields that a kind does not need are empty."""

    request_id: int
    kind: str  # See calls.py.
    symbol: str
    order_link_id: str
    cursor: str
    start_ms: int


class BadRecord(Message, frozen=True):
    """Something the venue sent made no sense; counted."""

    text: str


class Refused(Message, frozen=True):
    """This account must not be traded on; nothing of ours is open there. A restart mends nothing."""

    reason: str


class Finished(Message, frozen=True):
    """Nothing more to do: the worker may end. ``clean`` when nothing was left open."""

    clean: bool
