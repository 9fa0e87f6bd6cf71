"""A price's queue: first come, first served, whoever leaves in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.exchange.level import Level, Order


def order(number: int, lots: int = 1) -> Order:
    return Order(number, 0, 1, 100, lots)


@given(st.lists(st.tuples(st.sampled_from(["append", "remove", "lead"]), st.integers(0, 7)), max_size=60))
def test_a_queue_is_a_list_of_orders_and_the_sum_of_their_sizes(steps: list[tuple[str, int]]) -> None:
    level, standing = Level(), list[Order]()
    for number, (step, which) in enumerate(steps):
        if step == "append" or not standing:
            standing.append(order(number, which + 1))
            level.append(standing[-1])
        else:
            one = standing.pop(which % len(standing))
            if step == "remove":
                level.remove(one)
                assert one.before is one.after is None
            else:
                level.lead(one)
                standing.insert(0, one)
        assert list(level) == standing
        assert level.lots == sum(one.left_lots for one in standing)
        assert (level.first, level.last) == ((standing[0], standing[-1]) if standing else (None, None))
