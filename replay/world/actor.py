"""One core in the world: told one message at a time, its outputs carried out before the next."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from replay.world.clock import VirtualClock
from shared.messages import Log, Message, Started
from shared.service import Handlers, handlers

LOGS_MAX = 10_000
Heard = Callable[[int, str, Message], None]


class Actor:
    """Does for a core what `Service` does in a process. ``hear`` is told every output (time, name, message)."""

    def __init__(self, name: str, core: object, clock: VirtualClock, act: Callable[[Message], None]) -> None:
        self.name, self._clock, self._act = name, clock, act
        self._handlers: Handlers = handlers(core)
        self._queue: deque[Message] = deque()
        self._feeding = False
        self.is_up = True
        self.hear: Heard | None = None
        self.logs: deque[tuple[int, Log]] = deque(maxlen=LOGS_MAX)
        self.said: Counter[str] = Counter()

    def start(self, run_id: str, epoch: int) -> None:
        """Tell the core who it is."""
        self.feed(Started(self.name, run_id, epoch))

    def feed(self, message: Message) -> None:
        """Tell the core; whatever ``act`` feeds in turn comes after this message's outputs."""
        if not self.is_up:
            return
        if self._feeding:
            self._queue.append(message)
            return
        self._feeding = True
        try:
            self._step(message)
            while self._queue and self.is_up:
                self._step(self._queue.popleft())
        finally:
            self._feeding = False

    def _step(self, message: Message) -> None:
        handler = self._handlers.get(message.HANDLER)
        if handler is None:
            return
        now = self._clock.now_ns
        for output in handler(message, now):
            if self.hear is not None:
                self.hear(now, self.name, output)
            if isinstance(output, Log):
                self.logs.append((now, output))
                self.said[output.event] += 1
            else:
                self._act(output)

    def stop(self) -> None:
        """Fall silent at once, as a killed process does."""
        self.is_up = False
        self._queue.clear()
