"""From the venue's answer about bars to bars. An answer with anything strange in it is refused whole."""

from __future__ import annotations

from itertools import pairwise

import msgspec

from services.signals.candles import PAGE_BARS, Bar, split_delta
from shared.messages import ProtocolError
from shared.scale import OffGridError, Scale

START_MS_MAX = 1 << 53


class _Result(msgspec.Struct):
    rows: list[tuple[str, str, str, str, str, str, str]] = msgspec.field(name="list")


class _Answer(msgspec.Struct, rename="camel"):
    ret_code: int
    result: msgspec.Raw = msgspec.Raw(b"{}")
    ret_msg: str = ""


def parse(data: bytes, scale: Scale, interval_ms: int) -> list[Bar]:
    """Return the bars of an answer of /v5/market/kline (newest first), oldest first.

    Raises:
        ProtocolError: anything but such an answer: bars off the calendar or the grid, out of order, contradictory.
    """
    try:
        answer = msgspec.json.decode(data, type=_Answer)
        if answer.ret_code:
            raise ProtocolError(f"{answer.ret_code} {answer.ret_msg[:100]}")
        rows = msgspec.json.decode(answer.result, type=_Result).rows
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"klines: {error}") from error
    if len(rows) > PAGE_BARS:
        raise ProtocolError(f"klines: {len(rows)} rows")
    bars = [_bar(row, scale, interval_ms) for row in reversed(rows)]
    for one, other in pairwise(bars):
        if not one.start_ms < other.start_ms:
            raise ProtocolError("klines: out of order")
    return bars


def _bar(row: tuple[str, str, str, str, str, str, str], scale: Scale, interval_ms: int) -> Bar:
    start, *prices, volume, _ = row
    if not (start.isascii() and start.isdigit() and len(start) <= 16):
        raise ProtocolError(f"klines: start {start[:20]!r}")
    start_ms = int(start)
    try:
        first, high, low, last = (scale.price_ticks(price) for price in prices)
        lots = scale.qty_lots(volume)
    except OffGridError as error:
        raise ProtocolError(f"klines: {error}") from error
    if start_ms % interval_ms or not 0 < start_ms < START_MS_MAX or lots < 0:
        raise ProtocolError(f"klines: start {start_ms}, {lots} lots")
    if not 0 < low <= min(first, last) <= max(first, last) <= high:
        raise ProtocolError(f"klines: open {first}, high {high}, low {low}, close {last}")
    return Bar(start_ms, first, high, low, last, lots, split_delta(first, high, low, last, lots), exact=False)
