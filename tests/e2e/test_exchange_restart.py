"""The exchange killed in mid-flight: the account, its orders and its stops are there again, and the run goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from replay.runs import tell_again
from tests.e2e.flight import Flight

pytestmark = pytest.mark.timeout(180)


def with_a_stop(flight: Flight) -> dict[str, Any]:
    """Wait until there is a position with its stop, and return the ledger of that moment."""

    def find() -> dict[str, Any] | None:
        ledger = flight.ledger()
        held = {row["symbol"] for row in ledger["positions"] if row["position_lots"]}
        stops = {row["symbol"] for row in ledger["orders"] if row["status"] == "Untriggered"}
        return ledger if held and held <= stops else None

    found: dict[str, Any] = flight.wait_until(find, "position with its stop")
    return found


def test_the_account_survives_the_exchange(tmp_path: Path) -> None:
    with Flight(tmp_path, "--set", "brackets.time_exit_s=6") as flight:
        before = with_a_stop(flight)
        page, pid = flight.page, flight.pid("exchange")
        trips = page.total("round_trips")
        os.kill(pid, 9)
        flight.wait_until(lambda: flight.pid("exchange") not in (0, pid), "new exchange")
        after = flight.wait_until(lambda: _try_ledger(flight), "answering exchange")
        flight.wait_until(lambda: page.total("round_trips") >= trips + 2, "further round trips")
        flight.interrupt()
        code, summary = flight.summary()
        log = flight.log
    count = len(before["executions"])
    assert after["executions"][:count] == before["executions"]
    known = {row["order_id"]: row for row in after["orders"]}
    for row in before["orders"]:
        assert known[row["order_id"]]["filled_lots"] >= row["filled_lots"]
    assert after["conserved"], after["violations"]
    assert summary["naked_ms_max"] == 0, log
    assert summary["ledger_matches_exchange"] is True, (summary["ledger_differences"], log)
    assert summary["restarts"] == 1, log
    assert summary["leftovers"] == []
    assert code == 0, log
    told = [(one.worker, one.epoch) for one in tell_again(next((tmp_path / "var" / "runs").iterdir()))]
    assert ("exchange", 0) in told
    assert ("exchange", 1) in told


def _try_ledger(flight: Flight) -> dict[str, Any] | None:
    try:
        return flight.ledger()
    except OSError:
        return None
