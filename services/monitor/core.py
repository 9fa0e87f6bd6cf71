"""The monitor: listens to everything, and says what people want to see and keep. Pure; the shell writes it.

Books are sampled once a second for alerts and figures; lines, heartbeat and snapshots come on their own periods.
"""

from __future__ import annotations

from services.monitor import figures, report, rows
from services.monitor.alerts import Alerts, Finding, Limits, findings
from services.monitor.edge import EdgeBook
from services.monitor.figures import Figures
from services.monitor.wire import (
    BooksCopied,
    Document,
    MarketLine,
    Reported,
    RequestBooks,
    RequestVitals,
    Vitals,
)
from shared.clock import NS_PER_S
from shared.config import Monitor
from shared.layout import Reason
from shared.messages import (
    BUY,
    BookCopy,
    ClockOffset,
    Decision,
    ExecutionState,
    Fill,
    Log,
    Markout,
    Message,
    OrderNews,
    PositionNews,
    RoundTrip,
    Started,
    StopRequested,
    Tick,
    Universe,
    Verdict,
    WeightsNews,
)
from shared.mirror import BookView
from shared.offset import Offset
from shared.scale import Scale, e8_text

SAMPLE_NS = NS_PER_S
HEARTBEAT_NS = 60 * NS_PER_S
SNAPSHOT_NS = 300 * NS_PER_S
GATES_MAX = 64
BITCOIN = "BTCUSDT"
ORDER_FLOW = "orderflow"
SYMBOLS_MAX = 1_024


class MonitorCore:
    """State: the last word of everybody."""

    def __init__(self, config: Monitor, limits: Limits) -> None:
        self._limits, self._csv = limits, config.csv
        self._line_ns = int(config.line_s * NS_PER_S)
        self._sample_ns = min(SAMPLE_NS, self._line_ns)
        self._line_due_ns = self._sample_due_ns = self._heartbeat_due_ns = self._snapshot_due_ns = 0
        self._alerts = Alerts()
        self._scales: dict[str, Scale] = {}
        self._universe: dict[str, float] = {}
        self._books: dict[str, BookView] = {}  # Of the sample under way.
        self._btc_mid = 0.0
        self._flow: dict[str, Decision] = {}  # Newest word of the order-flow strategy that was not shown yet.
        self._state: ExecutionState | None = None
        self._positions: dict[str, PositionNews] = {}
        self._refused: dict[str, int] = {}
        self._edges = EdgeBook()
        self._weights: WeightsNews | None = None
        self._last_trip = 0
        self._vitals: Vitals | None = None
        self._clock: Offset | None = None

    # --- time ------------------------------------------------------------------------------------------------------

    def on_started(self, message: Started, now: int) -> list[Message]:
        """The first line comes with the first books; heartbeat and snapshot after their first period."""
        self._line_due_ns = self._sample_due_ns = now
        self._heartbeat_due_ns, self._snapshot_due_ns = now + HEARTBEAT_NS, now + SNAPSHOT_NS
        return []

    def on_tick(self, _: Tick, now: int) -> list[Message]:
        """Ask for what is due."""
        out: list[Message] = []
        if now >= self._sample_due_ns:
            self._sample_due_ns = now + self._sample_ns
            self._books = {}
            out.append(RequestBooks(final=False))
        if now >= self._heartbeat_due_ns or now >= self._snapshot_due_ns:
            out.append(RequestVitals())
        return out

    def on_stop_requested(self, _: StopRequested, now: int) -> list[Message]:
        """One last look at everything."""
        self._books = {}
        self._line_due_ns = self._heartbeat_due_ns = self._snapshot_due_ns = now
        return [RequestVitals(), RequestBooks(final=True)]

    # --- markets ---------------------------------------------------------------------------------------------------

    def on_universe(self, message: Universe, now: int) -> list[Message]:
        """Learn symbols and grids."""
        symbols = [rules.symbol for rules in message.instruments]
        self._universe = dict(zip(symbols, message.scores, strict=False))
        self._scales |= {rules.symbol: Scale(rules.tick, rules.lot) for rules in message.instruments}
        return []

    def on_clock_offset(self, message: ClockOffset, now: int) -> list[Message]:
        """Learn how far the venue's clock is from ours."""
        self._clock = Offset(message.offset_ns, message.uncertainty_ns, message.at_ns)
        return []

    def on_book_copy(self, message: BookCopy, now: int) -> list[Message]:
        """Take in one symbol's book; raise or end its alerts."""
        scale = self._scales[message.symbol] = Scale(message.tick, message.lot)
        view = self._books[message.symbol] = BookView.from_row(message.data, message.symbol, scale)
        void = not view.valid and view.reason is not Reason.UNSUBSCRIBED  # Nobody wants that one.
        said = [Finding("void", void, f"no book: {view.reason.name.lower()}")]
        found = figures.figures(view, self._clock) if view.valid else None
        if found is not None:
            self._btc_mid = found.mid if message.symbol == BITCOIN else self._btc_mid
            said += findings(found, self._limits, self._btc_mid)
        logs = [self._alerts.hear(message.symbol, each, now) for each in said]
        return [log for log in logs if log is not None]

    def on_books_copied(self, message: BooksCopied, now: int) -> list[Message]:
        """All books of this sample are here: say the lines that are due, and at the end everything."""
        self._alerts.keep(set(self._books))
        out: list[Message] = []
        if now >= self._line_due_ns and self._books:
            self._line_due_ns = now + self._line_ns
            out += self._lines()
        if message.final:
            out += [Document("books.json", report.books_json(self._books)), self._edge(), Reported()]
        return out

    def _lines(self) -> list[Message]:
        found: list[tuple[Figures, Scale]] = []
        for view in self._books.values():
            seen = figures.figures(view, self._clock) if view.valid else None
            if seen is not None:
                found.append((seen, view.scale))
        out: list[Message] = []
        for seen, scale in found:
            out.append(MarketLine(seen.symbol, figures.line(seen, scale)))
            flow = self._flow.pop(seen.symbol, None)
            if flow is not None:
                out.append(MarketLine(seen.symbol, figures.flow_line(flow)))
        return out

    # --- trading ---------------------------------------------------------------------------------------------------

    def on_decision(self, message: Decision, now: int) -> list[Message]:
        """Keep a decision."""
        out: list[Message] = []
        if message.strategy == ORDER_FLOW and (message.symbol in self._flow or len(self._flow) < SYMBOLS_MAX):
            self._flow[message.symbol] = message
        if self._csv:
            out.append(rows.of_decision(message, self._scales.get(message.symbol), now))
        return out

    def on_markout(self, message: Markout, now: int) -> list[Message]:
        """Count what became of a decision for every signal that had a say in it."""
        self._edges.hear(message)
        return [rows.of_markout(message)] if self._csv else []

    def on_weights_news(self, message: WeightsNews, now: int) -> list[Message]:
        """Say which weights are in force from here on."""
        self._weights = message
        told = " ".join(
            f"{name} x{factor:.2f} ({edge:+.2f} bps, {trades})"
            for name, factor, edge, trades in zip(
                message.signals, message.multipliers, message.edges_bps, message.trades, strict=False
            )
        )
        return [Log("INFO", "weights.changed", f"version {message.version}: {told}")]

    def on_order_news(self, message: OrderNews, now: int) -> list[Message]:
        """Keep a change of an order."""
        return [rows.of_order(message, self._scales.get(message.symbol))] if self._csv else []

    def on_fill(self, message: Fill, now: int) -> list[Message]:
        """Keep an execution."""
        return [rows.of_fill(message, self._scales.get(message.symbol))] if self._csv else []

    def on_verdict(self, message: Verdict, now: int) -> list[Message]:
        """Count what the gates refuse, by gate."""
        if message.gate and (message.gate in self._refused or len(self._refused) < GATES_MAX):
            self._refused[message.gate] = self._refused.get(message.gate, 0) + 1
        return []

    def on_position_news(self, message: PositionNews, now: int) -> list[Message]:
        """Remember what is held."""
        self._positions[message.symbol] = message
        return []

    def on_execution_state(self, message: ExecutionState, now: int) -> list[Message]:
        """Remember who may trade; a change is worth a line."""
        before, self._state = self._state, message
        if before is not None and before.state == message.state:
            return []
        reason = f" ({message.reason})" if message.reason else ""
        return [Log("INFO", "execution.state", f"execution is {message.state}{reason}")]

    def on_round_trip(self, message: RoundTrip, now: int) -> list[Message]:
        """Say and keep a closed position, once; notice those that were never heard."""
        if message.number <= self._last_trip:
            return []
        out: list[Message] = []
        if 0 < self._last_trip < message.number - 1:
            missed = message.number - 1 - self._last_trip
            out.append(Log("WARNING", "trips.missed", f"{missed} round trips before {message.number} were not heard"))
        self._last_trip = message.number
        scale = self._scales.get(message.symbol)
        out.append(Log("INFO", "trip.closed", _closed(message, scale), message.symbol))
        return [*out, rows.of_trip(message, scale)] if self._csv else out

    # --- health ----------------------------------------------------------------------------------------------------

    def on_vitals(self, message: Vitals, now: int) -> list[Message]:
        """Say the heartbeat and write the snapshot, whichever is due."""
        self._vitals = message
        out: list[Message] = []
        if now >= self._heartbeat_due_ns:
            self._heartbeat_due_ns = now + HEARTBEAT_NS
            realised_e8 = sum(news.realised_e8 for news in self._positions.values())
            out.append(Log("INFO", "heartbeat", report.heartbeat(message, self._state, realised_e8, now)))
        if now >= self._snapshot_due_ns:
            self._snapshot_due_ns = now + SNAPSHOT_NS
            out += [Document("state.json", self._snapshot(now)), self._edge()]
        return out

    def _edge(self) -> Document:
        return Document("edge.json", report.edge_json(self._edges.report(), self._weights))

    def _snapshot(self, now: int) -> bytes:
        return report.state_json(
            self._vitals,
            self._state,
            self._positions,
            self._universe,
            self._refused,
            self._alerts.on,
            self._clock,
            now,
        )


def _closed(trip: RoundTrip, scale: Scale | None) -> str:
    side = "LONG" if trip.side == BUY else "SHORT"
    prices = [
        e8_text(price_e8) if scale is None else figures.e8_rounded(price_e8, min(8, scale.tick_grid[0]))
        for price_e8 in (trip.entry_e8, trip.exit_e8)
    ]
    net = figures.e8_rounded(trip.net_e8, 2)
    signed = net if net.startswith("-") else f"+{net}"
    size = rows.qty(scale, trip.qty_lots)
    return f"closed {side} {trip.symbol} {size} @ {prices[0]} -> {prices[1]} {trip.reason} {signed} USDT"
