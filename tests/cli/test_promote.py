"""The checklist is shown, grants what is next when all of it is done, and skips nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from cli.promote import promote
from cli.promotion import Record, granted, read, write
from shared.exits import Exit
from tests.cli.test_promotion import RUN

DONE = [replace(RUN, round_trips=100, uptime_s=3600.0)]
REHEARSED = [
    replace(RUN, venue="testnet", day=f"2026-09-0{day}", uptime_s=8 * 3600.0, round_trips=40) for day in (1, 2, 3)
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ask(var: Path, *args: str) -> Result:
    return CliRunner().invoke(promote, ["--var", str(var), *args])


def shown(var: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(var, "--json").output)
    return found


def test_without_evidence_nothing_is_granted(tmp_path: Path) -> None:
    found = shown(tmp_path)
    assert (found["granted"], found["next"]) == ([], "rehearsal")
    assert not any(row["done"] for row in found["checklist"])
    assert ask(tmp_path, "--to", "rehearsal").exit_code == Exit.FAILURE
    assert "round trips" in ask(tmp_path).output


def test_real_money_is_not_next_whatever_was_shown(tmp_path: Path) -> None:
    write(tmp_path, Record(DONE + REHEARSED))
    refused = ask(tmp_path, "--to", "mainnet")
    assert refused.exit_code == Exit.FAILURE
    assert read(tmp_path).grants == []


def test_each_step_is_granted_on_its_own_evidence(tmp_path: Path) -> None:
    write(tmp_path, Record(DONE))
    assert ask(tmp_path, "--to", "rehearsal").exit_code == 0
    assert ask(tmp_path, "--to", "mainnet").exit_code == Exit.FAILURE
    record = read(tmp_path)
    write(tmp_path, Record(record.runs + REHEARSED, record.grants))
    assert ask(tmp_path, "--to", "mainnet").exit_code == 0
    assert granted(read(tmp_path), "fusion") == ["rehearsal", "mainnet"]
    assert ask(tmp_path, "--to", "mainnet").exit_code == 0  # Taken already.
    assert shown(tmp_path)["next"] is None


def test_a_damaged_record_grants_nothing(tmp_path: Path) -> None:
    (tmp_path / "promotion.json").write_text("{")
    assert ask(tmp_path).exit_code == Exit.FAILURE
