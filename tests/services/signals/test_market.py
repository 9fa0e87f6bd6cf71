from services.signals.market import Market
from services.signals.maths import Touch
from shared.book import Book


def test_the_touch_is_there_when_both_sides_are() -> None:
    market = Market(Book())
    assert market.touch is None
    market.book.bids.replace([(100, 3)])
    assert market.touch is None
    market.book.asks.replace([(102, 4), (103, 9)])
    assert market.touch == Touch(100, 3, 102, 4)
