"""A real fleet under test: starts `peregrine run` as a process, watches it from outside, reads its summary."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared import shm
from shared.fleet import FleetPage, Word

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0


def wait_for(met: Callable[[], Any], deadline_s: float) -> Any:
    """Return the first true value of ``met``, or its last false one at the deadline."""
    end = time.monotonic() + deadline_s
    while not (found := met()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


class Flight:
    """One run in its own var directory. Use as a context manager: it never outlives the test."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.var = folder / "var"
        self._errors = folder / "stderr.txt"
        at_any_hour = ("--set", "risk.funding_min=0")  # A test must not wait for a funding to be over.
        command = [sys.executable, "-m", "cli.main", "run", "--json", "--var", str(self.var), *at_any_hour, *args]
        environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(ROOT)}
        environ |= {key: os.environ[key] for key in ("XDG_RUNTIME_DIR", "PEREGRINE_KERNEL") if key in os.environ}
        with self._errors.open("wb") as sink:
            self._process = subprocess.Popen(
                command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=sink, text=True
            )

    def __enter__(self) -> Flight:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def log(self) -> str:
        """Everything it wrote to stderr so far."""
        return self._errors.read_text()

    def wait_until(self, met: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
        """Return the first true value of ``met``; fail when the run ends or the deadline passes first."""

        def look() -> Any:
            assert self._process.poll() is None, f"the run ended while waiting for {what}:\n{self.log}"
            return met()

        found = wait_for(look, deadline_s)
        assert found, f"no {what} within {deadline_s} s:\n{self.log}"
        return found

    def kill(self) -> None:
        """SIGKILL the supervisor."""
        self._process.kill()
        self._process.wait()

    @property
    def run_dir(self) -> Path:
        """Where the run leaves its files."""
        found: Path = self.wait_until(lambda: next((self.var / "runs").glob("*"), None), "run folder")
        return found

    @property
    def page(self) -> FleetPage:
        """The fleet page, mapped from outside."""
        name = shm.segment_name(self.run_dir.name, "fleet", 0)
        self.wait_until(lambda: (shm.FOLDER / name).exists(), "fleet page")
        self._segment = shm.attach(name)
        return FleetPage(self._segment.buffer)

    def pid(self, worker: str) -> int:
        """The process id of a worker, 0 while it is down."""
        return self.page.enrolled(worker)[0]

    def ledger(self) -> dict[str, Any]:
        """The exchange's own account of everything."""
        page = self.page
        port = self.wait_until(lambda: page.get(Word.EXCHANGE_PORT), "exchange")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/ledger", timeout=5) as answer:
            result: dict[str, Any] = json.load(answer)["result"]
        return result

    def open_position(self) -> dict[str, Any]:
        """Wait for a position at the exchange and return its row."""

        def find() -> dict[str, Any] | None:
            return next((row for row in self.ledger()["positions"] if row["position_lots"]), None)

        found: dict[str, Any] = self.wait_until(find, "open position")
        return found

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def summary(self, deadline_s: float = 90.0) -> tuple[int, dict[str, Any]]:
        """Wait for the end; return the exit code and the summary."""
        out, _ = self._process.communicate(timeout=deadline_s)
        assert out.strip(), f"no summary:\n{self.log}"
        return self._process.returncode, json.loads(out.strip().splitlines()[-1])


def fly(folder: Path, *args: str) -> tuple[int, dict[str, Any], str]:
    """Run to the end; return exit code, summary and log."""
    with Flight(folder, *args) as flight:
        code, summary = flight.summary()
        return code, summary, flight.log
