"""The book keeps price and time priority, and no lot is made or lost."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.exchange.matching import (
    AGENTS,
    NOT_ALL_FILLED,
    NOTHING_TO_FILL,
    WOULD_TAKE,
    Fill,
    MatchingBook,
    Outcome,
)

BUY, SELL = 1, -1


def book_of(*orders: tuple[int, int, int, int]) -> MatchingBook:
    """Return a book with (order_id, side, price_ticks, lots) resting, all owned by account 7."""
    book = MatchingBook()
    for order_id, side, price, lots in orders:
        book.submit(order_id, 7, side, price, lots, "PostOnly")
    return book


def test_an_empty_book_has_no_touch() -> None:
    book = MatchingBook()
    assert (book.best_bid(), book.best_ask(), book.depth(BUY, 5), book.depth(SELL, 0)) == (None, None, [], [])


def test_the_better_price_fills_first_and_then_the_older_order() -> None:
    book = book_of((1, SELL, 102, 5), (2, SELL, 101, 5), (3, SELL, 101, 5))
    outcome = book.submit(9, 1, BUY, 102, 12, "GTC")
    assert outcome == Outcome(
        [
            Fill(2, 7, 9, 1, BUY, 101, 5, 0, 4),
            Fill(3, 7, 9, 1, BUY, 101, 5, 0, 4),
            Fill(1, 7, 9, 1, BUY, 102, 2, 3, 4),
        ],
        0,
        0,
        "",
    )
    assert book.depth(SELL, 5) == [(102, 3)]
    assert book.last_ticks == 102


def test_what_is_not_filled_of_a_good_till_cancelled_order_rests() -> None:
    book = book_of((1, BUY, 100, 4))
    outcome = book.submit(9, 1, SELL, 100, 10, "GTC")
    assert (outcome.resting_lots, outcome.cancelled_lots, outcome.reason) == (6, 0, "")
    assert (book.best_bid(), book.best_ask()) == (None, 100)


@pytest.mark.parametrize(
    ("tif", "price", "lots", "filled", "resting", "cancelled", "reason"),
    [
        ("PostOnly", 101, 1, 0, 0, 1, WOULD_TAKE),
        ("PostOnly", 100, 1, 0, 1, 0, ""),
        ("IOC", 100, 1, 0, 0, 1, NOTHING_TO_FILL),
        ("IOC", 101, 6, 5, 0, 1, NOT_ALL_FILLED),
        ("IOC", 101, 5, 5, 0, 0, ""),
        ("FOK", 101, 6, 0, 0, 6, NOT_ALL_FILLED),
        ("FOK", 102, 6, 6, 0, 0, ""),
        ("FOK", 100, 1, 0, 0, 1, NOT_ALL_FILLED),
    ],
)
def test_time_in_force(tif: str, price: int, lots: int, filled: int, resting: int, cancelled: int, reason: str) -> None:
    book = book_of((1, SELL, 101, 5), (2, SELL, 102, 5))
    outcome = book.submit(9, 1, BUY, price, lots, tif)
    assert sum(fill.qty_lots for fill in outcome.fills) == filled
    assert outcome[1:] == (resting, cancelled, reason, ())


def test_a_reduced_order_keeps_its_place() -> None:
    book = book_of((1, BUY, 100, 5), (2, BUY, 100, 5))
    assert book.reduce(1, 3) == 3
    assert [fill[0] for fill in book.submit(9, 1, SELL, 100, 3, "IOC").fills] == [1, 2]


def test_reducing_by_more_than_is_left_removes_the_order() -> None:
    book = book_of((1, BUY, 100, 5))
    assert book.reduce(1, 9) == 5
    assert book.order(1) is None
    assert book.best_bid() is None


def test_cancelling_an_unknown_order_is_nothing() -> None:
    assert MatchingBook().cancel(5) == 0


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), max_size=12))
def test_a_resized_order_stands_where_a_smaller_or_a_new_one_would(sizes: list[tuple[int, int]]) -> None:
    orders = (1, BUY, 100, 5), (2, BUY, 100, 5), (3, BUY, 99, 5), (4, BUY, 100, 5)
    resized, renewed = book_of(*orders), book_of(*orders)
    for order_id, lots in sizes:
        resized.resize(order_id, lots)
        before = renewed.order(order_id)
        assert before is not None
        if lots < before.left_lots:
            renewed.reduce(order_id, before.left_lots - lots)
        else:
            renewed.cancel(order_id)
            renewed.submit(order_id, 7, BUY, before.price_ticks, lots, "PostOnly")
    assert (resized.seq, resized.take_changes()) == (renewed.seq, renewed.take_changes())
    assert resized.submit(9, 1, SELL, 99, 99, "IOC") == renewed.submit(9, 1, SELL, 99, 99, "IOC")


def test_changes_name_each_touched_level_once_with_its_last_size() -> None:
    book = book_of((1, BUY, 100, 5), (2, SELL, 101, 4), (3, BUY, 100, 1))
    assert book.take_changes() == [(BUY, 100, 6), (SELL, 101, 4)]
    book.cancel(1)
    book.submit(9, 1, BUY, 101, 4, "IOC")
    assert book.take_changes() == [(BUY, 100, 1), (SELL, 101, 0)]
    assert book.take_changes() == []


def test_available_counts_up_to_the_limit() -> None:
    book = book_of((1, SELL, 101, 5), (2, SELL, 103, 5), (3, BUY, 99, 2))
    assert [book.available(BUY, limit) for limit in (100, 101, 102, 103)] == [0, 5, 5, 10]
    assert book.available(SELL, 99) == 2


class Plain(NamedTuple):
    """One resting order in the obvious model."""

    order_id: int
    side: int
    price: int
    lots: int


def plain_submit(
    resting: list[Plain], order_id: int, side: int, price: int, lots: int, tif: str
) -> tuple[list[tuple[int, int]], int]:
    """Match by sorting everything; return ([(maker id, lots)], lots resting)."""
    makers = [maker for maker in resting if maker.side == -side and side * maker.price <= side * price]
    makers.sort(key=lambda maker: side * maker.price)  # Stable: the list is in time order.
    fillable = sum(maker.lots for maker in makers)
    if (tif == "PostOnly" and makers) or (tif == "FOK" and fillable < lots):
        return [], 0
    fills = []
    for maker in makers:
        size = min(lots, maker.lots)
        if size:
            lots -= size
            fills.append((maker.order_id, size))
            where = resting.index(maker)
            resting[where] = maker._replace(lots=maker.lots - size)
    resting[:] = [maker for maker in resting if maker.lots]
    if lots and tif in ("GTC", "PostOnly"):
        resting.append(Plain(order_id, side, price, lots))
        return fills, lots
    return fills, 0


SUBMIT = st.tuples(
    st.sampled_from([BUY, SELL]),
    st.integers(95, 105),
    st.integers(1, 9),
    st.sampled_from(["GTC", "IOC", "FOK", "PostOnly"]),
)
CUT = st.tuples(st.integers(0, 60), st.integers(0, 9))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(SUBMIT, SUBMIT, CUT), max_size=60))
def test_it_does_what_sorting_everything_does(
    steps: list[tuple[int, ...] | tuple[int, int, int, str]],
) -> None:
    book, model = MatchingBook(), list[Plain]()
    seen: dict[tuple[int, int], int] = {}
    for order_id, step in enumerate(steps):
        if len(step) == 2:
            target, lots = step
            held = next((order for order in model if order.order_id == target), None)
            assert book.reduce(target, lots) == (min(lots, held.lots) if held else 0)
            model = [
                order._replace(lots=max(0, order.lots - lots)) if order.order_id == target else order for order in model
            ]
            model = [order for order in model if order.lots]
        else:
            side, price, lots, tif = step
            outcome = book.submit(order_id, 1, side, price, lots, str(tif))
            fills, resting = plain_submit(model, order_id, side, price, lots, str(tif))
            assert [(fill.maker_id, fill.qty_lots) for fill in outcome.fills] == fills
            assert outcome.resting_lots == resting
            filled = sum(fill.qty_lots for fill in outcome.fills)
            assert filled + outcome.resting_lots + outcome.cancelled_lots == lots
            assert tif != "FOK" or filled in (0, lots)
            assert tif != "PostOnly" or filled == 0
        seen |= {(side, price): lots for side, price, lots in book.take_changes()}
        check(book, model, seen)


def check(book: MatchingBook, model: list[Plain], seen: dict[tuple[int, int], int]) -> None:
    """The book equals the model, its changes add up to it, and it is not crossed."""
    levels: dict[tuple[int, int], int] = {}
    for order in model:
        levels[order.side, order.price] = levels.get((order.side, order.price), 0) + order.lots
        held = book.order(order.order_id)
        assert held is not None
        assert held.left_lots == order.lots
    bids = sorted(((price, lots) for (side, price), lots in levels.items() if side > 0), reverse=True)
    asks = sorted((price, lots) for (side, price), lots in levels.items() if side < 0)
    assert book.depth(BUY, 99) == bids
    assert book.depth(SELL, 99) == asks
    assert {key: lots for key, lots in seen.items() if lots} == levels
    bid, ask = book.best_bid(), book.best_ask()
    assert bid is None or ask is None or bid < ask


def test_the_smp_type_of_the_incoming_order_decides_who_goes() -> None:
    for smp, fills, resting, cancelled, left in (
        ("None", [3, 5], 2, 0, []),
        ("CancelMaker", [5], 5, 0, []),
        ("CancelTaker", [], 0, 10, [1, 2]),
        ("CancelBoth", [], 0, 10, [2]),
    ):
        book = MatchingBook()
        book.submit(1, 1, SELL, 100, 3, "GTC")
        book.submit(2, 7, SELL, 100, 5, "GTC")
        outcome = book.submit(9, 1, BUY, 100, 10, "GTC", smp)
        assert [fill.qty_lots for fill in outcome.fills] == fills
        assert (outcome.resting_lots, outcome.cancelled_lots) == (resting, cancelled)
        assert outcome.met == (() if smp == "None" else (1,))
        assert [number for number in (1, 2) if book.order(number)] == left


def test_the_markets_own_orders_never_prevent_themselves() -> None:
    book = MatchingBook()
    book.submit(1, AGENTS, SELL, 100, 3, "GTC")
    assert len(book.submit(2, AGENTS, BUY, 100, 3, "GTC", "CancelBoth").fills) == 1


def test_fill_or_kill_counts_only_what_it_may_trade_with() -> None:
    for smp, filled in (("None", 8), ("CancelMaker", 0), ("CancelTaker", 0)):
        book = MatchingBook()
        book.submit(1, 1, SELL, 100, 3, "GTC")
        book.submit(2, 7, SELL, 100, 5, "GTC")
        outcome = book.submit(9, 1, BUY, 100, 8, "FOK", smp)
        assert sum(fill.qty_lots for fill in outcome.fills) == filled
        assert (book.order(1) is None) == bool(filled)


def test_a_resting_reduce_only_order_gives_no_more_than_its_owner_holds() -> None:
    book = MatchingBook()
    book.held_lots[1] = 10
    book.submit(1, 1, SELL, 100, 6, "GTC")
    book.submit(2, 1, SELL, 101, 10, "GTC", reduce_only=True)
    book.submit(3, 1, SELL, 102, 10, "GTC", reduce_only=True)
    book.submit(4, 7, SELL, 103, 10, "GTC")
    outcome = book.submit(9, AGENTS, BUY, 103, 15, "IOC")
    assert [(fill.maker_id, fill.qty_lots) for fill in outcome.fills] == [(1, 6), (2, 4), (4, 5)]
    assert book.order(3) is None
    assert book.held_lots[1] == 0
    assert book.depth(SELL, 5) == [(103, 5)]


def test_fill_or_kill_knows_what_reduce_only_orders_cannot_give() -> None:
    book = MatchingBook()
    book.held_lots[1] = 4
    book.submit(1, 1, SELL, 100, 10, "GTC", reduce_only=True)
    assert book.submit(9, 2, BUY, 100, 5, "FOK").reason == NOT_ALL_FILLED
    assert len(book.submit(10, 2, BUY, 100, 4, "FOK").fills) == 1
