"""What a user can get wrong: one clear line each, and an exit code of its own."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from shared.exits import Exit
from tests.e2e.flight import ROOT, Flight

pytestmark = pytest.mark.timeout(60)


def peregrine(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *args],
        cwd=folder, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=50,
        check=False,
    )  # fmt: skip


def test_all_config_errors_are_said_at_once_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("risk:\n  max_spread_bp: 5\n  leverage: many\nscaner:\n  interval_s: 60\n")
    done = peregrine(tmp_path, "run")
    assert done.returncode == Exit.BAD_CONFIG
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 3, done.stderr
    assert any("risk.max_spread_bp" in line and "max_spread_bps" in line for line in lines)
    assert any("risk.leverage" in line and "many" in line for line in lines)
    assert any("scaner" in line and "scanner" in line for line in lines)


def test_a_missing_recording_is_one_line(tmp_path: Path) -> None:
    done = peregrine(tmp_path, "run", "--market", "nowhere.gz")
    assert done.returncode == Exit.NOT_FOUND
    assert len(done.stderr.strip().splitlines()) == 1
    assert "nowhere.gz" in done.stderr


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = peregrine(tmp_path, "run", "--set", f"exchange.port={port}", "--json")
    assert done.returncode == Exit.PORT_IN_USE, done.stderr
    assert str(port) in done.stderr


def test_a_second_instance_is_refused(tmp_path: Path) -> None:
    with Flight(tmp_path) as flight:
        flight.wait_until(lambda: flight.pid("monitor"), "monitor")
        done = peregrine(tmp_path, "run", "--var", str(flight.var))
        assert done.returncode == Exit.ALREADY_RUNNING
        assert len(done.stderr.strip().splitlines()) == 1
        flight.interrupt()
        assert flight.summary()[0] == 0


def test_mainnet_needs_the_typed_confirmation(tmp_path: Path) -> None:
    done = peregrine(tmp_path, "run", "--venue", "mainnet")
    assert done.returncode == Exit.BAD_CONFIG
    assert "--i-understand-real-money" in done.stderr


def test_mainnet_needs_every_step_of_the_promotion(tmp_path: Path) -> None:
    done = peregrine(tmp_path, "run", "--venue", "mainnet", "--i-understand-real-money")
    assert done.returncode == Exit.BAD_CONFIG
    assert "peregrine promote" in done.stderr
    assert not list((tmp_path / "var").glob("runs/*"))


def test_a_real_venue_without_keys_is_a_config_error_and_is_not_tried_again(tmp_path: Path) -> None:
    done = peregrine(tmp_path, "run", "--venue", "testnet", "--json")
    assert done.returncode == Exit.BAD_CONFIG, done.stderr
    assert "BYBIT_API_KEY: missing" in done.stderr
    assert "restarting" not in done.stderr
