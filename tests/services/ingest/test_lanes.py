"""Symbols on connections, within what the venue allows on one."""

from __future__ import annotations

import random

from services.ingest.lanes import TOPIC_CHARS_MAX, Lanes


def test_a_full_connection_is_followed_by_another() -> None:
    lanes = Lanes(1)
    took = [lanes.take(f"S{number}", 60) for number in range(550)]
    assert {lines: took.count(lines) for lines in took} == {(0,): 350, (1,): 200}


def test_room_that_was_given_back_is_used_again() -> None:
    lanes = Lanes(1)
    lanes.take("A", TOPIC_CHARS_MAX)
    assert lanes.take("B", 60) == (1,)
    lanes.leave("A")
    assert lanes.take("C", 60) == (0,)


def test_a_redundant_lane_has_two_connections_of_its_own() -> None:
    lanes = Lanes(2)
    assert lanes.take("A", TOPIC_CHARS_MAX) == (0, 1)
    assert lanes.take("B", 60) == (2, 3)


def test_no_connection_ever_carries_more_than_it_may() -> None:
    rng, lanes = random.Random(3), Lanes(1)
    held: dict[str, tuple[int, int]] = {}
    for step in range(3_000):
        if held and rng.random() < 0.4:
            symbol = rng.choice(sorted(held))
            del held[symbol]
            lanes.leave(symbol)
        else:
            chars = rng.randint(40, 120)
            held[f"S{step}"] = lanes.take(f"S{step}", chars)[0], chars
        loads = [sum(chars for line, chars in held.values() if line == one) for one in range(8)]
        assert max(loads) <= TOPIC_CHARS_MAX
