"""A WebSocket client in callbacks: one copy per frame, and nothing decided here (when to reconnect is the caller's)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import picows
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

OPEN_S = 5.0  # For name, TCP and TLS together with the handshake.
FRAME_BYTES_MAX = 4 << 20


class ConnectError(OSError):
    """The connection could not be opened; the text says why."""


class Socket(WSListener):
    """One connection. ``on_frame`` gets every whole text or binary message; ``on_disconnect`` is called once."""

    def __init__(self, on_frame: Callable[[bytes], None], on_disconnect: Callable[[str], None]) -> None:
        self._on_frame, self._on_disconnect = on_frame, on_disconnect
        self._transport: WSTransport | None = None
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

    # --- what picows tells ----------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame; a message cut into several is put together first."""
        if self._closing:
            return
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            self._reason = f"closed by the venue: {frame.get_close_code()} {frame.get_close_reason() or ''}".strip()
            transport.disconnect(graceful=False)
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            data = frame.get_payload_as_bytes()
            if not frame.fin or self._parts:
                data = self._joined(data, frame.fin)
            if data:
                self._hand_over(data)

    def _joined(self, data: bytes, is_last: bool) -> bytes:
        """Keep a part; return the message when it is whole, nothing before."""
        self._parts.append(data)
        if sum(map(len, self._parts)) > FRAME_BYTES_MAX:
            self.close("message too long")
        if not is_last or self._closing:
            return b""
        whole = b"".join(self._parts)
        self._parts = []
        return whole

    def _hand_over(self, data: bytes) -> None:
        """A bug in the owner's code must not be taken for a bad frame: it goes where all bugs of the loop go."""
        try:
            self._on_frame(data)
        except Exception as error:
            context = {"message": "a frame's receiver failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            raise

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection is gone, whoever ended it."""
        self._closing = True
        self._on_disconnect(self._reason or "connection lost")


async def connect(url: str, on_frame: Callable[[bytes], None], on_disconnect: Callable[[str], None]) -> Socket:
    """Open ``url``. Raises ConnectError; ``on_disconnect`` is called only for a socket that was returned."""
    socket = Socket(on_frame, on_disconnect)
    try:
        async with asyncio.timeout(OPEN_S):
            await picows.ws_connect(
                lambda: socket,
                url,
                websocket_handshake_timeout=OPEN_S,
                max_frame_size=FRAME_BYTES_MAX,
                max_redirects=0,
            )
    except (OSError, TimeoutError, picows.WSError) as error:
        raise ConnectError(f"{type(error).__name__} {error}".strip()) from error
    return socket
