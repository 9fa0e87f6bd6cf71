"""What goes out on the socket, and that everything fits a journal."""

from __future__ import annotations

import orjson
import pytest

from services.ingest.wire import Connected, Disconnected, Frames, PingFeed, Subscribe, Unsubscribe, text_of
from shared.messages import Message, decode, encode


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (PingFeed(0), {"req_id": "ping", "op": "ping"}),
        (Subscribe(0, "A/1", ("x", "y")), {"req_id": "A/1", "op": "subscribe", "args": ["x", "y"]}),
        (Unsubscribe(0, "A/2", ("x",)), {"req_id": "A/2", "op": "unsubscribe", "args": ["x"]}),
    ],
)
def test_requests_look_like_this(message: PingFeed | Subscribe | Unsubscribe, text: dict[str, object]) -> None:
    assert orjson.loads(text_of(message)) == text


@pytest.mark.parametrize("message", [Frames(1, (b"\x00\xff", b"")), Connected(0), Disconnected(0, "gone")])
def test_what_the_core_hears_survives_a_journal(message: Message) -> None:
    assert decode(type(message).__name__, encode(message)) == message
