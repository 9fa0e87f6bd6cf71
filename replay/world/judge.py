"""The judge of a trial: what must hold at every instant, after every fault, and at the end, whatever happened.

It believes the exchange's own books and what execution was heard to say, never what execution holds in memory. Each
finding names the law that it breaks:

    protection   no position without a live stop at the venue (naked time, on the exchange's clock)
    once         no intent buys more than its size, whatever legs it has; no order name is accepted twice
    agreement    positions by our journal are the venue's, within 5 s after the last fault
    record       every request was journalled before it left; every execution is in the ledger once; money adds up
    data         no entry on a book that was void, crossed, stale or of another life of ingest
    limits       never more exposure, positions or size than allowed, orders of unknown fate counted
    closed       no entry unless everything needed for it was known and well, and none that rests and is forgotten
    crash        recovery, run again, changes nothing
    visible      corrections are counted, and there are none where there were no faults
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from services.exchange.core import ExchangeCore
from services.exchange.orders import RESTING
from services.execution.limits import Limits
from services.execution.wire import OrderRequest, Quote
from shared.audit import Booked, compare
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import ExecutionState, Intent, Message, Verdict
from shared.scale import E8, Scale

FINDINGS_MAX = 20
NAKED_MS_MAX = 0
LOSSES_MAX = 100
REST_SPARE_NS = 8 * NS_PER_S  # What a lost cancel, a restart and a deaf line may add to an entry's time in the book.
LOSS_KNOWN_NS = 4 * NS_PER_S  # By then execution has heard of a fill, whatever was lost on the way.
DATA_FLAWS = ("stale", "void", "crossed", "generation")


class Judge:
    """Hears what execution says and looks at the exchange."""

    def __init__(self, limits: Limits, core: Callable[[], ExchangeCore]) -> None:
        self._limits, self._core = limits, core
        self.findings: list[str] = []
        self.journalled: set[str] = set()  # Link ids on disk.
        self.quotes: dict[str, Quote | None] = {}  # The last one of each symbol that execution was shown.
        self.generation = 0  # Of the books in force.
        self.entries: Counter[str] = Counter()  # Entry requests by link id.
        self.passed = self.refused = 0
        self._forgotten: set[str] = set()  # Entries found resting too long.
        self._sizes: dict[str, int] = {}  # Lots that the gates allowed, by intent.
        self._flaws: dict[str, str] = {}  # Of intents that must not become orders, by intent id.
        self.disk_failed = False
        self.state = ""  # Execution's own word for itself.
        self._lost_e8: deque[tuple[int, int]] = deque(maxlen=LOSSES_MAX)  # (time, lost since the start)

    def wished(self, intent: Intent, flaw: str) -> None:
        """Take note of an intent that execution is about to be shown, and of what is wrong with it."""
        self._flaws.pop(intent.intent_id, None)  # The same name may come again, by then with nothing wrong.
        if flaw:
            self._flaws[intent.intent_id] = flaw

    def find(self, law: str, text: str) -> None:
        """Note that a law was broken."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(f"{law}: {text}")

    # --- at every message -------------------------------------------------------------------------------------------

    def hear(self, now: int, name: str, message: Message) -> None:
        """Listen to execution."""
        if isinstance(message, OrderRequest):
            self._request(message, now)
        elif isinstance(message, ExecutionState):
            self.state = message.state
        elif isinstance(message, Verdict):
            self.refused += bool(message.gate)
            self.passed += not message.gate
            self._verdict(message, now)

    def _request(self, order: OrderRequest, now: int) -> None:
        if order.order_link_id not in self.journalled and not order.reduce_only:
            self.find("record", f"{order.order_link_id} left before it was on disk")
        if order.reduce_only:
            return
        self.entries[order.order_link_id] += 1
        if self.entries[order.order_link_id] > 1:
            self.find("once", f"{order.order_link_id} was sent {self.entries[order.order_link_id]} times")
        if not order.stop_ticks or (order.price_ticks - order.stop_ticks) * order.side <= 0:
            self.find("protection", f"{order.order_link_id} left without a stop on its loss side")
        if self.state != "running":
            self.find("closed", f"{order.order_link_id} left while execution was {self.state or 'silent'}")
        value_e8 = Scale(order.tick, order.lot).value_e8(order.price_ticks, order.qty_lots)
        if value_e8 > self._limits.max_position_e8:
            self.find("limits", f"{order.order_link_id} is worth {value_e8 / E8} USDT")

    def _verdict(self, verdict: Verdict, now: int) -> None:
        """Judge the data that a verdict rested on."""
        quote = self.quotes.get(verdict.symbol)
        if verdict.gate:
            return
        self._sizes[verdict.intent_id] = int(verdict.value)
        flaw = self._flaws.get(verdict.intent_id)
        if flaw:
            self.find("data" if flaw in DATA_FLAWS else "closed", f"{verdict.intent_id} was let through, though {flaw}")
        lost_e8 = min((lost for at_ns, lost in self._lost_e8 if at_ns >= now - LOSS_KNOWN_NS), default=0)
        if now >= self._lost_e8[0][0] + LOSS_KNOWN_NS and lost_e8 >= self._limits.max_daily_loss_e8:
            self.find("limits", f"{verdict.intent_id} was let through after a loss of {lost_e8 / E8} USDT")
        good = (
            quote is not None
            and quote.valid
            and 0 < quote.best_bid_ticks < quote.best_ask_ticks
            and quote.generation == self.generation
            and now - quote.recv_ns <= self._limits.stale_ns
        )
        if not good:
            self.find("data", f"{verdict.intent_id} was let through on {quote}")

    # --- again and again ---------------------------------------------------------------------------------------------

    def look(self, now: int) -> None:
        """Look at the account as the exchange has it."""
        desk = self._core().desk
        account = desk.account
        self._lost_e8.append((now, account.fees_e8 + account.funding_e8 - account.realised_e8))
        open_positions = 0
        for symbol, position in desk.account.positions.items():
            if not position.lots:
                continue
            open_positions += 1
            if position.cost_e8 > self._limits.max_position_e8:
                self.find("limits", f"{symbol}: a position that cost {position.cost_e8 / E8} USDT")
        if open_positions > self._limits.max_positions:
            self.find("limits", f"{open_positions} positions at once")
        route = self._limits.route
        longest_ns = route.post_timeout_ns * (route.attempts_max + 1) + REST_SPARE_NS
        for order in desk.orders.open_orders():
            too_long = order.status in RESTING and now - order.created_ms * NS_PER_MS > longest_ns
            if too_long and not order.closes and order.order_link_id not in self._forgotten:
                self._forgotten.add(order.order_link_id)
                self.find("closed", f"{order.order_link_id} rests in the book and nobody takes it off")

    def protected(self, now: int, naked_ms_max: int = NAKED_MS_MAX) -> None:
        """Ask the exchange how long a position was naked."""
        naked_ms = self._core().naked_ms_max(now)
        if naked_ms > naked_ms_max:
            self.find("protection", f"naked for {naked_ms} ms")

    def settle(
        self, now: int, ours: dict[str, Booked], links: set[str], positions: dict[str, int], law: str = "agreement"
    ) -> None:
        """Compare both ledgers."""
        desk = self._core().desk
        ledger: dict[str, Any] = desk.oracle.ledger(desk.account, desk.orders, now)
        if self.disk_failed:  # A way out of the market does not wait for the disk.
            links = links | {row["order_link_id"] for row in ledger["orders"] if row["reduce_only"]}
        for difference in compare(ledger, ours, links, positions):
            self.find("record" if "execution" in difference or "journalled" in difference else law, difference)
        names = Counter(row["order_link_id"] for row in ledger["orders"] if row["order_link_id"])
        for link, count in names.items():
            if count > 1:
                self.find("once", f"{link} was accepted {count} times")
        bought: Counter[str] = Counter()
        for row in ledger["orders"]:
            bought[row["order_link_id"].rpartition("-e")[0]] += 0 if row["reduce_only"] else row["filled_lots"]
        for intent_id, lots in bought.items():
            if intent_id and lots > self._sizes.get(intent_id, 0):
                self.find("once", f"{intent_id} bought {lots} lots, allowed were {self._sizes.get(intent_id, 0)}")

    def flat(self, now: int) -> None:
        """Nothing may be left open at the end."""
        desk = self._core().desk
        held = {symbol: position.lots for symbol, position in desk.account.positions.items() if position.lots}
        if held:
            self.find("protection", f"left open at the end ({now // NS_PER_MS} ms): {held}")
