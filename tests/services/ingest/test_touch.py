"""The book beside orderbook.1: compared at equal sequence only."""

from __future__ import annotations

from services.ingest.touch import TouchCheck
from shared.kernel import BookKernel, Outcome
from tests import market_data as make
from tests.market_data import book_frame


class Desk:
    """A book of one symbol at update 5 (sequence 1005), and its check."""

    def __init__(self) -> None:
        table = make.table()
        symbol_id = table.add(make.SYMBOL, make.BTC)
        self.book = BookKernel(table.writer(symbol_id), make.ring(), 50)
        self.check = TouchCheck(make.SYMBOL, make.BTC, table.reader(symbol_id))
        self.book.apply(book_frame("snapshot", 5, [("100.0", "1"), ("99.9", "2")], [("100.1", "3")]), 1, 1)

    def touch(self, u: int, bid: tuple[str, str] = ("100.0", "1"), ask: tuple[str, str] = ("100.1", "3")) -> Outcome:
        return self.check.hear(book_frame("snapshot", u, [bid], [ask], depth=1))


def test_equal_levels_at_equal_sequence_agree() -> None:
    desk = Desk()
    assert desk.touch(5) is Outcome.SNAPSHOT
    assert desk.check.agrees()
    assert not desk.check.is_waiting


def test_another_price_or_size_at_equal_sequence_is_a_disagreement() -> None:
    for bid, ask in (
        (("99.9", "1"), ("100.1", "3")),
        (("100.0", "2"), ("100.1", "3")),
        (("100.0", "1"), ("100.2", "3")),
    ):
        desk = Desk()
        desk.touch(5, bid, ask)
        assert not desk.check.agrees()


def test_a_touch_that_is_ahead_waits_for_the_book() -> None:
    desk = Desk()
    desk.touch(6, ("99.9", "2"))
    assert desk.check.agrees()
    assert desk.check.is_waiting
    desk.book.apply(book_frame("delta", 6, [("100.0", "2")], []), 2, 2)
    assert not desk.check.agrees()
    assert not desk.check.is_waiting


def test_a_touch_that_is_late_says_nothing() -> None:
    desk = Desk()
    desk.touch(4, ("50.0", "9"))
    assert desk.check.agrees()
    assert not desk.check.is_waiting


def test_a_void_book_cannot_disagree() -> None:
    desk = Desk()
    desk.book.void(1, 2, 2)
    desk.touch(5, ("50.0", "9"))
    assert desk.check.agrees()


def test_what_is_no_touch_is_said_to_be_none() -> None:
    desk = Desk()
    assert desk.check.hear(b"{") is Outcome.MALFORMED
    assert desk.check.hear(book_frame("delta", 5, [("100.0", "1")], [], depth=1)) is Outcome.MALFORMED
    assert desk.check.hear(book_frame("snapshot", 5, [("100.0", "1")], [], depth=50)) is Outcome.WRONG_SYMBOL
    assert desk.touch(5, ("100.05", "1")) is Outcome.OFF_GRID
