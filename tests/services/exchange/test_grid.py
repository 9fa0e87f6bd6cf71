"""Prices and sizes from one grid to another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.exchange.grid import Regrid, regridded
from services.exchange.universe import FOUR
from shared.scale import Scale

STEPS = st.sampled_from(("0.0001", "0.001", "0.005", "0.01", "0.05", "0.10", "0.5", "1", "2", "5", "10"))
UNIT_E8 = 10_000


@given(STEPS, STEPS, st.integers(1, 10_000_000))
def test_a_price_moves_by_less_than_a_tick_and_not_at_all_where_it_fits(old: str, new: str, ticks: int) -> None:
    change = Regrid(Scale(old, "1"), Scale(new, "1"))
    price, step = ticks * change.old.tick_e8, change.new.tick_e8
    low, near, high = change.ticks_down(ticks), change.ticks(ticks), change.ticks_up(ticks)
    assert high * step >= price
    assert high * step - price < step
    assert low == 1 or 0 <= price - low * step < step
    assert near >= 1
    assert near == 1 or 2 * abs(near * step - price) <= step
    if change.fits_ticks(ticks):
        assert low == near == high == price // step


@given(STEPS, STEPS, st.integers(-1_000_000, 1_000_000))
def test_a_size_that_fits_there_and_back_again_is_the_same(old: str, new: str, lots: int) -> None:
    change = Regrid(Scale("1", old), Scale("1", new))
    if change.fits_lots(lots):
        assert Regrid(change.new, change.old).lots(change.lots(lots)) == lots
    assert (change.lots(lots) > 0) == (lots > 0)
    assert (change.lots(lots) < 0) == (lots < 0)


def test_an_instruments_limits_stay_what_they_were_as_far_as_the_lot_allows() -> None:
    rules = FOUR[0].rules
    coarse = regridded(rules, "0.50", "0.007")
    assert (coarse.tick, coarse.lot, coarse.min_lots, coarse.max_lots) == ("0.50", "0.007", 1, 1_500_000 // 7)
    assert regridded(regridded(rules, "0.01", "0.0001"), "0.10", "0.001") == rules
    assert regridded(rules, rules.tick, rules.lot) is rules
