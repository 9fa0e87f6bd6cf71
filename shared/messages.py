"""Every message that one process says to another, on one page: the vocabulary of the system.

Messages are frozen, flat and typed, with units in their names. They state facts (totals, sequence numbers, absolute
times), never increments, so hearing one twice or late is harmless. Fields are appended only, never moved: they travel
as arrays. What a service hears from its own sockets (frames, replies) is declared beside that service with the same
base, so that a journal can hold it too.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import msgspec

SCHEMA = 1  # Bumped when a field changes its meaning; a receiver refuses other numbers.

BUY, SELL = 1, -1


class ProtocolError(ValueError):
    """Bytes that make no sense. Raised at the door only; the shell counts it and drops them."""


REGISTRY: dict[str, type[Message]] = {}


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of everything a core hears or says; registered under its class name."""

    HANDLER: ClassVar[str] = ""
    DIGESTED: ClassVar[bool] = False  # As an output it is so much that a journal holds only its digest.
    EXPRESS: ClassVar[bool] = False  # In such a hurry that it goes the quickest way.

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.HANDLER = "on_" + re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        known = REGISTRY.get(cls.__name__)
        assert known is None or known.__module__ == cls.__module__, f"two messages are called {cls.__name__}"
        REGISTRY[cls.__name__] = cls


_encoder = msgspec.msgpack.Encoder()
_decoders: dict[str, msgspec.msgpack.Decoder[Message]] = {}


def encode(message: Message) -> bytes:
    """Return the message's payload (its type travels beside it)."""
    return _encoder.encode(message)


def encode_onto(buffer: bytearray, message: Message) -> None:
    """Append the message's payload to ``buffer``."""
    _encoder.encode_into(message, buffer, -1)


def decode(name: str, payload: bytes | memoryview) -> Message:
    """Return the message called ``name``. Raises ProtocolError for an unknown name or a payload that does not fit."""
    decoder = _decoders.get(name)
    if decoder is None:
        kind = REGISTRY.get(name)
        if kind is None:
            raise ProtocolError(f"unknown message {name!r}")
        decoder = _decoders[name] = msgspec.msgpack.Decoder(kind)
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"{name}: {error}") from error


# --- time and life -------------------------------------------------------------------------------------------------


class Tick(Message, frozen=True):
    """Time has passed. Sent by the loop, at least every ``tick_ms``."""


class StopRequested(Message, frozen=True):
    """The supervisor wants this worker to end in order."""


class Started(Message, frozen=True):
    """A worker begins: the first input of every core, so that a journal says which run and restart it belongs to."""

    name: str
    run_id: str
    epoch: int  # How often this worker was restarted in this run.


class Log(Message, frozen=True):
    """Something a person may want to read. The shell writes it; nobody acts on it."""

    level: str  # DEBUG, INFO, WARNING, ERROR
    event: str  # Stable dotted name: order.ack, book.gap
    text: str
    symbol: str = ""


# --- universe and instruments --------------------------------------------------------------------------------------


class Instrument(Message, frozen=True):
    """The venue's rules for one symbol. ``tick`` and ``lot`` are decimal text; the rest is in ticks and lots."""

    symbol: str
    tick: str
    lot: str
    min_lots: int
    max_lots: int  # Largest limit order.
    max_market_lots: int
    min_notional_e8: int
    funding_interval_min: int
    max_leverage_e2: int  # Hundredths.
    status: str  # Trading, PreLaunch, Delivering, Closed
    price_limit_x_e8: int = 0  # The price band's two ratios (priceLimitRatioX, Y) at 1e-8; 0: not said.
    price_limit_y_e8: int = 0
    delivery_ms: int = 0  # When the venue stops trading it; 0: no end is planned.


class Universe(Message, frozen=True):
    """Which symbols are worth trading now, best first. A fact, said again every second."""

    version: int  # Rises with every change of content.
    instruments: tuple[Instrument, ...]
    scores: tuple[float, ...]  # Turnover x |change|, same order.
    leaving: tuple[str, ...] = ()  # Of them, those nobody may enter any more: to be closed, then they go.


# --- market data ---------------------------------------------------------------------------------------------------


class Dirty(Message, frozen=True):
    """The ring has grown: a wake-up only; what happened stands in shared memory."""

    EXPRESS: ClassVar[bool] = True

    generation: int
    head: int  # Sequence after the last published record.


class OffGrid(Message, frozen=True):
    """Prices or sizes of this symbol no longer fit the rules it is read by: they must be asked for anew."""

    symbol: str
    tick: str  # The rules that ingest has; whoever knows others need not ask.
    lot: str


class ClockOffset(Message, frozen=True):
    """The venue's clock minus fleet time, give or take the uncertainty, as measured at ``at_ns``."""

    offset_ns: int
    uncertainty_ns: int
    at_ns: int


class Events(Message, frozen=True):
    """A range of the event ring as one reader took it: whole records, in order."""

    generation: int
    first: int  # Sequence of the first record.
    data: bytes  # layout.EVENT_WORDS int64 each, native byte order.


class BookCopy(Message, frozen=True):
    """One symbol's book as copied from its mirror; the reader goes on with the ring at ``ring_seq``."""

    generation: int
    symbol_id: int
    symbol: str
    tick: str
    lot: str
    ring_seq: int
    data: bytes  # One mirror row, int64 words, see layout.


class Lapped(Message, frozen=True):
    """The ring overtook this reader (or was replaced): everything it held is void until the next BookCopy."""

    generation: int


# --- signals -> execution ------------------------------------------------------------------------------------------


class Decision(Message, frozen=True):
    """What the signal engine concluded about one symbol, with everything it rested on."""

    decision: int  # Counts up over the life of the engine's epoch.
    symbol: str
    direction: int  # +1 long, -1 short, 0 nothing to do
    score: float  # Weighted sum, -1..1
    confidence: float  # 0..1
    scores: tuple[float, ...]  # One per signal, in the order of ``signals``.
    signals: tuple[str, ...]
    best_bid_ticks: int
    best_ask_ticks: int
    generation: int
    ring_seq: int  # The decision rests on the ring up to here.
    book_ns: int  # When the book it rests on was published.
    reason: str  # enter, deadband, confidence, cooldown, ...
    strategy: str = ""
    regime: str = ""  # low, normal, high, extreme; empty: not known.
    weights: tuple[float, ...] = ()  # Share of each signal in the score, in the order of ``signals``.
    weights_version: int = 0  # Rises with every change of the weights.
    decided_ns: int = 0
    stance: str = ""  # On the position held in the symbol: hold, trail, leave; empty: none is held.


class Intent(Message, frozen=True):
    """The wish to open one position. Late is worse than lost: dead after ``expires_ns``."""

    EXPRESS: ClassVar[bool] = True

    intent_id: str  # Pure function of (run, engine epoch, counter); never used twice.
    symbol: str
    side: int  # BUY or SELL
    entry_ticks: int  # The price it was decided at: the far touch.
    stop_ticks: int
    target_ticks: int
    score: float
    confidence: float
    generation: int
    ring_seq: int
    book_ns: int
    decided_ns: int
    expires_ns: int


class Leave(Message, frozen=True):
    """The wish to close the position in one symbol: what it was opened on no longer holds."""

    EXPRESS: ClassVar[bool] = True

    symbol: str
    side: int  # Of the position that is meant; another one is left alone.
    reason: str  # confidence, against, ...
    confidence: float
    decided_ns: int
    expires_ns: int


class Tighten(Message, frozen=True):
    """The signals are very sure of the position in one symbol: its stop may stay closer until ``expires_ns``."""

    EXPRESS: ClassVar[bool] = True

    symbol: str
    side: int  # Of the position that is meant; another one is left alone.
    confidence: float
    decided_ns: int
    expires_ns: int


class Markout(Message, frozen=True):
    """What became of the mid after a decision, taken or not: said once, when the last horizon has passed."""

    decision: int
    symbol: str
    direction: int
    reason: str  # As the decision's.
    score: float
    scores: tuple[float, ...]
    signals: tuple[str, ...]
    weights_version: int
    regime: str
    horizons_ms: tuple[int, ...]
    moved_bps: tuple[float, ...]  # Of the mid since the decision, > 0 up; nan where there was no book.
    cost_bps: float  # What a round trip at this moment cost in fees and spread.
    decided_ns: int
    epoch: int  # Of the engine: with ``decision`` it names the decision.


class WeightsNews(Message, frozen=True):
    """The adaptive weights in force, and the edge each rests on. A fact, said at every change."""

    version: int
    signals: tuple[str, ...]
    shares: tuple[float, ...]  # Of the score, after adaptation.
    multipliers: tuple[float, ...]  # floor..ceiling, of the configured share.
    edges_bps: tuple[float, ...]  # Mean net return of the trades it was for, and of the others with its sign changed.
    trades: tuple[int, ...]  # How many trades each edge rests on.
    at_ns: int
    effects_bps: tuple[float, ...] = ()  # What its consent adds to a trade's return, sure enough to act on.


# --- execution -> everybody ----------------------------------------------------------------------------------------


class Check(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One gate's answer: what it looked at and what it allows."""

    passed: bool
    value: float
    limit: float


class Verdict(Message, frozen=True):
    """The gates' answer to one intent. ``gate`` is empty when all passed."""

    intent_id: str
    symbol: str
    gate: str
    value: float
    limit: float
    decided_ns: int
    gates: tuple[str, ...] = ()  # Every gate that was asked,
    checks: tuple[Check, ...] = ()  # and what each answered, in the same order.


class OrderNews(Message, frozen=True):
    """The state of one of our orders, after whatever just happened to it."""

    order_link_id: str
    order_id: str
    intent_id: str
    symbol: str
    side: int
    role: str  # entry, exit, stop, target
    state: str
    qty_lots: int
    filled_lots: int
    price_ticks: int
    reason: str
    at_ns: int
    queue_lots: int = -1  # What stands before it at its price, estimated; -1: it does not rest.


class Fill(Message, frozen=True):
    """One execution on our account, once per ``exec_id``."""

    exec_id: str
    order_id: str
    order_link_id: str
    symbol: str
    side: int
    price_ticks: int
    qty_lots: int
    fee_e8: int  # Paid > 0, earned < 0, in the quote coin.
    is_maker: bool
    exec_ms: int  # The venue's time.


class PositionNews(Message, frozen=True):
    """What we hold in one symbol, from executions alone."""

    symbol: str
    position_lots: int  # Signed.
    entry_e8: int  # Average entry price at 1e-8, 0 when flat.
    stop_ticks: int
    target_ticks: int
    opened_ns: int
    realised_e8: int  # Since the journal began, fees taken off.


class RoundTrip(Message, frozen=True):
    """A position that was opened and is closed again."""

    number: int  # Counts up over the journal's life.
    symbol: str
    side: int
    qty_lots: int  # The largest size it had.
    entry_e8: int
    exit_e8: int
    fees_e8: int
    net_e8: int
    opened_ns: int
    closed_ns: int
    reason: str  # stop, target, time, signal, switch, flatten, outside
    intent_id: str = ""  # What opened it; empty: not us.
    risk_e8: int = 0  # What it was to lose at its stop, costs included, fixed at entry: its R. 0: not known.


class ExecutionState(Message, frozen=True):
    """Who may trade and why not. A fact, said again every second."""

    state: str  # reconciling, running, paused, flattening, flat, latched
    reason: str
    open_symbols: tuple[str, ...]  # Symbols with a position or an order: not to be unsubscribed.
    corrections: int
    universe_version: int = 0  # Of the universe it acts on; 0: none heard yet.


# --- commands ------------------------------------------------------------------------------------------------------


class Command(Message, frozen=True):
    """A person's order to execution: pause, resume, flatten or kill. Acknowledged, retried, done once."""

    command_id: str
    verb: str


class Ack(Message, frozen=True):
    """The receiver has taken message ``seq`` of ``sender``/``epoch`` (first time or again)."""

    sender: str
    epoch: int
    seq: int
