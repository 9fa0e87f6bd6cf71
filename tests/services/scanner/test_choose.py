from hypothesis import given
from hypothesis import strategies as st

from services.scanner.choose import candidates, ranked, score, select
from services.scanner.parse import Day, Listed
from shared.messages import Instrument


def listed(*symbols: str, stock: bool = False) -> dict[str, Listed]:
    return {
        symbol: Listed(Instrument(symbol, "0.1", "1", 1, 9, 9, 5 * 10**8, 480, 5_000, "Trading"), stock)
        for symbol in symbols
    }


def test_the_score_is_turnover_times_the_size_of_the_change() -> None:
    assert score(Day(2_000_000.0, -0.05)) == 100_000.0


def test_candidates_are_listed_no_stocks_and_above_the_floor() -> None:
    days = {"A": Day(10, 0.1), "B": Day(9, 0.1), "C": Day(99, 0.1), "D": Day(99, 0.1)}
    assert candidates(listed("A", "B") | listed("C", stock=True), days, 10) == {"A": 1.0}


def test_numbers_that_are_none_are_no_candidates() -> None:
    nan, inf = float("nan"), float("inf")
    days = {"A": Day(nan, 0.1), "B": Day(50, nan), "C": Day(inf, 0.0), "D": Day(1e308, 1e308)}
    assert candidates(listed(*"ABCD"), days, 10) == {}


def test_ties_go_by_name() -> None:
    assert ranked({"B": 1.0, "A": 1.0, "C": 2.0}) == ["C", "A", "B"]


def test_empty_places_go_to_the_best() -> None:
    assert select([], [], {"A": 1, "B": 3, "C": 2}, 2, 1.2) == ["B", "C"]


def test_a_member_yields_only_to_a_score_above_the_multiple_of_its_own() -> None:
    assert select(["A"], [], {"A": 10.0, "B": 12.0}, 1, 1.2) == ["A"]
    assert select(["A"], [], {"A": 10.0, "B": 12.1}, 1, 1.2) == ["B"]


def test_each_challenger_meets_the_weakest_member() -> None:
    scores = {"A": 10.0, "B": 1.0, "C": 2.0, "D": 11.0}
    assert select(["A", "B"], [], scores, 2, 1.2) == ["D", "A"]
    assert select(["A", "B", "C"], [], scores, 3, 1.2) == ["D", "A", "C"]


def test_a_member_that_is_no_candidate_any_more_goes() -> None:
    assert select(["A", "B"], [], {"B": 1.0, "C": 0.5}, 2, 1.2) == ["B", "C"]


def test_held_symbols_stay_whatever_their_score_even_beyond_the_number() -> None:
    assert select(["A"], ["A"], {"A": 0.0, "B": 99.0}, 1, 1.2) == ["A"]
    assert select(["A"], ["A", "X"], {"A": 1.0, "B": 99.0}, 1, 1.2) == ["A", "X"]
    assert select(["A", "X"], [], {"A": 1.0, "B": 1.1}, 1, 1.2) == ["A"]


names = st.sampled_from("ABCDEFGH")
tables = st.dictionaries(names, st.floats(0, 100), max_size=8)


@given(st.lists(names, unique=True, max_size=4), st.sets(names, max_size=3), tables, st.integers(1, 4))
def test_choosing_is_stable_and_justified(
    members: list[str], held: set[str], scores: dict[str, float], symbols_max: int
) -> None:
    chosen = select(members, sorted(held), scores, symbols_max, 1.2)
    assert len(set(chosen)) == len(chosen)
    assert held <= set(chosen)
    assert len(chosen) == max(len(held), min(symbols_max, len(set(scores) | held)))
    assert select(chosen, sorted(held), scores, symbols_max, 1.2) == chosen
    for outsider in set(scores) - set(chosen):
        for insider in set(chosen) - held:
            assert scores[outsider] <= 1.2 * scores[insider]
