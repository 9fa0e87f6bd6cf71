"""The language of faults: what can be said, what is refused and where, and when a fault acts."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.faults import COMMAND, FRAME, KINDS, NEEDED, REQUEST, FaultError, Faults, parse

S = 1_000_000_000
NOW = 1_000 * S


def faults(text: str, seed: int = 1) -> Faults:
    found = Faults(Random(seed))
    found.add(text, NOW)
    found.now = NOW
    return found


def test_lines_semicolons_and_comments() -> None:
    text = "# chaos\ndrop p=0.5; gap  topic=orderbook.* # twice\n\n  http status=502\n"
    assert [(name, said) for name, _, said in parse(text)] == [
        ("drop", "drop p=0.5"),
        ("gap", "gap topic=orderbook.*"),
        ("http", "http status=502"),
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("dorp", "line 1, column 1: unknown fault 'dorp'"),
        ("drop\n  drop p=2", "line 2, column 10: '2': expected a number above 0, up to 1"),
        ("drop; delay", "line 1, column 7: delay needs ms="),
        ("delay ms=5", "line 1, column 10: '5': expected a time with its unit"),
        ("drop colour=red", "line 1, column 6: 'colour=red': drop takes at="),
        ("drop p", "line 1, column 6: 'p': drop takes"),
        ("drop p=0.1 p=0.2", "line 1, column 12: p is given twice"),
        ("http status=five", "line 1, column 13: 'five': expected a number"),
        ("http status=500 accepted=maybe", "line 1, column 26: 'maybe': expected yes or no"),
        ("drop topic=", "line 1, column 12: '': expected a word"),
        ("skew ms=--3s", "line 1, column 9: '--3s': expected a time"),
        ("drop p=nan", "line 1, column 8: 'nan': expected a number above 0"),
        ("x" * 70_000, "line 1, column 1: longer than"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(text: str, where: str) -> None:
    with pytest.raises(FaultError) as refused:
        Faults().add(text, NOW)
    assert str(refused.value).startswith(where)
    assert "\n" not in str(refused.value)


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from([*KINDS, "p=0.1", "ms=5s", "at=", "=", ";", "\n", "#"])).map(" ".join)
)
def test_any_text_is_either_a_schedule_or_an_error_with_a_place(text: str) -> None:
    try:
        read = list(parse(text))
    except FaultError as error:
        assert error.line >= 1
        assert error.column >= 1
    else:
        assert all(name in KINDS for name, _, _ in read)


def test_nothing_is_set_of_a_schedule_that_has_an_error() -> None:
    found = Faults()
    with pytest.raises(FaultError):
        found.add("drop\nnonsense", NOW)
    assert found.quiet
    assert found.rows(NOW) == []


@pytest.mark.parametrize("name", KINDS)
def test_every_fault_can_be_set_with_what_it_needs(name: str) -> None:
    sample = {"duration": "5ms", "offset": "-3s", "number": "3", "word": "x"}
    needs = " ".join(f"{key}={sample[sort]}" for key, (sort, default) in KINDS[name].own.items() if default is NEEDED)
    row = faults(f"{name} {needs}").rows(NOW)[0]
    assert (row["fault"], row["state"], row["applied"]) == (name, "in force", 0)
    assert row["left"] == (1 if KINDS[name].once else None)


def test_a_fault_acts_from_its_time_on_for_its_time() -> None:
    found = faults("lose at=2s for=3s")
    acts = []
    for second in range(7):
        found.now = NOW + second * S
        acts.append(found.strike(REQUEST, path="/v5/order/create") is not None)
    assert acts == [False, False, True, True, True, False, False]
    assert found.rows(found.now)[0] | {"applied": 3, "state": "over"} == found.rows(found.now)[0]


def test_a_fault_acts_as_often_as_it_is_told_and_only_where_it_is_meant() -> None:
    found = faults("drop topic=orderbook.* connection=7 count=2")
    hits = [
        found.strike(FRAME, topic=topic, connection=connection) is not None
        for topic, connection in [("tickers.A", "7"), ("orderbook.50.A", "8")] + 3 * [("orderbook.50.A", "7")]
    ]
    assert hits == [False, False, True, True, False]


def test_chance_is_drawn_from_the_seed() -> None:
    def draws(seed: int) -> list[bool]:
        found = faults("drop p=0.3", seed)
        return [found.strike(FRAME, topic="x", connection="1") is not None for _ in range(400)]

    assert draws(1) == draws(1) != draws(2)
    assert 80 < sum(draws(1)) < 160


def test_faults_are_taken_back_one_by_one_or_all() -> None:
    found = faults("drop; gap; funding")
    assert found.remove(2) == 1
    assert found.remove(2) == 0
    assert [row["number"] for row in found.rows(NOW)] == [1, 3]
    assert found.any(COMMAND)
    assert found.remove(None) == 2
    assert found.quiet


def test_there_is_room_for_so_many_and_those_that_are_over_make_it() -> None:
    found = faults("; ".join(["lose count=1"] * 1_000))
    with pytest.raises(FaultError, match="more than 1000"):
        found.add("drop", NOW)
    for _ in range(10):
        assert found.strike(REQUEST, path="x")
    found.add("; ".join(["drop"] * 10), NOW)
