"""A frame's head says how long it is."""

from __future__ import annotations

import pytest

from services.exchange.framing import text_head


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_lengths_have_three_forms(length: int, head: bytes) -> None:
    assert text_head(length) == head
