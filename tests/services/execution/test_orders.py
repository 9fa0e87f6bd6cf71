"""The table of an order's life is whole, and time runs one way in it."""

from __future__ import annotations

import itertools

import pytest

from services.execution import orders
from services.execution.orders import (
    CHANGES,
    ENDED,
    KEPT_MAX,
    TRANSITIONS,
    Change,
    Event,
    IllegalTransitionError,
    Order,
    Orders,
    Plea,
    State,
    entry_link,
    exit_link,
    exit_reason,
    is_ours,
    step,
    turn,
)
from services.execution.wire import OrderRow
from tests.services.execution.rig import NOW, RUN

OURS = {Event.JOURNAL, Event.DROP, Event.SEND}
RANK = {
    State.CREATED: 0, State.JOURNALLED: 1, State.SENT: 2, State.UNKNOWN: 3, State.LIVE: 4, State.PARTLY_FILLED: 5,
    State.ABSENT: 6, State.FILLED: 7, State.CANCELLED: 7, State.REJECTED: 7, State.DROPPED: 7,
}  # fmt: skip


def order(link: str = "a-e", state: State = State.SENT, cum: int = 0, booked: int = 0) -> Order:
    row = OrderRow(link, f"id-{link}", "a", "BTCUSDT", "0.10", "0.001", 1, "entry", "", state, 8, 600_004, 597_000,
                   606_000, cum, booked, NOW, NOW)  # fmt: skip
    return Order(row)


@pytest.mark.parametrize(("state", "event"), [*itertools.product(State, Event)])
def test_every_pair_is_decided(state: State, event: Event) -> None:
    if event in TRANSITIONS[state]:
        after = step(state, event)
        assert RANK[after] >= RANK[state] or state is State.ABSENT
    else:
        with pytest.raises(IllegalTransitionError, match=f"{event} while {state}"):
            step(state, event)


@pytest.mark.parametrize(
    "state", [state for state in State if state not in (State.CREATED, State.JOURNALLED, State.DROPPED)]
)
def test_an_order_that_left_may_hear_any_news_at_any_time(state: State) -> None:
    assert set(TRANSITIONS[state]) == set(Event) - OURS


@pytest.mark.parametrize("state", [State.FILLED, State.CANCELLED, State.REJECTED])
def test_what_the_venue_has_ended_stays_ended(state: State) -> None:
    assert set(TRANSITIONS[state].values()) == {state}


def test_every_state_is_reachable_and_can_end() -> None:
    reach = {start: {start} for start in State}
    for _ in State:
        for state, row in TRANSITIONS.items():
            for seen in reach.values():
                seen |= set(row.values()) if state in seen else set()
    assert reach[State.CREATED] == set(State)
    assert all(reach[state] & ENDED for state in State)


@pytest.mark.parametrize(("change", "plea"), [*itertools.product(Change, Plea)])
def test_every_pair_of_what_was_asked_and_what_came_of_it_is_decided(change: Change, plea: Plea) -> None:
    if plea in CHANGES[change]:
        assert turn(change, plea) in Change
    else:
        with pytest.raises(IllegalTransitionError, match=f"{plea} while {change}"):
            turn(change, plea)


def test_one_request_at_a_time_changes_an_order_but_a_cancel_may_overtake_an_amendment() -> None:
    asking = {change: {plea for plea in (Plea.AMEND, Plea.CANCEL) if plea in CHANGES[change]} for change in Change}
    assert asking == {
        Change.NONE: {Plea.AMEND, Plea.CANCEL},
        Change.AMENDING: {Plea.CANCEL},
        Change.AMEND_UNKNOWN: {Plea.CANCEL},
        Change.CANCELLING: set(),
        Change.CANCEL_UNKNOWN: set(),
    }


@pytest.mark.parametrize("change", list(Change))
def test_answers_may_come_late_and_those_of_an_amendment_never_call_a_cancel_off(change: Change) -> None:
    answers = set(Plea) - {Plea.AMEND, Plea.CANCEL}
    assert answers <= set(CHANGES[change])
    if change in (Change.CANCELLING, Change.CANCEL_UNKNOWN):
        for plea in (Plea.AMENDED, Plea.AMEND_REFUSED, Plea.AMEND_LOST):
            assert turn(change, plea) is change


def test_an_accepted_cancel_is_still_awaited_until_the_venue_shows_the_order_as_it_was() -> None:
    assert turn(Change.CANCELLING, Plea.CANCEL_TAKEN) is Change.CANCELLING
    assert turn(Change.CANCELLING, Plea.STANDS) is Change.NONE
    assert turn(Change.CANCELLING, Plea.CANCEL_LOST) is Change.CANCEL_UNKNOWN
    assert turn(Change.CANCEL_UNKNOWN, Plea.STANDS) is Change.NONE
    assert turn(Change.AMENDING, Plea.STANDS) is Change.AMENDING, "its answer is still to come"


def test_an_order_is_settled_only_when_its_fills_are_booked() -> None:
    assert not order(state=State.CANCELLED, cum=3, booked=2).settled
    assert order(state=State.CANCELLED, cum=3, booked=3).settled
    assert not order(state=State.LIVE).settled


def test_names_say_what_an_order_is_for_and_fit_the_venue() -> None:
    assert entry_link("abc-0-1") == "abc-0-1-e"
    assert [entry_link("i" * 33, leg)[33:] for leg in (1, 2, 9)] == ["-e", "-e2", "-e9"]
    assert len(entry_link("i" * 33, 9)) == 36
    assert exit_link(RUN, 2, 17, "time") == f"{RUN}-2-t17"
    long = exit_link("r" * 50, 12, 345_678, "flatten")
    assert len(long) == 36
    assert exit_reason(long) == "flatten"
    assert exit_reason(f"{RUN}-2-t17") == "time"
    assert exit_reason(exit_link(RUN, 2, 18, "signal")) == "signal"
    assert exit_reason("somebody-x1") == exit_reason("") == ""
    assert is_ours("abc-0-1-e")
    assert is_ours(entry_link("abc-0-1", 2))
    assert not is_ours("abc-0-1-e1")
    assert not is_ours("manual")


def test_an_order_comes_back_from_its_row() -> None:
    one = order(cum=3, booked=3)
    assert Order(one.row(NOW)).row(NOW) == one.row(NOW)


def test_orders_are_found_by_either_name() -> None:
    known = Orders()
    known.add(order("a-e"))
    assert known.find("a-e") is known.find("", "id-a-e") is not None
    assert known.find("", "") is None
    assert known.find("b-e") is None


def test_only_settled_orders_are_forgotten_and_their_number_is_bounded() -> None:
    known = Orders()
    known.add(order("live-e", State.LIVE))
    for number in range(KEPT_MAX + 50):
        known.add(order(f"n{number}-e", State.FILLED))
    assert len(known) == KEPT_MAX
    assert len(known._links) == KEPT_MAX
    assert known.find("live-e") is not None
    assert known.find("n0-e") is None
    assert [one.order_link_id for one in known.open()] == ["live-e"]
    assert len(known._open) == 1
    assert not list(known.open("ETHUSDT"))
    assert orders.LINK_ID_MAX == 36


def test_an_order_that_was_settled_and_is_not_any_more_is_open_again() -> None:
    known, one = Orders(), order(state=State.ABSENT)
    known.add(one)
    assert not known.open()
    one.state = State.LIVE
    known.watch(one)
    assert known.open("BTCUSDT") == [one]
    one.state = State.CANCELLED
    assert not known.open()
    one.cum_lots = 3
    known.watch(one)
    assert known.open() == [one], "a fill that is spoken of is not booked yet"
