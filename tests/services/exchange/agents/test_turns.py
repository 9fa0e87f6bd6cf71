"""An agent acts in its own turns only, chooses between events and decoys, and gives up where there is no stage."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from services.exchange.agents.turns import CALM_AFTER_NS, TURN_NS, TURNS, Agent
from services.exchange.flow import MS, S
from services.exchange.truth import DECOY, EVENT, Deed
from tests.services.exchange.agents.test_stage import run, stage_of


class Waiter(Agent):
    """Waits two seconds, in one of three ways."""

    KIND = "wait"
    TURN = 2
    EVENTS = ("well",)
    DECOYS = ("badly", "worse")
    LENGTH_NS = 2 * S

    def perform(self, form: str, side: int) -> Iterator[int]:
        deed = self.deed(form, side)
        yield self.LENGTH_NS
        self.stage.truth.tell(deed, self.stage.now)


def play(waiter: Waiter, until_ns: int) -> list[Deed]:
    """Let it do its turns in a market that sleeps."""
    while waiter.next_ns <= until_ns:
        waiter.act()
    return deeds_of(waiter)


def deeds_of(waiter: Waiter) -> list[Deed]:
    return [deed for deed in waiter.stage.truth.deeds() if deed.kind == "wait"]


def test_every_deed_lies_within_a_turn_of_its_own() -> None:
    waiter = Waiter(stage_of(), Random(1), 0)
    deeds = play(waiter, 100 * TURNS * TURN_NS)
    assert 80 <= len(deeds) <= 100
    for deed in deeds:
        cycle_ns = deed.start_ns % (TURNS * TURN_NS)
        assert 2 * TURN_NS < cycle_ns < cycle_ns + 2 * S + CALM_AFTER_NS < 3 * TURN_NS
    assert len({deed.start_ns % S for deed in deeds}) > 50


def test_events_and_decoys_are_as_frequent_and_take_both_sides() -> None:
    waiter = Waiter(stage_of(), Random(2), 0)
    deeds = play(waiter, 400 * TURNS * TURN_NS)
    events = sum(deed.label == EVENT for deed in deeds)
    assert 0.42 < events / len(deeds) < 0.58
    assert {deed.form for deed in deeds if deed.label == DECOY} == {"badly", "worse"}
    assert 0.42 < sum(deed.side > 0 for deed in deeds) / len(deeds) < 0.58


def test_without_a_settled_touch_there_is_no_deed() -> None:
    waiter = Waiter(stage_of(), Random(1), 0)
    book = waiter.stage.book
    for side in (1, -1):
        for price, _ in book.depth(side, 10**6):
            book.cancel(-4 * price - (0 if side > 0 else 2))
    while waiter.next_ns <= 50 * TURNS * TURN_NS:  # The makers sleep: the book stays empty.
        assert waiter.act() == []
    assert deeds_of(waiter) == []


def test_the_price_stands_still_during_a_deed() -> None:
    waiter = Waiter(stage_of(), Random(3), 0)
    value = waiter.stage.value
    held, told = 0, 0
    while told < 5:
        run(waiter.stage, waiter.next_ns)
        before = value.uticks
        waiter.act()
        if len(deeds_of(waiter)) > told:
            told += 1
            assert value.uticks == before == held
        held = before
    run(waiter.stage, waiter.next_ns - 200 * MS)
    assert value.uticks != held
