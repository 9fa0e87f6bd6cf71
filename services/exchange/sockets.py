"""WebSocket clients: what they may say (auth, subscribe, unsubscribe, ping) and what each of them listens to.

The public and the private socket answer the same request in different shapes; both are kept here as Bybit has them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from services.exchange.auth import Door
from services.exchange.market import Market

PUBLIC_PATH, PRIVATE_PATH = "/v5/public/linear", "/v5/private"
PATHS = (PUBLIC_PATH, PRIVATE_PATH)
ALL_IN_ONE = ("order", "execution", "position", "wallet")
CATEGORISED = ("order.linear", "execution.linear", "position.linear")
TOPIC_CHARACTERS_MAX = 21_000  # Sum of the lengths of one connection's topics.
_SHOWN_MAX = 100


class Client:
    """One connection."""

    __slots__ = ("authenticated", "conn_id", "private", "topics")

    def __init__(self, private: bool, conn_id: str) -> None:
        self.private, self.conn_id = private, conn_id
        self.authenticated = False
        self.topics: dict[str, None] = {}


class Heard(NamedTuple):
    """The answer to one text of a client, and topics of which it wants the first frame."""

    answer: bytes
    joined: tuple[str, ...] = ()


class Sockets:
    """All connections and their subscriptions."""

    def __init__(self, market: Market, door: Door, salt: str) -> None:
        self._market, self._door, self._salt = market, door, salt
        self._clients: dict[int, Client] = {}
        self._listeners: dict[str, dict[int, None]] = {}  # topic -> connections, in the order in which they came

    # --- who is there ---------------------------------------------------------------------------------------------

    def opened(self, connection: int, path: str) -> None:
        """A client has come."""
        digest = hashlib.blake2b(f"{self._salt}/connection/{connection}".encode(), digest_size=12).hexdigest()
        self._clients[connection] = Client(path == PRIVATE_PATH, digest)

    def closed(self, connection: int) -> None:
        """A client has gone; so have its subscriptions."""
        client = self._clients.pop(connection, None)
        if client is not None:
            for topic in list(client.topics):
                self._leave(connection, client, topic)

    def listeners(self, topic: str) -> Iterable[int]:
        """Return the connections that listen to a topic."""
        return self._listeners.get(topic, ())

    # --- what they say --------------------------------------------------------------------------------------------

    def text(self, connection: int, data: bytes, now_ms: int) -> Heard | None:
        """Answer one text; None from a connection that is gone."""
        client = self._clients.get(connection)
        if client is None:
            return None
        try:
            frame = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            return _refused(client, {}, f"Failed to decode incoming data, err: {str(error)[:_SHOWN_MAX]}")
        if not isinstance(frame, dict):
            return _refused(client, {}, "Failed to decode incoming data, err: not an object")
        op = frame.get("op")
        if op == "ping":
            return Heard(_pong(client, frame, now_ms))
        if op == "auth" and client.private:
            return self._auth(client, frame, now_ms)
        if op in ("subscribe", "unsubscribe"):
            return self._change(connection, client, frame, op)
        return _refused(client, frame, "error:invalid op")

    def _auth(self, client: Client, frame: dict[str, Any], now_ms: int) -> Heard:
        reason = self._door.refuse_socket(frame.get("args"), now_ms)
        client.authenticated = client.authenticated or not reason
        return Heard(_answer(client, frame, reason))

    def _change(self, connection: int, client: Client, frame: dict[str, Any], op: str) -> Heard:
        """Subscribe or unsubscribe: one bad topic refuses the whole request."""
        if client.private and not client.authenticated:
            return _refused(client, frame, "Request not authorized")
        topics = frame.get("args")
        if not isinstance(topics, list) or not topics:
            return _refused(client, frame, "error:request args is empty")
        reason = self._refuse_topics(client, topics, op)
        if reason:
            return _refused(client, frame, reason)
        if op == "unsubscribe":
            for topic in topics:
                self._leave(connection, client, topic)
            return Heard(_answer(client, frame, ""))
        for topic in topics:
            client.topics[topic] = None
            self._listeners.setdefault(topic, {})[connection] = None
            if not client.private:
                self._market.watch(topic)
        return Heard(_answer(client, frame, ""), () if client.private else tuple(topics))

    def _refuse_topics(self, client: Client, topics: list[Any], op: str) -> str:
        """Return why the first bad topic is refused, "" if all are good."""
        wanted: set[str] = set()
        for topic in topics:
            known = isinstance(topic, str) and self._known(client, topic)
            if not known:
                return f"error:handler not found,topic:{_shown(topic)}"
            if op == "subscribe" and (topic in client.topics or topic in wanted):
                return f"error:already subscribed,topic:{topic}"
            wanted.add(topic)
        if op == "unsubscribe":
            return ""
        if client.private and wanted & {*ALL_IN_ONE} - {"wallet"} and wanted & {*CATEGORISED}:
            return "error:all-in-one and categorised topics in one request"
        if sum(map(len, client.topics)) + sum(map(len, wanted)) > TOPIC_CHARACTERS_MAX:
            return f"error:args length exceeds {TOPIC_CHARACTERS_MAX}"
        return ""

    def _known(self, client: Client, topic: str) -> bool:
        return topic in ALL_IN_ONE or topic in CATEGORISED if client.private else self._market.valid_topic(topic)

    def _leave(self, connection: int, client: Client, topic: str) -> None:
        if topic not in client.topics:
            return
        del client.topics[topic]
        del self._listeners[topic][connection]
        if not client.private:
            self._market.unwatch(topic)


def _shown(topic: object) -> str:
    return topic[:_SHOWN_MAX] if isinstance(topic, str) else orjson.dumps(topic).decode()[:_SHOWN_MAX]


def _refused(client: Client, frame: dict[str, Any], reason: str) -> Heard:
    return Heard(_answer(client, frame, reason))


def _answer(client: Client, frame: dict[str, Any], reason: str) -> bytes:
    """The answer to auth, subscribe and unsubscribe, refused where there is a reason. req_id comes back as it is."""
    op = frame.get("op", "")
    if client.private:
        echo = {"req_id": frame["req_id"]} if "req_id" in frame else {}
        return orjson.dumps(
            {**echo, "success": not reason, "ret_msg": reason, "op": op, "conn_id": client.conn_id},
        )
    return orjson.dumps(
        {
            "success": not reason,
            "ret_msg": reason,
            "conn_id": client.conn_id,
            "req_id": frame.get("req_id", ""),
            "op": op,
        }
    )


def _pong(client: Client, frame: dict[str, Any], now_ms: int) -> bytes:
    if client.private:
        echo = {"req_id": frame["req_id"]} if "req_id" in frame else {}
        return orjson.dumps({**echo, "op": "pong", "args": [str(now_ms)], "conn_id": client.conn_id})
    return orjson.dumps(
        {
            "success": True,
            "ret_msg": "pong",
            "conn_id": client.conn_id,
            "req_id": frame.get("req_id", ""),
            "op": "ping",
        }
    )
