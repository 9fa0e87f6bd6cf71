"""ZeroMQ between processes; the only module that imports zmq.

Two kinds of wire. Facts (universe, decisions, order news) go over PUB/SUB, which may drop, so each frame carries its
sender's epoch and sequence and a gap is counted. Wishes and commands (intents, pause, flatten) go DEALER/ROUTER with
acknowledgement, retry and dedup: never lost silently, never done twice, dead after their deadline.

Frames of either: type name, header, payload. Header (msgpack array): schema, sender, epoch, sequence, fleet time.

Wishes of an EXPRESS type are first tried as a datagram (`post.py`), and so are their acknowledgements: that is faster.
What is not acknowledged in time goes over ZeroMQ like all the others. A fact of such a type may be a poke: a datagram
to the one process that waits for it, without acknowledgement or count.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import zmq

from shared.clock import NS_PER_MS, Clock
from shared.fleet import Counters
from shared.messages import SCHEMA, Ack, Message, ProtocolError, decode, encode
from shared.post import PATH_MAX, Post

HIGH_WATER_MARK = 10_000
FRAME_BYTES_MAX = 4 << 20
LINGER_MS = 100
RETRY_NS = 100 * NS_PER_MS
PENDING_MAX = 64
REMEMBERED_MAX = 4_096


class Header(NamedTuple):
    """Who sent a frame, and which one of his frames it is."""

    schema: int
    sender: str
    epoch: int
    seq: int
    sent_ns: int


_header_decoder = msgspec.msgpack.Decoder(Header)
_header_encoder = msgspec.msgpack.Encoder()


def frames(message: Message, header: Header) -> list[bytes]:
    """Return the three frames of ``message``."""
    return [type(message).__name__.encode(), _header_encoder.encode(header), encode(message)]


def unframe(parts: list[bytes]) -> tuple[Header, Message]:
    """Return header and message. Raises ProtocolError when they make no sense or speak another schema."""
    if len(parts) != 3 or sum(map(len, parts)) > FRAME_BYTES_MAX:
        raise ProtocolError(f"a bus message has 3 frames, got {len(parts)}")
    try:
        header = _header_decoder.decode(parts[1])
    except msgspec.DecodeError as error:
        raise ProtocolError(f"bus header: {error}") from error
    if header.schema != SCHEMA:
        raise ProtocolError(f"schema {header.schema} of {header.sender}, this program speaks {SCHEMA}")
    return header, decode(parts[0].decode("ascii", "replace"), parts[2])


class Losses:
    """Counts what PUB/SUB dropped: one sequence per sender and type, restarted with the sender's epoch."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, bytes], tuple[int, int]] = {}

    def hear(self, kind: bytes, header: Header) -> int | None:
        """Return how many were missed before this one; None for one heard before or of an old epoch."""
        key = (header.sender, kind)
        epoch, seq = self._last.get(key, (header.epoch, header.seq - 1))
        if header.epoch < epoch or (header.epoch == epoch and header.seq <= seq):
            return None
        self._last[key] = (header.epoch, header.seq)
        return header.seq - seq - 1 if header.epoch == epoch else 0


class Once:
    """Remembers which (sender, epoch, sequence) were taken, so that a retry is done once."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, int, int], None] = OrderedDict()

    def first_time(self, header: Header) -> bool:
        """Return whether this message was not taken before."""
        key = (header.sender, header.epoch, header.seq)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)
        return True


def endpoint(run_dir: Path, name: str, kind: str) -> str:
    """Return the ipc address of ``name``'s socket. Raises ValueError when the path is too long for the kernel."""
    path = str(run_dir / f"{name}.{kind}")
    if len(path) > PATH_MAX:
        raise ValueError(f"socket path has {len(path)} characters, at most {PATH_MAX} work: {path}")
    return f"ipc://{path}"


def _descriptor(socket: zmq.Socket[bytes]) -> int:
    return int(socket.getsockopt(zmq.FD))


class Bus:
    """One process's ends. Bound sockets are guarded by a file lock: a second binder would steal all connections."""

    def __init__(self, name: str, epoch: int, run_dir: Path, clock: Clock, counters: Counters) -> None:
        self._name, self._epoch, self._run_dir = name, epoch, run_dir
        self._clock, self._counters = clock, counters
        self._context = zmq.Context()
        self._lock_fd = os.open(run_dir / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._pub = self._socket(zmq.PUB)
        self._pub.bind(endpoint(run_dir, name, "pub"))
        self._seq = 0
        self._published: dict[type[Message], int] = {}
        self._senders: dict[str, Sender] = {}
        self._readers: list[tuple[zmq.Socket[bytes], Callable[[], None]]] = []
        self._losses, self._once = Losses(), Once()
        self._post = Post(run_dir, name)
        self._has_post = False  # Whether the loop waits on it.
        self._hear_wish: Callable[[Message], None] | None = None
        self._hear_facts: dict[type[Message], Callable[[Message], None]] = {}

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.SNDHWM, HIGH_WATER_MARK)
        socket.set(zmq.RCVHWM, HIGH_WATER_MARK)
        return socket

    def _header(self) -> Header:
        self._seq += 1
        return Header(SCHEMA, self._name, self._epoch, self._seq, self._clock.now())

    def publish(self, message: Message) -> None:
        """Tell whoever listens. May be lost, never blocks. Counted per type, so a subscriber to few sees its loss."""
        seq = self._published[type(message)] = self._published.get(type(message), 0) + 1
        header = Header(SCHEMA, self._name, self._epoch, seq, self._clock.now())
        try:
            self._pub.send_multipart(frames(message, header), zmq.NOBLOCK)
        except zmq.Again:
            self._counters.add("bus_dropped")

    def poke(self, peer: str, message: Message) -> None:
        """Tell one process alone, as a datagram; publish it, if that finds no socket or no room."""
        header = Header(SCHEMA, self._name, self._epoch, 0, self._clock.now())
        if not self._post.send(peer, frames(message, header)):
            self.publish(message)

    def subscribe(self, peers: Iterable[str], kinds: Iterable[type[Message]], hear: Callable[[Message], None]) -> None:
        """Hear ``kinds`` of facts from ``peers``."""
        socket = self._socket(zmq.SUB)
        for peer in peers:
            socket.connect(endpoint(self._run_dir, peer, "pub"))
        for kind in kinds:
            socket.subscribe(kind.__name__.encode())
            if kind.EXPRESS:
                self._hear_facts[kind] = hear
                self._attend()
        wanted = {kind.__name__.encode() for kind in kinds}

        def take(parts: list[bytes]) -> None:
            if parts[0] not in wanted:  # ZeroMQ matches by prefix.
                return
            header, message = unframe(parts)
            missed = self._losses.hear(parts[0], header)
            if missed is None:
                return
            self._counters.add("bus_lost", missed)
            hear(message)

        self._listen(socket, take)

    def accept(self, hear: Callable[[Message], None]) -> None:
        """Take wishes and commands: acknowledged always, heard once."""
        socket = self._socket(zmq.ROUTER)
        socket.bind(endpoint(self._run_dir, self._name, "cmd"))

        def take(parts: list[bytes]) -> None:
            header, message = unframe(parts[1:])
            ack = Ack(header.sender, header.epoch, header.seq)
            if self._once.first_time(header):
                hear(message)
            try:
                socket.send_multipart([parts[0], *frames(ack, self._header())], zmq.NOBLOCK)
            except zmq.ZMQError:
                self._counters.add("bus_dropped")

        self._listen(socket, take)
        self._hear_wish = hear
        self._attend()

    def send(self, peer: str, message: Message, expires_ns: int) -> bool:
        """Send a wish or command to ``peer``, again until acknowledged or expired. False when too many wait."""
        sender = self._senders.get(peer)
        if sender is None:
            socket = self._socket(zmq.DEALER)
            socket.connect(endpoint(self._run_dir, peer, "cmd"))
            sender = self._senders[peer] = Sender(socket, lambda parts: self._post.send(peer, parts))
            self._listen(socket, sender.take)
            self._attend()
        return sender.send(message, self._header(), expires_ns)

    def _attend(self) -> None:
        """Wait for datagrams, too."""
        if not self._has_post:
            self._has_post = True
            asyncio.get_running_loop().add_reader(self._post.fileno(), self._collect)

    def _collect(self) -> None:
        for parts, path in self._post.take():
            try:
                self._deliver(*unframe(parts), path)
            except ProtocolError:
                self._counters.add("malformed")

    def _deliver(self, header: Header, message: Message, path: str) -> None:
        """Take a wish that came as a datagram, or the acknowledgement of one that left like that."""
        if isinstance(message, Ack):
            sender = self._senders.get(header.sender)
            if sender is not None and (message.sender, message.epoch) == (self._name, self._epoch):
                sender.acknowledged(message.seq)
        elif (hear := self._hear_facts.get(type(message))) is not None:
            hear(message)
        elif self._hear_wish is not None:
            if self._once.first_time(header):
                self._hear_wish(message)
            self._post.answer(path, frames(Ack(header.sender, header.epoch, header.seq), self._header()))

    def retry(self, now: int) -> None:
        """Resend what was not acknowledged; forget what has expired. Call on every tick."""
        for sender in self._senders.values():
            sender.retry(now)
        for _, drain in self._readers:  # ZeroMQ's descriptor is edge-triggered: never rely on it alone.
            drain()

    def _listen(self, socket: zmq.Socket[bytes], take: Callable[[list[bytes]], None]) -> None:
        def drain() -> None:
            while True:
                try:
                    parts = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    return
                try:
                    take(parts)
                except ProtocolError:
                    self._counters.add("malformed")

        asyncio.get_running_loop().add_reader(_descriptor(socket), drain)
        self._readers.append((socket, drain))
        drain()

    def close(self) -> None:
        """Close all sockets; last words have LINGER_MS to leave."""
        loop = asyncio.get_running_loop()
        for socket, _ in self._readers:
            loop.remove_reader(_descriptor(socket))
        if self._has_post:
            loop.remove_reader(self._post.fileno())
        self._post.close()
        self._context.destroy(linger=LINGER_MS)
        os.close(self._lock_fd)


class Sender:
    """The sending end of one wish-and-command wire."""

    def __init__(self, socket: zmq.Socket[bytes], express: Callable[[list[bytes]], bool] | None = None) -> None:
        self._socket, self._express = socket, express
        self._pending: dict[int, tuple[list[bytes], int, int]] = {}  # seq -> frames, resend at, expires

    def send(self, message: Message, header: Header, expires_ns: int) -> bool:
        """Send once now and remember it."""
        if len(self._pending) >= PENDING_MAX:
            return False
        parts = frames(message, header)
        self._pending[header.seq] = (parts, header.sent_ns + RETRY_NS, expires_ns)
        if not (message.EXPRESS and self._express is not None and self._express(parts)):
            self._put(parts)
        return True

    def retry(self, now: int) -> None:
        """Send again what is due; drop what is too old to be wanted."""
        for seq, (parts, due_ns, expires_ns) in list(self._pending.items()):
            if now >= expires_ns:
                del self._pending[seq]
            elif now >= due_ns:
                self._pending[seq] = (parts, now + RETRY_NS, expires_ns)
                self._put(parts)

    def take(self, parts: list[bytes]) -> None:
        """Hear an acknowledgement."""
        _, message = unframe(parts)
        if isinstance(message, Ack):
            self.acknowledged(message.seq)

    def acknowledged(self, seq: int) -> None:
        """Forget what has arrived."""
        self._pending.pop(seq, None)

    def _put(self, parts: list[bytes]) -> None:
        with suppress(zmq.Again):  # Stays pending: the next retry sends it.
            self._socket.send_multipart(parts, zmq.NOBLOCK)
