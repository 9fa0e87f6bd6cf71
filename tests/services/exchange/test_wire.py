"""Everything the exchange hears and says can be journalled and read again."""

from __future__ import annotations

import pytest

from services.exchange.wire import (
    HttpReply,
    HttpRequest,
    MarketEnded,
    SocketClosed,
    SocketFrames,
    SocketOpened,
    SocketSend,
    SocketText,
)
from shared.messages import Message, decode, encode

MESSAGES = [
    HttpRequest(1, "GET", "/v5/market/time", "a=\xff", (("x-bapi-sign", "\xe9"),), b"\x00\xff", "127.0.0.1"),
    HttpReply(1, 200, (("content-type", "application/json"),), b"{}"),
    SocketOpened(2, "/v5/private"),
    SocketText(2, b"\xff not text"),
    SocketSend(2, b"{}"),
    SocketFrames(2, (b"{}", b"[]")),
    SocketClosed(2),
    MarketEnded(),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_journal(message: Message) -> None:
    assert decode(type(message).__name__, encode(message)) == message
