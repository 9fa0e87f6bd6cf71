"""The fleet: every service's core, the local exchange between them and the market, and one virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from replay.world.actor import Actor, Heard
from replay.world.clock import VirtualClock
from replay.world.executor import ExecutionActor
from replay.world.feeds import HOP_NS, Glance, IngestActor, ScannerActor, SharedMemory, SignalsActor
from replay.world.network import Network
from services.exchange.oracle import Oracle
from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Config
from shared.fleet import Word
from shared.messages import (
    ClockOffset,
    Dirty,
    ExecutionState,
    Fill,
    Intent,
    Leave,
    Message,
    OffGrid,
    PositionNews,
    RoundTrip,
    StopRequested,
    Tick,
    Universe,
)

RUN = "world"
BEAT_NS = 50 * NS_PER_MS
START_NS = 1_790_000_000_000_000_000
WORKERS = ("ingest", "scanner", "signals", "execution")

# Who hears what, as the processes subscribe to it on the bus.
HEARERS: dict[type[Message], tuple[str, ...]] = {
    Universe: ("ingest", "signals", "execution"),
    ExecutionState: ("ingest", "scanner", "signals"),
    PositionNews: ("signals",),
    RoundTrip: ("signals",),
    Fill: (),
    OffGrid: ("scanner",),
}


class Fleet:
    """A run without processes. ``folder`` holds the order journal; a fleet's seed is the configuration's."""

    signals: SignalsActor

    def __init__(self, config: Config, folder: Path, *, hear: Heard | None = None, start_ns: int = START_NS) -> None:
        self.config, self._folder, self._hear = config, folder, hear
        self.clock = VirtualClock(start_ns)
        rng = Random(f"world/{config.exchange.seed}")
        self.network = Network(config, self.clock, Random(rng.random()))
        self.memory = SharedMemory(RUN)
        self._rng = rng
        self._epochs = dict.fromkeys(WORKERS, 0)
        self.actors: dict[str, Actor] = {}
        self.trips: list[RoundTrip] = []
        for name in WORKERS:
            self._begin(name)
        self.clock.every(BEAT_NS, self._beat)

    def _begin(self, name: str) -> None:
        config, clock, network, memory, epoch = self.config, self.clock, self.network, self.memory, self._epochs[name]
        if name == "ingest":
            self.ingest = IngestActor(config, clock, network, memory, self._say)
            actor = self.ingest.actor
        elif name == "scanner":
            self.scanner = ScannerActor(config, clock, network, RUN, epoch, self._say)
            actor = self.scanner.actor
        elif name == "signals":
            learned = self.signals.learned if epoch else None
            self.signals = SignalsActor(config, clock, network, memory, epoch, self._say, learned)
            actor = self.signals.actor
        else:
            journal = self._folder / "orders.sqlite"
            lots = Random(self._rng.random())
            self.execution = ExecutionActor(
                config, clock, network, Glance(memory), (RUN, epoch), self._say, journal, lots
            )
            actor = self.execution.actor
        actor.hear = self._hear
        self.actors[name] = actor

    def kill(self, name: str, back_after_ns: int = 300 * NS_PER_MS) -> None:
        """Kill one worker; it is started again a little later."""
        if name == "execution":
            self.execution.kill()
        else:
            self.actors[name].stop()
        self._epochs[name] += 1
        self.clock.after(back_after_ns, lambda: self._begin(name))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.run(self.clock.now_ns + round(seconds * NS_PER_S))

    def stop(self, limit_s: float = 10.0) -> bool:
        """Stop in order, as the supervisor does; return whether execution ended with nothing open."""
        self.execution.actor.feed(StopRequested())
        for _ in range(int(limit_s * 10)):
            self.run(0.1)
            if self.execution.finished is not None:
                break
        return self.execution.finished is not None and self.execution.finished.clean

    @property
    def oracle(self) -> Oracle:
        """The exchange's own record of the account."""
        return self.network.core.desk.oracle

    def close(self) -> None:
        """Give back the journal."""
        self.execution.kill()

    def _beat(self) -> None:
        tick = Tick()
        for actor in self.actors.values():
            actor.feed(tick)
        if self.signals.actor.is_up:
            self.signals.look()

    # --- the bus -----------------------------------------------------------------------------------------------------

    def _say(self, name: str, message: Message) -> None:
        if isinstance(message, Dirty):
            if self.signals.actor.is_up:
                self.signals.wake(message)
            return
        if isinstance(message, ClockOffset):
            fleet = self.memory.fleet
            fleet.put(Word.CLOCK_OFFSET_NS, message.offset_ns)
            fleet.put(Word.CLOCK_UNCERTAINTY_NS, message.uncertainty_ns)
            fleet.put(Word.CLOCK_AT_NS, message.at_ns)
        if isinstance(message, RoundTrip):
            self.trips.append(message)
        if isinstance(message, Intent | Leave):
            self.clock.after(HOP_NS, lambda: self.execution.wish(message))
            return
        for hearer in HEARERS.get(type(message), ()):
            self.clock.after(HOP_NS, self._telling(hearer, message))

    def _telling(self, hearer: str, message: Message) -> Callable[[], None]:
        return lambda: self.actors[hearer].feed(message)
