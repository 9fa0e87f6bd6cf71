"""The whole fleet against the local exchange: it trades, its ledger matches, nothing is left behind."""

import os
from pathlib import Path

import pytest

from replay.runs import tell_again
from shared import shm
from tests.e2e.flight import Flight, fly, wait_for

pytestmark = pytest.mark.timeout(150)
WORKERS = ("ingest", "scanner", "signals", "execution", "monitor")


def assert_sound(code: int, summary: dict[str, object], log: str) -> None:
    assert summary["naked_ms_max"] == 0, log
    assert summary["ledger_matches_exchange"] is True, (summary["ledger_differences"], log)
    assert summary["leftovers"] == []
    assert code == 0, log


def test_it_trades_and_the_ledger_matches(tmp_path: Path) -> None:
    code, summary, log = fly(tmp_path, "--market", "synthetic", "--for", "45")
    assert_sound(code, summary, log)
    assert summary["round_trips"] >= 3, log
    assert (summary["book_gaps"], summary["crossed_books"], summary["restarts"]) == (0, 0, 0), log
    assert summary["uptime_s"] < 52
    run_dir = next((tmp_path / "var" / "runs").iterdir())
    told = {one.worker: one for one in tell_again(run_dir)}
    assert set(told) == {*WORKERS, "exchange"}
    assert min(one.outputs for one in told.values()) > 0
    rows = (run_dir / "csv" / "trades.csv").read_text().splitlines()
    assert len(rows) - 1 == summary["round_trips"]


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_killed_with_a_position_open_comes_back(tmp_path: Path, worker: str) -> None:
    with Flight(tmp_path) as flight:
        flight.open_position()
        page, pid = flight.page, flight.pid(worker)
        trips = page.total("round_trips")
        os.kill(pid, 9)
        flight.wait_until(lambda: flight.pid(worker) not in (0, pid), f"new {worker}")
        flight.wait_until(lambda: page.total("round_trips") >= trips + 2, "further round trips")
        flight.interrupt()
        code, summary = flight.summary()
        log = flight.log
    assert_sound(code, summary, log)
    assert summary["restarts"] == 1, log


def test_a_stop_that_comes_late_is_seen_as_naked_time(tmp_path: Path) -> None:
    _, summary, log = fly(tmp_path, "--for", "30", "--set", "exchange.stop_delay_ms=300")
    assert summary["naked_ms_max"] > 0, log
    assert summary["ledger_matches_exchange"] is True, log


def test_ctrl_c_ends_it_in_order_within_five_seconds(tmp_path: Path) -> None:
    with Flight(tmp_path) as flight:
        flight.open_position()
        run = flight.run_dir.name
        flight.interrupt()
        flight.interrupt()
        code, summary = flight.summary(deadline_s=7)
        log = flight.log
    assert_sound(code, summary, log)
    assert "SIGINT" in str(summary["ended"])
    assert not [path for path in shm.FOLDER.iterdir() if run in path.name]


def test_the_supervisor_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    with Flight(tmp_path) as flight:
        flight.open_position()
        pids = [flight.pid(worker) for worker in (*WORKERS, "exchange")]
        flight.kill()
    left = wait_for(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()], deadline_s=8)
    assert left, "a worker outlived its supervisor"
