"""One datagram socket a process: for what is in a hurry, and may go another way should this one be closed.

A message through ZeroMQ wakes three threads one after the other: its sender's, its receiver's, and the receiver's
loop. On a machine at rest each of them has to be fetched out of sleep, which takes longer than everything else on the
way. A datagram wakes the loop alone.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

PATH_MAX = 107
BYTES_MAX = 64 << 10
TAKEN_MAX = 256  # In one turn: the loop has other readers.

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode


class Post:
    """The socket of ``name``. Whoever binds holds the process's lock: a socket left by a killed one is nobody's."""

    def __init__(self, run_dir: Path, name: str) -> None:
        self._run_dir = run_dir
        self._path = run_dir / f"{name}.post"
        if len(str(self._path)) > PATH_MAX:
            raise ValueError(f"socket path has {len(str(self._path))} characters, at most {PATH_MAX} work")
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._socket.bind(str(self._path))
        self._peers: dict[str, str] = {}

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def send(self, peer: str, parts: list[bytes]) -> bool:
        """Put a message into the queue of process ``peer``; False when there is none, or no room in it."""
        path = self._peers.get(peer)
        if path is None:
            path = self._peers[peer] = str(self._run_dir / f"{peer}.post")
        return self.answer(path, parts)

    def answer(self, path: str, parts: list[bytes]) -> bool:
        """Do the same for whoever has bound ``path``."""
        try:
            self._socket.sendto(_encode(parts), path)
        except OSError:
            return False
        return True

    def take(self) -> Iterator[tuple[list[bytes], str]]:
        """Yield what has come and where an answer to it goes; nonsense comes as no parts at all."""
        for _ in range(TAKEN_MAX):
            try:
                data, path = self._socket.recvfrom(BYTES_MAX)
            except BlockingIOError:
                return
            try:
                yield _decode(data), path or ""
            except msgspec.DecodeError:
                yield [], ""

    def close(self) -> None:
        """Let go of the address."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
