"""The local exchange in the world, and the lines to it: one delay each way, and order kept on every line."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from replay.world.actor import Actor
from replay.world.clock import VirtualClock
from services.exchange.core import ExchangeCore
from services.exchange.keeping import Keep, Recall, Record, Restored
from services.exchange.main import make_core
from services.exchange.wire import (
    HttpReply,
    HttpRequest,
    MarketEnded,
    SocketClose,
    SocketClosed,
    SocketFrames,
    SocketOpened,
    SocketSend,
    SocketText,
)
from shared.clock import NS_PER_MS
from shared.config import Config
from shared.messages import Message, Tick

TICK_NS = 10 * NS_PER_MS
DELAY_NS = (200_000, 900_000)  # One way.

Answered = Callable[[HttpReply], None]
Frames = Callable[[tuple[bytes, ...]], None]
Closed = Callable[[str], None]


class Line:
    """A client's end of one WebSocket."""

    def __init__(self, number: int, on_frames: Frames, on_closed: Closed) -> None:
        self.number, self.on_frames, self.on_closed = number, on_frames, on_closed
        self.is_open = True
        self.in_due_ns = self.out_due_ns = 0  # Nothing arrives before what was said earlier.


class Network:
    """The exchange and everybody's connections to it."""

    def __init__(self, config: Config, clock: VirtualClock, rng: Random, *, tick_ns: int = TICK_NS) -> None:
        self._config, self._clock, self._rng, self._tick_ns = config, clock, rng, tick_ns
        self._asked: dict[int, Answered] = {}
        self._lines: dict[int, Line] = {}
        self._numbers = 0
        self._records: list[Record] = []
        self._alarm_ns = 0
        self._sending: dict[int, list[bytes]] = {}
        self.market_ended = False
        self.epoch = 0
        self._begin()
        clock.every(tick_ns, self._tick)

    def _begin(self) -> None:
        core = make_core(self._config)
        assert isinstance(core, ExchangeCore)
        self.core = core
        self.actor = Actor("exchange", core, self._clock, self._act)
        self.actor.start("world", self.epoch)

    def restart(self) -> None:
        """Kill the exchange and start it again: every line is cut, the account is as it was."""
        self.actor.stop()
        for number in list(self._lines):
            self._lose(number, "the exchange is gone")
        self._asked.clear()
        self.epoch += 1
        self._begin()

    def delay_ns(self) -> int:
        """Return how long the next thing is on its way."""
        low, high = DELAY_NS
        return low + int((high - low) * self._rng.random())

    # --- time ------------------------------------------------------------------------------------------------------

    def feed(self, message: Message) -> None:
        """Tell the exchange something, and have it woken when it next has something to say."""
        self.actor.feed(message)
        if self._sending:
            self._flush()
        due_ns = self.core.next_due_ns()
        now = self._clock.now_ns
        if due_ns is not None and not now < self._alarm_ns <= due_ns and due_ns < now + self._tick_ns:
            self._alarm_ns = max(due_ns, now + 1)
            self._clock.at(self._alarm_ns, self._ring)

    def _tick(self) -> None:
        self.feed(Tick())

    def _ring(self) -> None:
        if self._clock.now_ns == self._alarm_ns:
            self.feed(Tick())

    # --- requests ----------------------------------------------------------------------------------------------------

    def request(self, make: Callable[[int], HttpRequest], answered: Answered) -> None:
        """Send one request; it may never be answered. ``make`` is given its number."""
        self._numbers += 1
        number = self._numbers
        self._asked[number] = answered
        message = make(number)
        self._clock.after(self.delay_ns(), lambda: self.feed(message))

    # --- sockets -----------------------------------------------------------------------------------------------------

    def open(self, path: str, opened: Callable[[Line], None], on_frames: Frames, on_closed: Closed) -> None:
        """Open a WebSocket: ``opened`` or ``on_closed`` is called, and later ``on_closed`` when it is lost."""
        self._numbers += 1
        line = Line(self._numbers, on_frames, on_closed)

        def arrive() -> None:
            self._lines[line.number] = line
            self.feed(SocketOpened(line.number, path))
            if line.number in self._lines:
                self._clock.after(self.delay_ns(), lambda: opened(line))

        self._clock.after(self.delay_ns(), arrive)

    def send(self, line: Line, text: bytes) -> None:
        """Say something on a line."""

        def arrive() -> None:
            if line.number in self._lines:
                self.feed(SocketText(line.number, text))

        line.out_due_ns = max(line.out_due_ns, self._clock.now_ns + self.delay_ns())
        self._clock.at(line.out_due_ns, arrive)

    def close(self, line: Line, reason: str) -> None:
        """Hang up: nothing comes on the line any more, and its owner is told so."""
        if not line.is_open:
            return
        line.is_open = False
        self._lines.pop(line.number, None)
        self._clock.after(self.delay_ns(), lambda: self.feed(SocketClosed(line.number)))
        self._clock.after(0, lambda: line.on_closed(reason))

    def cut(self, reason: str = "cut") -> None:
        """Lose every line at once."""
        for number in list(self._lines):
            self._clock.after(0, lambda number=number: self.feed(SocketClosed(number)))  # type: ignore[misc]
            self._lose(number, reason)

    def _lose(self, number: int, reason: str) -> None:
        line = self._lines.pop(number, None)
        if line is not None and line.is_open:
            line.is_open = False
            self._clock.after(self.delay_ns(), lambda: line.on_closed(reason))

    # --- what the exchange says --------------------------------------------------------------------------------------

    def _act(self, output: Message) -> None:
        match output:
            case SocketSend():
                self._sending.setdefault(output.connection, []).append(output.data)
            case SocketFrames():
                self._sending.setdefault(output.connection, []).extend(output.frames)
            case HttpReply():
                answered = self._asked.pop(output.request_id, None)
                if answered is not None:
                    reply = output
                    self._clock.after(self.delay_ns(), lambda: answered(reply))
            case SocketClose():
                self._lose(output.connection, f"closed by the exchange ({output.status})")
            case Keep():
                self._records += output.records
            case Recall():
                self.actor.feed(Restored(tuple(self._records)))
            case MarketEnded():
                self.market_ended = True
            case _:
                raise AssertionError(f"nobody carries out {output}")

    def _flush(self) -> None:
        """Let everything that was said in one turn leave, one batch a line."""
        for number, frames in self._sending.items():
            line = self._lines.get(number)
            if line is not None:
                due_ns = line.in_due_ns = max(line.in_due_ns, self._clock.now_ns + self.delay_ns())
                self._clock.at(due_ns, _delivery(line, tuple(frames)))
        self._sending.clear()


def _delivery(line: Line, frames: tuple[bytes, ...]) -> Callable[[], None]:
    def deliver() -> None:
        if line.is_open:
            line.on_frames(frames)

    return deliver
