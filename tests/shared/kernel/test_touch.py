"""The book beside orderbook.1, compared at equal sequence only: both kernels, and both make the same of anything."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import kernel as chosen
from shared.kernel import Outcome
from shared.kernel.parse import Touch
from shared.kernel.plain import BookKernel as PlainBook
from shared.kernel.touch import TouchKernel as PlainTouch
from tests import market_data as make
from tests.fuzz.engine import mutated
from tests.market_data import book_frame

KINDS = {"plain": (PlainBook, PlainTouch), chosen.KERNEL: (chosen.BookKernel, chosen.TouchKernel)}


class Desk:
    """A book of one symbol at update 5 (sequence 1005), and its touch."""

    def __init__(self, kind: str) -> None:
        book, touch = KINDS[kind]
        table = make.table()
        self.book: Any = book(table.writer(table.add(make.SYMBOL, make.BTC)), make.ring(), 50)
        self.check: Any = touch(make.SYMBOL, make.BTC)
        self.book.apply(book_frame("snapshot", 5, [("100.0", "1"), ("99.9", "2")], [("100.1", "3")]), 1, 1)

    def touch(self, u: int, bid: tuple[str, str] = ("100.0", "1"), ask: tuple[str, str] = ("100.1", "3")) -> Outcome:
        return Outcome(self.check.hear(book_frame("snapshot", u, [bid], [ask], depth=1)))

    def agrees(self) -> bool:
        return bool(self.check.agrees(self.book))


@pytest.fixture(params=KINDS)
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(request.param)


def test_equal_levels_at_equal_sequence_agree(desk: Desk) -> None:
    assert desk.touch(5) is Outcome.SNAPSHOT
    assert desk.check.touch == desk.book.touch == Touch(1005, [(1000, 1000)], [(1001, 3000)])
    assert desk.agrees()
    assert not desk.check.is_waiting


@pytest.mark.parametrize(
    ("bid", "ask"),
    [
        (("99.9", "1"), ("100.1", "3")),
        (("100.0", "2"), ("100.1", "3")),
        (("100.0", "1"), ("100.2", "3")),
    ],
)
def test_another_price_or_size_at_equal_sequence_is_a_disagreement(
    desk: Desk, bid: tuple[str, str], ask: tuple[str, str]
) -> None:
    desk.touch(5, bid, ask)
    assert not desk.agrees()


def test_an_empty_side_is_none_that_a_book_has(desk: Desk) -> None:
    assert desk.check.hear(book_frame("snapshot", 5, [], [("100.1", "3")], depth=1)) is Outcome.SNAPSHOT
    assert desk.check.touch == Touch(1005, [], [(1001, 3000)])
    assert not desk.agrees()


def test_a_touch_that_is_ahead_waits_for_the_book(desk: Desk) -> None:
    desk.touch(6, ("99.9", "2"))
    assert desk.agrees()
    assert desk.check.is_waiting
    desk.book.apply(book_frame("delta", 6, [("100.0", "2")], []), 2, 2)
    assert not desk.agrees()
    assert not desk.check.is_waiting


def test_frames_that_are_no_use_leave_book_and_touch_where_they_were(desk: Desk) -> None:
    desk.touch(5)
    before = desk.check.touch, desk.book.touch
    desk.book.apply(book_frame("delta", 6, [("100.0", "x")], []), 2, 2)
    for frame in (book_frame("delta", 7, [("100.0", "7")], [], depth=1), b" {"):
        assert desk.check.hear(frame) is Outcome.MALFORMED
    assert (desk.check.touch, desk.book.touch) == before


def test_a_touch_that_is_late_says_nothing(desk: Desk) -> None:
    desk.touch(4, ("50.0", "9"))
    assert desk.agrees()
    assert not desk.check.is_waiting


def test_a_void_book_cannot_disagree(desk: Desk) -> None:
    desk.book.void(1, 2, 2)
    desk.touch(5, ("50.0", "9"))
    assert desk.agrees()


def test_what_is_no_touch_is_said_to_be_none(desk: Desk) -> None:
    assert desk.check.hear(b"{") is Outcome.MALFORMED
    assert desk.check.hear(book_frame("delta", 5, [("100.0", "1")], [], depth=1)) is Outcome.MALFORMED
    assert desk.check.hear(book_frame("snapshot", 5, [("100.0", "1")], [], depth=50)) is Outcome.WRONG_SYMBOL
    assert desk.touch(5, ("100.05", "1")) is Outcome.OFF_GRID


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_both_kernels_make_the_same_of_whatever_comes(seed: int) -> None:
    rng, desks = random.Random(seed), [Desk(kind) for kind in KINDS]
    for _ in range(400):
        bids, asks = ([(price, rng.choice("12"))] * rng.randint(0, 1) for price in ("100.0", "100.1"))
        frame = book_frame(rng.choice(("snapshot", "snapshot", "delta")), rng.randint(4, 6), bids, asks, depth=1)
        frame = mutated(rng, frame, frame) if rng.random() < 0.5 else frame
        heard = [(desk.check.hear(frame), desk.check.touch, desk.agrees(), desk.check.is_waiting) for desk in desks]
        assert heard[0] == heard[-1], f"{heard}: {frame!r}"
