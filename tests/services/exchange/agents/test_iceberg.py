"""A level that fills up again, or does not really."""

from __future__ import annotations

from random import Random

import pytest

from services.exchange.agents.iceberg import FEW_REFILLS, LATE_NS, REFILL_NS, REFILL_SHARE, REFILLS, Iceberg
from services.exchange.truth import DECOY, EVENT, Deed
from tests.services.exchange.agents.test_stage import stage_of


def play(form: str, seed: int, side: int) -> tuple[Deed, list[int], list[int]]:
    """Return the deed, the waits, and the level's size at each step."""
    iceberg = Iceberg(stage_of(), Random(seed), 0)
    stage, touch = iceberg.stage, iceberg.stage.touch(side)
    waits, sizes = list[int](), list[int]()
    for wait in iceberg.perform(form, side):
        waits.append(wait)
        sizes.append(stage.book.level_lots(side, touch))
        assert stage.touch(side) == touch
    [deed] = stage.truth.deeds()
    assert sum(waits) < Iceberg.LENGTH_NS
    return deed, waits, sizes


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("side", [1, -1])
def test_it_fills_up_soon_after_each_trade(seed: int, side: int) -> None:
    deed, waits, sizes = play("refilled", seed, side)
    assert deed.label == EVENT
    traded, back = deed.lots[::2], deed.lots[1::2]
    assert REFILLS[0] <= len(back) <= REFILLS[1]
    assert all(REFILL_SHARE[0] * gone <= come <= gone + 1 for gone, come in zip(traded, back, strict=True))
    assert all(REFILL_NS[0] <= wait <= REFILL_NS[1] for wait in waits[1 : 1 + 2 * len(back) : 2])
    assert all(size > 0 for size in sizes)


def test_one_decoy_moves_without_a_trade() -> None:
    deed, _, sizes = play("untraded", 2, 1)
    assert (deed.label, deed.seqs) == (DECOY, [])
    assert len(deed.lots) >= 2 * REFILLS[0]
    assert sizes[1] < sizes[0]
    assert sizes[2] > sizes[1]


def test_one_decoy_is_late_and_one_has_few_refills() -> None:
    deed, waits, _ = play("late", 3, -1)
    assert deed.label == DECOY
    assert all(LATE_NS[0] <= wait <= LATE_NS[1] for wait in waits[1 : 1 + len(deed.lots) : 2])
    deed, _, _ = play("few", 3, -1)
    assert deed.label == DECOY
    assert FEW_REFILLS[0] <= len(deed.lots) // 2 <= FEW_REFILLS[1]
