"""One side of a book against a dictionary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.side import NOWHERE, Side

CHANGES = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), max_size=60)


@pytest.mark.parametrize("sign", [-1, 1])
@given(changes=CHANGES)
def test_a_side_is_a_sorted_dictionary(sign: int, changes: list[tuple[int, int]]) -> None:
    side, model = Side(sign), dict[int, int]()
    for ticks, lots in changes:
        assert side.put(ticks, lots) == model.pop(ticks, 0)
        if lots:
            model[ticks] = lots
    assert side.levels() == sorted(model.items(), key=lambda level: sign * level[0])
    assert side.ticks == [ticks for ticks, _ in side.levels()]
    assert side.lots == [lots for _, lots in side.levels()]
    assert side.best == (side.ticks[0] if model else 0)
    assert side.lots_at_best == (side.lots[0] if model else 0)
    assert side.depth(3) == sum(side.lots[:3])
    keys = [sign * ticks for ticks in side.ticks] or [NOWHERE]
    assert (side.reach(1), side.reach(3), side.end) == (keys[0], keys[:3][-1], keys[-1])
    assert [side.lots_at(ticks) for ticks in range(1, 31)] == [model.get(ticks, 0) for ticks in range(1, 31)]


def test_a_copy_shares_nothing() -> None:
    side = Side(-1)
    side.replace([(10, 1), (9, 2)])
    other = side.copy()
    assert other.pop_worst() == (9, 2)
    assert (len(side), len(other)) == (2, 1)
