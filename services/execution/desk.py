"""What all parts of the executor look at, and the one place from which they speak."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from services.execution.allowances import Allowances
from services.execution.gates import UNKNOWN_E8
from services.execution.limits import Limits
from services.execution.orders import Orders, exit_reason
from services.execution.parse import Execution, PositionUpdate
from services.execution.positions import MOVES_POSITION, Ledger
from services.execution.regrid import change_of, regrid_holding, regrid_order
from services.execution.retries import Retries
from services.execution.wire import (
    BreachRow,
    Commit,
    CorrectionRow,
    ExecutionRow,
    IntentRow,
    OrderRow,
    PositionRow,
    Quote,
    WordRow,
)
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import Instrument, Log, Message, RoundTrip
from shared.scale import Scale, common

PENDING_MAX = 1_024
SCALES_MAX = 2_048
OWED_MAX = 20_000
OLDER_NS = 5 * NS_PER_S
HEARD_LATE_NS = 2 * NS_PER_S  # The stream had this long to tell us of an execution that a query brings.


class Pending(NamedTuple):
    """A request that has no answer yet: whose it is."""

    owner: str  # tracker, reconciler, exits, core
    subject: str  # An order's name, or a symbol.


@dataclass(slots=True)
class View:
    """The venue's last word on one position."""

    position_lots: int
    stop_ticks: int
    target_ticks: int
    heard_ns: int = 0  # When we heard it,
    updated_ms: int = 0  # and the venue's own time of it; 0: not said.

    def outdates(self, update: PositionUpdate, now: int) -> bool:
        """Whether a reading is of an earlier moment. Not for long: the venue's clock may have been set back."""
        return 0 < update.updated_ms < self.updated_ms and now - self.heard_ns < OLDER_NS

    def same(self, other: View) -> bool:
        """Whether both say the same of the position."""
        mine = self.position_lots, self.stop_ticks, self.target_ticks
        return mine == (other.position_lots, other.stop_ticks, other.target_ticks)


class Desk:
    """Shared state of one core, and its outbox."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.run_id, self.epoch = "", 0
        self.orders, self.ledger = Orders(), Ledger()
        self.scales: dict[str, Scale] = {}
        self.coming: dict[str, Scale] = {}  # Grids that are taken once nothing is open.
        self.rules: dict[str, Instrument] = {}
        self.quotes: dict[str, Quote] = {}
        self.taker_e8: dict[str, int] = {}
        self.available_e8 = self.equity_e8 = self.wallet_e8 = UNKNOWN_E8  # Wallet: without what is not realised.
        self.next_funding_ns: dict[str, int] = {}
        self.views: dict[str, View] = {}
        self.private_up, self.journal_ok = False, True
        self.allowances, self.retries = Allowances(), Retries()
        self.corrections = 0
        self.pending: OrderedDict[int, Pending] = OrderedDict()
        self.listener: Callable[[Message], None] | None = None  # Hears everything that is said, as it is said.
        self._said: list[Message] = []
        self._rows: list[Message] = []
        self._writing: dict[int, list[Message]] = {}  # Commits that the disk has not answered.
        self._owed: list[Message] = []  # What it could not write.
        self._request_id, self.commit_id = 0, 1

    # --- speaking ---------------------------------------------------------------------------------------------

    def say(self, message: Message) -> None:
        """Put a message out."""
        self._said.append(message)
        if self.listener is not None:
            self.listener(message)

    def log(self, level: str, event: str, text: str, symbol: str = "") -> None:
        """Put a line for people out."""
        self._said.append(Log(level, event, text, symbol))

    def keep(self, row: Message) -> None:
        """Have a row written with the present turn's commit (whose number is ``commit_id``)."""
        self._rows.append(row)

    def request_id(self, owner: str, subject: str) -> int:
        """Return a number for a new request and remember whose answer it will be."""
        self._request_id += 1
        self.pending[self._request_id] = Pending(owner, subject)
        if len(self.pending) > PENDING_MAX:
            self.pending.popitem(last=False)
        return self._request_id

    def take(self) -> list[Message]:
        """Return everything said in this turn; rows first, as one transaction."""
        if not self._said and not self._rows:
            return []
        said, self._said = self._said, []
        if self._rows:
            said.insert(0, self._commit())
        self.allowances.note(said)
        self.retries.note(said)
        return said

    def _commit(self) -> Commit:
        rows, self._rows, self._owed = self._due() + self._rows, [], []
        commit_id, self.commit_id = self.commit_id, self.commit_id + 1
        self._writing[commit_id] = rows
        return Commit(
            commit_id,
            tuple(row for row in rows if isinstance(row, IntentRow)),
            tuple(row for row in rows if isinstance(row, OrderRow)),
            tuple(row for row in rows if isinstance(row, ExecutionRow)),
            tuple(row for row in rows if isinstance(row, PositionRow)),
            tuple(row for row in rows if isinstance(row, RoundTrip)),
            tuple(row for row in rows if isinstance(row, CorrectionRow)),
            tuple(row for row in rows if isinstance(row, WordRow)),
            tuple(row for row in rows if isinstance(row, BreachRow)),
        )

    def written(self, commit_id: int, ok: bool) -> None:
        """The disk has answered. What it could not write goes with the next commit: nothing booked is ever lost."""
        rows = self._writing.pop(commit_id, [])
        if not ok:
            self._owed += [row for row in rows if not isinstance(row, WordRow)]  # Its newest is said again anyway.
        if len(self._owed) > OWED_MAX:
            self.log("ERROR", "journal.lost", f"{len(self._owed) - OWED_MAX} rows did not fit into memory")
            del self._owed[:-OWED_MAX]

    @property
    def owes(self) -> bool:
        """Whether something is not on disk yet."""
        return bool(self._rows or self._writing or self._owed)

    def _due(self) -> list[Message]:
        """Return what is owed as it stands now: a later commit may have written newer states already."""
        rows: list[Message] = []
        for row in self._owed:
            order = self.orders.find(row.order_link_id) if isinstance(row, OrderRow) else None
            if isinstance(row, OrderRow) and order is not None:
                rows.append(order.row(row.at_ns))
            elif isinstance(row, PositionRow):
                rows.append(self.ledger.holdings[row.symbol].row())
            else:
                rows.append(row)
        return rows

    def correct(self, kind: str, symbol: str, text: str, now: int) -> None:
        """Count one repair of what we believed."""
        self.corrections += 1
        self.keep(CorrectionRow(kind, symbol, text, now))
        self.log("WARNING", f"correction.{kind}", text, symbol)

    # --- instruments ------------------------------------------------------------------------------------------

    def learn_scale(self, symbol: str, tick: str, lot: str) -> None:
        """Take a symbol's grid. What is counted on another one is counted anew (`regrid.py`)."""
        scale, old = Scale(tick, lot), self.scales.get(symbol)
        if old is None and len(self.scales) < SCALES_MAX:
            self.scales[symbol] = scale
        elif old is not None and old != scale and self.coming.get(symbol) != scale:
            self._regrid(symbol, old, scale)

    def _regrid(self, symbol: str, old: Scale, new: Scale) -> None:
        held, orders = self.ledger.holdings.get(symbol), list(self.orders.open(symbol))
        held = held if held is not None and held.position_lots else None
        change, to = change_of(old, new), new
        if not change.fits(held, orders):
            self.coming[symbol] = new  # Once it is flat.
            to = common(old, new)
            change = change_of(old, to)
        self.scales[symbol] = to
        self.quotes.pop(symbol, None)
        if held is None and not orders:
            return
        self.log("WARNING", "grid.changed", f"{old} is now {new}, counted on {to}", symbol)
        if held is not None:
            regrid_holding(held, change, to)
            self.keep(held.row())
            view = self.views.get(symbol)
            if view is not None:
                side = 1 if held.position_lots > 0 else -1
                view.position_lots = int(view.position_lots * change.lots)
                view.stop_ticks = change.sooner(view.stop_ticks, side)
                view.target_ticks = change.sooner(view.target_ticks, -side)
            self.say_position(symbol)
        for order in orders:
            regrid_order(order, change, to)
            self.keep(order.row(order.sent_ns))

    def settle_grids(self) -> None:
        """Take the grids that waited until nothing was open."""
        for symbol in [symbol for symbol in self.coming if symbol not in self.open_symbols()]:
            self.scales[symbol] = self.coming.pop(symbol)

    def rules_of(self, symbol: str) -> Instrument | None:
        """Return a symbol's rules; None while they are of another grid than the one its prices are read on."""
        rules, scale = self.rules.get(symbol), self.scales.get(symbol)
        return rules if rules is not None and scale == Scale(rules.tick, rules.lot) else None

    # --- positions --------------------------------------------------------------------------------------------

    def see(self, update: PositionUpdate, now: int = 0, asked_ns: int = 0) -> None:
        """Take the venue's word on a position's bracket. A reading (``asked_ns``) gives way to what came meanwhile."""
        if len(self.views) >= SCALES_MAX and update.symbol not in self.views:
            return
        before = self.views.get(update.symbol)
        if asked_ns and before and (before.heard_ns >= asked_ns or before.outdates(update, now)):
            return
        view = View(update.position_lots, update.stop_ticks, update.target_ticks, now, update.updated_ms)
        self.views[update.symbol] = view
        if (before is None or not before.same(view)) and self.ledger.lots(update.symbol):
            self.say_position(update.symbol)

    def believe_stop(self, symbol: str, stop_ticks: int, now: int) -> None:
        """Take it that the venue has this stop: it said so itself."""
        view = self.views.get(symbol)
        if view is not None:
            view.stop_ticks, view.heard_ns = stop_ticks, now
            self.say_position(symbol)

    def book(self, execution: Execution, now: int, *, by_query: bool) -> bool:
        """Book one execution in the ledger; False when it was known. Says what follows from it."""
        fill = execution.fill
        row_and_trip = self.ledger.book(
            fill, execution.exec_type, self.scales[fill.symbol], now, _trip_reason(execution)
        )
        if row_and_trip is None:
            return False
        row, trip = row_and_trip
        self.keep(row)
        if by_query and now - fill.exec_ms * NS_PER_MS > HEARD_LATE_NS:
            self.correct("execution", fill.symbol, f"{execution.exec_type} {fill.exec_id} was missed", now)
        if execution.exec_type in MOVES_POSITION:
            self.say(fill)
        else:
            self.log("INFO", "execution.other", f"{execution.exec_type}: {fill.fee_e8 / 1e8:.8f} paid", fill.symbol)
        if trip is not None:
            self.keep(trip)
            self.say(trip)
        return True

    def say_position(self, symbol: str) -> None:
        """Say what we hold in a symbol, with the bracket that the venue has."""
        held = self.ledger.holdings[symbol]
        view = self.views.get(symbol)
        if view is None or not held.position_lots:
            view = View(0, 0, 0)
        self.say(held.news(view.stop_ticks, view.target_ticks))

    def open_symbols(self) -> tuple[str, ...]:
        """Return the symbols with a position or an order that is not settled."""
        found = dict.fromkeys(held.symbol for held in self.ledger.open())
        found |= dict.fromkeys(order.symbol for order in self.orders.open())
        return tuple(sorted(found))


def _trip_reason(execution: Execution) -> str:
    """Return what a round trip that this execution ends was ended by."""
    if execution.exec_type != "Trade":
        return "outside"
    return execution.leg or exit_reason(execution.fill.order_link_id) or "outside"
