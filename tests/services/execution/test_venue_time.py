"""Requests carry the venue's time as far as it is known, and never a time that may lie ahead of it."""

from __future__ import annotations

from services.execution.venue_time import stamp_ms
from shared.offset import Offset

MS = 1_000_000
NOW = 1_790_000_000_000 * MS


def test_a_known_difference_of_the_clocks_is_corrected() -> None:
    assert stamp_ms(NOW, Offset(-3_000 * MS, 2 * MS, NOW)) == 1_790_000_000_000 - 3_000 - 2
    assert stamp_ms(NOW, Offset(3_000 * MS, 2 * MS, NOW)) == 1_790_000_000_000 + 3_000 - 2


def test_an_unknown_or_vague_difference_corrects_nothing() -> None:
    assert stamp_ms(NOW, None) == 1_790_000_000_000
    assert stamp_ms(NOW, Offset(9_000 * MS, 501 * MS, NOW)) == 1_790_000_000_000


def test_with_time_a_difference_becomes_vague() -> None:
    measured = Offset(100 * MS, MS, NOW)
    hour = 3_600_000 * MS
    assert stamp_ms(NOW + hour, measured) == 1_790_000_000_000 + 3_600_000 + 100 - 181
    assert stamp_ms(NOW + 4 * hour, measured) == 1_790_000_000_000 + 4 * 3_600_000
