"""Risk tiers: more value, more margin, less leverage; and no steps in the margin."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from services.exchange.rules import TIER_VALUE_E8, ladder, usual
from shared.scale import E8
from tests.exchange_rig import RULES


def test_a_band_that_the_instrument_states_is_taken() -> None:
    stated = msgspec.structs.replace(RULES[0], price_limit_x_e8=3_000_000, price_limit_y_e8=7_000_000)
    assert (usual(stated).limit_x_e8, usual(stated).limit_y_e8) == (3_000_000, 7_000_000)


def test_the_lowest_tier_keeps_half_of_the_initial_margin() -> None:
    first = usual(RULES[0]).tier(0)
    assert (first.number, first.maintenance_e8, first.deduction_e8, first.max_leverage_e2) == (1, 500_000, 0, 10_000)


@pytest.mark.parametrize("leverage_e2", [10_000, 5_000, 2_500, 1_250])
def test_the_maintenance_margin_has_no_steps(leverage_e2: int) -> None:
    tiers = ladder(leverage_e2)
    for low, high in pairwise(tiers):
        at_limit = [low.limit_e8 * tier.maintenance_e8 // E8 - tier.deduction_e8 for tier in (low, high)]
        assert at_limit[0] == at_limit[1]
        assert high.max_leverage_e2 < low.max_leverage_e2
        assert high.limit_e8 - low.limit_e8 == TIER_VALUE_E8
    assert all(tier.max_leverage_e2 >= 100 for tier in tiers)


def test_a_value_finds_its_tier() -> None:
    rules = usual(RULES[0])
    assert [rules.tier(value).number for value in (0, TIER_VALUE_E8, TIER_VALUE_E8 + 1, 10**30)] == [1, 1, 2, 25]


def test_a_symbol_of_less_leverage_has_a_wider_band() -> None:
    narrow, wide = usual(RULES[0]), usual(msgspec.structs.replace(RULES[0], max_leverage_e2=2_500))
    assert (narrow.limit_x_e8, narrow.limit_y_e8) == (1_000_000, 2_000_000)
    assert (wide.limit_x_e8, wide.limit_y_e8) == (5_000_000, 10_000_000)
