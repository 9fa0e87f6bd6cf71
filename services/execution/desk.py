"""What all parts of the executor look at, and the one place from which they speak."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from services.execution.gates import UNKNOWN_E8
from services.execution.limits import Limits
from services.execution.orders import Orders, exit_reason
from services.execution.parse import Execution, PositionUpdate
from services.execution.positions import MOVES_POSITION, Ledger
from services.execution.wire import (
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
from shared.scale import Scale

PENDING_MAX = 1_024
SCALES_MAX = 2_048
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


class Desk:
    """Shared state of one core, and its outbox."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.run_id, self.epoch = "", 0
        self.orders, self.ledger = Orders(), Ledger()
        self.scales: dict[str, Scale] = {}
        self.rules: dict[str, Instrument] = {}
        self.quotes: dict[str, Quote] = {}
        self.taker_e8: dict[str, int] = {}
        self.available_e8 = UNKNOWN_E8
        self.views: dict[str, View] = {}
        self.private_up, self.journal_ok = False, True
        self.corrections = 0
        self.pending: OrderedDict[int, Pending] = OrderedDict()
        self._said: list[Message] = []
        self._rows: list[Message] = []
        self._request_id, self.commit_id = 0, 1

    # --- speaking ---------------------------------------------------------------------------------------------

    def say(self, message: Message) -> None:
        """Put a message out."""
        self._said.append(message)

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
        said, self._said = self._said, []
        if self._rows:
            said.insert(0, self._commit())
        return said

    def _commit(self) -> Commit:
        rows, self._rows = self._rows, []
        commit_id, self.commit_id = self.commit_id, self.commit_id + 1
        return Commit(
            commit_id,
            tuple(row for row in rows if isinstance(row, IntentRow)),
            tuple(row for row in rows if isinstance(row, OrderRow)),
            tuple(row for row in rows if isinstance(row, ExecutionRow)),
            tuple(row for row in rows if isinstance(row, PositionRow)),
            tuple(row for row in rows if isinstance(row, RoundTrip)),
            tuple(row for row in rows if isinstance(row, CorrectionRow)),
            tuple(row for row in rows if isinstance(row, WordRow)),
        )

    def correct(self, kind: str, symbol: str, text: str, now: int) -> None:
        """Count one repair of what we believed."""
        self.corrections += 1
        self.keep(CorrectionRow(kind, symbol, text, now))
        self.log("WARNING", f"correction.{kind}", text, symbol)

    # --- instruments ------------------------------------------------------------------------------------------

    def learn_scale(self, symbol: str, tick: str, lot: str) -> None:
        """Take a symbol's grid, unless a position is counted on another one."""
        scale = Scale(tick, lot)
        if self.ledger.lots(symbol) and self.scales.get(symbol, scale) != scale:
            return
        if symbol in self.scales or len(self.scales) < SCALES_MAX:
            self.scales[symbol] = scale

    # --- positions --------------------------------------------------------------------------------------------

    def see(self, update: PositionUpdate) -> None:
        """Take the venue's word on a position's bracket."""
        if len(self.views) >= SCALES_MAX and update.symbol not in self.views:
            return
        before = self.views.get(update.symbol)
        view = View(update.position_lots, update.stop_ticks, update.target_ticks)
        self.views[update.symbol] = view
        if before != view and self.ledger.lots(update.symbol):
            self.say_position(update.symbol)

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
