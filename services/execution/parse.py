"""From Bybit's private frames and REST answers to typed values. Rows are read one by one: a bad one spoils no other.

Keys that are missing or unknown do no harm; a row whose meaning depends on what is missing is broken, and named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from services.execution.orders import Event
from shared.messages import BUY, SELL, Fill, ProtocolError
from shared.scale import OtherGridError, Scale, to_e8

Scales = Mapping[str, Scale]
Known = Callable[[str, int], bool]  # Whether an execution (id, time in ms) was booked before.
WHOLE_MAX = 1 << 60

_EVENTS = {
    "New": Event.NEW, "Untriggered": Event.NEW, "Triggered": Event.NEW, "PartiallyFilled": Event.PART_FILL,
    "Filled": Event.FILL, "Cancelled": Event.CANCEL, "PartiallyFilledCanceled": Event.CANCEL,
    "Deactivated": Event.CANCEL, "Rejected": Event.REJECT,
}  # fmt: skip
_SIDES = {"Buy": BUY, "Sell": SELL}
_LEGS = {
    "StopLoss": "stop", "PartialStopLoss": "stop", "TrailingStop": "stop", "Stop": "stop",
    "TakeProfit": "target", "PartialTakeProfit": "target",
}  # fmt: skip
FAST = "execution.fast"
SILENT_REASONS = ("", "EC_NoError")


class OrderUpdate(NamedTuple):
    """What the venue says about one order."""

    symbol: str
    order_id: str
    order_link_id: str
    side: int
    event: Event
    qty_lots: int
    cum_lots: int
    price_ticks: int  # The trigger's price for a stop or target.
    leg: str  # stop or target when the venue made it for a position, otherwise empty.
    why: str
    stop_ticks: int = 0  # Of the bracket it carries; 0: none.
    target_ticks: int = 0
    updated_ms: int = 0


class Execution(NamedTuple):
    """One row of our executions."""

    fill: Fill
    exec_type: str
    leg: str  # As above.


class EarlyFill(NamedTuple):
    """The short word about one of our executions: it comes first, without a fee, and a maker's without our name."""

    symbol: str
    exec_id: str
    order_id: str
    order_link_id: str
    qty_lots: int


class PositionUpdate(NamedTuple):
    """What the venue says about one position."""

    symbol: str
    position_lots: int
    entry_e8: int
    stop_ticks: int  # 0: the venue has none.
    target_ticks: int
    updated_ms: int = 0


class Grid(NamedTuple):
    """Price and size steps of one instrument, decimal text."""

    symbol: str
    tick: str
    lot: str


class FeeRate(NamedTuple):
    """What a taker pays, at 1e-8 of the value."""

    symbol: str
    taker_e8: int


class Schedule(NamedTuple):
    """When a symbol's funding is settled next, ms by the venue's clock; 0: it did not say."""

    symbol: str
    next_funding_ms: int


@dataclass(slots=True)
class Parsed:
    """One frame or answer, read as far as it could be."""

    topic: str = ""
    orders: list[OrderUpdate] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    early: list[EarlyFill] = field(default_factory=list)
    positions: list[PositionUpdate] = field(default_factory=list)
    fee_rates: list[FeeRate] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    available_e8: int | None = None
    equity_e8: int | None = None
    wallet_e8: int | None = None
    tickers: list[Schedule] = field(default_factory=list)
    unscaled: set[str] = field(default_factory=set)  # Symbols whose grid we do not know.
    broken: list[str] = field(default_factory=list)
    cursor: str = ""
    server_ms: int = 0
    order_id: str = ""  # Of an answer to a create request.


class _Row(msgspec.Struct, rename="camel"):
    symbol: str


class _OrderRow(_Row, rename="camel"):
    order_id: str
    side: str
    order_status: str
    qty: str = "0"
    price: str = ""
    cum_exec_qty: str = ""
    order_link_id: str = ""
    trigger_price: str = ""
    stop_order_type: str = ""
    cancel_type: str = ""
    reject_reason: str = ""
    stop_loss: str = ""
    take_profit: str = ""
    updated_time: str = ""


class _ExecutionRow(_Row, rename="camel"):
    exec_id: str
    exec_qty: str
    exec_price: str
    exec_time: str
    side: str
    exec_type: str
    exec_fee: str = ""
    order_id: str = ""
    order_link_id: str = ""
    stop_order_type: str = ""
    is_maker: bool = False


class _FastRow(_Row, rename="camel"):
    exec_id: str
    exec_qty: str
    order_id: str
    order_link_id: str = ""


class _PositionRow(_Row, rename="camel"):
    size: str
    side: str = ""
    entry_price: str = ""
    avg_price: str = ""
    stop_loss: str = ""
    take_profit: str = ""
    updated_time: str = ""


class _FeeRow(_Row, rename="camel"):
    taker_fee_rate: str


class _PriceFilter(msgspec.Struct, rename="camel"):
    tick_size: str


class _LotFilter(msgspec.Struct, rename="camel"):
    qty_step: str


class _GridRow(_Row, rename="camel"):
    price_filter: _PriceFilter
    lot_size_filter: _LotFilter


class _WalletRow(msgspec.Struct, rename="camel"):
    total_available_balance: str
    total_equity: str = ""
    total_wallet_balance: str = ""


class _TickerRow(_Row, rename="camel"):
    next_funding_time: str = ""


class _Frame(msgspec.Struct):
    topic: str = ""
    data: list[msgspec.Raw] = []


class _Result(msgspec.Struct, rename="camel"):
    rows: list[msgspec.Raw] = msgspec.field(default_factory=list, name="list")
    next_page_cursor: str = ""
    order_id: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    result: _Result = msgspec.field(default_factory=_Result)
    time: int = 0


def _bounded(value: int) -> int:
    if not -WHOLE_MAX <= value <= WHOLE_MAX:
        raise ProtocolError("a number of this size makes no sense")
    return value


def _ticks(scale: Scale, text: str) -> int:
    return _bounded(scale.price_ticks(text)) if text else 0


def _lots(scale: Scale, text: str) -> int:
    return _bounded(scale.qty_lots(text)) if text else 0


def _e8(text: str) -> int:
    return _bounded(to_e8(text))


def _side(text: str) -> int:
    side = _SIDES.get(text)
    if side is None:
        raise ProtocolError(f"no side is called {text!r}")
    return side


def _take_order(parsed: Parsed, row: _OrderRow, scales: Scales) -> None:
    event = _EVENTS.get(row.order_status)
    if event is None:
        raise ProtocolError(f"no order status is called {row.order_status!r}")
    scale, leg = scales[row.symbol], _LEGS.get(row.stop_order_type, "")
    price_ticks = _ticks(scale, row.trigger_price if leg else row.price)
    why = row.reject_reason if row.reject_reason not in SILENT_REASONS else ""
    parsed.orders.append(OrderUpdate(
        row.symbol, row.order_id, row.order_link_id, _side(row.side), event, _lots(scale, row.qty),
        _lots(scale, row.cum_exec_qty), price_ticks, leg, why, _ticks(scale, row.stop_loss),
        _ticks(scale, row.take_profit), int(row.updated_time or 0),
    ))  # fmt: skip


def _take_execution(parsed: Parsed, row: _ExecutionRow, scales: Scales) -> None:
    scale = scales[row.symbol]
    fill = Fill(
        exec_id=row.exec_id, order_id=row.order_id, order_link_id=row.order_link_id, symbol=row.symbol,
        side=_side(row.side), price_ticks=_ticks(scale, row.exec_price) if row.exec_type != "Funding" else 0,
        qty_lots=_lots(scale, row.exec_qty), fee_e8=_e8(row.exec_fee), is_maker=row.is_maker,
        exec_ms=int(row.exec_time),
    )  # fmt: skip
    if not (row.exec_id and fill.qty_lots > 0 and fill.exec_ms > 0 and fill.price_ticks >= 0):
        raise ProtocolError(f"execution {row.exec_id!r} makes no sense")
    parsed.executions.append(Execution(fill, row.exec_type, _LEGS.get(row.stop_order_type, "")))


def _take_fast(parsed: Parsed, row: _FastRow, scales: Scales) -> None:
    lots = _lots(scales[row.symbol], row.exec_qty)
    if not (row.exec_id and row.order_id and lots > 0):
        raise ProtocolError(f"early word of {row.exec_id!r} makes no sense")
    parsed.early.append(EarlyFill(row.symbol, row.exec_id, row.order_id, row.order_link_id, lots))


def _take_position(parsed: Parsed, row: _PositionRow, scales: Scales) -> None:
    scale = scales[row.symbol]
    lots = _lots(scale, row.size)
    signed = lots * _side(row.side) if lots else 0
    entry_e8 = _e8(row.entry_price or row.avg_price)
    stop, target = _ticks(scale, row.stop_loss), _ticks(scale, row.take_profit)
    updated_ms = int(row.updated_time or 0)
    parsed.positions.append(PositionUpdate(row.symbol, signed, entry_e8, stop, target, updated_ms))


def _take_fee(parsed: Parsed, row: _FeeRow, _: Scales) -> None:
    parsed.fee_rates.append(FeeRate(row.symbol, _e8(row.taker_fee_rate)))


def _take_grid(parsed: Parsed, row: _GridRow, _: Scales) -> None:
    grid = Grid(row.symbol, row.price_filter.tick_size, row.lot_size_filter.qty_step)
    Scale(grid.tick, grid.lot)  # Refuses nonsense here rather than later.
    parsed.grids.append(grid)


def _take_wallet(parsed: Parsed, row: _WalletRow, _: Scales) -> None:
    parsed.available_e8 = _e8(row.total_available_balance)
    parsed.equity_e8 = _e8(row.total_equity)
    parsed.wallet_e8 = _e8(row.total_wallet_balance)


def _take_ticker(parsed: Parsed, row: _TickerRow, _: Scales) -> None:
    parsed.tickers.append(Schedule(row.symbol, _bounded(int(row.next_funding_time or 0))))


_Take = Callable[[Parsed, Any, Scales], None]
_order: tuple[msgspec.json.Decoder[Any], _Take] = (msgspec.json.Decoder(_OrderRow), _take_order)
_execution: tuple[msgspec.json.Decoder[Any], _Take] = (msgspec.json.Decoder(_ExecutionRow), _take_execution)
_fast: tuple[msgspec.json.Decoder[Any], _Take] = (msgspec.json.Decoder(_FastRow), _take_fast)
_position: tuple[msgspec.json.Decoder[Any], _Take] = (msgspec.json.Decoder(_PositionRow), _take_position)
_wallet: tuple[msgspec.json.Decoder[Any], _Take] = (msgspec.json.Decoder(_WalletRow), _take_wallet)
_fee: tuple[msgspec.json.Decoder[Any], _Take] = (msgspec.json.Decoder(_FeeRow), _take_fee)
_ticker: tuple[msgspec.json.Decoder[Any], _Take] = (msgspec.json.Decoder(_TickerRow), _take_ticker)
_grid: tuple[msgspec.json.Decoder[Any], _Take] = (msgspec.json.Decoder(_GridRow), _take_grid)

_READERS = {
    "order": _order, "execution": _execution, FAST: _fast, "position": _position, "wallet": _wallet,
    "order_history": _order, "order_executions": _execution, "open_orders": _order, "positions": _position,
    "watch": _position, "executions": _execution, "fee_rate": _fee, "instrument": _grid, "ticker": _ticker,
}  # fmt: skip
_NEEDS_SCALE = (_OrderRow, _ExecutionRow, _FastRow, _PositionRow)
_frame_decoder = msgspec.json.Decoder(_Frame)
_answer_decoder = msgspec.json.Decoder(_Answer)


def _read(parsed: Parsed, kind: str, rows: list[msgspec.Raw], scales: Scales, known: Known) -> Parsed:
    reader = _READERS.get(kind)
    if reader is None:
        return parsed
    decoder, take = reader
    for raw in rows:
        try:
            row = decoder.decode(raw)
            if isinstance(row, _NEEDS_SCALE) and row.symbol not in scales:
                parsed.unscaled.add(row.symbol)
                continue
            take(parsed, row, scales)
        except OtherGridError:  # Of a grid that is no more, or of one that we have yet to learn.
            booked = isinstance(row, _ExecutionRow) and row.exec_time.isdecimal()
            if not (booked and known(row.exec_id, int(row.exec_time))):
                parsed.unscaled.add(row.symbol)
        except (ValueError, msgspec.DecodeError) as error:
            parsed.broken.append(f"{kind}: {error}")
    return parsed


def _nothing(_exec_id: str, _exec_ms: int) -> bool:
    return False


def private(data: bytes, scales: Scales, known: Known = _nothing) -> Parsed:
    """Return what a private frame holds. Raises ProtocolError when it is not a frame at all."""
    try:
        frame = _frame_decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"private frame: {error}") from error
    topic = FAST if frame.topic.startswith(FAST) else frame.topic.partition(".")[0]
    return _read(Parsed(topic=topic), topic, frame.data, scales, known)


def answer(kind: str, data: bytes, scales: Scales, known: Known = _nothing) -> Parsed:
    """Return what a REST answer holds. Raises ProtocolError when it is not an answer at all."""
    try:
        found = _answer_decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"answer to {kind}: {error}") from error
    result = found.result
    parsed = Parsed(topic=kind, cursor=result.next_page_cursor, server_ms=found.time, order_id=result.order_id)
    return _read(parsed, kind, result.rows, scales, known)
