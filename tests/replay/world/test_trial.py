"""Execution stands whatever a seed does to it. A finding prints its seed: `python -m bench.simulation --first SEED`."""

from pathlib import Path

import pytest

from replay.world.scenario import without_faults
from replay.world.trial import Trial, play

CHUNK = 25
SEEDS, SEEDS_FULL = 500, 5_000


def judge(first: int, count: int) -> None:
    """Play some trials; the laws hold in all of them."""
    broken = {seed: outcome.findings for seed in range(first, first + count) if (outcome := play(seed)).findings}
    assert broken == {}


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_the_laws_hold_whatever_goes_wrong(first: int) -> None:
    judge(first, CHUNK)


@pytest.mark.full
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("first", range(SEEDS, SEEDS_FULL, 250))
def test_the_laws_hold_in_many_more_trials(first: int) -> None:
    judge(first, 250)


@pytest.mark.parametrize("seed", range(12))
def test_where_nothing_goes_wrong_nothing_is_corrected(seed: int, tmp_path: Path) -> None:
    outcome = Trial(seed, tmp_path, without_faults(seed)).play()
    assert outcome.findings == ()
    assert outcome.corrections == 0


def test_the_same_seed_is_the_same_trial() -> None:
    assert play(11) == play(11)
