"""WebSocket frames as a server writes them (RFC 6455): text, whole, unmasked."""

from __future__ import annotations

TEXT = 0x81  # The last fragment, of text.
SHORT_MAX, MIDDLE_MAX = 125, 0xFFFF


def text_head(length: int) -> bytes:
    """Return the bytes that go before a text of ``length`` bytes."""
    if length <= SHORT_MAX:
        return bytes((TEXT, length))
    if length <= MIDDLE_MAX:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")
