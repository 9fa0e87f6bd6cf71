"""A finished run, told again: every journal through a fresh core, every answer compared byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from errno import ENOENT
from pathlib import Path
from typing import NamedTuple

import msgspec

from replay.cores import fresh
from shared import journal
from shared.config import Config
from shared.fleet import WORKERS
from shared.service import replay


class Told(NamedTuple):
    """One worker's journal, replayed without a difference."""

    worker: str
    epoch: int
    inputs: int
    outputs: int


class IncompleteError(ValueError):
    """The journal's beginning is gone (a long run keeps its newest part), so it cannot be told again."""


def find(var_dir: Path, run: str | None) -> Path:
    """Return the folder of ``run``, an id or a path; of the newest run when it is not named.

    Raises:
        FileNotFoundError: there is none.
    """
    runs = var_dir / "runs"
    if run:
        named = next((path for path in (runs / run, Path(run)) if (path / "journal").is_dir()), None)
        if named is None:
            raise FileNotFoundError(ENOENT, "no such run", str(runs / run))
        return named
    found = sorted(path for path in runs.glob("*") if (path / "journal").is_dir())
    if not found:
        raise FileNotFoundError(ENOENT, "no run yet", str(runs))
    return found[-1]


def config_of(run_dir: Path) -> Config:
    """Return the configuration a run was flown with."""
    return msgspec.json.decode((run_dir / "config.json").read_bytes(), type=Config)


def tell_again(run_dir: Path) -> Iterator[Told]:
    """Replay every worker and restart of the run in ``run_dir``; yield each as it is done.

    Raises:
        ReplayDiffersError: a core answers otherwise than its journal says.
        IncompleteError: a journal's first part is gone.
        FileNotFoundError: there is no run there.
    """
    config = config_of(run_dir)
    for worker in WORKERS:
        for epoch, parts in sorted(journal.parts(run_dir / "journal", worker).items()):
            if not parts[0].name.endswith(".0000.journal"):
                raise IncompleteError(f"{worker}.{epoch:04d}: the journal begins at {parts[0].name}")
            inputs = outputs = 0
            for _, answers in replay(fresh(worker, epoch, config), journal.read(parts)):
                inputs, outputs = inputs + 1, outputs + len(answers)
            yield Told(worker, epoch, inputs, outputs)
