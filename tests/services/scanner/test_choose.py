import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.choose import candidates, ranked, score, select
from services.scanner.parse import Day, Listed
from shared.config import Scanner
from shared.messages import Instrument

CONFIG = Scanner(min_turnover_usdt=10.0)


def listed(*symbols: str, kind: str = "", coin: str = "") -> dict[str, Listed]:
    return {
        symbol: Listed(Instrument(symbol, "0.1", "1", 1, 9, 9, 5 * 10**8, 480, 5_000, "Trading"), coin or symbol, kind)
        for symbol in symbols
    }


def test_the_score_is_turnover_times_the_size_of_the_change() -> None:
    assert score(Day(2_000_000.0, -0.05)) == 100_000.0


def test_candidates_are_listed_no_stocks_and_above_the_floor() -> None:
    days = {"A": Day(10, 0.1), "B": Day(9, 0.1), "C": Day(99, 0.1), "D": Day(99, 0.1)}
    assert candidates(listed("A", "B") | listed("C", kind="stock"), days, CONFIG) == {"A": 1.0}


@pytest.mark.parametrize("coin", ["BTC", "ETH", "USDC", "USDE", "USD1", "RLUSD"])
def test_stablecoins_and_the_two_giants_are_no_candidates(coin: str) -> None:
    days = {"A": Day(50, 0.5), "B": Day(50, 0.1)}
    assert candidates(listed("A", coin=coin) | listed("B"), days, CONFIG) == {"B": 5.0}


@pytest.mark.parametrize("coin", ["SUI", "WIF", "VIRTUAL", "RENDER", "SEI", "PEPE"])
def test_coins_of_the_whitelist_score_a_third_more_or_nearly(coin: str) -> None:
    days = {"A": Day(100, 0.5), "B": Day(100, -0.5)}
    found = candidates(listed("A", coin=coin) | listed("B"), days, CONFIG)
    assert found == {"A": pytest.approx(65.0), "B": 50.0}


def test_scored_are_those_with_the_highest_turnover_and_the_members() -> None:
    days = {f"S{number:02}": Day(100.0 + number, 0.1) for number in range(60)}
    found = candidates(listed(*days), days, CONFIG, ["S03"])
    assert sorted(found) == ["S03", *(f"S{number:02}" for number in range(10, 60))]


def test_the_floor_holds_for_members_too() -> None:
    assert candidates(listed("A"), {"A": Day(9.9, 0.1)}, CONFIG, ["A"]) == {}


def test_numbers_that_are_none_are_no_candidates() -> None:
    nan, inf = float("nan"), float("inf")
    days = {"A": Day(nan, 0.1), "B": Day(50, nan), "C": Day(inf, 0.0), "D": Day(1e308, 1e308)}
    assert candidates(listed(*"ABCD"), days, CONFIG) == {}


def test_ties_go_by_name() -> None:
    assert ranked({"B": 1.0, "A": 1.0, "C": 2.0}) == ["C", "A", "B"]
    assert select([], {"B": 1.0, "A": 1.0}, 1, 1.2) == ["A"]


def test_empty_places_go_to_the_best() -> None:
    assert select([], {"A": 1, "B": 3, "C": 2}, 2, 1.2) == ["B", "C"]
    assert select(["A"], {"A": 1, "B": 3}, 0, 1.2) == []


def test_a_member_yields_only_to_a_score_above_the_multiple_of_its_own() -> None:
    assert select(["A"], {"A": 10.0, "B": 12.0}, 1, 1.2) == ["A"]
    assert select(["A"], {"A": 10.0, "B": 12.1}, 1, 1.2) == ["B"]


def test_each_challenger_meets_the_weakest_member() -> None:
    scores = {"A": 10.0, "B": 1.0, "C": 2.0, "D": 11.0}
    assert select(["A", "B"], scores, 2, 1.2) == ["D", "A"]
    assert select(["A", "B", "C"], scores, 3, 1.2) == ["D", "A", "C"]


def test_a_member_that_is_no_candidate_any_more_goes() -> None:
    assert select(["A", "B"], {"B": 1.0, "C": 0.5}, 2, 1.2) == ["B", "C"]


names = st.sampled_from("ABCDEFGH")
tables = st.dictionaries(names, st.floats(0, 100), max_size=8)


@given(st.lists(names, unique=True, max_size=4), tables, st.integers(1, 4))
def test_choosing_is_stable_and_justified(members: list[str], scores: dict[str, float], places: int) -> None:
    chosen = select(members, scores, places, 1.2)
    assert len(set(chosen)) == len(chosen) == min(places, len(scores))
    assert chosen == [symbol for symbol in ranked(scores) if symbol in chosen]
    assert select(chosen, scores, places, 1.2) == chosen
    for outsider in set(scores) - set(chosen):
        for insider in chosen:
            assert scores[outsider] <= 1.2 * scores[insider]
