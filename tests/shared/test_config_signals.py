import pytest

from shared.config_signals import Weights, own_weights


def test_the_eight_weights_sum_to_one() -> None:
    assert [getattr(Weights(), name) for name in Weights.__struct_fields__] == [
        0.30, 0.20, 0.15, 0.12, 0.08, 0.05, 0.07, 0.03,
    ]  # fmt: skip
    assert sum(getattr(Weights(), name) for name in Weights.__struct_fields__) == pytest.approx(1.0)


def test_weights_of_ones_own_are_read_by_name() -> None:
    assert own_weights(()) == {}
    assert own_weights(("mine=0.05", "a_2=1", "b=.5", "off=0")) == {"mine": 0.05, "a_2": 1.0, "b": 0.5, "off": 0.0}


@pytest.mark.parametrize("bad", ["mine", "mine=", "=1", "mine=1.5", "mine=nan", "mine=-1", "Mine=1", "../x=1", "obi=1"])
def test_what_is_no_new_name_and_weight_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="=" if "=" in bad else "mine"):
        own_weights((bad,))
