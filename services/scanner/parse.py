"""From Bybit's REST answers to instruments and 24 h figures. A bad answer is refused whole, a bad row is left out."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isfinite
from typing import NamedTuple, TypeVar

import msgspec

from shared.messages import Instrument, ProtocolError
from shared.scale import OffGridError, Scale, to_e8

ROWS_MAX = 5_000
WHOLE_MAX = 1 << 62
STEP_CHARS_MAX = 20
T = TypeVar("T")
NANO_DIGITS = 19  # From 2001 to 2286.
_THOUSANDS = re.compile(r"^10+(?=[^0-9])")


class _Result(msgspec.Struct, rename="camel"):
    rows: list[msgspec.Raw] = msgspec.field(name="list")
    next_page_cursor: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    ret_code: int
    result: msgspec.Raw = msgspec.Raw(b"{}")
    ret_msg: str = ""


class _Price(msgspec.Struct, rename="camel"):
    tick_size: str


class _Lot(msgspec.Struct, rename="camel"):
    min_order_qty: str
    max_order_qty: str
    max_mkt_order_qty: str
    qty_step: str
    min_notional_value: str = ""


class _Leverage(msgspec.Struct, rename="camel"):
    max_leverage: str


class _Row(msgspec.Struct, rename="camel"):
    symbol: str
    contract_type: str
    status: str
    base_coin: str
    quote_coin: str
    settle_coin: str
    price_filter: _Price
    lot_size_filter: _Lot
    leverage_filter: _Leverage
    funding_interval: int
    delivery_time: str = ""
    is_pre_listing: bool = False
    symbol_type: str = ""


class _TickerRow(msgspec.Struct, rename="camel"):
    symbol: str
    turnover24h: str
    price24h_pcnt: str = msgspec.field(name="price24hPcnt")


class _Time(msgspec.Struct, rename="camel"):
    time_nano: str


_times = msgspec.json.Decoder(_Time)
_answers = msgspec.json.Decoder(_Answer)
_results = msgspec.json.Decoder(_Result)
_rows = msgspec.json.Decoder(_Row)
_ticker_rows = msgspec.json.Decoder(_TickerRow)


class Listed(NamedTuple):
    """One USDT perpetual that trades now."""

    instrument: Instrument
    coin: str  # What is traded, without the thousands that stand for one unit: PEPE, not 1000PEPE.
    kind: str  # The venue's symbolType: stock, commodity, innovation, or empty.


class Day(NamedTuple):
    """What one symbol did in 24 h: turnover in USDT and change as a fraction, both finite."""

    turnover_usdt: float
    change: float


def _unwrap(data: bytes) -> _Result:
    result = _unwrapped(data, _results)
    if len(result.rows) > ROWS_MAX:
        raise ProtocolError(f"{len(result.rows)} rows, at most {ROWS_MAX} are believable")
    return result


def _unwrapped(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        answer = _answers.decode(data)
        if answer.ret_code != 0:
            raise ProtocolError(f"the venue answered {answer.ret_code} {answer.ret_msg[:80]!r}")
        return decoder.decode(answer.result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"unreadable answer: {error}") from error


def venue_time_ns(data: bytes) -> int:
    """Return the venue's time in an answer of /v5/market/time. Raises ProtocolError."""
    text = _unwrapped(data, _times).time_nano
    if not (text.isascii() and text.isdigit() and len(text) == NANO_DIGITS):
        raise ProtocolError(f"time: {text[:40]!r}")
    return int(text)


def instruments(data: bytes) -> tuple[dict[str, Listed], str]:
    """Return the tradable USDT perpetuals of one page by symbol, and the cursor of the next page ("" for none).

    Raises:
        ProtocolError: not a good answer.
    """
    result = _unwrap(data)
    found: dict[str, Listed] = {}
    for raw in result.rows:
        try:
            row = _rows.decode(raw)
            if _tradable(row):
                found[row.symbol] = Listed(_instrument(row), coin_of(row.base_coin), row.symbol_type)
        except (msgspec.DecodeError, UnicodeDecodeError, OffGridError, ValueError):
            continue
    return found, result.next_page_cursor


def coin_of(base_coin: str) -> str:
    """Return the coin behind a contract's base coin: units of 10, 100, 1000 ... of it are one coin."""
    return _THOUSANDS.sub("", base_coin)


def _tradable(row: _Row) -> bool:
    return (
        row.contract_type == "LinearPerpetual"
        and row.status == "Trading"
        and row.quote_coin == "USDT"
        and row.settle_coin == "USDT"
        and not row.is_pre_listing
        and row.symbol.isascii()
        and row.symbol.isalnum()
        and len(row.symbol) <= 32
    )


def _instrument(row: _Row) -> Instrument:
    lot = row.lot_size_filter
    scale = Scale(_step(row.price_filter.tick_size), _step(lot.qty_step))
    return Instrument(
        symbol=row.symbol,
        tick=scale.tick,
        lot=scale.lot,
        min_lots=_steps(lot.min_order_qty, scale.lot, ROUND_CEILING),
        max_lots=_steps(lot.max_order_qty, scale.lot, ROUND_FLOOR),
        max_market_lots=_steps(lot.max_mkt_order_qty, scale.lot, ROUND_FLOOR),
        min_notional_e8=to_e8(lot.min_notional_value),
        funding_interval_min=row.funding_interval,
        max_leverage_e2=_steps(row.leverage_filter.max_leverage, "0.01", ROUND_FLOOR),
        status=row.status,
        delivery_ms=int(row.delivery_time or 0),
    )


def _step(text: str) -> str:
    """Return a tick or lot that is plain positive decimal text of believable length."""
    if not (len(text) <= STEP_CHARS_MAX and text.isascii() and text.replace(".", "", 1).isdigit()):
        raise OffGridError(f"{text[:40]!r} is not a step")
    return text


def _steps(text: str, step: str, rounding: str) -> int:
    """Return how many steps ``text`` is, rounded; refuse what is not a positive number of believable size."""
    try:
        steps = (Decimal(text) / Decimal(step)).to_integral_value(rounding)
    except ArithmeticError as error:
        raise OffGridError(f"{text!r} is not a decimal number") from error
    if not (steps.is_finite() and 0 < steps <= WHOLE_MAX):
        raise OffGridError(f"{text!r} is not a usable limit")
    return int(steps)


def tickers(data: bytes) -> dict[str, Day]:
    """Return each symbol's day; rows whose figures are missing or not finite are left out.

    Raises:
        ProtocolError: not a good answer.
    """
    found: dict[str, Day] = {}
    for raw in _unwrap(data).rows:
        try:
            row = _ticker_rows.decode(raw)
            day = Day(float(row.turnover24h), float(row.price24h_pcnt))
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
            continue
        if isfinite(day.turnover_usdt) and isfinite(day.change):
            found[row.symbol] = day
    return found
