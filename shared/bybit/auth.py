"""Control frames of Bybit's signed WebSockets."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import orjson

PING = orjson.dumps({"op": "ping"})


def auth_signature(secret: str, expires_ms: int) -> str:
    """Return the hex signature over the one text that the venue lets a socket sign."""
    return hmac.new(secret.encode(), f"GET/realtime{expires_ms}".encode(), hashlib.sha256).hexdigest()


def auth_frame(key: str, secret: str, expires_ms: int, *, name: str = "req_id") -> bytes:
    """Return the frame that logs a socket in. ``expires_ms`` (venue's clock) must lie in the future on arrival.

    ``name`` is what the socket calls the number of a request: ``reqId`` on the one for orders.
    """
    return orjson.dumps({name: "auth", "op": "auth", "args": [key, expires_ms, auth_signature(secret, expires_ms)]})


def subscribe_frame(topics: Sequence[str]) -> bytes:
    """Return the frame that subscribes ``topics``; its answer echoes the request id "subscribe"."""
    return orjson.dumps({"req_id": "subscribe", "op": "subscribe", "args": list(topics)})
