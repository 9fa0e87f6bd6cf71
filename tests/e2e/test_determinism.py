"""On a virtual clock the exchange is a function of its seed and its commands, in any process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import exchange_script
from tests.exchange_script import KINDS, PRIVATE, told

ROOT = Path(__file__).resolve().parents[2]


def printed(seed: int, hash_seed: int) -> str:
    """Play the script in a process of its own."""
    environ = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, exchange_script.__file__, str(seed)]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    return done.stdout.strip()


def test_the_same_seed_says_the_same_bytes_and_every_topic_speaks() -> None:
    one, two, other = told(1), told(1), told(2)
    assert one.digest.digest() == two.digest.digest()
    assert one.digest.digest() != other.digest.digest()
    assert one.said == two.said > 1_000
    desk = one.core.desk
    assert desk.oracle.executed > 20
    assert desk.oracle.violations(desk.account, desk.orders) == []
    private = {topic.rpartition(".")[0] for topic in PRIVATE}
    assert {kind for kind in KINDS if kind != "allLiquidation"} <= one.topics | private
    applied = {row["fault"]: row["applied"] for row in one.core._faults.rows(one.now)}
    silent = [name for name, count in applied.items() if not count and name not in ("skew",)]
    assert silent == []


@pytest.mark.timeout(240)
def test_two_processes_with_other_hash_seeds_say_the_same_bytes() -> None:
    assert printed(3, hash_seed=1) == printed(3, hash_seed=2)
