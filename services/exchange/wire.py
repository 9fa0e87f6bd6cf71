"""What the exchange's core hears from its sockets and tells them, as messages, so that a journal can hold them.

Text that came over the wire is kept byte for byte: every character of ``query`` and of a header stands for one byte
(latin-1), because signatures are made over bytes.
"""

from __future__ import annotations

from typing import ClassVar

from shared.messages import Message


class HttpRequest(Message, frozen=True):
    """One request, as it arrived."""

    request_id: int
    method: str
    path: str  # Without the query.
    query: str  # As on the wire, without the question mark.
    headers: tuple[tuple[str, str], ...]  # Lower-case names; only those in HEADERS.
    body: bytes
    remote: str  # Address of the client.


class HttpReply(Message, frozen=True):
    """The answer to ``request_id``."""

    request_id: int
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class SocketOpened(Message, frozen=True):
    """A WebSocket client wants in on ``path``; unless SocketClose is said at once, it is in."""

    connection: int
    path: str
    query: str = ""  # As on the wire, without the question mark.
    remote: str = "127.0.0.1"  # Address of the client.


class SocketText(Message, frozen=True):
    """A client said something on its WebSocket."""

    connection: int
    data: bytes


class SocketClosed(Message, frozen=True):
    """A WebSocket is gone."""

    connection: int


class SocketSend(Message, frozen=True):
    """One text frame for a client."""

    connection: int
    data: bytes


class SocketFrames(Message, frozen=True):
    """Market data for a client: the text frames of one moment, in order. Most of what an exchange says is this."""

    DIGESTED: ClassVar[bool] = True

    connection: int
    frames: tuple[bytes, ...]


class SocketClose(Message, frozen=True):
    """Cut a client's line. ``status`` is the HTTP answer for one that has not been let in yet, 0 for the others."""

    connection: int
    status: int = 0


class MarketEnded(Message, frozen=True):
    """A recording has been played to its end; said once."""


API_KEY, SIGN, TIMESTAMP, RECV_WINDOW = "x-bapi-api-key", "x-bapi-sign", "x-bapi-timestamp", "x-bapi-recv-window"
HEADERS = frozenset((API_KEY, SIGN, TIMESTAMP, RECV_WINDOW))
