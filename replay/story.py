"""What the journals of a run, finished or not, say of each symbol: the last opinion, the last wish, the last trade."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from services.execution.wire import AmendRequest, OrderRequest, Quote
from shared import journal
from shared.journal import Entry
from shared.layout import AUX1, META, RECV_NS, Kind, Reason, meta_kind, meta_symbol
from shared.messages import (
    BookCopy,
    Decision,
    Events,
    ExecutionState,
    Fill,
    Intent,
    Message,
    OrderNews,
    PositionNews,
    RoundTrip,
    Universe,
    Verdict,
)
from shared.ring import records
from shared.scale import E8, Scale

PARTS_READ = 4  # Newest files of each worker: hours of trading.
WISHES_MAX = 4_096
EVENTS_KEPT = 4_000  # Newest looks at the ring: some seconds, more than a live book is ever silent.
LOOK_NS = 5_000_000  # A book looked at within this after an order left is the one that it met.
BPS = 10_000
ENTER = "enter"

_SIGNALS = frozenset((b"Decision", b"Intent", b"Universe", b"BookCopy", b"Tick"))
_EXECUTION = frozenset(
    name.encode()
    for name in ("Intent", "Quote", "Verdict", "OrderRequest", "AmendRequest", "OrderNews", "Fill", "PositionNews",
                 "RoundTrip", "ExecutionState", "Universe", "Tick")
)  # fmt: skip


@dataclass(slots=True)
class Leg:
    """One order that left."""

    request: OrderRequest
    sent_ns: int
    mid2_ticks: int  # Twice the mid when it left; 0: not known.
    amended: int = 0  # How often it was given another price.
    fills: list[Fill] = field(default_factory=list)


@dataclass(slots=True)
class Wish:
    """One intent and all that came of it."""

    intent: Intent
    decision: Decision | None = None
    verdict: Verdict | None = None
    legs: OrderedDict[str, Leg] = field(default_factory=OrderedDict)
    exit_legs: OrderedDict[str, Leg] = field(default_factory=OrderedDict)
    news: OrderedDict[str, OrderNews] = field(default_factory=OrderedDict)  # The last of each order.
    exits: list[Fill] = field(default_factory=list)
    trip: RoundTrip | None = None

    @property
    def entries(self) -> list[Fill]:
        """Fills that opened the position."""
        return [fill for leg in self.legs.values() for fill in leg.fills]


@dataclass(slots=True)
class Standing:
    """One symbol."""

    symbol: str
    scale: Scale | None = None
    decision: Decision | None = None  # The last one said; nothing else was worth saying since.
    wish: Wish | None = None
    trade: Wish | None = None  # The last wish of which an order was filled.
    position: PositionNews | None = None
    book_ns: int = 0  # When its book was last heard of; 0: not lately.
    void: int = 0  # Why its book is void (layout.Reason); 0: it is not.


class Chronicle:
    """Hears the journals of signals, then of execution, in their order."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self.universe: tuple[str, ...] = ()
        self.leaving: tuple[str, ...] = ()
        self.state: ExecutionState | None = None
        self.heard_ns: dict[str, int] = {}  # By worker: its journal's last record.
        self._wishes: OrderedDict[str, Wish] = OrderedDict()
        self._quotes: dict[str, Quote] = {}
        self._leaves: dict[str, Leg] = {}  # By symbol: left a moment ago, its book not looked at yet.
        self._ids: dict[tuple[int, int], str] = {}  # (generation, symbol id).
        self._events: deque[Events] = deque(maxlen=EVENTS_KEPT)

    @property
    def end_ns(self) -> int:
        """The newest moment that is written down."""
        return max(self.heard_ns.values(), default=0)

    def of(self, symbol: str) -> Standing:
        """Return what is known of one symbol."""
        found = self.standings.get(symbol)
        if found is None:
            found = self.standings[symbol] = Standing(symbol)
        return found

    def hear(self, worker: str, entry: Entry) -> None:
        """Take one record."""
        self.heard_ns[worker] = entry.now
        message = entry.message
        if isinstance(message, Universe):
            self._learn(message)
        elif isinstance(message, Decision):
            self._decide(message)
        elif isinstance(message, Intent):
            self._wish(message)
        elif isinstance(message, BookCopy):
            self._ids[message.generation, message.symbol_id] = message.symbol
        elif isinstance(message, Events):
            self._events.append(message)
        elif isinstance(message, ExecutionState):
            self.state = message
        else:
            self._execute(message, entry.now)

    def _learn(self, universe: Universe) -> None:
        self.universe = tuple(rules.symbol for rules in universe.instruments)
        self.leaving = universe.leaving
        for rules in universe.instruments:
            self.of(rules.symbol).scale = Scale(rules.tick, rules.lot)

    def _decide(self, decision: Decision) -> None:
        standing = self.of(decision.symbol)
        standing.decision, wish = decision, standing.wish
        if wish is not None and decision.reason == ENTER and wish.intent.decided_ns == decision.decided_ns:
            wish.decision = decision

    def _wish(self, intent: Intent) -> None:
        """Take an intent, as it was said or as it was heard: the first time counts."""
        if intent.intent_id in self._wishes:
            return
        wish = self._wishes[intent.intent_id] = self.of(intent.symbol).wish = Wish(intent)
        standing = self.of(intent.symbol)
        said = standing.decision
        if said is not None and said.reason == ENTER and said.decided_ns == intent.decided_ns:
            wish.decision = said
        if len(self._wishes) > WISHES_MAX:
            self._wishes.popitem(last=False)

    # --- what execution did -----------------------------------------------------------------------------------------

    def _execute(self, message: Message, now: int) -> None:
        wish = self._wishes.get(getattr(message, "intent_id", ""))
        if isinstance(message, Quote):
            self._look(message, now)
        elif isinstance(message, OrderRequest):
            self._send(message, now)
        elif isinstance(message, AmendRequest):
            leg = self._leg(message.order_link_id)
            if leg is not None:
                leg.amended += 1
        elif isinstance(message, Fill):
            self._fill(message)
        elif isinstance(message, PositionNews):
            self.of(message.symbol).position = message
        elif wish is not None:
            _tell(wish, message)

    def _look(self, quote: Quote, now: int) -> None:
        self._quotes[quote.symbol] = quote
        leg = self._leaves.pop(quote.symbol, None)
        if leg is not None and now - leg.sent_ns <= LOOK_NS:
            leg.mid2_ticks = _mid2(quote) or leg.mid2_ticks

    def _send(self, request: OrderRequest, now: int) -> None:
        leg = Leg(request, now, _mid2(self._quotes.get(request.symbol)))
        self._leaves[request.symbol] = leg
        self.of(request.symbol).scale = Scale(request.tick, request.lot)
        if request.reduce_only:
            wish = self._trade(request.symbol)
            if wish is not None:
                wish.exit_legs[request.order_link_id] = leg
            return
        wish = self._wishes.get(request.order_link_id.rpartition("-")[0])
        if wish is not None:
            wish.legs[request.order_link_id] = leg

    def _leg(self, link: str) -> Leg | None:
        wish = self._wishes.get(link.rpartition("-")[0])
        return wish.legs.get(link) if wish is not None else None

    def _trade(self, symbol: str) -> Wish | None:
        return self.of(symbol).trade

    def _fill(self, fill: Fill) -> None:
        leg = self._leg(fill.order_link_id)
        if leg is not None:
            leg.fills.append(fill)
            self.of(fill.symbol).trade = self._wishes[fill.order_link_id.rpartition("-")[0]]
            return
        trade = self._trade(fill.symbol)
        if trade is not None and trade.trip is None and fill.side == -trade.intent.side:
            trade.exits.append(fill)

    def settle(self) -> None:
        """Look through the newest records of the ring: which books are alive. Call once, at the end."""
        for events in self._events:
            for record in records(events.data):
                symbol = self._ids.get((events.generation, meta_symbol(record[META])))
                if symbol is None:
                    continue
                standing, kind = self.of(symbol), meta_kind(record[META])
                if kind == Kind.GAP:
                    standing.void = int(record[AUX1])
                elif kind in (Kind.BID, Kind.ASK, Kind.SNAPSHOT):
                    standing.book_ns = record[RECV_NS]
                    standing.void = Reason.NONE if kind == Kind.SNAPSHOT else standing.void


def _tell(wish: Wish, message: Message) -> None:
    """Take what names its intent."""
    if isinstance(message, Verdict):
        wish.verdict = wish.verdict or message
    elif isinstance(message, OrderNews):
        wish.news[message.order_link_id] = message
    elif isinstance(message, RoundTrip):
        wish.trip = message


def _mid2(quote: Quote | None) -> int:
    if quote is None or not quote.valid:
        return 0
    return quote.best_bid_ticks + quote.best_ask_ticks


class Split(NamedTuple):
    """Where the cost of a trade lies, basis points of the price it was decided at; > 0 is paid, nan is not known."""

    delay_bps: float  # The mid moved between decision and sending.
    execution_bps: float  # The fill against the mid at sending: half a spread and more, < 0 for a resting order.
    entry_fee_bps: float
    exit_execution_bps: float  # The mid at sending of an exit of ours against its fill; nan for the venue's own.
    exit_fee_bps: float


def split(wish: Wish, scale: Scale) -> Split:
    """Return the cost of a trade's entry by cause, and the fees of both its sides."""
    nan, side, said = float("nan"), wish.intent.side, wish.decision
    decided = (said.best_bid_ticks + said.best_ask_ticks) / 2 if said is not None else nan
    lots = delay = execution = 0.0
    for leg in wish.legs.values():
        sent = leg.mid2_ticks / 2 if leg.mid2_ticks else nan
        for fill in leg.fills:
            lots += fill.qty_lots
            delay += side * (sent - decided) * fill.qty_lots
            execution += side * (fill.price_ticks - sent) * fill.qty_lots
    base = (decided if decided > 0 else nan) * (lots or nan) / BPS
    return Split(
        delay / base, execution / base, fee_bps(wish.entries, scale), _exit_bps(wish), fee_bps(wish.exits, scale)
    )


def _exit_bps(wish: Wish) -> float:
    cost = value = 0.0
    for fill in wish.exits:
        leg = wish.exit_legs.get(fill.order_link_id)
        sent = leg.mid2_ticks / 2 if leg is not None and leg.mid2_ticks else float("nan")
        cost += wish.intent.side * (sent - fill.price_ticks) * fill.qty_lots
        value += fill.price_ticks * fill.qty_lots
    return cost * BPS / value if value else float("nan")


def fee_bps(fills: list[Fill], scale: Scale) -> float:
    """Return what these fills cost in fees, basis points of their value; nan without fills."""
    value_e8 = sum(scale.value_e8(fill.price_ticks, fill.qty_lots) for fill in fills)
    return sum(fill.fee_e8 for fill in fills) * BPS / value_e8 if value_e8 else float("nan")


def average_e8(fills: list[Fill], scale: Scale) -> int:
    """Return the mean price of some fills at 1e-8, 0 without any."""
    lots = sum(fill.qty_lots for fill in fills)
    return sum(fill.price_ticks * fill.qty_lots for fill in fills) * scale.tick_e8 // lots if lots else 0


def fees_usdt(fills: list[Fill]) -> float:
    """Return what these fills cost in fees, in the quote coin."""
    return sum(fill.fee_e8 for fill in fills) / E8


def chronicle(run_dir: Path) -> Chronicle:
    """Read the newest journals of a run.

    Raises:
        ProtocolError: they are damaged, or of another version of this program.
    """
    found = Chronicle()
    for worker, names in (("signals", _SIGNALS), ("execution", _EXECUTION)):
        for path, is_last in _files(run_dir / "journal", worker):
            wanted = names | {b"Events"} if is_last and worker == "signals" else names
            for entry in journal.pick(path, wanted):
                found.hear(worker, entry)
    found.settle()
    return found


def _files(folder: Path, worker: str) -> Iterator[tuple[Path, bool]]:
    paths = [path for _, epoch in sorted(journal.parts(folder, worker).items()) for path in epoch][-PARTS_READ:]
    for number, path in enumerate(paths, 1):
        yield path, number == len(paths)
