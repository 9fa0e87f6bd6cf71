"""Decides which symbols are worth trading, from the venue's lists. Pure: the shell does the asking.

One scan: the instrument list page by page, then the tickers. Whatever goes wrong ends that scan only; the universe
said before stands until a scan goes well.
"""

from __future__ import annotations

from services.scanner import choose, parse
from services.scanner.parse import Day, Listed
from services.scanner.roster import Change, Roster
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
SHOWN = 5  # Of a scan's candidates.


class ScannerCore:
    """State: the last good scan, who was chosen from it, what execution has open, how far the scan is."""

    def __init__(self, config: Scanner) -> None:
        self._config = config
        self._interval_ns = int(config.interval_s * NS_PER_S)
        self._clock = VenueClock(int(config.clock_s * NS_PER_S))
        self._roster = Roster(config.symbols_max, config.switch_multiplier)
        self._epoch = self._version = 0
        self._universe: Universe | None = None
        self._listed: dict[str, Listed] = {}
        self._scores: dict[str, float] = {}
        self._open: frozenset[str] | None = None  # What execution holds; None: it has not spoken yet.
        self._pages: dict[str, Listed] = {}
        self._page_count = 0
        self._scan, self._scanning = 0, False
        self._begun_ns = self._due_ns = self._say_ns = 0
        self._failing = False

    def on_started(self, message: Started, now: int) -> list[Message]:
        """Learn which restart this is; the first scan is due at once."""
        self._epoch, self._version = message.epoch, message.epoch * VERSIONS_PER_EPOCH
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
        """Learn what is open: a symbol goes only after execution has released it."""
        before, self._open = self._open, frozenset(message.open_symbols)
        released = self._roster.release(self._open, message.universe_version)
        if not self._listed or (self._open == before and not released):
            return []
        return self._choose(now) if released or before is None else self._renew([], now)

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
        self._scores = choose.candidates(self._listed, days, self._config, self._roster.members)
        out: list[Message] = [ScanEnded(self._scan, "", len(self._scores)), *self._result(days)]
        if self._failing:
            out.append(Log("INFO", "scan.recovered", f"scan {self._scan} went well again"))
        self._failing = False
        return out + self._missing() + self._choose(now)

    def _listed_now(self) -> dict[str, Listed]:
        """Return this scan's list plus the old rules of symbols that are open but no longer listed."""
        needed = [*(self._open or ()), *self._roster.leaving, *self._roster.members]
        return {symbol: self._listed[symbol] for symbol in needed if symbol in self._listed} | self._pages

    def _result(self, days: dict[str, Day]) -> list[Message]:
        """Say what the scan has found."""
        if not days:
            return []
        best = [f"{symbol} {self._scores[symbol]:,.0f}" for symbol in choose.ranked(self._scores)[:SHOWN]]
        found = f"{len(self._scores)} of {len(self._listed)} may be chosen: {', '.join(best) or 'none'}"
        return [Log("INFO", "scan.result", found)]

    def _missing(self) -> list[Message]:
        if self._universe is not None:
            return []
        return [
            Log("WARNING", "scan.unknown", f"{symbol} is in scanner.symbols but does not trade here", symbol)
            for symbol in self._config.symbols
            if symbol not in self._listed
        ]

    def _choose(self, now: int) -> list[Message]:
        """Give the places to the best, and say what follows from it."""
        roster = self._roster
        if self._config.symbols:
            roster.members = tuple(symbol for symbol in self._config.symbols if symbol in self._listed)
            return self._renew([], now)
        if self._universe is None and self._epoch:
            if self._open is None:
                return []  # What a predecessor had chosen we learn from execution: it must not be lost to a restart.
            roster.adopt([symbol for symbol in self._open if symbol in self._scores])
        return self._renew(self._news(roster.choose(self._scores)), now)

    def _news(self, change: Change) -> list[Message]:
        scores, best = self._scores, choose.ranked(self._scores)
        told: list[Message] = []
        for symbol in change.left:
            text = f"{symbol} ({scores.get(symbol, 0.0):,.0f}) leaves" + (
                f": {best[0]} is the leader with {scores[best[0]]:,.0f}" if best else ""
            )
            told.append(Log("INFO", "universe.leaving", text, symbol))
        return told

    def _renew(self, news: list[Message], now: int) -> list[Message]:
        """Say the universe if it is a new one. What is open stays in it, chosen or not."""
        roster, old = self._roster, self._universe
        others = sorted(symbol for symbol in self._open or () if symbol in self._listed)
        symbols = list(dict.fromkeys([*roster.members, *roster.leaving, *others]))
        instruments = tuple(self._listed[symbol].instrument for symbol in symbols)
        scores = tuple(self._scores.get(symbol, 0.0) for symbol in symbols)
        leaving = tuple(roster.leaving)
        same = old is not None and (frozenset(old.instruments), old.leaving) == (frozenset(instruments), leaving)
        if old is not None and same:  # Another order is no news.
            self._universe = Universe(old.version, instruments, scores, leaving)
            return news
        self._version += 1
        roster.said(self._version)
        self._universe = Universe(self._version, instruments, scores, leaving)
        self._say_ns = now + SAY_EVERY_NS
        before = [] if old is None else [instrument.symbol for instrument in old.instruments]
        return [self._universe, *news, _changes(before, symbols, leaving)]


def _changes(before: list[str], symbols: list[str], leaving: tuple[str, ...]) -> Log:
    traded = [symbol for symbol in symbols if symbol not in leaving]
    added = [f"+{symbol}" for symbol in symbols if symbol not in before]
    removed = [f"-{symbol}" for symbol in before if symbol not in symbols]
    going = [f"{symbol} leaving" for symbol in leaving]
    changes = " ".join([*added, *removed, *going]) or "new rules"
    return Log("INFO", "universe.changed", f"trading {' '.join(traded) or 'nothing'} ({changes})")
