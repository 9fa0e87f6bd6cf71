"""Who may speak: Bybit's HMAC signatures over the raw bytes, and its rule about clocks."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from services.exchange.wire import API_KEY, RECV_WINDOW, SIGN, TIMESTAMP, HttpRequest

RECV_WINDOW_MS = 5_000
RECV_WINDOW_MS_MAX = 60_000
AHEAD_MS = 1_000  # A client's clock may run this much ahead, whatever its window.
_DIGITS_MAX = 18


class Refusal(NamedTuple):
    """Why a request is refused: Bybit's code and text."""

    code: int
    text: str
    status: int = 200


def signature(secret: str, text: bytes) -> str:
    """Return the lower-case hex HMAC-SHA256 that Bybit expects for ``text``."""
    return hmac.digest(secret.encode(), text, "sha256").hex()


def whole(text: str) -> int | None:
    """Return a non-negative decimal integer, None for anything else (signs, spaces, other scripts' digits)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None


class Door:
    """Knows the account's one key."""

    def __init__(self, api_key: str, api_secret: str) -> None:
        self._key, self._secret = api_key, api_secret
        self.revoked: Refusal | None = None  # What everybody gets who comes with the key, once it has been taken back.

    def refuse(self, request: HttpRequest, now_ms: int) -> Refusal | None:
        """Return why a signed REST request is refused, None when it may pass."""
        headers = dict(request.headers)
        key, sign, stamp = headers.get(API_KEY, ""), headers.get(SIGN, ""), headers.get(TIMESTAMP, "")
        if not (key and sign and stamp):
            return Refusal(10003, "API key is invalid.", 401)
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            return Refusal(10003, "API key is invalid.")
        if self.revoked is not None:
            return self.revoked
        window = headers.get(RECV_WINDOW, "")
        if (late := refuse_clock(stamp, window, now_ms)) is not None:
            return late
        payload = request.query.encode("latin-1") if request.method == "GET" else request.body
        text = (stamp + key + window).encode("latin-1") + payload
        if not hmac.compare_digest(sign.encode(), signature(self._secret, text).encode()):
            shown = text.decode("utf-8", "replace")
            return Refusal(10004, f"error sign! origin_string[{shown}]")
        return None

    def refuse_socket(self, args: object, now_ms: int) -> str:
        """Return why an auth frame's ``args`` are refused, "" when they are good. Expiry may be a number or text."""
        if not isinstance(args, list) or len(args) != 3:
            return "Params Error"
        key, expires, sign = args
        if isinstance(expires, bool) or not isinstance(expires, (int, str)):
            return "Params Error"
        if not isinstance(key, str) or not isinstance(sign, str):
            return "Params Error"
        expires_ms = whole(str(expires))
        if expires_ms is None:
            return "Params Error"
        if not hmac.compare_digest(key.encode("utf-8", "replace"), self._key.encode()):
            return "API key is invalid."
        if self.revoked is not None:
            return self.revoked.text
        if expires_ms <= now_ms:
            return "expires must be later than the server's time"
        good = signature(self._secret, f"GET/realtime{expires}".encode())
        return "" if hmac.compare_digest(sign.encode("utf-8", "replace"), good.encode()) else "error sign!"


def refuse_clock(stamp: str, window: str, now_ms: int) -> Refusal | None:
    """Apply "server - window <= timestamp < server + 1000 ms"; an empty ``window`` means the default."""
    stamp_ms, window_ms = whole(stamp), whole(window) if window else RECV_WINDOW_MS
    if stamp_ms is None or window_ms is None or window_ms > RECV_WINDOW_MS_MAX:
        fits = False
    else:
        fits = now_ms - window_ms <= stamp_ms < now_ms + AHEAD_MS
    if fits:
        return None
    return Refusal(
        10002,
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window or RECV_WINDOW_MS}]",
    )
