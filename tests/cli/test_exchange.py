"""`peregrine exchange` in the terminal: it says where it is, answers, and ends with Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from replay.runs import tell_again
from shared.exits import Exit
from tests.e2e.flight import ROOT

pytestmark = pytest.mark.timeout(60)


@contextmanager
def exchange(folder: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "exchange", *args],
        cwd=folder, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def get(address: str, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(address + path, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_it_says_where_it_is_and_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    wishes = ("--symbols", "ETHUSDT", "--profile", "labelled", "--faults", "drop p=0.5", "--seed", "7")
    with exchange(tmp_path, "--port", "0", *wishes) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert found, first
        address = found[0]
        symbols = get(address, "/v5/market/instruments-info?category=linear")["result"]["list"]
        assert [row["symbol"] for row in symbols] == ["ETHUSDT"]
        assert [row["text"] for row in get(address, "/admin/faults")["result"]["list"]] == ["drop p=0.5"]
        assert get(address, "/admin/truth")["retCode"] == 0
        assert get(address, "/admin/ledger")["result"]["conserved"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr is not None
        out, errors = process.stdout.read(), process.stderr.read()
    assert "session.endpoint" in out
    assert "Traceback" not in errors
    (run,) = (tmp_path / "var" / "runs").iterdir()
    assert [(told.worker, told.epoch) for told in tell_again(run)] == [("exchange", 0)]


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (("--faults", "dorp"), Exit.BAD_CONFIG, "exchange.faults: line 1, column 1: unknown fault 'dorp'"),
        (("--faults", "@nowhere"), Exit.NOT_FOUND, "nowhere"),
        (("--market", "nowhere.gz"), Exit.NOT_FOUND, "nowhere.gz"),
        (("--symbols", "btc"), Exit.BAD_CONFIG, "exchange.symbols"),
    ],
)
def test_what_it_cannot_do_is_one_line_and_a_code(tmp_path: Path, args: tuple[str, ...], code: Exit, text: str) -> None:
    with exchange(tmp_path, "--port", "0", *args) as process:
        out, errors = process.communicate(timeout=20)
    assert process.returncode == code, errors
    assert out == ""
    assert len(errors.strip().splitlines()) == 1
    assert text in errors


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with exchange(tmp_path, "--port", str(port)) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == Exit.PORT_IN_USE
    assert str(port) in errors
