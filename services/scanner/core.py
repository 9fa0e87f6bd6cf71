"""Decides which symbols are worth trading, from the venue's lists. Pure: the shell does the asking.

One scan: the instrument list page by page, then the tickers. Whatever goes wrong ends that scan only; the universe
said before stands until a scan goes well.
"""

from __future__ import annotations

from services.scanner import choose, parse
from services.scanner.parse import Day, Listed
from services.scanner.venue_clock import VenueClock
from services.scanner.wire import (
    InstrumentsAnswer,
    RequestInstruments,
    RequestTickers,
    ScanEnded,
    ScanFailed,
    TickersAnswer,
    TimeAnswer,
)
from shared.clock import NS_PER_S
from shared.config import Scanner
from shared.messages import ExecutionState, Log, Message, OffGrid, ProtocolError, Started, Tick, Universe

SAY_EVERY_NS = NS_PER_S
RETRY_NS = 5 * NS_PER_S
SCAN_NS_MAX = 20 * NS_PER_S
PAGES_MAX = 20
VERSIONS_PER_EPOCH = 1 << 32  # A restarted scanner counts on above everything it said before.


class ScannerCore:
    """State: the last good scan, the members chosen from it, and where the present scan stands."""

    def __init__(self, config: Scanner) -> None:
        self._config = config
        self._interval_ns = int(config.interval_s * NS_PER_S)
        self._clock = VenueClock(int(config.clock_s * NS_PER_S))
        self._version = 0
        self._universe: Universe | None = None
        self._listed: dict[str, Listed] = {}
        self._scores: dict[str, float] = {}
        self._held: tuple[str, ...] = ()
        self._pages: dict[str, Listed] = {}
        self._page_count = 0
        self._scan, self._scanning = 0, False
        self._begun_ns = self._due_ns = self._say_ns = 0
        self._failing = False

    def on_started(self, message: Started, now: int) -> list[Message]:
        """Learn which restart this is; the first scan is due at once."""
        self._version = message.epoch * VERSIONS_PER_EPOCH
        self._due_ns = self._say_ns = now
        return []

    def on_tick(self, _: Tick, now: int) -> list[Message]:
        """Say the universe again; begin the scan that is due; give up one that hangs."""
        out = self._clock.tick(now)
        if self._scanning and now - self._begun_ns > SCAN_NS_MAX:
            out += self._fail("no answer in time", now)
        if not self._scanning and now >= self._due_ns:
            out += self._begin(now)
        if self._universe is not None and now >= self._say_ns:
            self._say_ns = now + SAY_EVERY_NS
            out.append(self._universe)
        return out

    def on_instruments_answer(self, message: InstrumentsAnswer, now: int) -> list[Message]:
        """Take one page; ask for the next, or for what comes after the last."""
        if not self._expects(message.scan):
            return []
        try:
            page, cursor = parse.instruments(message.data)
        except ProtocolError as error:
            return self._fail(str(error), now)
        self._pages |= page
        self._page_count += 1
        if cursor and self._page_count >= PAGES_MAX:
            return self._fail(f"more than {PAGES_MAX} pages of instruments", now)
        if cursor:
            return [RequestInstruments(self._scan, cursor)]
        if self._config.symbols:
            return self._succeed({}, now)
        return [RequestTickers(self._scan)]

    def on_tickers_answer(self, message: TickersAnswer, now: int) -> list[Message]:
        """Score the market and choose."""
        if not self._expects(message.scan):
            return []
        try:
            days = parse.tickers(message.data)
        except ProtocolError as error:
            return self._fail(str(error), now)
        return self._succeed(days, now)

    def on_scan_failed(self, message: ScanFailed, now: int) -> list[Message]:
        """The shell got no answer."""
        return self._fail(message.reason, now) if self._expects(message.scan) else []

    def on_time_answer(self, message: TimeAnswer, now: int) -> list[Message]:
        """Learn how far the venue's clock is from ours."""
        try:
            return self._clock.hear(message.data, message.sent_ns, message.received_ns)
        except ProtocolError as error:
            return [Log("WARNING", "clock.unreadable", str(error))]

    def on_off_grid(self, message: OffGrid, now: int) -> list[Message]:
        """Ingest has met prices that our rules do not allow: the venue has new ones, so scan now, not in its turn."""
        listed = self._listed.get(message.symbol)
        if listed is not None and (listed.instrument.tick, listed.instrument.lot) == (message.tick, message.lot):
            self._due_ns = min(self._due_ns, max(now, self._begun_ns + RETRY_NS))
        return []

    def on_execution_state(self, message: ExecutionState, now: int) -> list[Message]:
        """Learn which symbols must stay: a symbol leaves only after execution has released it."""
        held = tuple(sorted(set(message.open_symbols)))
        if held == self._held:
            return []
        self._held = held
        return self._renew(now) if self._listed else []

    def _expects(self, scan: int) -> bool:
        return self._scanning and scan == self._scan

    def _begin(self, now: int) -> list[Message]:
        self._scan += 1
        self._scanning, self._begun_ns = True, now
        self._pages, self._page_count = {}, 0
        return [RequestInstruments(self._scan, "")]

    def _fail(self, reason: str, now: int) -> list[Message]:
        self._scanning, self._due_ns = False, now + min(RETRY_NS, self._interval_ns)
        out: list[Message] = [ScanEnded(self._scan, reason, 0)]
        if not self._failing:  # Said once for a row of failures.
            out.append(Log("WARNING", "scan.failed", f"{reason}; trying again every {RETRY_NS // NS_PER_S} s"))
        self._failing = True
        return out

    def _succeed(self, days: dict[str, Day], now: int) -> list[Message]:
        if not self._pages:
            return self._fail("the venue lists no USDT perpetual", now)
        self._scanning, self._due_ns = False, self._begun_ns + self._interval_ns
        self._listed = self._listed_now()
        self._scores = choose.candidates(self._listed, days, self._config.min_turnover_usdt)
        out: list[Message] = [ScanEnded(self._scan, "", len(self._scores))]
        if self._failing:
            out.append(Log("INFO", "scan.recovered", f"scan {self._scan} went well again"))
        self._failing = False
        return out + self._missing() + self._renew(now)

    def _listed_now(self) -> dict[str, Listed]:
        """Return this scan's list plus the old rules of symbols that are open but no longer listed."""
        gone = {symbol: self._listed[symbol] for symbol in self._held if symbol in self._listed}
        return gone | self._pages

    def _missing(self) -> list[Message]:
        if self._universe is not None:
            return []
        return [
            Log("WARNING", "scan.unknown", f"{symbol} is in scanner.symbols but does not trade here", symbol)
            for symbol in self._config.symbols
            if symbol not in self._listed
        ]

    def _renew(self, now: int) -> list[Message]:
        """Choose again; say the universe if it is a new one."""
        held = [symbol for symbol in self._held if symbol in self._listed]
        old = self._universe
        before = [] if old is None else [instrument.symbol for instrument in old.instruments]
        if self._config.symbols:
            fixed = [symbol for symbol in self._config.symbols if symbol in self._listed]
            members = list(dict.fromkeys([*fixed, *held]))
        else:
            members = choose.select(
                before, held, self._scores, self._config.symbols_max, self._config.switch_multiplier
            )
        instruments = tuple(self._listed[symbol].instrument for symbol in members)
        scores = tuple(self._scores.get(symbol, 0.0) for symbol in members)
        if old is not None and frozenset(old.instruments) == frozenset(instruments):  # Another order is no news.
            self._universe = Universe(old.version, instruments, scores)
            return []
        self._version += 1
        self._universe = Universe(self._version, instruments, scores)
        self._say_ns = now + SAY_EVERY_NS
        return [self._universe, _news(before, members)]


def _news(before: list[str], members: list[str]) -> Log:
    added = [f"+{symbol}" for symbol in members if symbol not in before]
    removed = [f"-{symbol}" for symbol in before if symbol not in members]
    changes = " ".join([*added, *removed]) or "new rules"
    return Log("INFO", "universe.changed", f"trading {' '.join(members) or 'nothing'} ({changes})")
