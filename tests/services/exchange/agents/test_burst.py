"""Large orders in a moment: of one side, of both, or one alone."""

from __future__ import annotations

from random import Random

import pytest

from services.exchange.agents.burst import ORDER_USDT, ORDERS, SPAN_NS, Burst
from services.exchange.matching import Fill
from services.exchange.truth import DECOY, EVENT, Deed
from tests.services.exchange.agents.test_stage import stage_of


def play(form: str, seed: int, side: int) -> tuple[Burst, Deed, dict[int, list[Fill]], list[int]]:
    """Return the burst, its deed, its fills by order, and its waits."""
    burst = Burst(stage_of(), Random(seed), 0)
    waits = list(burst.perform(form, side))
    [deed] = burst.stage.truth.deeds()
    orders: dict[int, list[Fill]] = {}
    for fill in burst.stage.take_fills():
        orders.setdefault(fill.taker_id, []).append(fill)
    return burst, deed, orders, waits


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("side", [1, -1])
def test_large_orders_of_one_side_are_absorbed_at_one_price(seed: int, side: int) -> None:
    before = stage_of().value.uticks
    burst, deed, orders, waits = play("one_side", seed, side)
    assert deed.label == EVENT
    assert ORDERS[0] <= len(orders) <= ORDERS[1]
    smallest = burst.stage.lots_worth(ORDER_USDT[0], deed.low_ticks)
    for fills in orders.values():
        assert {(fill.taker_side, fill.price_ticks) for fill in fills} == {(side, deed.low_ticks)}
        assert sum(fill.qty_lots for fill in fills) >= smallest
    assert 0.6 * SPAN_NS[0] <= sum(waits[1:-1]) <= SPAN_NS[1]
    assert (burst.stage.value.uticks - before) * side > 0


@pytest.mark.parametrize("seed", range(4))
def test_decoys_are_of_both_sides_or_alone(seed: int) -> None:
    _, deed, orders, _ = play("mixed", seed, 1)
    sides = [fills[0].taker_side for fills in orders.values()]
    assert deed.label == DECOY
    assert sum(sides) == 0
    assert len(sides) >= 4
    _, deed, orders, _ = play("single", seed, 1)
    assert (deed.label, len(orders)) == (DECOY, 1)


def test_a_block_that_a_client_has_taken_makes_no_event() -> None:
    burst = Burst(stage_of(), Random(1), 0)
    script = burst.perform("one_side", 1)
    next(script)
    burst.stage.book.submit(7, 1, 1, burst.stage.touch(-1), 10**9, "IOC")
    assert all(wait > 0 for wait in script)
    assert burst.stage.truth.told == 0
