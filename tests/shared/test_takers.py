"""Taker orders: prints folded into orders, and the usual size."""

from __future__ import annotations

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from shared.takers import BUY, ORDERS_MAX, SELL, Flow, Takers

S = 1_000_000_000


def test_prints_of_one_sequence_and_side_are_one_order() -> None:
    takers = Takers()
    for side, key, ticks, lots in (
        (BUY, 7, 101, 50),
        (BUY, 7, 102, 20),
        (BUY, 7, 102, 3),
        (SELL, 7, 99, 1),
        (SELL, 8, 99, 2),
    ):
        takers.fold(side, key, 0, S, ticks, lots)
    assert [(one.side, one.lots, one.prints, len(one.prices), one.number) for one in takers.orders] == [
        (BUY, 73, 3, 2, 1),
        (SELL, 1, 1, 1, 2),
        (SELL, 2, 1, 1, 3),
    ]
    assert takers.orders[0].value == 101 * 50 + 102 * 23
    assert takers.turnover == sum(one.value for one in takers.orders)
    assert takers.flow(0) == Flow(73, 3, 1, 2)


def test_an_order_knows_what_was_usual_before_it_however_many_prints_it_has() -> None:
    takers = Takers()
    for key, lots in enumerate((10, 30, 20, 900), 1):
        for _ in range(2):
            order = takers.fold(BUY, key, 0, S, 100, lots // 2)
    assert [one.usual_lots for one in takers.orders] == [0.0, 10.0, 20.0, 20.0]
    assert order.lots == 900


def test_there_is_an_end_to_it() -> None:
    takers = Takers()
    for key in range(1, ORDERS_MAX + 100):
        takers.fold(BUY, key, 0, S, 100, key)
    assert len(takers.orders) == ORDERS_MAX
    assert takers.orders[-1].usual_lots == median(range(100, ORDERS_MAX + 99))


def test_a_clock_that_was_set_back_ends_what_is_still_to_come() -> None:
    takers = Takers()
    takers.fold(BUY, 1, 0, 5_000 * S, 100, 10)
    takers.fold(BUY, 2, 0, 10 * S, 100, 20)
    assert [one.lots for one in takers.orders] == [20]
    assert (takers.turnover, takers.since_ns) == (2_000, 10 * S)


@given(st.lists(st.tuples(st.integers(0, 20 * S), st.integers(1, 90)), min_size=1, max_size=60))
def test_the_usual_size_and_the_turnover_are_those_of_the_last_minute(steps: list[tuple[int, int]]) -> None:
    takers, at_ns, all_orders = Takers(), 0, list[tuple[int, int]]()
    for key, (wait_ns, lots) in enumerate(steps, 1):
        at_ns += wait_ns
        order = takers.fold(BUY, key, 0, at_ns, 3, lots)
        before = [size for at, size in all_orders if at_ns - at <= 60 * S]
        assert order.usual_lots == (median(before) if before else 0.0)
        all_orders.append((at_ns, lots))
        assert takers.turnover == 3 * (sum(before) + lots)
