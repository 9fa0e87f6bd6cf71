"""Control frames of the private stream."""

from __future__ import annotations

import hashlib
import hmac

import orjson

from shared.bybit.auth import PING, auth_frame, auth_signature, subscribe_frame


def test_the_signature_covers_the_path_and_the_expiry_only() -> None:
    wanted = hmac.new(b"secret", b"GET/realtime1790000001000", hashlib.sha256).hexdigest()
    assert auth_signature("secret", 1_790_000_001_000) == wanted


def test_frames() -> None:
    auth = orjson.loads(auth_frame("key", "secret", 5))
    assert (auth["op"], auth["args"]) == ("auth", ["key", 5, auth_signature("secret", 5)])
    assert orjson.loads(subscribe_frame(["order", "wallet"]))["args"] == ["order", "wallet"]
    assert orjson.loads(PING) == {"op": "ping"}
