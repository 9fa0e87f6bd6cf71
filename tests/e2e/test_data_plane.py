"""The real ingest process between a market that keeps count and readers that know what every book must be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVE_MS_MAX = 1_000


def measured(module: str, *args: str) -> dict[str, Any]:
    """Run a benchmark; return its JSON object."""
    command = [sys.executable, "-m", module, "--json", *args]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    environ |= {key: os.environ[key] for key in ("PEREGRINE_KERNEL",) if key in os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def check_kills(kills: int) -> None:
    found = measured("bench.kills", "--kills", str(kills), "--seed", str(kills))
    assert (found["wrong"], found["first_wrong"]) == (0, [])
    assert found["generations_served"] > kills // 3
    assert found["valid_books"] > 20 * found["generations_served"]
    assert found["serve_max_ms"] < SERVE_MS_MAX, found


def check_swaps(seconds: float, *args: str) -> None:
    found = measured("bench.swaps", "--seconds", str(seconds), *args)
    assert {name: found[name] for name in ("lost_of_staying", "book_gaps", "reconnects", "resyncs")} == {
        "lost_of_staying": 0,
        "book_gaps": 0,
        "reconnects": 0,
        "resyncs": 0,
    }, found
    assert (found["connections"], found["wrong_books"], found["too_early"], found["held_until_released"]) == (
        1,
        0,
        0,
        True,
    )
    assert found["swaps"] > 10 * seconds
    assert found["hand_overs"] > 0.9 * found["swaps"]


def test_no_kill_of_ingest_ever_shows_a_reader_a_torn_older_or_foreign_book() -> None:
    check_kills(8)


def test_symbols_are_swapped_on_one_connection_without_losing_a_frame_of_the_others() -> None:
    check_swaps(2.0)


def test_forty_of_fifty_symbols_change_at_once() -> None:
    check_swaps(1.5, "--at-once", "40", "--per-second", "80")


def test_ingest_takes_in_everything_it_is_sent() -> None:
    found = measured("bench.ingest", "--symbols", "60", "--seconds", "0.5")
    assert (found["lost"], found["gaps"], found["wrong_books"], found["differing_books"], found["unseen"]) == (0,) * 5


@pytest.mark.full
@pytest.mark.timeout(1_200)
def test_three_hundred_kills() -> None:
    check_kills(300)


@pytest.mark.full
@pytest.mark.timeout(1_200)
def test_not_one_of_five_million_reads_is_torn() -> None:
    found = measured("bench.shm", "--reads", "5000000")
    if found["torn_reads"] is None:
        pytest.skip("no compiler, no compiled writer")
    assert (found["torn_reads"], found["older_reads"]) == (0, 0)
    assert found["reads_as_shipped"] >= 5_000_000
    assert found["torn_no_writer_fence"] > 0  # The fences do something.


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_minute_of_swaps() -> None:
    check_swaps(60.0)
