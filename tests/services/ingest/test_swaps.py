"""Who waits for whom when the universe changes."""

from __future__ import annotations

from services.ingest.swaps import WAIT_NS_MAX, Swaps


def test_the_old_waits_for_all_that_came_with_the_same_change() -> None:
    swaps = Swaps()
    swaps.plan(["A", "B", "X", "Y"], ["A", "X", "Y"], ["X", "Y"], 0)
    assert swaps.ready({"X", "Y"}.__contains__, 1) == []
    assert swaps.ready({"Y"}.__contains__, 2) == []
    assert swaps.ready(set().__contains__, 3) == ["B"]
    assert not swaps


def test_it_does_not_wait_for_those_of_a_later_change() -> None:
    swaps = Swaps()
    swaps.plan(["A", "B", "X"], ["B", "X"], ["X"], 0)
    swaps.plan(["A", "B", "X", "Y"], ["X", "Y"], ["Y"], 1)
    assert swaps.ready({"Y"}.__contains__, 2) == ["A"]
    assert swaps.ready(set().__contains__, 3) == ["B"]


def test_who_is_wanted_again_stays() -> None:
    swaps = Swaps()
    swaps.plan(["A", "X"], ["X"], ["X"], 0)
    swaps.plan(["A", "X"], ["A", "X"], [], 1)
    assert swaps.ready(set().__contains__, 2) == []


def test_nobody_waits_for_ever() -> None:
    swaps = Swaps()
    swaps.plan(["A", "X"], ["X"], ["X"], 0)
    assert swaps.ready({"X"}.__contains__, WAIT_NS_MAX - 1) == []
    assert swaps.ready({"X"}.__contains__, WAIT_NS_MAX) == ["A"]
