"""One order through several levels, or something smaller."""

from __future__ import annotations

from random import Random

import pytest

from services.exchange.agents.sweep import LEVELS, Sweep
from services.exchange.flow import U
from services.exchange.matching import Fill
from services.exchange.truth import DECOY, EVENT, Deed
from tests.services.exchange.agents.test_stage import stage_of


def play(form: str, seed: int, side: int) -> tuple[Sweep, Deed, list[Fill]]:
    sweep = Sweep(stage_of(), Random(seed), 0)
    assert all(wait > 0 for wait in sweep.perform(form, side))
    [deed] = sweep.stage.truth.deeds()
    return sweep, deed, sweep.stage.take_fills()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("side", [1, -1])
def test_one_order_clears_several_levels_and_moves_the_value(seed: int, side: int) -> None:
    before = stage_of().value.uticks
    sweep, deed, fills = play("several", seed, side)
    assert deed.label == EVENT
    assert len({fill.taker_id for fill in fills}) == 1
    prices = {fill.price_ticks for fill in fills}
    assert LEVELS[0] <= len(prices) == deed.details["levels"] <= LEVELS[1]
    assert not any(sweep.stage.book.level_lots(-side, price) for price in prices)
    assert (min(prices), max(prices)) == (deed.low_ticks, deed.high_ticks)
    assert 0 < (sweep.stage.value.uticks - before) * side < (max(prices) - min(prices) + 1) * U


@pytest.mark.parametrize(("form", "levels"), [("two", 2), ("one", 1)])
@pytest.mark.parametrize("seed", range(4))
def test_decoys_reach_two_levels_or_one(form: str, levels: int, seed: int) -> None:
    sweep, deed, fills = play(form, seed, 1)
    assert deed.label == DECOY
    assert len({fill.price_ticks for fill in fills}) == deed.details["levels"] == levels
    assert len({fill.taker_id for fill in fills}) == 1
    if form == "one":
        assert sum(fill.qty_lots for fill in fills) >= sweep.stage.lots_worth(50_000, deed.low_ticks)


def test_a_book_too_thin_to_sweep_gives_no_event() -> None:
    sweep = Sweep(stage_of(), Random(1), 0)
    for price, _ in sweep.stage.book.depth(-1, 10**6)[2:]:
        sweep.stage.book.cancel(-4 * price - 2)
    assert list(sweep.perform("several", 1)) == []
    assert sweep.stage.truth.told == 0
