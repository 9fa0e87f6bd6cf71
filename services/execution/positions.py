"""What we hold and what it earned, from executions alone.

Theory of operation. Every execution is booked once, by its id. Cash is the exact sum of what was paid and received,
fees and funding included; the realised result is cash plus what the open position cost. A round trip begins when a
position leaves zero and ends when it is back: its net is the cash of all that lies between, so nothing is averaged.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from services.execution.wire import ExecutionRow, PositionRow
from shared.messages import BUY, Fill, PositionNews, RoundTrip
from shared.scale import Scale

EXEC_IDS_MAX = 8_192
HOLDINGS_MAX = 1_024
MOVES_POSITION = frozenset(("Trade", "AdlTrade", "BustTrade", "Delivery", "Settle", "BlockTrade", "MovePosition"))
NS_PER_MS = 1_000_000
DAY_MS = 86_400_000


def _rounded(numerator: int, denominator: int) -> int:
    """Return the quotient of two non-negative numbers, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator) if denominator else 0


@dataclass(slots=True)
class Holding:
    """One symbol. Sums are ticks x lots; ``stop_ticks`` and ``target_ticks`` are what we want, not what is there."""

    symbol: str
    scale: Scale
    position_lots: int = 0
    entry_e8: int = 0
    stop_ticks: int = 0
    target_ticks: int = 0
    opened_ns: int = 0
    changed_ns: int = 0
    cash_e8: int = 0
    trip_side: int = 0
    trip_lots_max: int = 0
    trip_open_sum: int = 0
    trip_open_lots: int = 0
    trip_close_sum: int = 0
    trip_close_lots: int = 0
    trip_fees_e8: int = 0
    trip_cash_e8: int = 0
    intent_id: str = ""
    risk_e8: int = 0
    first_stop_ticks: int = 0  # Trailing is measured by it.

    @property
    def cost_e8(self) -> int:
        """Return what the open position cost, or brought if it is short; never below 0."""
        decimals, unit = self.scale.lot_grid
        bottom: int = 10**decimals
        return self.entry_e8 * abs(self.position_lots) * unit // bottom

    @property
    def realised_e8(self) -> int:
        """Return cash plus the cost of what is open: exact whenever nothing is."""
        return self.cash_e8 + (self.cost_e8 if self.position_lots > 0 else -self.cost_e8)

    def row(self) -> PositionRow:
        """Return the holding as the journal keeps it."""
        return PositionRow(
            self.symbol, self.scale.tick, self.scale.lot, self.position_lots, self.entry_e8, self.stop_ticks,
            self.target_ticks, self.opened_ns, self.cash_e8, self.trip_side, self.trip_lots_max, self.trip_open_sum,
            self.trip_open_lots, self.trip_close_sum, self.trip_close_lots, self.trip_fees_e8, self.trip_cash_e8,
            self.intent_id, self.risk_e8, self.first_stop_ticks,
        )  # fmt: skip

    def news(self, stop_ticks: int, target_ticks: int) -> PositionNews:
        """Return the holding as everybody hears of it, with the bracket that the venue has."""
        return PositionNews(
            self.symbol, self.position_lots, self.entry_e8, stop_ticks, target_ticks, self.opened_ns, self.realised_e8
        )


def holding_of(row: PositionRow) -> Holding:
    """Return the holding that a journal row describes."""
    return Holding(
        row.symbol, Scale(row.tick, row.lot), row.position_lots, row.entry_e8, row.stop_ticks, row.target_ticks,
        row.opened_ns, 0, row.cash_e8, row.trip_side, row.trip_lots_max, row.trip_open_sum, row.trip_open_lots,
        row.trip_close_sum, row.trip_close_lots, row.trip_fees_e8, row.trip_cash_e8, row.intent_id, row.risk_e8,
        row.first_stop_ticks,
    )  # fmt: skip


class Ledger:
    """All holdings. Round trips and the realised result of the day are counted here."""

    def __init__(self) -> None:
        self.holdings: OrderedDict[str, Holding] = OrderedDict()
        self.round_trips = 0
        self.day, self._day_realised_e8 = 0, 0
        self._exec_ids: OrderedDict[str, int] = OrderedDict()  # id -> time, ms
        self._forgotten_ms = 0  # Executions up to here may have been forgotten: they are old news.

    def recall(
        self, exec_ids: tuple[str, ...], rows: tuple[PositionRow, ...], round_trips: int, day: int, day_e8: int,
        last_exec_ms: int = 0,
    ) -> None:  # fmt: skip
        """Begin where the journal ends. No position has changed after the last execution of all."""
        for exec_id in exec_ids[-EXEC_IDS_MAX:]:
            self._exec_ids[exec_id] = 0
        for row in rows:
            self.holdings[row.symbol] = holding_of(row)
            self.holdings[row.symbol].changed_ns = last_exec_ms * NS_PER_MS
        self.round_trips, self.day, self._day_realised_e8 = round_trips, day, day_e8

    def holding(self, symbol: str, scale: Scale) -> Holding:
        """Return the symbol's holding, made if missing."""
        found = self.holdings.get(symbol)
        if found is None:
            found = self.holdings[symbol] = Holding(symbol, scale)
            if len(self.holdings) > HOLDINGS_MAX:
                self._forget_holding()
        elif found.scale != scale and found.position_lots == 0:
            found.scale = scale  # The venue changed the grid; nothing is counted on the old one.
        return found

    def _forget_holding(self) -> None:
        flat = next((symbol for symbol, held in self.holdings.items() if not held.position_lots), None)
        if flat is not None:
            del self.holdings[flat]

    def open(self) -> list[Holding]:
        """Return the holdings that are not flat."""
        return [held for held in self.holdings.values() if held.position_lots]

    def lots(self, symbol: str) -> int:
        """Return the signed position in a symbol."""
        held = self.holdings.get(symbol)
        return held.position_lots if held else 0

    def day_realised_e8(self, now_ms: int) -> int:
        """Return the result realised since 00:00 UTC."""
        return self._day_realised_e8 if now_ms // DAY_MS == self.day else 0

    def known(self, exec_id: str, exec_ms: int) -> bool:
        """Whether an execution was booked before."""
        return exec_id in self._exec_ids or exec_ms < self._forgotten_ms

    def book(
        self, fill: Fill, exec_type: str, scale: Scale, now: int, reason: str
    ) -> tuple[ExecutionRow, RoundTrip | None] | None:
        """Book one execution; None when it was booked before. ``reason`` names the round trip if this ends it."""
        if self.known(fill.exec_id, fill.exec_ms):
            return None
        self._remember(fill.exec_id, fill.exec_ms)
        held = self.holding(fill.symbol, scale)
        before_e8 = held.realised_e8
        trip: RoundTrip | None = None
        _pay(held, -fill.fee_e8)
        held.trip_fees_e8 += fill.fee_e8
        if exec_type in MOVES_POSITION:
            trip = self._move(held, fill, now, reason)
        if not held.position_lots and trip is None:
            held.trip_fees_e8 = held.trip_cash_e8 = 0  # A cost outside any round trip.
        realised_e8 = held.realised_e8 - before_e8
        self._count_day(fill.exec_ms, realised_e8)
        return ExecutionRow(fill, exec_type, realised_e8), trip

    def _remember(self, exec_id: str, exec_ms: int) -> None:
        self._exec_ids[exec_id] = exec_ms
        if len(self._exec_ids) > EXEC_IDS_MAX:
            _, forgotten_ms = self._exec_ids.popitem(last=False)
            self._forgotten_ms = max(self._forgotten_ms, forgotten_ms)

    def _count_day(self, exec_ms: int, realised_e8: int) -> None:
        day = exec_ms // DAY_MS
        if day > self.day:
            self.day, self._day_realised_e8 = day, 0
        if day == self.day:
            self._day_realised_e8 += realised_e8

    def _move(self, held: Holding, fill: Fill, now: int, reason: str) -> RoundTrip | None:
        """Apply a trade: what closes first, then what opens. Return the round trip that it ends, if any."""
        signed = fill.side * fill.qty_lots
        against = held.position_lots * signed < 0
        closing = min(fill.qty_lots, abs(held.position_lots)) if against else 0
        opening = fill.qty_lots - closing
        trip: RoundTrip | None = None
        if closing:
            _pay(held, fill.side * -held.scale.value_e8(fill.price_ticks, closing))
            held.trip_close_sum += fill.price_ticks * closing
            held.trip_close_lots += closing
            held.position_lots += fill.side * closing
            if not held.position_lots:
                trip = self._end_trip(held, fill, reason)
        if opening:
            _pay(held, fill.side * -held.scale.value_e8(fill.price_ticks, opening))
            _open(held, fill, opening)
        held.changed_ns = now
        return trip

    def _end_trip(self, held: Holding, fill: Fill, reason: str) -> RoundTrip:
        self.round_trips += 1
        tick_e8 = held.scale.tick_e8
        trip = RoundTrip(
            number=self.round_trips,
            symbol=held.symbol,
            side=held.trip_side,
            qty_lots=held.trip_lots_max,
            entry_e8=_rounded(held.trip_open_sum * tick_e8, held.trip_open_lots),
            exit_e8=_rounded(held.trip_close_sum * tick_e8, held.trip_close_lots),
            fees_e8=held.trip_fees_e8,
            net_e8=held.trip_cash_e8,
            opened_ns=held.opened_ns,
            closed_ns=fill.exec_ms * NS_PER_MS,
            reason=reason,
            intent_id=held.intent_id,
            risk_e8=held.risk_e8,
        )
        _clear(held)
        return trip

    def adopt(self, symbol: str, scale: Scale, lots: int, entry_e8: int, now: int) -> None:
        """Take the venue's word for a position that executions do not explain. The caller counts a correction."""
        held = self.holding(symbol, scale)
        realised_e8 = held.realised_e8
        _clear(held)
        held.scale, held.position_lots, held.entry_e8, held.changed_ns = scale, lots, entry_e8, now
        held.cash_e8 += realised_e8 - held.realised_e8  # What is realised does not change by looking.
        if lots:
            side = BUY if lots > 0 else -BUY
            held.opened_ns, held.trip_side, held.trip_lots_max = now, side, abs(lots)
            held.trip_open_lots = abs(lots)
            held.trip_open_sum = _rounded(entry_e8 * abs(lots), scale.tick_e8)
            held.trip_cash_e8 = -side * scale.value_e8(held.trip_open_sum, 1)


def _pay(held: Holding, amount_e8: int) -> None:
    held.cash_e8 += amount_e8
    held.trip_cash_e8 += amount_e8


def _open(held: Holding, fill: Fill, lots: int) -> None:
    """Add to a position, or begin one."""
    before = abs(held.position_lots)
    if not before:
        held.opened_ns, held.trip_side = fill.exec_ms * NS_PER_MS, fill.side
    price_e8 = fill.price_ticks * held.scale.tick_e8
    held.entry_e8 = _rounded(held.entry_e8 * before + price_e8 * lots, before + lots)
    held.position_lots += fill.side * lots
    held.trip_open_sum += fill.price_ticks * lots
    held.trip_open_lots += lots
    held.trip_lots_max = max(held.trip_lots_max, abs(held.position_lots))


def _clear(held: Holding) -> None:
    """Forget everything that belongs to the position that has just ended."""
    held.position_lots = held.entry_e8 = held.opened_ns = held.stop_ticks = held.target_ticks = 0
    held.trip_side = held.trip_lots_max = held.trip_fees_e8 = held.trip_cash_e8 = 0
    held.trip_open_sum = held.trip_open_lots = held.trip_close_sum = held.trip_close_lots = held.risk_e8 = 0
    held.intent_id, held.first_stop_ticks = "", 0
