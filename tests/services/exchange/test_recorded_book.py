"""Orders in a recorded book: nothing is used twice, and a place in the queue is worth what it is worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.matching import AGENTS, Fill
from services.exchange.recorded_book import RecordedBook, cut_ahead_lots

OWNER = 1
OPEN = (0, 0)  # Everything is seen.


def book_of(bids: dict[int, int], asks: dict[int, int], power: float | None = None) -> RecordedBook:
    book = RecordedBook(power)
    assert book.show({1: bids, -1: asks}, True, OPEN, 10) == []
    return book


def own(fills: list[Fill]) -> list[tuple[int, int]]:
    """Return (price, lots) of what the account got as a maker."""
    return [(fill.price_ticks, fill.qty_lots) for fill in fills if fill.maker_owner == OWNER]


# --- taking -------------------------------------------------------------------------------------------------------


def test_what_is_displayed_is_consumed_once() -> None:
    book = book_of({99: 5}, {100: 10, 101: 7})
    assert [fill.qty_lots for fill in book.submit(1, OWNER, 1, 101, 12, "IOC").fills] == [10, 2]
    book.show({1: {}, -1: {100: 10}}, False, OPEN, 20)  # The recording still shows it: that is not news.
    assert [(fill.price_ticks, fill.qty_lots) for fill in book.submit(2, OWNER, 1, 101, 12, "IOC").fills] == [(101, 5)]
    book.show({1: {}, -1: {100: 13}}, False, OPEN, 30)  # Three more, and no other.
    assert [fill.qty_lots for fill in book.submit(3, OWNER, 1, 100, 12, "IOC").fills] == [3]
    book.show({1: {}, -1: {100: 0}}, False, OPEN, 40)
    book.show({1: {}, -1: {100: 4}}, False, OPEN, 50)  # Gone and come again: all of it is new.
    assert [fill.qty_lots for fill in book.submit(4, OWNER, 1, 100, 12, "IOC").fills] == [4]


def test_a_level_that_shrinks_loses_first_what_was_consumed() -> None:
    book = book_of({99: 5}, {100: 10})
    book.submit(1, OWNER, 1, 100, 6, "IOC")
    book.show({1: {}, -1: {100: 7}}, False, OPEN, 20)
    assert book.level_lots(-1, 100) == 4
    book.show({1: {}, -1: {100: 3}}, False, OPEN, 30)
    assert book.level_lots(-1, 100) == 3


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("show"), st.integers(100, 103), st.integers(0, 30)),
            st.tuples(st.just("take"), st.integers(100, 103), st.integers(1, 40)),
            st.tuples(st.just("print"), st.integers(100, 103), st.integers(1, 20)),
        ),
        max_size=60,
    )
)
def test_never_more_is_taken_at_a_price_than_was_ever_put_there(steps: list[tuple[str, int, int]]) -> None:
    book, shown, ever, taken = book_of({90: 5}, {}), dict[int, int](), dict[int, int](), dict[int, int]()
    for number, (what, price, lots) in enumerate(steps, 1):
        if what == "show":
            book.show({1: {}, -1: {price: lots}}, False, OPEN, 10 + number)
            ever[price] = ever.get(price, 0) + max(0, lots - shown.get(price, 0))
            shown[price] = lots
        elif what == "take":
            for fill in book.submit(number, OWNER, 1, price, lots, "IOC").fills:
                taken[fill.price_ticks] = taken.get(fill.price_ticks, 0) + fill.qty_lots
        else:
            for fill in book.trade(1, price, lots, 11 + number):  # Younger than the book.
                if fill.maker_id:
                    shown[fill.price_ticks] = max(0, shown.get(fill.price_ticks, 0) - fill.qty_lots)
        assert all(lots <= ever.get(price, 0) for price, lots in taken.items())
        assert all(lots <= shown[price] for price, lots in book.depth(-1, 10))


# --- the queue ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("front", "back", "cut", "power", "front_after"),
    [
        (40, 60, 20, 1.0, 32),
        (40, 60, 20, None, 40),
        (40, 60, 70, None, 30),
        (40, 0, 15, None, 25),
        (40, 0, 15, 1.0, 25),
        (0, 60, 20, 1.0, 0),
        (40, 60, 100, 1.0, 0),
        (40, 60, 20, 2.0, 34),
    ],
)
def test_a_decrease_that_is_no_trade_is_shared_out(
    front: int, back: int, cut: int, power: float | None, front_after: int
) -> None:
    assert front - cut_ahead_lots(front, back, cut, power) == front_after


@given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 999), st.sampled_from([None, 0.5, 1.0, 3.0]))
def test_no_side_of_the_queue_loses_more_than_it_has(front: int, back: int, cut: int, power: float | None) -> None:
    cut = min(cut, front + back)
    ahead = cut_ahead_lots(front, back, cut, power)
    assert 0 <= ahead <= front
    assert 0 <= cut - ahead <= back


@pytest.mark.parametrize(("power", "front_after"), [(1.0, 32), (None, 40)])
def test_the_book_keeps_the_place_in_the_queue(power: float | None, front_after: int) -> None:
    book = book_of({99: 40}, {100: 10}, power)
    book.submit(1, OWNER, 1, 99, 5, "GTC")
    book.show({1: {99: 100}, -1: {}}, False, OPEN, 20)
    book.show({1: {99: 80}, -1: {}}, False, OPEN, 30)
    fills = book.trade(-1, 99, front_after + 3, 40)
    assert own(fills) == [(99, 3)]


def test_trades_reduce_what_stands_ahead_and_then_fill() -> None:
    book = book_of({99: 40}, {100: 10})
    book.submit(1, OWNER, 1, 99, 5, "GTC")
    assert own(book.trade(-1, 99, 30, 20)) == []
    book.show({1: {99: 10}, -1: {}}, False, OPEN, 25)  # The book follows: that was the trade, no cancel.
    assert own(book.trade(-1, 99, 12, 30)) == [(99, 2)]
    assert own(book.trade(-1, 99, 12, 31)) == [(99, 3)]
    assert book.order(1) is None


@pytest.mark.parametrize("book_first", [True, False])
def test_whether_the_book_or_the_tape_comes_first_does_not_matter(book_first: bool) -> None:
    for joined_by, front_after in ((0, 70), (60, 70)):  # All stands ahead; or something has joined behind.
        book = book_of({99: 100}, {100: 10})
        book.submit(1, OWNER, 1, 99, 5, "GTC")
        book.show({1: {99: 100 + joined_by}, -1: {}}, False, OPEN, 20)
        if book_first:
            book.show({1: {99: 70 + joined_by}, -1: {}}, False, OPEN, 30)
            assert own(book.trade(-1, 99, 30, 30)) == []
        else:
            assert own(book.trade(-1, 99, 30, 30)) == []
            book.show({1: {99: 70 + joined_by}, -1: {}}, False, OPEN, 30)
        assert own(book.trade(-1, 99, front_after, 40)) == []
        assert own(book.trade(-1, 99, 1, 41)) == [(99, 1)]


def test_a_trade_beyond_the_price_has_come_through_it() -> None:
    book = book_of({99: 40, 97: 5}, {102: 10})
    book.submit(1, OWNER, 1, 100, 5, "GTC")  # Better than all that is displayed.
    assert own(book.trade(-1, 99, 3, 20)) == [(100, 3)]
    assert own(book.trade(-1, 97, 50, 30)) == [(100, 2)]


def test_one_trade_fills_no_more_than_its_size() -> None:
    book = book_of({}, {102: 10})
    for number in (1, 2, 3):
        book.submit(number, OWNER, 1, 100, 5, "GTC")
    assert own(book.trade(-1, 99, 7, 20)) == [(100, 5), (100, 2)]


def test_what_comes_to_the_price_of_an_order_fills_it_and_is_consumed() -> None:
    book = book_of({99: 40}, {102: 10})
    book.submit(1, OWNER, 1, 101, 5, "GTC")
    assert own(book.show({1: {}, -1: {100: 3, 101: 4}}, False, OPEN, 20)) == [(101, 3), (101, 2)]
    assert book.depth(-1, 3) == [(101, 2), (102, 10)]


def test_what_nobody_sees_stands_ahead() -> None:
    book = RecordedBook()
    book.show({1: {99: 40, 98: 30}, -1: {100: 10}}, True, (98, 100), 10)
    book.submit(1, OWNER, 1, 95, 5, "GTC")
    book.show({1: {99: 0, 95: 25}, -1: {}}, False, (95, 100), 20)
    book.trade(-1, 98, 30, 30)
    book.show({1: {98: 0}, -1: {}}, False, (95, 100), 31)
    assert own(book.trade(-1, 95, 25, 40)) == []
    assert own(book.trade(-1, 95, 2, 41)) == [(95, 2)]


def test_a_price_that_is_out_of_sight_for_a_while_keeps_its_queue() -> None:
    book = RecordedBook()
    book.show({1: {99: 40, 98: 30}, -1: {100: 10}}, True, (98, 100), 10)
    book.submit(1, OWNER, 1, 98, 5, "GTC")
    book.show({1: {100: 9, 98: 0}, -1: {100: 0, 101: 5}}, False, (99, 101), 20)
    book.show({1: {100: 0, 98: 35}, -1: {}}, False, (98, 101), 30)
    book.trade(-1, 99, 40, 40)
    assert own(book.trade(-1, 98, 32, 41)) == [(98, 2)]


def test_a_trade_without_anybody_left_still_tells_the_price() -> None:
    book = book_of({99: 40}, {100: 10})
    book.submit(1, OWNER, 1, 100, 10, "IOC")
    [fill] = book.trade(1, 100, 8, 20)
    assert (fill.maker_owner, fill.taker_owner, fill.price_ticks, fill.qty_lots) == (AGENTS, AGENTS, 100, 8)
    assert book.last_ticks == 100
