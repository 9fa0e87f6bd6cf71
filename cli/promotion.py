"""From the local exchange to real money, step by step: what the runs so far have shown, and what that allows.

One JSON file in the var directory. Every run adds its evidence; `peregrine promote` reads it and grants the next step,
never the one after. A run that stood naked, whose ledger differed or that failed begins the count of its step anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

FILE = "promotion.json"
RUNS_MAX = 2_000
HOUR_S = 3600.0


class Evidence(msgspec.Struct, frozen=True):
    """What one run has shown. None: nobody measured it (only our own exchange measures naked time, and is compared)."""

    run_id: str
    venue: str
    strategy: str
    market: str
    day: str  # UTC, YYYY-MM-DD.
    uptime_s: float
    round_trips: int
    corrections: int
    rejects: int
    restarts: int
    exit: int
    ledger_matches: bool | None
    naked_ms_max: int | None

    @property
    def sound(self) -> bool:
        """Whether the run counts."""
        return self.exit == 0 and self.ledger_matches is not False and not self.naked_ms_max


class Grant(msgspec.Struct, frozen=True):
    """A step that was taken."""

    strategy: str
    to: str
    day: str
    runs: tuple[str, ...]  # Those that it rests on.


class Record(msgspec.Struct):
    """The whole file."""

    runs: list[Evidence] = []
    grants: list[Grant] = []


class Step(NamedTuple):
    """What has to be shown, and where, before ``to`` is allowed."""

    to: str
    venues: tuple[str, ...]
    round_trips: int
    hours: float
    days: int


STEPS = (
    Step("rehearsal", ("local",), 100, 1.0, 1),
    Step("mainnet", ("paper", "testnet", "demo"), 100, 24.0, 3),
)
"""In this order. ``rehearsal``: paper, testnet and demo trading that counts for the next step."""


class Item(NamedTuple):
    """One line of a checklist."""

    text: str
    value: float
    needed: float

    @property
    def done(self) -> bool:
        """Whether it is fulfilled."""
        return self.value >= self.needed


class RecordError(RuntimeError):
    """The file cannot be read."""


def read(var_dir: Path) -> Record:
    """Return what was recorded, nothing if nothing was.

    Raises:
        RecordError: The file is there, and is not ours.
    """
    path = var_dir / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return Record()
    except (OSError, msgspec.DecodeError) as error:
        raise RecordError(f"{path}: {error}") from error


def write(var_dir: Path, record: Record) -> None:
    """Replace the file as a whole."""
    del record.runs[:-RUNS_MAX]
    path = var_dir / FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(msgspec.to_builtins(record), indent=1) + "\n")
    fresh.replace(path)


def add(var_dir: Path, evidence: Evidence) -> None:
    """Record one run."""
    record = read(var_dir)
    record.runs.append(evidence)
    write(var_dir, record)


def evidence_of(result: dict[str, Any], exit_code: int, *, venue: str, strategy: str, market: str) -> Evidence:
    """Return a run's evidence from its summary. Its id begins with the day on which it started."""
    run_id = str(result["run_id"])
    return Evidence(
        run_id, venue, strategy, market, f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}", float(result["uptime_s"]),
        int(result["round_trips"]), int(result["corrections"]), int(result["rejects"]), int(result["restarts"]),
        exit_code, result["ledger_matches_exchange"], result["naked_ms_max"],
    )  # fmt: skip


def counted(record: Record, step: Step, strategy: str) -> list[Evidence]:
    """Return the runs that count for a step: all since the last one that was not sound."""
    found: list[Evidence] = []
    for run in record.runs:
        if run.strategy == strategy and run.venue in step.venues:
            found = [*found, run] if run.sound else []
    return found


def checklist(step: Step, runs: Iterable[Evidence]) -> list[Item]:
    """Return what a step asks for and what there is."""
    runs = list(runs)
    return [
        Item("round trips", sum(run.round_trips for run in runs), step.round_trips),
        Item("hours", round(sum(run.uptime_s for run in runs) / HOUR_S, 2), step.hours),
        Item("days", len({run.day for run in runs if run.round_trips}), step.days),
    ]


def granted(record: Record, strategy: str) -> list[str]:
    """Return the steps that were taken for a strategy, in their order."""
    taken = {grant.to for grant in record.grants if grant.strategy == strategy}
    found: list[str] = []
    for step in STEPS:
        if step.to not in taken:
            break
        found.append(step.to)
    return found


def next_step(record: Record, strategy: str) -> Step | None:
    """Return the step that may be taken next, None after the last."""
    return STEPS[len(taken)] if len(taken := granted(record, strategy)) < len(STEPS) else None
