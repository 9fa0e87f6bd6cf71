"""Two lines with the same stream: each update is let through once, whichever line is ahead."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.arbiter import Arbiter, update_id
from tests.market_data import book_frame


def frame(u: int, kind: str = "delta") -> bytes:
    return book_frame(kind, u, [("100.0", "1")], [("100.1", "1")])


def heard(arbiter: Arbiter, line: int, u: int, kind: str = "delta") -> bool:
    first = arbiter.is_first(line, frame(u, kind))
    if first:
        arbiter.took()
    return first


def joined() -> Arbiter:
    arbiter = Arbiter()
    for line in (0, 1):
        arbiter.join(line)
    return arbiter


def test_the_second_copy_is_not_heard_whichever_line_it_comes_on() -> None:
    arbiter = joined()
    assert [heard(arbiter, 0, 5, "snapshot"), heard(arbiter, 1, 5, "snapshot")] == [True, False]
    assert [heard(arbiter, 1, 6), heard(arbiter, 0, 6), heard(arbiter, 0, 7), heard(arbiter, 1, 7)] == [
        True,
        False,
        True,
        False,
    ]


def test_a_restart_of_the_push_service_behind_one_line_begins_a_new_era() -> None:
    arbiter = joined()
    heard(arbiter, 0, 900, "snapshot")
    heard(arbiter, 1, 900, "snapshot")
    assert heard(arbiter, 0, 1, "snapshot")
    assert not heard(arbiter, 1, 901)  # Of the era before.
    assert not heard(arbiter, 1, 1, "snapshot")
    assert [heard(arbiter, 1, 2), heard(arbiter, 0, 2)] == [True, False]


def test_a_line_that_comes_back_takes_part_in_the_present_era() -> None:
    arbiter = joined()
    heard(arbiter, 0, 900, "snapshot")
    heard(arbiter, 1, 900, "snapshot")
    heard(arbiter, 0, 1, "snapshot")
    heard(arbiter, 0, 2)
    arbiter.join(1)
    assert [heard(arbiter, 1, 2, "snapshot"), heard(arbiter, 1, 3)] == [False, True]


def test_after_the_book_was_void_any_snapshot_is_welcome() -> None:
    arbiter = joined()
    heard(arbiter, 0, 900, "snapshot")
    arbiter.reset()
    arbiter.join(0)
    assert heard(arbiter, 0, 900, "snapshot")


def test_frames_that_did_not_get_into_the_book_hold_no_later_snapshot_back() -> None:
    arbiter = joined()
    assert arbiter.is_first(1, frame(950))  # A delta without a book to put it on.
    assert heard(arbiter, 0, 940, "snapshot")


@given(st.integers(0, 2**32))
def test_the_book_hears_every_update_once_and_in_order_however_the_lines_mix(seed: int) -> None:
    rng, arbiter, at = random.Random(seed), joined(), [1, 1]
    got: list[int] = []
    while min(at) <= 60:
        line = rng.choice([number for number in (0, 1) if at[number] <= 60])
        if heard(arbiter, line, at[line], "snapshot" if at[line] == 1 else "delta"):
            got.append(at[line])
        at[line] += 1
    assert got == list(range(1, 61))


@pytest.mark.parametrize(
    ("data", "u"),
    [
        (frame(7), 7),
        (b"", -1),
        (b'{"u":}', -1),
        (b'{"u":12', 12),
        (b'{"u":1234567890123456789}', -1),
        (b"\xff" * 9, -1),
    ],
)
def test_update_ids_are_found_and_rubbish_is_left_to_the_kernel(data: bytes, u: int) -> None:
    assert update_id(data) == u
    assert u >= 0 or Arbiter().is_first(0, data)
