"""The life of our orders: one table of states and events, and the book of those that are not over.

Theory of operation. An order is written to disk before it leaves (CREATED -> JOURNALLED -> SENT). An answer that does
not come makes it UNKNOWN: only the venue's word, or proof that it never arrived, settles it then. News may come late,
twice or in any order, so every state hears every kind of news, and no state is ever left for an earlier one; ABSENT
alone, which is our own conclusion, gives way when the venue turns out to have the order after all.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from enum import StrEnum

from services.execution.wire import OrderRow
from shared.messages import OrderNews

KEPT_MAX = 512  # Orders remembered after their end, so that late news finds them.
LINK_ID_MAX = 36


class State(StrEnum):
    """Where an order stands."""

    CREATED = "created"
    JOURNALLED = "journalled"
    SENT = "sent"
    UNKNOWN = "unknown"
    LIVE = "live"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    ABSENT = "absent"  # Proven never to have arrived.
    DROPPED = "dropped"  # Never sent.


class Event(StrEnum):
    """What can happen to it."""

    JOURNAL = "journal"  # Its row is on disk, or need not be.
    DROP = "drop"
    SEND = "send"
    ACK = "ack"
    REFUSE = "refuse"  # The venue's answer to the request.
    TIME_OUT = "time_out"
    PROVE_ABSENT = "prove_absent"
    NEW = "new"  # From here on: the venue's word on the order itself.
    PART_FILL = "part_fill"
    FILL = "fill"
    CANCEL = "cancel"
    REJECT = "reject"


S, E = State, Event
_NEWS = {
    E.NEW: S.LIVE, E.PART_FILL: S.PARTLY_FILLED, E.FILL: S.FILLED, E.CANCEL: S.CANCELLED, E.REJECT: S.REJECTED,
}  # fmt: skip


def _ended(state: State) -> dict[Event, State]:
    """Return the row of a state that the venue's word has settled: it hears its own past and stays."""
    late = (E.ACK, E.REFUSE, E.TIME_OUT, E.PROVE_ABSENT, *_NEWS)
    return dict.fromkeys(late, state)


TRANSITIONS: dict[State, dict[Event, State]] = {
    S.CREATED: {E.JOURNAL: S.JOURNALLED, E.DROP: S.DROPPED},
    S.JOURNALLED: {E.SEND: S.SENT, E.DROP: S.DROPPED},
    S.SENT: {
        E.ACK: S.LIVE, E.REFUSE: S.REJECTED, E.TIME_OUT: S.UNKNOWN, E.PROVE_ABSENT: S.ABSENT, **_NEWS,
    },
    # After a timeout an answer is only one more piece of news.
    S.UNKNOWN: {
        E.ACK: S.LIVE, E.REFUSE: S.REJECTED, E.TIME_OUT: S.UNKNOWN, E.PROVE_ABSENT: S.ABSENT, **_NEWS,
    },
    # The venue has it. A refusal or a timeout that comes now is of an earlier moment.
    S.LIVE: {
        E.ACK: S.LIVE, E.REFUSE: S.LIVE, E.TIME_OUT: S.LIVE, E.PROVE_ABSENT: S.ABSENT, **_NEWS,
    },
    S.PARTLY_FILLED: {
        E.ACK: S.PARTLY_FILLED, E.REFUSE: S.PARTLY_FILLED, E.TIME_OUT: S.PARTLY_FILLED,
        E.PROVE_ABSENT: S.CANCELLED, **_NEWS, E.NEW: S.PARTLY_FILLED,
    },
    S.FILLED: _ended(S.FILLED),
    S.CANCELLED: _ended(S.CANCELLED),
    S.REJECTED: _ended(S.REJECTED),
    S.ABSENT: {**_ended(S.ABSENT), E.ACK: S.LIVE, **_NEWS},
    S.DROPPED: {},
}  # fmt: skip


class Change(StrEnum):
    """What we have asked of an order that rests, and not seen the end of."""

    NONE = "none"
    AMENDING = "amending"
    AMEND_UNKNOWN = "amend_unknown"  # No answer: the venue's own word on the order will tell.
    CANCELLING = "cancelling"  # Until the order's end is seen: the answer to a cancel is no proof of it.
    CANCEL_UNKNOWN = "cancel_unknown"


class Plea(StrEnum):
    """What can happen to that."""

    AMEND = "amend"
    AMENDED = "amended"
    AMEND_REFUSED = "amend_refused"
    AMEND_LOST = "amend_lost"
    CANCEL = "cancel"
    CANCEL_TAKEN = "cancel_taken"  # Accepted, or too late: the order has ended or will.
    CANCEL_REFUSED = "cancel_refused"
    CANCEL_LOST = "cancel_lost"
    STANDS = "stands"  # Asked, the venue has the order as before.


C, P = Change, Plea
_LATE = (P.AMENDED, P.AMEND_REFUSED, P.AMEND_LOST, P.CANCEL_TAKEN, P.CANCEL_REFUSED, P.CANCEL_LOST, P.STANDS)
CHANGES: dict[Change, dict[Plea, Change]] = {
    C.NONE: {**dict.fromkeys(_LATE, C.NONE), P.AMEND: C.AMENDING, P.CANCEL: C.CANCELLING},
    C.AMENDING: {
        **dict.fromkeys(_LATE, C.AMENDING), P.CANCEL: C.CANCELLING,
        P.AMENDED: C.NONE, P.AMEND_REFUSED: C.NONE, P.AMEND_LOST: C.AMEND_UNKNOWN,
    },
    C.AMEND_UNKNOWN: {
        **dict.fromkeys(_LATE, C.AMEND_UNKNOWN), P.CANCEL: C.CANCELLING,
        P.AMENDED: C.NONE, P.AMEND_REFUSED: C.NONE, P.STANDS: C.NONE,
    },
    C.CANCELLING: {
        **dict.fromkeys(_LATE, C.CANCELLING), P.CANCEL_REFUSED: C.NONE, P.CANCEL_LOST: C.CANCEL_UNKNOWN,
        P.STANDS: C.NONE,
    },
    C.CANCEL_UNKNOWN: {
        **dict.fromkeys(_LATE, C.CANCEL_UNKNOWN), P.CANCEL_TAKEN: C.CANCELLING, P.CANCEL_REFUSED: C.NONE,
        P.STANDS: C.NONE,
    },
}  # fmt: skip

ENDED = frozenset((S.FILLED, S.CANCELLED, S.REJECTED, S.ABSENT, S.DROPPED))


class IllegalTransitionError(AssertionError):
    """A pair that the table does not have: a bug of ours, never news of the venue."""


def step(state: State, event: Event) -> State:
    """Return the state after ``event``. Raises IllegalTransitionError when the table has no such row."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransitionError(f"{event} while {state}") from None


def turn(change: Change, plea: Plea) -> Change:
    """Return what is still open after ``plea``. Raises IllegalTransitionError when the table has no such row."""
    try:
        return CHANGES[change][plea]
    except KeyError:
        raise IllegalTransitionError(f"{plea} while {change}") from None


ENTRY, EXIT = "entry", "exit"
PARTIAL, NAKED, FOREIGN = "partial", "naked", "foreign"
REASONS = {
    "t": "time", "f": "flatten", "n": NAKED, "o": FOREIGN, "p": PARTIAL, "u": "funding", "d": "delivery",
    "s": "signal", "w": "switch",
}  # fmt: skip
_LEG_OF = {reason: leg for leg, reason in REASONS.items()}
_ENTRY_LINK = re.compile(r".+-e[2-9]?")
_EXIT_LINK = re.compile(rf".+-([{''.join(REASONS)}])\d+")


def entry_link(intent_id: str, leg: int = 1) -> str:
    """Return the name of an intent's order: always the same one for the same leg, numbered from the second on."""
    return f"{intent_id}-e{leg if leg > 1 else ''}"


def exit_link(run_id: str, epoch: int, number: int, reason: str) -> str:
    """Return the name of this worker's ``number``-th exit."""
    tail = f"-{epoch}-{_LEG_OF[reason]}{number}"
    return run_id[-(LINK_ID_MAX - len(tail)) :] + tail


def exit_reason(order_link_id: str) -> str:
    """Return why one of our exits was sent, from its name alone; "" when it is not one of ours."""
    found = _EXIT_LINK.fullmatch(order_link_id)
    return REASONS[found[1]] if found else ""


def is_ours(order_link_id: str) -> bool:
    """Whether a name looks like one that we give."""
    return _ENTRY_LINK.fullmatch(order_link_id) is not None or bool(exit_reason(order_link_id))


class Order:
    """One of our orders. Mutable; only the core holds it."""

    __slots__ = (
        "absent_rounds", "asked_ns", "booked_lots", "change", "cum_lots", "early", "front_lots", "heard_ns",
        "intent_id", "lot", "order_id", "order_link_id", "price_ticks", "qty_lots", "query_due_ns", "reason",
        "refused", "risk_e8", "role", "round", "round_failed", "round_ns", "said", "sent_ns", "shown_ms",
        "side", "state", "stop_ticks", "symbol", "target_ticks", "tick", "vanished", "wanted", "why",
    )  # fmt: skip

    def __init__(self, row: OrderRow) -> None:
        self.order_link_id, self.order_id, self.intent_id = row.order_link_id, row.order_id, row.intent_id
        self.symbol, self.tick, self.lot, self.side = row.symbol, row.tick, row.lot, row.side
        self.role, self.reason, self.state = row.role, row.reason, State(row.state)
        self.qty_lots, self.price_ticks = row.qty_lots, row.price_ticks
        self.stop_ticks, self.target_ticks = row.stop_ticks, row.target_ticks
        self.cum_lots, self.booked_lots, self.sent_ns = row.cum_lots, row.booked_lots, row.sent_ns
        self.risk_e8 = row.risk_e8
        self.why = ""  # What the venue gave as its reason, last.
        self.heard_ns = 0  # When the venue last spoke of it.
        self.query_due_ns = 0  # When to ask the venue about it; 0: no need.
        self.round: dict[int, bool | None] = {}  # The round of questions under way: request -> found, None: no answer.
        self.round_ns = 0  # When it began.
        self.round_failed = False  # Whether one of its questions had no usable answer.
        self.front_lots = -1  # What stands before it while it rests, estimated.
        self.early: dict[str, int] = {}  # Executions heard of and not booked yet -> lots.
        self.absent_rounds = 0
        self.vanished = False  # Its end, or its fills, are our own conclusion and not the venue's word.
        self.change, self.asked_ns = Change.NONE, 0  # What we asked of it while it rested, and when.
        self.wanted = (0, 0, 0)  # Price, stop and target of the last amendment asked for, ticks.
        self.refused = False  # Whether the venue would not make it.
        self.shown_ms = 0  # The venue's clock at what it last said of price and bracket.
        self.said: tuple[State, int, int, int] | None = None  # What was told last: state, lots by either count, price.

    @property
    def settled(self) -> bool:
        """Whether nothing more can come of it: it is over and every fill it speaks of is booked."""
        return self.state in ENDED and self.booked_lots >= self.cum_lots

    def row(self, now: int) -> OrderRow:
        """Return the order as the journal keeps it."""
        return OrderRow(
            self.order_link_id, self.order_id, self.intent_id, self.symbol, self.tick, self.lot, self.side, self.role,
            self.reason, self.state, self.qty_lots, self.price_ticks, self.stop_ticks, self.target_ticks,
            self.cum_lots, self.booked_lots, self.sent_ns, now, self.risk_e8,
        )  # fmt: skip

    def news(self, now: int) -> OrderNews:
        """Return the order as everybody hears of it."""
        return OrderNews(
            self.order_link_id, self.order_id, self.intent_id, self.symbol, self.side, self.role, self.state,
            self.qty_lots, max(self.cum_lots, self.booked_lots), self.price_ticks, self.why or self.reason, now,
            self.front_lots,
        )  # fmt: skip


class Orders:
    """Our orders by name: all that are not settled, and the newest of the others."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Order] = OrderedDict()
        self._links: dict[str, str] = {}  # Venue's id -> our name.
        self._open: dict[str, Order] = {}  # Those that may not be settled: all that a turn has to look at.

    def __len__(self) -> int:
        return len(self._known)

    def add(self, order: Order) -> None:
        """Keep an order; the oldest settled one may have to go."""
        self._known[order.order_link_id] = order
        self.name(order, order.order_id)
        self.watch(order)
        if len(self._known) > KEPT_MAX:
            self._forget()

    def watch(self, order: Order) -> None:
        """Look after an order that has changed: one that was settled may turn out not to be."""
        if not order.settled:
            self._open[order.order_link_id] = order

    def _forget(self) -> None:
        oldest = next((order for order in self._known.values() if order.settled), None)
        if oldest is not None:
            del self._known[oldest.order_link_id]
            self._links.pop(oldest.order_id, None)

    def name(self, order: Order, order_id: str) -> None:
        """Learn the venue's id of an order."""
        if order_id:
            order.order_id = order_id
            self._links[order_id] = order.order_link_id

    def find(self, order_link_id: str, order_id: str = "") -> Order | None:
        """Return an order by our name for it or, where the venue left that out, by its id."""
        return self._known.get(order_link_id or self._links.get(order_id, ""))

    def open(self, symbol: str = "") -> list[Order]:
        """Return the orders that are not settled."""
        if not self._open:
            return []
        found = [order for order in self._open.values() if not order.settled]
        if len(found) < len(self._open):
            self._open = {order.order_link_id: order for order in found}
        return [order for order in found if order.symbol == symbol] if symbol else found
