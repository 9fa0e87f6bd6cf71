"""Names of intents: short enough to leave an order id room for its leg."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b

INTENT_ID_CHARS_MAX = 24
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def intent_id(run_id: str, epoch: int, counter: int) -> str:
    """Return the id of one intent: the same for the same three, different for any other (runs: to 40 bits)."""
    assert epoch >= 0
    assert counter >= 0
    run = b32encode(blake2b(run_id.encode(), digest_size=5).digest()).decode().lower()
    name = f"{run}-{_base36(epoch)}-{_base36(counter)}"
    assert len(name) <= INTENT_ID_CHARS_MAX, name
    return name


def _base36(value: int) -> str:
    text = ""
    while True:
        value, digit = divmod(value, 36)
        text = _DIGITS[digit] + text
        if not value:
            return text
