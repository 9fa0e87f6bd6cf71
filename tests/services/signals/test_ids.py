from hypothesis import given
from hypothesis import strategies as st

from services.signals.ids import INTENT_ID_CHARS_MAX, intent_id

RUN = "20260809-123456-ab12"


def test_an_id_is_a_pure_function_of_run_epoch_and_counter() -> None:
    assert intent_id(RUN, 3, 99) == intent_id(RUN, 3, 99)


@given(st.integers(0, 36**4 - 1), st.integers(0, 36**8))
def test_an_id_fits_an_order_link_and_uses_its_alphabet(epoch: int, counter: int) -> None:
    name = intent_id(RUN, epoch, counter)
    assert len(name) <= INTENT_ID_CHARS_MAX
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@given(st.tuples(st.integers(0, 99), st.integers(0, 9_999)), st.tuples(st.integers(0, 99), st.integers(0, 9_999)))
def test_two_intents_never_share_an_id(one: tuple[int, int], two: tuple[int, int]) -> None:
    assert (intent_id(RUN, *one) == intent_id(RUN, *two)) == (one == two)
    assert intent_id(RUN, *one) != intent_id(RUN + "x", *one)
