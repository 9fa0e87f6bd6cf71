"""A WebSocket client in callbacks: one copy per frame, and nothing decided here (when to reconnect is the caller's).

What one read of the socket brought is handed over together: the caller's cost per call is then shared by all of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import picows
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

OPEN_S = 5.0  # For name, TCP and TLS together with the handshake.
FRAME_BYTES_MAX = 4 << 20
BATCH_MAX = 64  # Messages handed over at once: the first of them does not wait long for the last.
READ_BYTES = 64 << 10


OnFrames = Callable[[list[bytes], int], None]


class ConnectError(OSError):
    """The connection could not be opened; the text says why."""


class Socket(WSListener):
    """One connection. ``on_frames`` gets every whole text or binary message, in order, as many as were there at once,
    and when (by ``clock``) the first of them was taken from the read; ``on_disconnect`` is called once.
    """

    def __init__(self, on_frames: OnFrames, on_disconnect: Callable[[str], None], clock: Callable[[], int]) -> None:
        self._on_frames, self._on_disconnect, self._clock = on_frames, on_disconnect, clock
        self._began_ns = 0
        self._transport: WSTransport | None = None
        self._batch: list[bytes] = []
        self._parts: list[bytes] = []
        self._reason = ""
        self._closing = False

    # --- what the owner does --------------------------------------------------------------------------------------

    def send_text(self, text: str | bytes) -> None:
        """Send one message; on a connection that is gone nothing happens (its end is told separately)."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send(WSMsgType.TEXT, text)

    def close(self, reason: str = "closed by us") -> None:
        """Say goodbye without waiting for an answer; no frame comes after this, ``on_disconnect`` still does."""
        self._closing = True
        self._reason = self._reason or reason
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect(graceful=False)

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return self._transport is not None and not self._transport.is_disconnected and not self._closing

    @property
    def is_closing(self) -> bool:
        """Whether it was closed, from here or there."""
        return self._closing

    # --- what picows tells ----------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame; a message cut into several is put together first."""
        if self._closing:
            return
        if not self._batch:
            self._began_ns = self._clock()
        kind = frame.msg_type
        if kind == WSMsgType.TEXT and frame.fin and not self._parts:
            self._batch.append(frame.get_payload_as_bytes())
        elif kind == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            self._hand_over()
            self._reason = f"closed by the venue: {frame.get_close_code()} {frame.get_close_reason() or ''}".strip()
            transport.disconnect(graceful=False)
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._join(frame.get_payload_as_bytes(), frame.fin)
        if frame.last_in_buffer or len(self._batch) >= BATCH_MAX:
            self._hand_over()

    def _join(self, data: bytes, is_last: bool) -> None:
        """Keep a part of a message; with the last one the message is whole."""
        self._parts.append(data)
        if sum(map(len, self._parts)) > FRAME_BYTES_MAX:
            self.close("message too long")
        elif is_last:
            self._batch.append(b"".join(self._parts))
            self._parts = []

    def _hand_over(self) -> None:
        """A bug in the owner's code must not be taken for a bad frame: it goes where all bugs of the loop go."""
        batch, self._batch = self._batch, []
        if not batch or self._closing:
            return
        try:
            self._on_frames(batch, self._began_ns)
        except Exception as error:
            context = {"message": "a frame's receiver failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            raise

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection is gone, whoever ended it."""
        self._hand_over()
        self._closing = True
        self._on_disconnect(self._reason or "connection lost")


async def connect(url: str, on_frame: Callable[[bytes], None], on_disconnect: Callable[[str], None]) -> Socket:
    """Open ``url``; ``on_frame`` gets one message at a time. Otherwise as `connect_batched`."""

    def each(batch: list[bytes], _: int) -> None:
        for data in batch:
            if socket.is_closing:
                return
            on_frame(data)

    socket = Socket(each, on_disconnect, time.monotonic_ns)
    return await _opened(socket, url)


async def connect_batched(
    url: str, on_frames: OnFrames, on_disconnect: Callable[[str], None], clock: Callable[[], int] = time.monotonic_ns
) -> Socket:
    """Open ``url``. Raises ConnectError; ``on_disconnect`` is called only for a socket that was returned."""
    return await _opened(Socket(on_frames, on_disconnect, clock), url)


async def _opened(socket: Socket, url: str) -> Socket:
    try:
        async with asyncio.timeout(OPEN_S):
            await picows.ws_connect(
                lambda: socket,
                url,
                websocket_handshake_timeout=OPEN_S,
                max_frame_size=FRAME_BYTES_MAX,
                max_redirects=0,
                enable_auto_pong=False,  # An answered ping would hide that it was the last frame of its read.
                read_buffer_init_size=READ_BYTES,
            )
    except (OSError, TimeoutError, picows.WSError) as error:
        raise ConnectError(f"{type(error).__name__} {error}".strip()) from error
    return socket
