"""How often a client may come: per endpoint and account, per address, and per new connection, in rolling windows."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

SECOND_MS = 1_000
ADDRESSES_MAX = 10_000  # Windows kept for that many addresses; the one that was quiet longest goes first.


class Limits(NamedTuple):
    """The venue's numbers for an ordinary account; an exchange may be run with others."""

    order_per_s: int = 10  # create, amend, cancel, cancel-all and each batch endpoint, counted apart
    ip_requests: int = 600  # HTTP requests of one address ...
    ip_window_ms: int = 5_000  # ... in this time;
    ip_ban_ms: int = 600_000  # who breaks it is shut out for this long.
    connections: int = 500  # New WebSocket connections of one address to one path ...
    connections_window_ms: int = 300_000  # ... in this time.
    connections_open: int = 1_000  # Market-data connections that one address may hold.
    trade_requests_per_s: int = 3_000  # On the order-entry sockets of one address.


class Grant(NamedTuple):
    """What a request got: units granted of those it asked for, what is left, and when there is more (ms)."""

    units: int
    remaining: int
    reset_ms: int


class Window:
    """Units taken in the last ``length_ms``, at most ``most``."""

    __slots__ = ("_length_ms", "_most", "_seen", "_taken")

    def __init__(self, most: int, length_ms: int) -> None:
        self._most, self._length_ms = most, length_ms
        self._seen: deque[tuple[int, int]] = deque()  # (when, units)
        self._taken = 0

    def take(self, now_ms: int, units: int = 1) -> Grant:
        """Take up to ``units``. The reset is now unless nothing more can be taken at once."""
        seen = self._seen
        while seen and seen[0][0] <= now_ms - self._length_ms:
            self._taken -= seen.popleft()[1]
        granted = min(units, self._most - self._taken)
        if granted:
            seen.append((now_ms, granted))
            self._taken += granted
        reset_ms = now_ms if granted == units or not seen else seen[0][0] + self._length_ms
        return Grant(granted, self._most - self._taken, reset_ms)


class AccountLimits:
    """The account's budgets: one per endpoint, whichever door the request comes through."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def take(self, path: str, per_second: int, now_ms: int, units: int = 1) -> Grant:
        """Take up to ``units`` of the endpoint's budget of this second."""
        window = self._windows.get(path)
        if window is None:
            window = self._windows[path] = Window(per_second, SECOND_MS)
        return window.take(now_ms, units)


class AddressLimits:
    """One window per address (or whatever the key is); who breaks it stays out for ``ban_ms``."""

    def __init__(self, most: int, window_ms: int, ban_ms: int = 0) -> None:
        self._most, self._window_ms, self._ban_ms = most, window_ms, ban_ms
        self._windows: dict[str, Window] = {}
        self._banned_ms: dict[str, int] = {}  # Until when.

    def admit(self, address: str, now_ms: int) -> bool:
        """Count one visit; False if it is one too many."""
        if now_ms < self._banned_ms.get(address, 0):
            return False
        self._banned_ms.pop(address, None)
        window = self._windows.pop(address, None) or Window(self._most, self._window_ms)
        self._windows[address] = window
        if len(self._windows) > ADDRESSES_MAX:
            del self._windows[next(iter(self._windows))]
        if window.take(now_ms).units:
            return True
        if self._ban_ms:
            self._banned_ms[address] = now_ms + self._ban_ms
        return False


def limit_headers(per_second: int, grant: Grant) -> tuple[tuple[str, str], ...]:
    """Return the headers in which every answer about the account tells its budget."""
    return (
        ("X-Bapi-Limit", str(per_second)),
        ("X-Bapi-Limit-Status", str(grant.remaining)),
        ("X-Bapi-Limit-Reset-Timestamp", str(grant.reset_ms)),
    )
