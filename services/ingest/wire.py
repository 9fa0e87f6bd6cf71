"""What the ingest core hears from its sockets, and what it wants done with them."""

from __future__ import annotations

import orjson

from shared.messages import Message

# --- in ---------------------------------------------------------------------------------------------------------


class Frames(Message, frozen=True):
    """Text frames of a public connection, byte for byte: those that one read of its socket brought."""

    connection: int
    frames: tuple[bytes, ...]


class Connected(Message, frozen=True):
    """A connection is up: nothing is subscribed on it yet."""

    connection: int


class Disconnected(Message, frozen=True):
    """A connection is gone, or could not be opened."""

    connection: int
    reason: str


# --- out --------------------------------------------------------------------------------------------------------


class OpenFeed(Message, frozen=True):
    """Open this connection (again). Answered by Connected or Disconnected."""

    connection: int


class CloseFeed(Message, frozen=True):
    """Cut this connection: it says nothing any more. Answered by Disconnected."""

    connection: int
    reason: str


class PingFeed(Message, frozen=True):
    """Ask the venue for a sign of life."""

    connection: int


class Subscribe(Message, frozen=True):
    """Ask for topics. The venue refuses all of them if one is bad, so a request names one symbol only."""

    connection: int
    request: str
    topics: tuple[str, ...]


class Unsubscribe(Message, frozen=True):
    """Let go of topics."""

    connection: int
    request: str
    topics: tuple[str, ...]


def text_of(message: PingFeed | Subscribe | Unsubscribe) -> bytes:
    """Return the message as Bybit wants it on the socket."""
    if isinstance(message, PingFeed):
        return orjson.dumps({"req_id": "ping", "op": "ping"})
    op = "subscribe" if isinstance(message, Subscribe) else "unsubscribe"
    return orjson.dumps({"req_id": message.request, "op": op, "args": message.topics})
