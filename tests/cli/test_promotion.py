"""What runs have shown counts for their own step, and one bad run begins it anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from cli.promotion import (
    RUNS_MAX,
    STEPS,
    Evidence,
    Grant,
    Record,
    RecordError,
    add,
    checklist,
    counted,
    evidence_of,
    granted,
    next_step,
    read,
    write,
)

RUN = Evidence("20260901-120000-ab12", "local", "fusion", "synthetic", "2026-09-01", 1800.0, 60, 0, 0, 0, 0, True, 0)
FIRST, SECOND = STEPS


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    assert read(tmp_path) == Record()
    add(tmp_path, RUN)
    add(tmp_path, replace(RUN, venue="testnet", ledger_matches=None, naked_ms_max=None))
    assert [run.venue for run in read(tmp_path).runs] == ["local", "testnet"]


def test_a_damaged_record_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "promotion.json").write_text('{"runs":')
    with pytest.raises(RecordError):
        read(tmp_path)


def test_the_record_is_bounded(tmp_path: Path) -> None:
    write(tmp_path, Record([RUN] * (RUNS_MAX + 5)))
    assert len(read(tmp_path).runs) == RUNS_MAX


def test_only_runs_of_the_steps_own_venues_and_strategy_count() -> None:
    record = Record([RUN, replace(RUN, venue="paper"), replace(RUN, strategy="predator"), replace(RUN, venue="demo")])
    assert counted(record, FIRST, "fusion") == [RUN]
    assert [run.venue for run in counted(record, SECOND, "fusion")] == ["paper", "demo"]


@pytest.mark.parametrize("bad", [{"exit": 1}, {"ledger_matches": False}, {"naked_ms_max": 1}])
def test_a_run_that_was_not_sound_begins_the_count_anew(bad: dict[str, int]) -> None:
    record = Record([RUN, RUN, replace(RUN, **bad), RUN])
    assert len(counted(record, FIRST, "fusion")) == 1


def test_a_checklist_adds_runs_up() -> None:
    items = checklist(FIRST, [RUN, replace(RUN, day="2026-09-02")])
    assert [(item.value, item.done) for item in items] == [(120, True), (1.0, True), (2, True)]
    assert not any(item.done for item in checklist(SECOND, []))


def test_steps_are_taken_in_their_order_and_for_one_strategy() -> None:
    record = Record([], [Grant("fusion", "mainnet", "2026-09-01", ())])
    assert granted(record, "fusion") == []  # A step cannot be had without the one before.
    record.grants.append(Grant("fusion", "rehearsal", "2026-09-01", ()))
    assert granted(record, "fusion") == ["rehearsal", "mainnet"]
    assert next_step(record, "fusion") is None
    assert next_step(record, "predator") == FIRST


def test_evidence_comes_from_a_runs_summary() -> None:
    result = {
        "run_id": RUN.run_id, "uptime_s": 1800.0, "round_trips": 60, "corrections": 0, "rejects": 0, "restarts": 0,
        "ledger_matches_exchange": True, "naked_ms_max": 0,
    }  # fmt: skip
    assert evidence_of(result, 0, venue="local", strategy="fusion", market="synthetic") == RUN
