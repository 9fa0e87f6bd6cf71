"""A wall near the touch, and what becomes of it."""

from __future__ import annotations

from random import Random

import pytest

from services.exchange.agents.spoof import BEST_LEVELS, BITE_USDT, EATEN_SHARE, OUT_TICKS, WALL_SHARE, Spoof
from services.exchange.truth import DECOY, EVENT
from tests.services.exchange.agents.test_stage import stage_of


def shown(spoof: Spoof, side: int) -> int:
    return sum(lots for _, lots in spoof.stage.book.depth(side, BEST_LEVELS))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("side", [1, -1])
def test_a_wall_is_pulled_untraded_and_put_back_further_out(seed: int, side: int) -> None:
    spoof = Spoof(stage_of(), Random(seed), 0)
    stage, before, touch = spoof.stage, shown(spoof, side), spoof.stage.touch(side)
    script = spoof.perform("replaced", side)
    next(script)
    wall = shown(spoof, side) - before
    assert 0.99 * WALL_SHARE[0] * before <= wall <= WALL_SHARE[1] * before
    assert stage.touch(side) == touch
    while not stage.truth.deeds():
        assert next(script) > 0
    assert shown(spoof, side) == before
    deed = stage.truth.deeds()[0]
    assert (deed.label, deed.side, deed.lots[0], deed.seqs) == (EVENT, side, wall, [])
    assert OUT_TICKS[0] <= (touch - deed.details["replaced_ticks"]) * side <= OUT_TICKS[1]
    out = stage.book.level_lots(side, deed.details["replaced_ticks"])
    assert out >= deed.lots[1] >= 0.79 * wall
    assert list(script) == []
    assert stage.book.level_lots(side, deed.details["replaced_ticks"]) == out - deed.lots[1]


def test_a_wall_that_is_only_cancelled_comes_back_nowhere() -> None:
    spoof = Spoof(stage_of(), Random(1), 0)
    before = spoof.stage.book.depth(1, 10**6)
    assert all(wait > 0 for wait in spoof.perform("cancelled", 1))
    [deed] = spoof.stage.truth.deeds()
    assert (deed.label, len(deed.lots)) == (DECOY, 1)
    assert spoof.stage.book.depth(1, 10**6) == before


def test_a_wall_at_the_touch_is_traded_through_by_small_orders() -> None:
    spoof = Spoof(stage_of(), Random(1), 0)
    stage, touch, before = spoof.stage, spoof.stage.touch(1), shown(spoof, 1)
    assert all(wait > 0 for wait in spoof.perform("traded", 1))
    [deed] = stage.truth.deeds()
    assert deed.label == DECOY
    assert EATEN_SHARE[0] * before * 0.99 <= deed.lots[0] <= EATEN_SHARE[1] * before
    assert sum(deed.lots[1:]) >= deed.lots[0]
    assert all(lots <= stage.lots_worth(BITE_USDT[1], touch) for lots in deed.lots[1:])
    assert stage.touch(1) < touch


def test_a_wall_that_a_client_has_bought_is_no_event() -> None:
    spoof = Spoof(stage_of(), Random(1), 0)
    script = spoof.perform("replaced", -1)
    next(script)
    spoof.stage.book.submit(7, 1, 1, spoof.stage.touch(-1) + 10, 10**9, "IOC")
    assert all(wait > 0 for wait in script)
    assert spoof.stage.truth.told == 0
