"""Trades, liquidations and tickers of one symbol: frames in, ring records out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from shared.kernel.outcome import Outcome
from shared.kernel.parse import ID_MAX, MS_MAX, BadFrameError, Grid, count_of, steps, value_of
from shared.layout import BLOCK, RPI, TAKER_BUY, Kind, meta
from shared.scale import to_e8

if TYPE_CHECKING:
    from shared.mirror import MirrorWriter
    from shared.ring import RingWriter

NS_PER_MS = 1_000_000
TRADES_MAX = 1024  # Bybit splits longer messages.
SIGNED_MAX = 10**18

_SIGNED = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,18})?")
_MS = re.compile(r"[0-9]{0,13}")
_Record = tuple[int, ...]
_Prices = tuple[int, int, int, int]  # Last price in ticks, open interest in lots, mark and index price at 1e-8.
_Funding = tuple[int, int]  # Rate at 1e-8, next funding in ns.


class FlowKernel:
    """What happens to one symbol beside its book. A frame that is not wholly good leaves nothing behind."""

    def __init__(self, mirror: MirrorWriter, ring: RingWriter) -> None:
        self._ring, self._symbol = ring, mirror.symbol
        self._symbol_id, self._scale_id = mirror.symbol_id, mirror.scale_id
        self._tick, self._lot = Grid(*mirror.scale.tick_grid), Grid(*mirror.scale.lot_grid)
        self._lot_e8 = to_e8(mirror.scale.lot)
        self._prices: _Prices = (0, 0, 0, 0)
        self._funding: _Funding = (0, 0)

    @property
    def known(self) -> tuple[_Prices, _Funding]:
        """What tickers have said so far; the compiled twin sets it when it hands a frame over."""
        return self._prices, self._funding

    @known.setter
    def known(self, known: tuple[_Prices, _Funding]) -> None:
        self._prices, self._funding = known

    def trades(self, frame: bytes, recv_ns: int) -> Outcome:
        """Take one ``publicTrade`` frame: one TRADE record each, in order."""
        return self._rows(frame, "publicTrade", self._trade, recv_ns)

    def liquidations(self, frame: bytes, recv_ns: int) -> Outcome:
        """Take one ``allLiquidation`` frame: one LIQUIDATION record each, in order."""
        return self._rows(frame, "allLiquidation", self._liquidation, recv_ns)

    def _rows(self, frame: bytes, head: str, take: Callable[[Any, int], list[_Record]], recv_ns: int) -> Outcome:
        try:
            rows = value_of(self._root(frame, head), "data", list)
            if not 0 < len(rows) <= TRADES_MAX:
                raise BadFrameError(Outcome.MALFORMED)
            records = [record for row in rows for record in take(row, recv_ns)]
        except orjson.JSONDecodeError:
            return Outcome.MALFORMED
        except BadFrameError as error:
            return error.outcome
        self._ring.publish(records)
        return Outcome.APPLIED

    def ticker(self, frame: bytes, recv_ns: int) -> Outcome:
        """Take one ``tickers`` frame; keys that are absent keep their values, only news is recorded."""
        try:
            root = self._root(frame, "tickers")
            data = value_of(root, "data", dict)
            if value_of(data, "symbol", str) != self._symbol:
                raise BadFrameError(Outcome.WRONG_SYMBOL)
            ts_ns = count_of(root, "ts", MS_MAX) * NS_PER_MS
            prices, funding = self._ticker_prices(data), self._ticker_funding(data)
        except orjson.JSONDecodeError:
            return Outcome.MALFORMED
        except BadFrameError as error:
            return error.outcome
        records: list[_Record] = []
        if prices != self._prices:
            records.append((0, self._meta(Kind.TICKER), ts_ns, recv_ns, *prices))
        if funding != self._funding:
            records.append((0, self._meta(Kind.FUNDING), ts_ns, recv_ns, 0, 0, *funding))
        self._prices, self._funding = prices, funding
        self._ring.publish(records)
        return Outcome.APPLIED

    def _root(self, frame: bytes, head: str) -> Any:
        root = orjson.loads(frame)
        if value_of(root, "topic", str) != f"{head}.{self._symbol}":
            raise BadFrameError(Outcome.WRONG_SYMBOL)
        return root

    def _meta(self, kind: Kind, flags: int = 0) -> int:
        return meta(kind, flags, self._symbol_id, self._scale_id)

    def _side(self, row: Any) -> str:
        if value_of(row, "s", str) != self._symbol:
            raise BadFrameError(Outcome.WRONG_SYMBOL)
        side: str = value_of(row, "S", str)
        if side not in ("Buy", "Sell"):
            raise BadFrameError(Outcome.MALFORMED)
        return side

    def _liquidation(self, row: Any, recv_ns: int) -> list[_Record]:
        flags = TAKER_BUY * (self._side(row) == "Sell")  # The side is the position's: a short is closed by buying.
        at_ns = count_of(row, "T", MS_MAX) * NS_PER_MS
        lots, price_e8 = steps(row.get("v"), self._lot), _e8(row.get("p"))
        if not lots or not price_e8 > 0:
            raise BadFrameError(Outcome.OFF_GRID if lots is None and price_e8 > 0 else Outcome.MALFORMED)
        return [(0, self._meta(Kind.LIQUIDATION, flags), at_ns, recv_ns, 0, lots, price_e8, 0)]

    def _trade(self, row: Any, recv_ns: int) -> list[_Record]:
        side = self._side(row)
        is_block = row.get("BT") is True
        flags = TAKER_BUY * (side == "Buy") | BLOCK * is_block | RPI * (row.get("RPI") is True)
        at_ns = count_of(row, "T", MS_MAX) * NS_PER_MS
        seq = count_of(row, "seq", ID_MAX) if "seq" in row else 0
        ticks, lots = steps(row.get("p"), self._tick), steps(row.get("v"), self._lot)
        if not ticks or not lots:
            if is_block:
                return []  # Negotiated elsewhere, at a price of their own.
            raise BadFrameError(Outcome.MALFORMED if 0 in (ticks, lots) else Outcome.OFF_GRID)
        return [(0, self._meta(Kind.TRADE, flags), at_ns, recv_ns, ticks, lots, seq, 0)]

    def _ticker_prices(self, data: Any) -> _Prices:
        last, interest, mark, index = self._prices
        if "lastPrice" in data:
            found = steps(data["lastPrice"], self._tick)
            if found is None:
                raise BadFrameError(Outcome.OFF_GRID)
            last = found
        if "openInterest" in data:
            interest = _e8(data["openInterest"]) // self._lot_e8
        mark = _e8(data["markPrice"]) if "markPrice" in data else mark
        index = _e8(data["indexPrice"]) if "indexPrice" in data else index
        return last, interest, mark, index

    def _ticker_funding(self, data: Any) -> _Funding:
        rate, next_ns = self._funding
        rate = _e8(data["fundingRate"]) if "fundingRate" in data else rate
        if "nextFundingTime" in data:
            next_ns = _ms(data["nextFundingTime"]) * NS_PER_MS
        return rate, next_ns


def _e8(text: Any) -> int:
    """Return decimal text at 1e-8; empty text is 0."""
    if type(text) is not str or (text and not _SIGNED.fullmatch(text)):
        raise BadFrameError(Outcome.MALFORMED)
    value = to_e8(text)
    if not -SIGNED_MAX < value < SIGNED_MAX:
        raise BadFrameError(Outcome.MALFORMED)
    return value


def _ms(text: Any) -> int:
    """Return a time in ms that Bybit writes as text; empty text is 0."""
    if type(text) is not str or not _MS.fullmatch(text) or not int(text or 0) < MS_MAX:
        raise BadFrameError(Outcome.MALFORMED)
    return int(text or 0)
