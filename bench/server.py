"""A public WebSocket of the venue's shape on raw sockets: frames are built beforehand, sending costs nothing."""

from __future__ import annotations

import base64
import hashlib
import re
import selectors
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"sec-websocket-key:\s*(\S+)", re.IGNORECASE)
SEND_BUFFER_BYTES = 4 << 20
PONG = b'{"success":true,"ret_msg":"pong","conn_id":"","req_id":"ping","op":"ping"}'


def framed(payload: bytes) -> bytes:
    """Return one text frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


class Client:
    """One connection: its topics, and what it has not been sent yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.topics: set[str] = set()
        self.is_open = False  # The handshake is done.
        self.inbox, self.outbox = bytearray(), bytearray()

    def send(self, data: bytes | memoryview) -> None:
        """Send as much as goes; keep the rest."""
        if self.outbox:
            self.outbox += data
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # Its end is seen by the next read.
        if sent < len(data):
            self.outbox += memoryview(data)[sent:]

    def flush(self) -> None:
        """Go on with what was left."""
        if self.outbox:
            rest, self.outbox = bytes(self.outbox), bytearray()
            self.send(rest)


class FrameServer:
    """``subscribed`` is told every new (client, topic) and returns the payloads that answer it; ``gone`` every topic
    that was let go. ``hear`` answers whatever is neither a ping nor about topics.
    """

    def __init__(
        self,
        subscribed: Callable[[Client, str], list[bytes]] = lambda _, __: [],
        gone: Callable[[Client, str], None] = lambda _, __: None,
        hear: Callable[[Client, dict[str, Any]], bytes] = lambda _, __: b"",
    ) -> None:
        self._subscribed, self._gone, self._other = subscribed, gone, hear
        self.read_ns = 0  # When the bytes that are heard now were there, CLOCK_MONOTONIC.
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.port: int = self._listener.getsockname()[1]
        self.clients: list[Client] = []
        self.accepted = 0

    def poll(self, timeout_s: float = 0.0) -> None:
        """Take what clients say and send what they were left owing."""
        for key, _ in self._selector.select(timeout_s):
            if key.data is None:
                self._accept()
            else:
                self._read(key.data)
        for client in self.clients:
            client.flush()

    def topics(self) -> dict[str, Client]:
        """Return who has subscribed what."""
        return {topic: client for client in self.clients for topic in client.topics}

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        client = Client(sock)
        self.clients.append(client)
        self.accepted += 1
        self._selector.register(sock, selectors.EVENT_READ, client)

    def _read(self, client: Client) -> None:
        try:
            data = client.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.read_ns = time.monotonic_ns()
        if not data:
            self._drop(client)
            return
        client.inbox += data
        if not client.is_open:
            self._shake_hands(client)
        if client.is_open:
            for text in _messages(client.inbox):
                self._hear(client, text)

    def _drop(self, client: Client) -> None:
        self._selector.unregister(client.sock)
        client.sock.close()
        self.clients.remove(client)
        for topic in client.topics:
            self._gone(client, topic)

    def _shake_hands(self, client: Client) -> None:
        head, end, rest = bytes(client.inbox).partition(b"\r\n\r\n")
        key = _KEY.search(head)
        if not end or key is None:
            return
        accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
        client.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        client.inbox, client.is_open = bytearray(rest), True

    def _hear(self, client: Client, text: bytes) -> None:
        with suppress(orjson.JSONDecodeError):
            asked = orjson.loads(text)
            operation, topics = asked.get("op"), asked.get("args", [])
            if operation == "ping":
                client.send(framed(PONG))
            elif operation == "subscribe":
                client.topics.update(topics)
                answers = [answer for topic in topics for answer in self._subscribed(client, topic)]
                client.send(b"".join(map(framed, answers)))
            elif operation == "unsubscribe":
                for topic in topics:
                    client.topics.discard(topic)
                    self._gone(client, topic)
            elif answer := self._other(client, asked):
                client.send(framed(answer))


def _messages(inbox: bytearray) -> list[bytes]:
    """Take every whole masked frame out of ``inbox``; return the texts."""
    texts = []
    while len(inbox) >= 6:
        size, at = inbox[1] & 127, 2
        if size == 126:
            size, at = int.from_bytes(inbox[2:4], "big"), 4
        elif size == 127:
            if len(inbox) < 14:
                break
            size, at = int.from_bytes(inbox[2:10], "big"), 10
        if len(inbox) < at + 4 + size:
            break
        mask = bytes(inbox[at : at + 4]) * (size // 4 + 1)
        body = int.from_bytes(inbox[at + 4 : at + 4 + size], "big") ^ int.from_bytes(mask[:size], "big")
        if inbox[0] & 15 == 1:
            texts.append(body.to_bytes(size, "big"))
        del inbox[: at + 4 + size]
    return texts
