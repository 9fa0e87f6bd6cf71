import gzip
from typing import Any

import msgspec
import pytest

from services.scanner.core import PAGES_MAX, RETRY_NS, SCAN_NS_MAX, ScannerCore
from services.scanner.wire import (
    InstrumentsAnswer,
    RequestInstruments,
    RequestTickers,
    RequestTime,
    ScanEnded,
    ScanFailed,
    TickersAnswer,
    TimeAnswer,
)
from shared.clock import NS_PER_S
from shared.config import Scanner
from shared.messages import ClockOffset, ExecutionState, Log, Message, OffGrid, Started, Tick, Universe
from tests.services.scanner.answers import answer, instrument, ticker
from tests.services.scanner.test_parse import REAL

T0 = 1_000 * NS_PER_S
SYMBOLS = ("AAUSDT", "BBUSDT", "CCUSDT")
LIST = answer(*(instrument(symbol) for symbol in SYMBOLS))


class Scanning:
    """A core and its clock."""

    def __init__(self, epoch: int = 0, **config: Any) -> None:
        self.core, self.now = ScannerCore(Scanner(**({"symbols_max": 2, "clock_s": 0.0} | config))), T0
        self.core.on_started(Started("scanner", "run", epoch), T0)

    def tick(self, after_s: float = 0) -> list[Message]:
        self.now += int(after_s * NS_PER_S)
        return self.core.on_tick(Tick(), self.now)

    def scan(self, changes: dict[str, str], data: bytes = LIST) -> list[Message]:
        """Answer the scan that is under way; every symbol turns over 50 million."""
        scan = self.core._scan
        out = self.core.on_instruments_answer(InstrumentsAnswer(scan, data), self.now)
        if out != [RequestTickers(scan)]:
            return out
        rows = [ticker(symbol, change=change) for symbol, change in changes.items()]
        return self.core.on_tickers_answer(TickersAnswer(scan, answer(*rows)), self.now)

    def hear(self, *open_symbols: str, version: int | None = None) -> list[Message]:
        """Let execution speak; it has heard the newest universe unless told otherwise."""
        heard = self.core._version if version is None else version
        return self.core.on_execution_state(ExecutionState("running", "", open_symbols, 0, heard), self.now)


def universe_or_none(outputs: list[Message]) -> Universe | None:
    return next((each for each in outputs if isinstance(each, Universe)), None)


def universe(outputs: list[Message]) -> Universe:
    (found,) = [each for each in outputs if isinstance(each, Universe)]
    return found


def events(outputs: list[Message]) -> list[str]:
    return [each.event for each in outputs if isinstance(each, Log)]


def symbols(outputs: list[Message]) -> list[str]:
    return [each.symbol for each in universe(outputs).instruments]


def test_the_first_scan_is_at_once_and_the_next_after_the_interval() -> None:
    scanning = Scanning(interval_s=60)
    assert scanning.tick() == [RequestInstruments(1, "")]
    assert scanning.tick() == []
    out = scanning.scan({"AAUSDT": "0.01", "BBUSDT": "0.03", "CCUSDT": "-0.02"})
    assert out[0] == ScanEnded(1, "", 3)
    assert symbols(out) == ["BBUSDT", "CCUSDT"]
    assert universe(out).scores == (1_500_000.0, 1_000_000.0)
    assert RequestInstruments(2, "") not in scanning.tick(59.9)
    assert RequestInstruments(2, "") in scanning.tick(0.1)


def test_pages_are_followed_to_the_last() -> None:
    scanning = Scanning()
    scanning.tick()
    first = answer(instrument("AAUSDT"), cursor="next")
    assert scanning.scan({}, first) == [RequestInstruments(1, "next")]
    assert scanning.scan({"AAUSDT": "1", "BBUSDT": "2"}, answer(instrument("BBUSDT")))[0] == ScanEnded(1, "", 2)


def test_pages_without_end_end_the_scan() -> None:
    scanning = Scanning()
    scanning.tick()
    endless = answer(instrument("AAUSDT"), cursor="again")
    for _ in range(PAGES_MAX - 1):
        assert scanning.scan({}, endless) == [RequestInstruments(1, "again")]
    assert isinstance(scanning.scan({}, endless)[0], ScanEnded)


def test_the_universe_is_said_again_every_second_with_the_same_version() -> None:
    scanning = Scanning()
    scanning.tick()
    said = universe(scanning.scan({"AAUSDT": "0.01"}))
    assert scanning.tick(0.9) == []
    assert scanning.tick(0.1) == [said]
    assert scanning.tick(1) == [said]


def test_the_version_rises_only_when_the_content_changes() -> None:
    scanning = Scanning(interval_s=60)
    scanning.tick()
    first = universe(scanning.scan({"AAUSDT": "0.02", "BBUSDT": "0.01"}))
    scanning.tick(60)
    assert universe_or_none(scanning.scan({"AAUSDT": "0.01", "BBUSDT": "0.02"})) is None
    (again,) = scanning.tick(1)
    assert isinstance(again, Universe)
    assert again.version == first.version
    assert [each.symbol for each in again.instruments] == ["BBUSDT", "AAUSDT"]
    scanning.tick(60)
    assert universe(scanning.scan({"AAUSDT": "0.01", "CCUSDT": "0.02"})).version == first.version + 1
    assert universe(scanning.hear()).version == first.version + 2


def test_new_rules_of_a_member_are_a_change() -> None:
    scanning = Scanning(interval_s=60)
    scanning.tick()
    first = universe(scanning.scan({"AAUSDT": "0.02"}))
    scanning.tick(60)
    other = answer(instrument("AAUSDT", **{"priceFilter.tickSize": "0.05"}))
    changed = universe(scanning.scan({"AAUSDT": "0.02"}, other))
    assert changed.version == first.version + 1
    assert changed.instruments[0].tick == "0.05"


def test_a_restarted_scanner_counts_on_above_its_predecessor() -> None:
    versions = []
    for epoch in (0, 1):
        scanning = Scanning(epoch)
        scanning.hear(version=0)
        scanning.tick()
        versions.append(universe(scanning.scan({"AAUSDT": "0.02"})).version)
    assert versions[0] + 1_000_000 < versions[1]


def test_a_failed_scan_is_counted_said_once_and_tried_again_after_five_seconds() -> None:
    scanning = Scanning(interval_s=60)
    scanning.tick()
    ended, said = scanning.core.on_scan_failed(ScanFailed(1, "HTTP 502"), scanning.now)
    assert ended == ScanEnded(1, "HTTP 502", 0)
    assert isinstance(said, Log)
    assert scanning.tick(4.9) == []
    assert scanning.tick(0.1) == [RequestInstruments(2, "")]
    assert scanning.core.on_scan_failed(ScanFailed(2, "HTTP 502"), scanning.now) == [ScanEnded(2, "HTTP 502", 0)]
    scanning.tick(5)
    assert events(scanning.scan({"AAUSDT": "1"})) == ["scan.result", "scan.recovered", "universe.changed"]


@pytest.mark.parametrize("data", [b"<html>", answer(code=10006), answer(), answer(instrument("XUSDC"), code=0)])
def test_what_stood_before_stands_after_a_bad_answer(data: bytes) -> None:
    scanning = Scanning(interval_s=60)
    scanning.tick()
    said = universe(scanning.scan({"AAUSDT": "0.02"}))
    scanning.tick(60)
    bad = data if b"XUSDC" not in data else answer(instrument("XUSDC", quoteCoin="USDC"))
    ended = scanning.scan({}, bad)[0]
    assert isinstance(ended, ScanEnded)
    assert ended.reason
    assert scanning.tick(1) == [said]


def test_a_bad_ticker_answer_ends_the_scan_only() -> None:
    scanning = Scanning()
    scanning.tick()
    scanning.core.on_instruments_answer(InstrumentsAnswer(1, LIST), scanning.now)
    ended = scanning.core.on_tickers_answer(TickersAnswer(1, b"oops"), scanning.now)[0]
    assert isinstance(ended, ScanEnded)
    assert ended.reason


def test_a_scan_without_an_answer_is_given_up_and_its_late_answer_not_used() -> None:
    scanning = Scanning(interval_s=60)
    scanning.tick()
    ended, _ = scanning.tick(SCAN_NS_MAX / NS_PER_S + 1)
    assert isinstance(ended, ScanEnded)
    assert scanning.tick(RETRY_NS / NS_PER_S) == [RequestInstruments(2, "")]
    assert scanning.core.on_instruments_answer(InstrumentsAnswer(1, LIST), scanning.now) == []
    assert scanning.core.on_tickers_answer(TickersAnswer(1, LIST), scanning.now) == []
    assert scanning.core.on_scan_failed(ScanFailed(1, "late"), scanning.now) == []


def test_a_fixed_list_needs_no_tickers_and_names_what_does_not_trade() -> None:
    scanning = Scanning(symbols=("CCUSDT", "ZZUSDT", "AAUSDT"), interval_s=60)
    scanning.tick()
    out = scanning.scan({})
    assert symbols(out) == ["CCUSDT", "AAUSDT"]
    assert [each.symbol for each in out if isinstance(each, Log) and each.event == "scan.unknown"] == ["ZZUSDT"]
    scanning.tick(60)
    assert scanning.scan({}) == [ScanEnded(2, "", 0)]


def test_a_leader_change_is_one_switch_and_the_old_symbol_is_let_go_first() -> None:
    scanning = Scanning(symbols_max=1, interval_s=60)
    scanning.tick()
    assert symbols(scanning.scan({"AAUSDT": "0.01"})) == ["AAUSDT"]
    scanning.hear("AAUSDT")
    scanning.tick(60)
    leaving = scanning.scan({"AAUSDT": "0.01", "BBUSDT": "0.0121"})
    assert (symbols(leaving), universe(leaving).leaving) == (["AAUSDT"], ("AAUSDT",))
    assert scanning.hear("AAUSDT") == []
    switched = scanning.hear()
    assert (symbols(switched), universe(switched).leaving) == (["BBUSDT"], ())
    scanning.hear("BBUSDT")
    scanning.tick(60)
    assert events(scanning.scan({"AAUSDT": "0.0121", "BBUSDT": "0.0121"})) == ["scan.result"]
    scanning.tick(60)
    assert events(scanning.scan({"AAUSDT": "0.0145", "BBUSDT": "0.0121"})) == ["scan.result"]


def test_a_symbol_without_a_position_goes_as_soon_as_execution_knows_that_it_leaves() -> None:
    scanning = Scanning(symbols_max=1, interval_s=60)
    scanning.tick()
    first = universe(scanning.scan({"AAUSDT": "0.01"}))
    scanning.hear(version=first.version)
    scanning.tick(60)
    assert universe(scanning.scan({"BBUSDT": "0.01"})).leaving == ("AAUSDT",)
    assert scanning.hear(version=first.version) == []  # An entry may be on its way: it has not heard yet.
    assert symbols(scanning.hear()) == ["BBUSDT"]


def test_what_is_said_again_while_a_symbol_leaves_is_the_same_fact() -> None:
    scanning = Scanning(symbols_max=1, interval_s=60)
    scanning.tick()
    scanning.scan({"AAUSDT": "0.01"})
    scanning.hear("AAUSDT")
    scanning.tick(60)
    said = universe(scanning.scan({"BBUSDT": "0.01"}))
    assert scanning.tick(1) == [said]
    scanning.tick(59)
    again = [each for each in scanning.scan({"BBUSDT": "0.09"}) if isinstance(each, Universe)]
    assert again == []


def test_what_is_open_but_was_never_chosen_stays_in_sight_and_is_not_asked_to_leave() -> None:
    scanning = Scanning(symbols_max=1, interval_s=60)
    scanning.tick()
    scanning.scan({"AAUSDT": "0.02", "BBUSDT": "0.01"})
    said = universe(scanning.hear("AAUSDT", "BBUSDT"))
    assert ([each.symbol for each in said.instruments], said.leaving) == (["AAUSDT", "BBUSDT"], ())
    assert symbols(scanning.hear("AAUSDT")) == ["AAUSDT"]


def test_the_rules_of_an_open_symbol_that_is_listed_no_more_are_kept() -> None:
    scanning = Scanning(symbols_max=1, interval_s=60)
    scanning.tick()
    scanning.scan({"AAUSDT": "0.01"})
    scanning.hear("AAUSDT")
    scanning.tick(60)
    leaving = scanning.scan({"BBUSDT": "0.09"}, answer(instrument("BBUSDT")))
    assert (symbols(leaving), universe(leaving).leaving) == (["AAUSDT"], ("AAUSDT",))
    assert symbols(scanning.hear()) == ["BBUSDT"]


def test_a_restarted_scanner_takes_what_is_open_for_its_own() -> None:
    scanning = Scanning(epoch=1, symbols_max=1)
    scanning.tick()
    assert universe_or_none(scanning.scan({"AAUSDT": "0.01", "BBUSDT": "0.012", "CCUSDT": "0"})) is None
    assert symbols(scanning.hear("AAUSDT")) == ["AAUSDT"]


@pytest.mark.parametrize("first", ["state", "scan"])
def test_a_restarted_scanner_keeps_what_is_open_whatever_it_hears_first(first: str) -> None:
    scanning = Scanning(epoch=1, symbols_max=1)
    out: list[Message] = []
    if first == "state":
        scanning.hear("AAUSDT")
    scanning.tick()
    out += scanning.scan({"AAUSDT": "0.01", "BBUSDT": "0.012"})
    if first == "scan":
        out += scanning.hear("AAUSDT")
    assert (symbols(out), universe(out).leaving) == (["AAUSDT"], ())


def test_each_scan_says_what_it_has_found() -> None:
    scanning = Scanning()
    scanning.tick()
    out = scanning.scan({"AAUSDT": "0.01", "BBUSDT": "0.03"})
    (found,) = [each.text for each in out if isinstance(each, Log) and each.event == "scan.result"]
    assert found == "2 of 3 may be chosen: BBUSDT 1,500,000, AAUSDT 500,000"


@pytest.mark.skipif(not REAL.exists(), reason=f"no real instrument list at {REAL.name} beside the project")
def test_on_the_real_list_only_perpetuals_that_trade_against_usdt_are_chosen() -> None:
    answered = msgspec.json.decode(gzip.decompress(REAL.read_bytes()))
    listed = answered["result"]["list"]
    young = {"symbol": "YOUNGUSDT", "baseCoin": "YOUNG", "status": "PreLaunch", "isPreListing": True}
    closed = {"symbol": "CLOSEDUSDT", "baseCoin": "CLOSED", "status": "Closed"}
    pattern = next(row for row in listed if row["symbol"] == "SUIUSDT")
    listed += [pattern | young, pattern | closed]
    rows = {row["symbol"]: row for row in listed}
    data = msgspec.json.encode(answered)
    days = {symbol: f"0.{index:04}" for index, symbol in enumerate(reversed(rows), 1)}
    scanning = Scanning(symbols_max=64, candidates_max=1000)
    scanning.tick()
    out = scanning.scan(days, data)
    assert out[0] == ScanEnded(1, "", 692 - 174 - len(["BTC", "ETH", "USDC", "USDE", "USD1", "RLUSD"]))
    assert len(symbols(out)) == 64
    for symbol in scanning.core._scores:
        row = rows[symbol]
        assert (row["contractType"], row["status"], row["settleCoin"]) == ("LinearPerpetual", "Trading", "USDT")
        assert (row["symbolType"] == "stock", row["isPreListing"]) == (False, False)
        assert row["baseCoin"] not in ("BTC", "ETH", "USDC", "USDE", "USD1", "RLUSD")
    few = Scanning(symbols_max=64)
    few.tick()
    assert few.scan(days, data)[0] == ScanEnded(1, "", 50)


def test_rules_that_no_longer_fit_are_fetched_at_once_but_not_in_a_hot_loop() -> None:
    scanning = Scanning(interval_s=3_600.0)
    scanning.tick()
    scanning.scan({"AAUSDT": "0.02", "BBUSDT": "0.01"})
    assert scanning.tick(60) != [RequestInstruments(2, "")]
    rules = OffGrid("AAUSDT", "0.01", "0.1")
    scanning.core.on_off_grid(rules, scanning.now)
    assert RequestInstruments(2, "") in scanning.tick()
    coarser = answer(*(instrument(symbol, **{"priceFilter.tickSize": "0.02"}) for symbol in SYMBOLS))
    news = universe(scanning.scan({"AAUSDT": "0.02", "BBUSDT": "0.01"}, coarser))
    assert {each.tick for each in news.instruments} == {"0.02"}
    scanning.core.on_off_grid(rules, scanning.now)  # Heard late: the new rules are known already.
    assert all(not isinstance(said, RequestInstruments) for said in scanning.tick(60))
    scanning.core.on_off_grid(OffGrid("AAUSDT", "0.02", "0.1"), scanning.now)
    assert RequestInstruments(3, "") in scanning.tick()
    scanning.core.on_scan_failed(ScanFailed(3, "no"), scanning.now)
    scanning.core.on_off_grid(OffGrid("AAUSDT", "0.02", "0.1"), scanning.now)
    assert all(not isinstance(said, RequestInstruments) for said in scanning.tick(4))


def test_the_venues_clock_is_asked_for_and_said() -> None:
    scanning = Scanning(clock_s=10.0)
    assert RequestTime(1) in scanning.tick()
    body = b'{"retCode":0,"retMsg":"OK","result":{"timeNano":"1790000000000000000"}}'
    at_ns = 1_790_000_000 * NS_PER_S
    said = scanning.core.on_time_answer(TimeAnswer(body, at_ns - 2, at_ns + 2), scanning.now)
    assert said == [ClockOffset(0, 2, at_ns + 2)]
    (complaint,) = scanning.core.on_time_answer(TimeAnswer(b"{}", 0, 0), scanning.now)
    assert isinstance(complaint, Log)
