"""The touch and what lies behind it."""

from __future__ import annotations

from shared.book import Book
from shared.touch import Touch, cumulative, touch_of


def test_the_inputs_of_a_micro_price() -> None:
    book = Book()
    assert (touch_of(book), touch_of(book).queue_imbalance) == (Touch(0, 0, 0, 0), 0.5)
    touch = Touch(100, 30, 101, 10)
    assert (touch.queue_imbalance, touch.weighted_mid_ticks) == (0.75, 100.75)


def test_depth_adds_up() -> None:
    book = Book()
    book.bids.replace([(99, 50), (98, 20)])
    book.asks.replace([(101, 50), (102, 20)])
    assert touch_of(book) == Touch(99, 50, 101, 50)
    assert (cumulative(book.bids, 5), cumulative(book.asks, 1)) == ([50, 70], [50])
