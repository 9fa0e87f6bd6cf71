"""The venue gives an instrument another tick or lot in mid-flight: the book is void, the rules are read, it goes on."""

from __future__ import annotations

import json
import urllib.request
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from shared.fleet import Word
from shared.messages import OffGrid
from tests.e2e.flight import Flight
from tests.exchange_rig import SYMBOL, LiveRig
from tests.services.ingest.rig import Rig, of, rules, universe

BOOK = f"orderbook.50.{SYMBOL}"


class Followed:
    """A local exchange and an ingest that hears its frames, in one process."""

    def __init__(self) -> None:
        self.exchange, self.ingest = LiveRig(), Rig(SYMBOL)
        self.line = self.exchange.connect()
        self.exchange.say(self.line, {"op": "subscribe", "args": [BOOK]})

    def go_on(self, ms: int) -> list[OffGrid]:
        """Let time pass; return what ingest has complained of."""
        said = []
        self.exchange.tick(ms)
        for frame in self.exchange.sent[self.line]:
            if "topic" in frame:
                said += of(OffGrid, self.ingest.frame(orjson.dumps(frame)))
        self.exchange.sent[self.line].clear()
        return said


@pytest.mark.parametrize("change", ["tick=0.05", "tick=0.02 lot=0.0005", "lot=0.0001"])
def test_ingest_loses_a_book_that_is_off_its_grid_and_has_it_again_with_the_new_rules(change: str) -> None:
    both = Followed()
    assert both.go_on(1_000) == []
    assert both.ingest.view(SYMBOL).valid
    both.exchange.fault(f"regrid symbol={SYMBOL} {change}")
    wanted = both.go_on(1_000)
    assert {(one.symbol, one.tick, one.lot) for one in wanted} == {(SYMBOL, "0.10", "0.001")}
    assert not both.ingest.view(SYMBOL).valid
    row = both.exchange.rules()
    fresh = rules(SYMBOL, row["priceFilter"]["tickSize"], row["lotSizeFilter"]["qtyStep"])
    both.ingest.say(universe(fresh, version=2))
    both.exchange.close(both.line)
    both.line = both.exchange.connect()
    both.exchange.say(both.line, {"op": "subscribe", "args": [BOOK]})
    assert both.go_on(1_000) == []
    assert both.ingest.view(SYMBOL).valid


@pytest.mark.timeout(180)
def test_every_book_of_the_fleet_is_void_off_its_grid_and_back_once_the_rules_are_read(tmp_path: Path) -> None:
    with Flight(tmp_path, "--set", "exchange.balance_usdt=1") as flight:  # Nobody trades: this is about the books.
        page, said = flight.page, flight.run_dir / "log" / "monitor.jsonl"
        port = flight.wait_until(lambda: page.get(Word.EXCHANGE_PORT), "exchange")
        flight.wait_until(lambda: page.total("events") > 1_000, "market data")
        symbols = halve_every_grid(port)
        flight.wait_until(lambda: page.total("off_grid"), "frame off the grid")
        flight.wait_until(lambda: symbols <= told(said, "alert.void"), "void books")
        flight.wait_until(lambda: symbols <= told(said, "alert.void.over"), "books on the new grid")
        seen = page.total("events")
        flight.wait_until(lambda: page.total("events") > seen + 1_000, "further market data")
        flight.interrupt()
        code, summary = flight.summary()
        log = flight.log
    assert (summary["crossed_books"], summary["restarts"], summary["round_trips"]) == (0, 0, 0), log
    assert summary["leftovers"] == []
    assert code == 0, log


def told(log: Path, event: str) -> set[str]:
    """Return the symbols of which the monitor has said that."""
    rows = (json.loads(line) for line in log.read_text().splitlines() if line.endswith("}"))
    return {row["sym"] for row in rows if row["ev"] == event}


def halve_every_grid(port: int) -> set[str]:
    """Give every symbol half of its tick and half of its lot; return the symbols."""
    address = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{address}/v5/market/instruments-info?category=linear", timeout=5) as answer:
        rows = json.load(answer)["result"]["list"]
    halves = [
        (row["symbol"], Decimal(row["priceFilter"]["tickSize"]) / 2, Decimal(row["lotSizeFilter"]["qtyStep"]) / 2)
        for row in rows
    ]
    text = "\n".join(f"regrid symbol={symbol} tick={tick:f} lot={lot:f}" for symbol, tick, lot in halves)
    request = urllib.request.Request(f"{address}/admin/faults", data=text.encode(), method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert json.load(answer)["retCode"] == 0
    return {symbol for symbol, _, _ in halves}
