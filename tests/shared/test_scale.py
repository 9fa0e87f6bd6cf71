"""Decimal text to integers and back, exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.scale import OffGridError, OtherGridError, Scale, common, e8_text, to_e8

BTC = Scale("0.10", "0.001")


def test_prices_and_sizes_become_ticks_and_lots() -> None:
    assert BTC.price_ticks("65114.30") == 651_143
    assert BTC.qty_lots("1.25") == 1_250


def test_a_price_off_the_grid_is_refused_not_rounded() -> None:
    with pytest.raises(OffGridError, match=r"'65114\.35' is not a multiple of 0\.10"):
        BTC.price_ticks("65114.35")


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-inf", "abc", "1e400000000", "0x10", "1.0.0", "1_000", "٣", "1e-05"]
)
def test_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(OffGridError):
        BTC.qty_lots(text)


@given(st.integers(0, 10**12), st.sampled_from(["0.10", "0.5", "1", "10", "0.0000001", "0.00000001", "25"]))
def test_text_and_back_is_the_same_number(ticks: int, tick: str) -> None:
    scale = Scale(tick, "1")
    assert scale.price_ticks(scale.price_text(ticks)) == ticks
    assert Decimal(scale.price_text(ticks)) == ticks * Decimal(tick)


@given(st.integers(-(10**18), 10**18))
def test_fixed_point_text_and_back_is_the_same_number(value: int) -> None:
    assert to_e8(e8_text(value)) == value


def test_value_is_price_times_size() -> None:
    assert BTC.value_e8(651_143, 1_250) == 8_139_287_500_000  # 65114.30 x 1.25


def test_no_value_counts_as_zero() -> None:
    assert to_e8("") == 0


@pytest.mark.parametrize("step", ["0", "-1", "nan", "abc", ""])
def test_a_step_must_be_a_positive_number(step: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        Scale(step, "1")


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [("0.10", "0.01", "0.01"), ("0.25", "0.1", "0.05"), ("1", "0.5", "0.5"), ("10", "4", "2")],
)
def test_the_common_grid_is_the_coarsest_that_holds_both(one: str, other: str, both: str) -> None:
    assert common(Scale(one, "1"), Scale(other, "1")) == Scale(both, "1")
    assert common(Scale("1", one), Scale("1", other)) == Scale("1", both)


def test_a_number_between_two_steps_is_told_from_what_is_no_number() -> None:
    with pytest.raises(OtherGridError):
        Scale("0.1", "1").price_ticks("1.05")
    with pytest.raises(OffGridError) as caught:
        Scale("0.1", "1").price_ticks("one")
    assert not isinstance(caught.value, OtherGridError)
