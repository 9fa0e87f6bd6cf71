"""Recorded frames on disk: one ``<receive time, ns> <frame>`` a line, plain, .gz or .zst."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from math import gcd
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import orjson

from shared.messages import Instrument
from shared.scale import E8, OffGridError, Scale, to_e8

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINE_BYTES_MAX = 4 << 20
UNLIMITED_LOTS = 10**12  # Where only prices are known nothing limits an order.


class RecordingError(ValueError):
    """A recording cannot be used. The text names the file, the line and the reason."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path, self.line, self.reason = path, line, reason


class Recording(NamedTuple):
    """What a file of recorded frames holds."""

    symbols: tuple[str, ...]  # That have an order-book topic, in order of appearance.
    depths: dict[str, tuple[int, ...]]
    instruments: tuple[Instrument, ...]  # Of ``symbols``, same order.
    frames: int
    duration_ns: int  # From the first frame to the last.


class Instruments(NamedTuple):
    """A saved instruments-info answer."""

    instruments: dict[str, Instrument]
    skipped: int  # Records that could not be read.


def read(path: Path | str) -> Iterator[tuple[int, bytes]]:
    """Yield (receive time in ns, frame) in file order. Raises RecordingError where a line is not such a pair."""
    path = Path(path)
    number = 0
    try:
        with _opened(path) as lines:
            while line := lines.readline(LINE_BYTES_MAX):
                number += 1
                stamp, _, frame = line.strip().partition(b" ")
                # isdigit alone would let Python's int() raise on absurdly long numbers.
                if not stamp.isdigit() or len(stamp) > 19:
                    raise RecordingError(path, number, "no receive time in ns at the start of the line")
                if not frame.startswith(b"{") or not frame.endswith(b"}"):
                    raise RecordingError(path, number, "the frame is not a JSON object")
                yield int(stamp), frame
    except (OSError, EOFError, zstd.ZstdError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RecordingError(path, number, reason) from error


def describe(path: Path | str, instruments_path: Path | str | None = None) -> Recording:
    """Read the whole file once and say what is in it.

    Rules come from ``instruments_path`` where that names the symbol; otherwise tick and lot are the coarsest grid that
    all prices and sizes of the recording lie on. Raises RecordingError for a file without a book, a frame that is not
    JSON, or prices that do not fit the given rules.
    """
    path = Path(path)
    known = load_instruments(instruments_path).instruments if instruments_path else {}
    survey = _Survey()
    number = first_ns = last_ns = 0
    for number, (recv_ns, frame) in enumerate(read(path), start=1):
        first_ns = first_ns or recv_ns
        last_ns = max(last_ns, recv_ns)
        try:
            survey.add(orjson.loads(frame))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecordingError(path, number, f"cannot read the frame: {error}") from error
    if not survey.depths:
        raise RecordingError(path, 0, "no orderbook frame in it")
    instruments = []
    for symbol in survey.depths:
        derived = survey.instrument(symbol)
        rules = known.get(symbol, derived)
        if not _fits(rules, derived):
            raise RecordingError(path, 0, f"{symbol} does not lie on tick {rules.tick} and lot {rules.lot}")
        instruments.append(rules)
    depths = {symbol: tuple(sorted(found)) for symbol, found in survey.depths.items()}
    return Recording(tuple(depths), depths, tuple(instruments), number, max(0, last_ns - first_ns))


def load_instruments(path: Path | str) -> Instruments:
    """Read a saved instruments-info answer. Records that cannot be read are skipped and counted."""
    path = Path(path)
    try:
        with _opened(path) as file:
            answer = orjson.loads(file.read())
        rows = answer["result"]["list"]
        if not isinstance(rows, list):
            raise TypeError("result.list is not a list")
    except OSError as error:
        raise RecordingError(path, 0, error.strerror or str(error)) from error
    except (ValueError, TypeError, KeyError, EOFError, zstd.ZstdError, zlib.error) as error:
        raise RecordingError(path, 0, f"not an instruments-info answer: {error}") from error
    instruments: dict[str, Instrument] = {}
    skipped = 0
    for row in rows:
        try:
            rules = _instrument(msgspec.convert(row, _Row))
        except (msgspec.ValidationError, ValueError, ArithmeticError):
            skipped += 1
            continue
        instruments[rules.symbol] = rules
    return Instruments(instruments, skipped)


def _opened(path: Path) -> IO[bytes]:
    """Open for reading, whatever the file is packed with."""
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.open(path, "rb"))
    if path.suffix == ".zst":
        return io.BufferedReader(zstd.open(path, "rb"))
    return path.open("rb")


class _Prices(msgspec.Struct):
    tickSize: str  # noqa: N815


class _Lots(msgspec.Struct):
    qtyStep: str  # noqa: N815
    minOrderQty: str  # noqa: N815
    maxOrderQty: str  # noqa: N815
    maxMktOrderQty: str  # noqa: N815
    minNotionalValue: str = ""  # noqa: N815


class _Leverage(msgspec.Struct):
    maxLeverage: str  # noqa: N815


class _Risk(msgspec.Struct):
    priceLimitRatioX: str = ""  # noqa: N815
    priceLimitRatioY: str = ""  # noqa: N815


class _Row(msgspec.Struct):
    """The part of an instruments-info record that is used."""

    symbol: str
    status: str
    fundingInterval: int  # noqa: N815
    priceFilter: _Prices  # noqa: N815
    lotSizeFilter: _Lots  # noqa: N815
    leverageFilter: _Leverage  # noqa: N815
    riskParameters: _Risk = msgspec.field(default_factory=_Risk)  # noqa: N815


def _instrument(row: _Row) -> Instrument:
    lots = row.lotSizeFilter
    scale = Scale(row.priceFilter.tickSize, lots.qtyStep)
    return Instrument(
        symbol=row.symbol,
        tick=row.priceFilter.tickSize,
        lot=lots.qtyStep,
        min_lots=scale.qty_lots(lots.minOrderQty),
        max_lots=scale.qty_lots(lots.maxOrderQty),
        max_market_lots=scale.qty_lots(lots.maxMktOrderQty),
        min_notional_e8=to_e8(lots.minNotionalValue),
        funding_interval_min=row.fundingInterval,
        max_leverage_e2=to_e8(row.leverageFilter.maxLeverage) // (E8 // 100),
        status=row.status,
        price_limit_x_e8=to_e8(row.riskParameters.priceLimitRatioX),
        price_limit_y_e8=to_e8(row.riskParameters.priceLimitRatioY),
    )


class _Grid:
    """The coarsest grid that all decimal texts so far lie on."""

    def __init__(self) -> None:
        self._step_e12 = 0
        self._decimals = 0

    def add(self, text: str) -> None:
        whole, _, fraction = text.partition(".")
        if not (whole + fraction).isdigit() or len(fraction) > 12:
            raise ValueError(f"{text!r} is not a price or size")
        self._decimals = max(self._decimals, len(fraction))
        self._step_e12 = gcd(self._step_e12, int(whole + fraction.ljust(12, "0")))

    def step(self) -> str:
        """Return the step with as many decimals as the texts were written with."""
        digits = str(self._step_e12 or 10**12).rjust(13, "0")
        return f"{digits[:-12]}.{digits[-12:]}"[: self._decimals - 12 or None].rstrip(".")


class _Survey:
    """What a pass over the frames has found."""

    def __init__(self) -> None:
        self.depths: dict[str, dict[int, None]] = {}
        self._prices: dict[str, _Grid] = {}
        self._sizes: dict[str, _Grid] = {}
        self._funding_hours: dict[str, int] = {}

    def add(self, frame: dict[str, Any]) -> None:
        topic = frame.get("topic", "")
        if topic.startswith("orderbook."):
            _, depth, symbol = topic.split(".", 2)
            self.depths.setdefault(symbol, {})[int(depth)] = None
            self._measure(symbol, frame["data"]["b"] + frame["data"]["a"])
        elif topic.startswith("publicTrade."):
            self._measure(topic.split(".", 1)[1], [(trade["p"], trade["v"]) for trade in frame["data"]])
        elif topic.startswith("tickers."):
            hours = frame["data"].get("fundingIntervalHour")
            if hours:
                self._funding_hours[topic.split(".", 1)[1]] = int(hours)

    def _measure(self, symbol: str, levels: list[Any]) -> None:
        prices = self._prices.setdefault(symbol, _Grid())
        sizes = self._sizes.setdefault(symbol, _Grid())
        for price, size in levels:
            if not price.strip("0."):
                raise ValueError(f"{price!r} is not a price")
            prices.add(price)
            sizes.add(size)

    def instrument(self, symbol: str) -> Instrument:
        """Return rules that allow everything on the recording's own grid."""
        return Instrument(
            symbol=symbol,
            tick=self._prices[symbol].step(),
            lot=self._sizes[symbol].step(),
            min_lots=1,
            max_lots=UNLIMITED_LOTS,
            max_market_lots=UNLIMITED_LOTS,
            min_notional_e8=5 * E8,
            funding_interval_min=60 * self._funding_hours.get(symbol, 8),
            max_leverage_e2=10_000,
            status="Trading",
        )


def _fits(rules: Instrument, derived: Instrument) -> bool:
    """Return whether the recording's grid lies on the rules' grid."""
    scale = Scale(rules.tick, rules.lot)
    try:
        return scale.price_ticks(derived.tick) > 0 and scale.qty_lots(derived.lot) > 0
    except OffGridError:
        return False
