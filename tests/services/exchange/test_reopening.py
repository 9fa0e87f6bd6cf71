"""Orders that come back into a book made anew. The whole restart is tested with what is written down."""

from __future__ import annotations

from services.exchange.reopening import put_back
from services.exchange.trading import OWNER
from tests.exchange_rig import SYMBOL, HandMarket, Rig


def rested() -> Rig:
    rig = Rig()
    rig.order(qty="0.030")
    rig.order("Sell", price="60100", qty="0.010", reduceOnly=True)
    rig.order(price="59990", qty="0.020")
    return rig


def test_orders_come_back_in_their_order_and_the_book_knows_what_is_held() -> None:
    desk, market = rested().core.desk, HandMarket()
    assert put_back(desk, market.books) == []
    book = market.books[SYMBOL]
    for order in desk.orders.open_orders():
        found = book.order(order.book_id)
        assert found is not None
        assert (found.owner, found.left_lots, found.reduce_only) == (OWNER, order.left_lots, order.reduce_only)
    assert book.held_lots[OWNER] == 30


def test_what_stands_in_the_way_is_traded_among_the_market() -> None:
    desk, market = rested().core.desk, HandMarket()
    market.clear(SYMBOL)
    market.quote(SYMBOL, -1, 599_880, 7)
    (match,) = put_back(desk, market.books)
    assert match[0] == SYMBOL
    assert (match[1].qty_lots, match[1].maker_owner, match[1].taker_owner) == (7, 0, 0)
    assert market.books[SYMBOL].best_bid() == 599_900


def test_a_symbol_without_a_book_is_left_alone() -> None:
    assert put_back(rested().core.desk, {}) == []
