"""When the venue is asked for its time, and what is made of the answers."""

from __future__ import annotations

import pytest

from services.scanner.venue_clock import BURST, BURST_NS, VenueClock
from services.scanner.wire import RequestTime
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import ClockOffset, ProtocolError

NOW = 1_790_000_000 * NS_PER_S


def answer(at_ns: int) -> bytes:
    return b'{"retCode":0,"retMsg":"OK","result":{"timeNano":"%d"}}' % at_ns


def test_a_burst_comes_first_and_then_one_question_at_a_time() -> None:
    clock = VenueClock(10 * NS_PER_S)
    asked = [number for number in range(400) if clock.tick(NOW + number * 50 * NS_PER_MS)]
    apart = BURST_NS // (50 * NS_PER_MS)
    assert asked[:BURST] == [number * apart for number in range(BURST)]
    assert asked[BURST] - asked[BURST - 1] == 200
    assert VenueClock(10 * NS_PER_S).tick(NOW) == [RequestTime(1)]


def test_it_can_be_switched_off() -> None:
    assert VenueClock(0).tick(NOW) == []


def test_answers_become_an_offset() -> None:
    clock = VenueClock(10 * NS_PER_S)
    said = clock.hear(answer(NOW + 50 * NS_PER_MS), NOW, NOW + 20 * NS_PER_MS)
    assert said == [ClockOffset(40 * NS_PER_MS, 10 * NS_PER_MS, NOW + 20 * NS_PER_MS)]
    assert clock.hear(answer(NOW), NOW + NS_PER_S, NOW) == []
    with pytest.raises(ProtocolError):
        clock.hear(b"{}", NOW, NOW)
