"""The life of an order as a table, and the table of all orders."""

from __future__ import annotations

from itertools import product

import pytest

from services.exchange import orders
from services.exchange.orders import CLOSED, TRANSITIONS, Event, Order, OrderRequest, OrderTable, Status
from shared.messages import BUY


def request(link_id: str = "", lots: int = 10) -> OrderRequest:
    return OrderRequest("BTCUSDT", BUY, "Limit", "GTC", 600_000, lots, False, link_id, None, None)


def order(number: int = 1, link_id: str = "", lots: int = 10) -> Order:
    return Order(number, f"id-{number}", request(link_id, lots), 1_000)


@pytest.mark.parametrize(("status", "event"), list(product(Status, Event)))
def test_every_pair_is_decided(status: Status, event: Event) -> None:
    one = order()
    one.status = status
    if event in TRANSITIONS[status]:
        one.step(event, 2_000)
        assert one.status in Status
    else:
        with pytest.raises(KeyError):
            one.step(event, 2_000)


def test_what_is_closed_stays_closed_and_everything_can_close() -> None:
    assert {status for status in Status if not TRANSITIONS[status]} == CLOSED
    reach = {status: set(TRANSITIONS[status].values()) for status in Status}
    for _ in Status:
        for found in reach.values():
            found |= {after for status in found for after in TRANSITIONS[status].values()}
    assert all(found & CLOSED for status, found in reach.items() if status not in CLOSED)
    assert reach[Status.ACCEPTED] == set(Status) - {Status.ACCEPTED}


def test_fills_add_up_and_the_last_one_ends_it() -> None:
    one = order()
    one.step(Event.REST, 1_000)
    one.fill(4, 400, 2_000)
    assert (one.status, one.left_lots, one.filled_lots, one.value_e8) == (Status.PARTIALLY_FILLED, 6, 4, 400)
    one.fill(6, 600, 3_000)
    assert (one.status, one.left_lots, one.filled_lots, one.value_e8) == (Status.FILLED, 0, 10, 1_000)
    assert not one.open


def test_a_cancelled_order_keeps_what_it_filled() -> None:
    one = order()
    one.fill(4, 400, 2_000)
    one.cancel("CancelByUser", "EC_PerCancelRequest", 3_000)
    assert (one.status, one.left_lots, one.filled_lots) == (Status.CANCELLED, 0, 4)


def test_more_than_is_left_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        order(lots=3).fill(4, 400, 2_000)


def test_an_order_is_found_by_each_of_its_names() -> None:
    table, one = OrderTable(), order(7, "mine")
    table.add(one)
    assert table.find("id-7", "") is table.find("", "mine") is table.find("id-7", "other") is one
    assert table.find("id-8", "mine") is None  # The id wins.
    assert table.by_book_id(one.book_id) is one
    assert table.link_id_used("mine")
    assert not table.link_id_used("other")


def test_a_settled_order_is_no_longer_open_but_still_known() -> None:
    table, one, two = OrderTable(), order(1, "a"), order(2, "b")
    table.add(one)
    table.add(two)
    one.cancel("CancelByUser", "", 2_000)
    table.settle(one)
    table.settle(two)
    assert table.open_orders() == table.open_orders("BTCUSDT") == [two]
    assert table.open_orders("ETHUSDT") == []
    assert list(table.newest_first()) == [two, one]
    assert list(table.oldest_first()) == [one, two]
    assert table.link_id_used("a")


def test_old_closed_orders_are_forgotten_open_ones_and_names_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "ORDERS_KEPT", 3)
    table, first = OrderTable(), order(1, "first")
    table.add(first)
    for number in range(2, 9):
        one = order(number, f"n{number}")
        table.add(one)
        one.cancel("CancelByUser", "", 2_000)
        table.settle(one)
    assert table.find("", "first") is first
    assert table.find("", "n2") is None
    assert table.link_id_used("n2")
    assert table.forgotten == 3
    assert len(list(table.oldest_first())) == 5


def test_names_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "LINK_IDS_KEPT", 2)
    table = OrderTable()
    for number in range(1, 4):
        table.add(order(number, f"n{number}"))
    assert [table.link_id_used(f"n{number}") for number in range(1, 4)] == [False, True, True]
