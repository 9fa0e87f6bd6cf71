"""WebSocket clients: what they may say (auth, subscribe, unsubscribe, ping, orders) and what each of them listens to.

The sockets answer the same request in different shapes; all of them are kept here as Bybit has them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import orjson

from services.exchange.auth import Door
from services.exchange.desk import NS_PER_MS
from services.exchange.limits import AddressLimits, Limits
from services.exchange.status import TOPIC as STATUS_TOPIC
from services.exchange.trade_socket import TradeSession, TradeSocket

PUBLIC_PATH, PRIVATE_PATH, TRADE_PATH = "/v5/public/linear", "/v5/private", "/v5/trade"
STATUS_PATH = "/v5/public/misc/status"
PATHS = (PUBLIC_PATH, PRIVATE_PATH, TRADE_PATH, STATUS_PATH)
ALL_IN_ONE = ("order", "execution", "execution.fast", "position", "wallet")
CATEGORISED = tuple(
    f"{topic}.{category}"
    for topic in ("order", "execution", "execution.fast", "position")
    for category in ("linear", "inverse", "spot", "option")
)
DCP = ("dcp", "dcp.future", "dcp.spot", "dcp.option")
PRIVATE_TOPICS = frozenset((*ALL_IN_ONE, *CATEGORISED, *DCP))
TOPIC_CHARACTERS_MAX = 21_000  # Sum of the lengths of one connection's topics.
IDLE_MS = 600_000  # A connection on which neither side said anything for so long is cut,
IDLE_CHECK_MS = 30_000  # up to this much later.
_ACTIVE_TIME = re.compile(r"(?:.*&)?max_active_time=([0-9]{1,3})(s|m)(?:&.*)?")
_SHOWN_MAX = 100
REFUSED = 403  # What the venue answers to one connection too many is not documented; HTTP's limit has this code.


class Topics(Protocol):
    """The public topics."""

    def valid_topic(self, topic: str) -> bool:
        """Return whether the topic exists."""

    def watch(self, topic: str) -> None:
        """Count one more subscriber."""

    def unwatch(self, topic: str) -> None:
        """Count one subscriber less."""


class Client:
    """One connection."""

    __slots__ = (
        "authenticated",
        "conn_id",
        "heard_ms",
        "idle_ms",
        "path",
        "private",
        "public",
        "remote",
        "topics",
        "trade",
    )

    def __init__(self, path: str, conn_id: str, remote: str, now_ms: int, idle_ms: int) -> None:
        self.path, self.conn_id, self.remote = path, conn_id, remote
        self.private, self.public = path == PRIVATE_PATH, path == PUBLIC_PATH
        self.trade = TradeSession(conn_id, remote) if path == TRADE_PATH else None
        self.authenticated = False
        self.topics: dict[str, None] = {}
        self.heard_ms, self.idle_ms = now_ms, idle_ms


class Heard(NamedTuple):
    """The answer to one text of a client, and topics of which it wants the first frame."""

    answer: bytes
    joined: tuple[str, ...] = ()


class Sockets:
    """All connections and their subscriptions."""

    def __init__(self, topics: Topics, door: Door, trade: TradeSocket, salt: str, limits: Limits) -> None:
        self._topics, self._door, self._trade, self._salt = topics, door, trade, salt
        self._clients: dict[int, Client] = {}
        self._listeners: dict[str, dict[int, None]] = {}  # topic -> connections, in the order in which they came
        self._visits = AddressLimits(limits.connections, limits.connections_window_ms)
        self._open_max = limits.connections_open
        self._check_ms = 0

    # --- who is there ---------------------------------------------------------------------------------------------

    def opened(self, connection: int, path: str, query: str, remote: str, now_ms: int) -> int:
        """A client wants in: return 0, or the HTTP status with which it is sent away."""
        here = sum(client.remote == remote and client.path == path for client in self._clients.values())
        if not self._visits.admit(remote, now_ms) or (path == PUBLIC_PATH and here >= self._open_max):
            return REFUSED
        digest = hashlib.blake2b(f"{self._salt}/connection/{connection}".encode(), digest_size=12).hexdigest()
        idle_ms = _idle_ms(query) if path in (PRIVATE_PATH, TRADE_PATH) else IDLE_MS
        self._clients[connection] = Client(path, digest, remote, now_ms, idle_ms)
        return 0

    def closed(self, connection: int) -> None:
        """A client has gone; so have its subscriptions."""
        client = self._clients.pop(connection, None)
        if client is not None:
            for topic in list(client.topics):
                self._leave(connection, client, topic)

    def listeners(self, topic: str) -> Iterable[int]:
        """Return the connections that listen to a topic."""
        return self._listeners.get(topic, ())

    def listened(self, topics: Iterable[str]) -> bool:
        """Return whether anybody listens to any of these topics."""
        return not self._listeners.keys().isdisjoint(topics)

    def connections(self) -> list[int]:
        """Return every connection, oldest first."""
        return list(self._clients)

    def silent(self, told_ns: dict[int, int], now_ms: int) -> list[int]:
        """Return the connections on which nothing was said for too long; ``told_ns`` is when each was told last."""
        if now_ms < self._check_ms:
            return []
        self._check_ms = now_ms + IDLE_CHECK_MS
        return [
            connection
            for connection, client in self._clients.items()
            if max(client.heard_ms, told_ns.get(connection, 0) // NS_PER_MS) + client.idle_ms <= now_ms
        ]

    # --- what they say --------------------------------------------------------------------------------------------

    def text(self, connection: int, data: bytes, now: int, clock: int) -> Heard | None:
        """Answer one text; None from a connection that is gone. ``clock`` is what the exchange's own clock tells."""
        client = self._clients.get(connection)
        if client is None:
            return None
        client.heard_ms = now // NS_PER_MS
        if client.trade is not None:
            return Heard(self._trade.text(client.trade, data, now, clock))
        try:
            frame = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            return _refused(client, {}, f"Failed to decode incoming data, err: {str(error)[:_SHOWN_MAX]}")
        if not isinstance(frame, dict):
            return _refused(client, {}, "Failed to decode incoming data, err: not an object")
        op = frame.get("op")
        if op == "ping":
            return Heard(_pong(client, frame, clock // NS_PER_MS))
        if op == "auth" and client.private:
            return self._auth(client, frame, clock // NS_PER_MS)
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
            if client.public:
                self._topics.watch(topic)
        return Heard(_answer(client, frame, ""), tuple(topics) if client.public else ())

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
            # That they must not be mixed is documented, the text is not.
            return "error:all-in-one and categorised topics in one request"
        if not client.private and sum(map(len, client.topics)) + sum(map(len, wanted)) > TOPIC_CHARACTERS_MAX:
            return f"error:args length exceeds {TOPIC_CHARACTERS_MAX}"
        return ""

    def _known(self, client: Client, topic: str) -> bool:
        if client.public:
            return self._topics.valid_topic(topic)
        return topic in PRIVATE_TOPICS if client.private else topic == STATUS_TOPIC

    def _leave(self, connection: int, client: Client, topic: str) -> None:
        if topic not in client.topics:
            return
        del client.topics[topic]
        del self._listeners[topic][connection]
        if not self._listeners[topic]:
            del self._listeners[topic]
        if client.public:
            self._topics.unwatch(topic)


def _idle_ms(query: str) -> int:
    """Return the silence that a client asked to be allowed: 30s to 600s, or whole minutes up to ten."""
    found = _ACTIVE_TIME.fullmatch(query)
    if found is None:
        return IDLE_MS
    asked_ms = int(found[1]) * (1_000 if found[2] == "s" else 60_000)
    return asked_ms if 30_000 <= asked_ms <= IDLE_MS else IDLE_MS


def _shown(topic: object) -> str:
    return topic[:_SHOWN_MAX] if isinstance(topic, str) else orjson.dumps(topic).decode()[:_SHOWN_MAX]


def _refused(client: Client, frame: dict[str, Any], reason: str) -> Heard:
    return Heard(_answer(client, frame, reason))


def _answer(client: Client, frame: dict[str, Any], reason: str) -> bytes:
    """The answer to auth, subscribe and unsubscribe, refused where there is a reason. req_id comes back as it is."""
    op = frame.get("op", "")
    if client.private:
        echo = {"req_id": frame["req_id"]} if "req_id" in frame else {}
        return orjson.dumps({**echo, "success": not reason, "ret_msg": reason, "op": op, "conn_id": client.conn_id})
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
