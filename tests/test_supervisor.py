"""The supervisor, with real workers: hangs end, crash loops end, and neither leaves anything behind."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from shared.awake import DEVICE, awake
from shared.exits import Exit
from tests.e2e.flight import Flight

pytestmark = pytest.mark.timeout(90)


def test_a_worker_that_hangs_is_shown_killed_and_started_again(tmp_path: Path) -> None:
    with Flight(tmp_path) as flight:
        flight.wait_until(lambda: flight.page.total("decisions"), "decisions")
        pid = flight.pid("scanner")
        os.kill(pid, signal.SIGSTOP)
        flight.wait_until(lambda: flight.pid("scanner") not in (0, pid), "new scanner", deadline_s=10)
        flight.interrupt()
        code, summary = flight.summary()
    assert (code, summary["restarts"]) == (0, 1), flight.log
    assert "has not turned" in flight.log


def test_a_crash_loop_spends_the_budget_and_ends_safe(tmp_path: Path) -> None:
    with Flight(tmp_path, "--set", "supervisor.restarts_per_worker=1") as flight:
        for _ in range(2):
            pid = flight.wait_until(lambda: flight.pid("scanner"), "scanner")
            os.kill(pid, signal.SIGKILL)
            flight.wait_until(lambda gone=pid: flight.pid("scanner") != gone, "its end")
        code, summary = flight.summary()
    assert code == Exit.RESTARTS_SPENT, flight.log
    assert summary["ledger_matches_exchange"] is True, flight.log
    assert summary["leftovers"] == []


def test_workers_carry_their_names_and_sit_where_they_were_pinned(tmp_path: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    with Flight(tmp_path, "--set", f"supervisor.pin.scanner={cpu}", "--set", "supervisor.pin.monitor=4095") as flight:
        pid = flight.wait_until(lambda: flight.pid("scanner"), "scanner")
        title = Path(f"/proc/{pid}/cmdline")
        flight.wait_until(lambda: title.read_bytes().startswith(b"peregrine: scanner"), "process title")
        assert os.sched_getaffinity(pid) == {cpu}
        flight.interrupt()
        code, _ = flight.summary()
    assert code == 0, flight.log
    assert "monitor wants CPU 4095, which this box does not offer: left unpinned" in flight.log


def test_the_cpus_stay_awake_where_that_is_ours_to_say(tmp_path: Path) -> None:
    with awake() as fault:
        is_ours = not fault
    with Flight(tmp_path, "--set", "supervisor.awake=true") as flight:
        pid = flight.wait_until(lambda: flight.pid("scanner"), "scanner")
        links = [link.readlink() for link in Path(f"/proc/{psutil.Process(pid).ppid()}/fd").iterdir()]
        flight.interrupt()
        code, _ = flight.summary()
    assert code == 0, flight.log
    assert (DEVICE in links) is is_ours
    assert ("the CPUs may fall asleep" in flight.log) is not is_ours
