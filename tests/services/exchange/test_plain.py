"""State goes into bytes and comes back as it was, types included; what is no state is refused."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange import account, orders
from services.exchange.account import Position
from services.exchange.orders import Leg, Order, OrderRequest, Status
from services.exchange.plain import NotPlainError, Plain, known, slots

PLAIN = Plain(known((account, orders)))
REQUEST = OrderRequest(
    symbol="BTCUSDT", side=1, order_type="Limit", tif="GTC", price_ticks=5, qty_lots=7, reduce_only=False,
    link_id="a", take_profit=None, stop_loss=Leg(4, "LastPrice"),
)  # fmt: skip
ORDER = Order(3, "id", REQUEST, 1_000)

words = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False)
keys = st.integers() | st.text()
values = st.recursive(
    words,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys, inner)
        | st.dictionaries(keys, inner).map(OrderedDict)
        | st.lists(inner, max_size=3).map(lambda items: deque(items, maxlen=3))
    ),
    max_leaves=20,
)


def back(value: object) -> object:
    return PLAIN.decode(PLAIN.encode(value), {ORDER.number: ORDER}.__getitem__)


@given(values)
def test_containers_come_back_as_they_were(value: object) -> None:
    found = back(value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        1 << 80,
        -(1 << 63),
        Leg(1, "MarkPrice"),
        Status.NEW,
        {Status.NEW: Leg(1, "x")},
        Counter(a=2),
        {3, 1},
        (ORDER, []),
    ],
)
def test_known_types_come_back(value: object) -> None:
    found = back(value)
    assert found == value
    assert type(found) is type(value)


def test_a_record_comes_back_with_all_its_fields() -> None:
    position = Position("BTCUSDT")
    position.lots, position.cost_e8 = -5, 1 << 70
    found = back({"BTCUSDT": position})
    assert isinstance(found, dict)
    again = found["BTCUSDT"]
    assert [getattr(again, name) for name in slots(Position)] == [getattr(position, name) for name in slots(Position)]


def test_an_order_of_its_own_comes_back_whole_and_inside_others_as_itself() -> None:
    again = Order.__new__(Order)
    PLAIN.fill_record(again, PLAIN.encode_record(ORDER), {}.__getitem__)
    assert [getattr(again, name) for name in slots(Order)] == [getattr(ORDER, name) for name in slots(Order)]
    assert back({"leg": ORDER}) == {"leg": ORDER}


@pytest.mark.parametrize("value", [object(), [object()], {"a": {"b": print}}, range(3)])
def test_what_is_no_state_is_refused(value: object) -> None:
    with pytest.raises(NotPlainError):
        PLAIN.encode(value)
