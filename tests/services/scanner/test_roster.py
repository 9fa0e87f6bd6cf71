from hypothesis import given
from hypothesis import strategies as st

from services.scanner.roster import Change, Roster


def roster(*members: str, places: int = 1) -> Roster:
    found = Roster(places, 1.2)
    found.members = members
    return found


def test_free_places_are_taken_at_once() -> None:
    found = roster(places=2)
    assert found.choose({"A": 1.0, "B": 3.0, "C": 2.0}) == Change(("B", "C"), ())
    assert found.members == ("B", "C")


def test_a_beaten_member_leaves_first_and_its_successor_waits() -> None:
    found = roster("A")
    assert found.choose({"A": 1.0, "B": 1.3}) == Change((), ("A",))
    assert (found.members, found.leaving) == ((), {"A": 0})
    assert found.choose({"A": 1.0, "B": 1.3}) == Change((), ())
    found.said(7)
    assert found.release((), 7)
    assert found.choose({"A": 1.0, "B": 1.3}) == Change(("B",), ())
    assert (found.members, found.leaving) == (("B",), {})


def test_what_is_open_or_was_not_told_to_execution_is_not_let_go() -> None:
    found = roster("A")
    found.choose({"B": 1.0})
    assert not found.release((), 9)  # Nobody has said it yet.
    found.said(7)
    found.said(8)  # Later versions say it again.
    assert not found.release((), 6)
    assert not found.release(("A",), 8)
    assert found.release((), 8)


def test_while_one_leaves_its_challenger_beats_nobody_else() -> None:
    found = roster("A", "B", places=2)
    scores = {"A": 10.0, "B": 1.0, "C": 20.0}
    assert found.choose(scores) == Change((), ("B",))
    assert found.choose(scores) == Change((), ())
    assert found.members == ("A",)
    found.said(1)
    found.release((), 1)
    assert found.choose(scores) == Change(("C",), ())
    assert found.members == ("C", "A")


def test_a_member_that_is_no_candidate_any_more_leaves() -> None:
    found = roster("A")
    assert found.choose({}) == Change((), ("A",))


def test_what_a_predecessor_held_is_adopted_as_far_as_there_are_places() -> None:
    found = roster(places=1)
    found.adopt({"B", "A"})
    assert found.members == ("A",)
    assert found.choose({"A": 1.0, "B": 1.1}) == Change((), ())


names = st.sampled_from("ABCDE")
steps = st.lists(st.tuples(st.dictionaries(names, st.floats(0, 100), max_size=5), st.sets(names)), max_size=12)


@given(steps, st.integers(1, 3))
def test_nobody_joins_before_somebody_was_let_go(walk: list[tuple[dict[str, float], set[str]]], places: int) -> None:
    found = roster(places=places)
    for version, (scores, still_open) in enumerate(walk, 1):
        found.choose(scores)
        found.said(version)
        assert len(found.members) + len(found.leaving) <= places
        assert not set(found.members) & set(found.leaving)
        before = set(found.leaving)
        found.release(still_open, version)
        assert before - set(found.leaving) == before - still_open
