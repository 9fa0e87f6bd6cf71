"""What must survive the death of the exchange: everything about the account, as small records under lasting names.

The core asks after each event what has changed and says it (`Keep`) before any answer leaves; the shell appends it to
a log. A restarted core asks for it back (`Recall`) and is told (`Restored`). A record replaces the one of its name,
an empty one ends it. A pure function of the account: the same events give the same records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from operator import attrgetter
from types import ModuleType
from typing import Any

from services.exchange import account, desk, faults, matching, orders, rows, stops
from services.exchange.desk import Desk
from services.exchange.oracle import EXECUTIONS_KEPT
from services.exchange.orders import LINK_IDS_KEPT, Order
from services.exchange.plain import NotPlainError, Plain, known, slots
from shared.messages import Message

Record = tuple[str, bytes]
MODULES: tuple[ModuleType, ...] = (account, desk, faults, matching, orders, rows, stops)
"""Where the classes that occur in the account's state are defined."""

TRANSIENT = frozenset(
    (
        *("news", "moved", "_touched", "_matches", "now", "_rng", "reopened_ms"),
        *("executions", "_filled"),  # Records of their own, and what follows from them.
        *("_by_stage", "_alive"),  # Follow from the faults.
        *("premiums_e8", "sampled_s"),  # The average premium of the price band begins anew.
    )
)
ORDER, LINK, EXECUTION, LAST_PRICE, PART = "order/", "link/", "execution/", "last/", "part/"
GRID = "grid/"  # The present tick and lot of a symbol that began with others.
FORGOTTEN = "forgotten/orders"  # How many.


class Keep(Message, frozen=True):
    """Write this down before anything else is said. Pairs of name and bytes; empty bytes end a name."""

    records: tuple[Record, ...]


class Recall(Message, frozen=True):
    """What has been written down in this run? The answer is Restored."""


class Restored(Message, frozen=True):
    """What an earlier exchange of this run has had written down."""

    records: tuple[Record, ...]


class Keeper:
    """Finds what has changed. ``parts`` are the objects, beside orders and executions, that hold state, by name."""

    def __init__(self, desk: Desk, parts: Mapping[str, object]) -> None:
        self._desk, self._parts = desk, dict(parts)
        self._plain = Plain(known(MODULES))
        self._read_order = attrgetter(*slots(Order))
        self._said: dict[str, bytes] = {}  # Parts and last prices, as last said.
        self._orders: dict[int, tuple[str, str]] = {}  # Said and not forgotten: number -> id and link id, oldest first.
        self._open: dict[int, tuple[Any, ...]] = {}  # The open ones' fields as last said.
        self._newest = 0
        self._links: deque[int] = deque()  # Numbers of forgotten orders whose link id is still taken.
        self._executed = self._episodes = self._forgotten = 0
        self.wiring: set[str] = set()  # Attributes that are no state.

    # --- saying -----------------------------------------------------------------------------------------------------

    def changes(self) -> list[Record]:
        """Return what is different from what was said before."""
        found = [*self._orders_changed(), *self._orders_forgotten(), *self._executions()]
        for name, part in self._parts.items():
            for attribute, value in vars(part).items():
                if attribute not in TRANSIENT:
                    found += self._attribute(f"{PART}{name}.{attribute}", attribute, value)
        self._episodes = self._desk.oracle.episodes
        found += self._if_new(FORGOTTEN, b"%d" % self._desk.orders.forgotten)
        for symbol in self._desk.market.symbols:
            found += self._if_new(f"{LAST_PRICE}{symbol}", b"%d" % self._desk.market.last_ticks(symbol))
        for symbol in self._desk.grids:
            rules = self._desk.money[symbol].instrument
            found += self._if_new(f"{GRID}{symbol}", f"{rules.tick} {rules.lot}".encode())
        return found

    def _attribute(self, name: str, attribute: str, value: object) -> list[Record]:
        if name in self.wiring:
            return []
        if attribute == "_episodes" and self._desk.oracle.episodes == self._episodes:
            return []  # Long, and nearly always as it was.
        try:
            return self._if_new(name, self._plain.encode(value))
        except NotPlainError:
            self.wiring.add(name)
            return []

    def _if_new(self, name: str, data: bytes) -> list[Record]:
        if self._said.get(name) == data:
            return []
        self._said[name] = data
        return [(name, data)]

    def _orders_changed(self) -> list[Record]:
        """Return the orders that are new or not as they were: only an open one can change, and once more to close."""
        table = self._desk.orders
        changed = []
        for number, fields in self._open.items():
            order = table.find(self._orders[number][0], "")
            if order is not None and self._read_order(order) != fields:
                changed.append(order)
        fresh = []
        for order in table.newest_first():
            if order.number <= self._newest:
                break
            fresh.append(order)
        return [self._say_order(order) for order in (*changed, *reversed(fresh))]

    def _say_order(self, order: Order) -> Record:
        number = order.number
        self._orders[number] = order.order_id, order.order_link_id
        self._newest = max(self._newest, number)
        if order.open:
            self._open[number] = self._read_order(order)
        else:
            self._open.pop(number, None)
        return f"{ORDER}{number}", self._plain.encode_record(order)

    def _orders_forgotten(self) -> list[Record]:
        """Return the ends of the orders that the table has dropped; their link ids stay taken."""
        table, found = self._desk.orders, list[Record]()
        missing = table.forgotten - self._forgotten
        if missing <= 0:
            return found
        gone = (number for number, (order_id, _) in self._orders.items() if table.find(order_id, "") is None)
        for number in list(islice(gone, missing)):
            _, link_id = self._orders.pop(number)
            self._open.pop(number, None)
            found.append((f"{ORDER}{number}", b""))
            if link_id:
                found.append((f"{LINK}{number}", link_id.encode()))
                self._links.append(number)
        while len(self._links) > LINK_IDS_KEPT:
            found.append((f"{LINK}{self._links.popleft()}", b""))
        self._forgotten = table.forgotten
        return found

    def _executions(self) -> list[Record]:
        """Return the executions since the last call, and the ends of those that the oracle has dropped."""
        oracle = self._desk.oracle
        kept, count, said = oracle.executions, oracle.executed, self._executed
        fresh = range(count - min(count - said, len(kept)), count)
        found = [(f"{EXECUTION}{number}", self._plain.encode(kept[number - count])) for number in fresh]
        gone = range(max(0, said - EXECUTIONS_KEPT), max(0, count - EXECUTIONS_KEPT))
        self._executed = count
        return found + [(f"{EXECUTION}{number}", b"") for number in gone]

    # --- being told -------------------------------------------------------------------------------------------------

    def restore(self, records: Iterable[Record]) -> None:
        """Put the account, as fresh as it is built, into the state that was written down."""
        held: dict[str, list[tuple[str, bytes]]] = {}
        for name, data in records:
            kind, _, rest = name.partition("/")
            held.setdefault(f"{kind}/", []).append((rest, data))
        numbered = {int(number): data for number, data in held.get(ORDER, ())}
        orders = {number: Order.__new__(Order) for number in sorted(numbered)}
        for number, order in orders.items():
            self._plain.fill_record(order, numbered[number], orders.__getitem__)
        links = [data.decode() for _, data in sorted(held.get(LINK, ()), key=_number)]
        self._desk.orders.restore(orders.values(), links)
        self._links.extend(sorted(int(number) for number, _ in held.get(LINK, ())))
        for _, data in sorted(held.get(EXECUTION, ()), key=_number):
            self._desk.oracle.heard_execution(self._plain.decode(data, orders.__getitem__))
        for name, data in held.get(PART, ()):
            part, _, attribute = name.partition(".")
            _assign(self._parts[part], attribute, self._plain.decode(data, orders.__getitem__))
        for _, data in held.get("forgotten/", ()):
            self._desk.orders.forgotten = self._forgotten = int(data)
        self.changes()  # What has just been told need not be said again.


def last_prices_ticks(records: Iterable[Record]) -> dict[str, int]:
    """Return each symbol's last price, where one was written down."""
    return {name.removeprefix(LAST_PRICE): int(data) for name, data in records if name.startswith(LAST_PRICE)}


def last_grids(records: Iterable[Record]) -> dict[str, tuple[str, str]]:
    """Return (tick, lot) of each symbol that was put on another grid."""
    held = ((name.removeprefix(GRID), data.decode().partition(" ")) for name, data in records if name.startswith(GRID))
    return {symbol: (tick, lot) for symbol, (tick, _, lot) in held}


def _number(record: Record) -> int:
    return int(record[0])


def _assign(holder: object, attribute: str, value: Any) -> None:
    """Give a container its content, so that whoever shares it goes on sharing it; anything else is replaced."""
    present = getattr(holder, attribute)
    if isinstance(present, dict | set):
        present.clear()
        present.update(value)
    elif isinstance(present, deque | list):
        present.clear()
        present.extend(value)
    else:
        setattr(holder, attribute, value)
