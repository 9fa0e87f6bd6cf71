"""The real ingest process with everything it needs around it, and nothing else: fleet page, segments, two voices.

One process forks all the others and opens neither socket nor ZeroMQ context itself, as a supervisor must not.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import orjson

from bench.frames import Market
from services.ingest import main as ingest
from shared import shm
from shared.bus import Bus
from shared.clock import NS_PER_S, FleetClock, measure_epoch_ns
from shared.config import Config, Ingest, Log
from shared.fleet import SIZE, Counters, FleetPage, Life, Word
from shared.messages import ExecutionState, Instrument, Message, Universe, decode, encode
from shared.segments import DataSegments
from shared.service import Context, enter

SAY_EVERY_S = 0.1
Main = Callable[[Context], Coroutine[Any, Any, None]]


def rules(markets: Iterable[Market]) -> list[Instrument]:
    """Return rules that only say what ingest wants to know."""
    return [
        Instrument(market.symbol, market.scale.tick, market.scale.lot, 1, 10**9, 10**9, 0, 480, 5000, "Trading")
        for market in markets
    ]


def pin(cpu: int) -> None:
    """Keep this process on one CPU, if the box has it."""
    if cpu in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {cpu})


class Stage:
    """Use as a context manager; children do not outlive it, and nothing stays in /dev/shm."""

    def __init__(self, config: Config | None = None, **changes: object) -> None:
        """Take a whole configuration, or the defaults with changes to ingest's section."""
        section = msgspec.structs.replace(Ingest(), **changes)
        base = config or msgspec.structs.replace(Config(), ingest=section)
        self.config = msgspec.structs.replace(base, log=Log(level="error"))
        self.run_id = f"bench-{os.getpid()}"
        self.clock = FleetClock(measure_epoch_ns())
        self.epoch = -1
        self._children: list[int] = []

    def __enter__(self) -> Stage:
        shm.sweep()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-bench-"))
        (self.folder / "log").mkdir()
        self._lock = shm.RunLock(self.run_id)
        self.data = DataSegments(self.run_id, self.config.ingest)
        self._memory = shm.create(shm.segment_name(self.run_id, "fleet", 0), SIZE)
        self.fleet = FleetPage(self._memory.buffer)
        self.fleet.create()
        gc.collect()
        gc.freeze()  # As the supervisor does before it forks.
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def counters(self) -> Counters:
        """What ingest has counted."""
        return self.fleet.counters("ingest")

    def fork(self, work: Callable[[], None], *, cpu: int = -1) -> int:
        """Run ``work`` in a child; return its process id."""
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            pin(cpu)
            code = 1
            try:
                if os.getppid() == parent:
                    work()
                    code = 0
            finally:
                os._exit(code)
        self._children.append(pid)
        return pid

    def start_ingest(self, *, cpu: int = -1, main: Main = ingest.main) -> int:
        """Start ingest, for the first time or again, on a new generation of segments."""
        self.fleet.put(Word.DATA_GENERATION, self.data.renew())
        self.epoch += 1
        return self.start("ingest", main, cpu=cpu, epoch=self.epoch)

    def start(self, name: str, main: Main, *, cpu: int = -1, epoch: int = 0) -> int:
        """Start a worker as the supervisor would."""
        context, parent = self._context(name, epoch), os.getpid()
        pid = self.fork(lambda: os._exit(enter(context, parent, main)), cpu=cpu)
        self.fleet.enrol(name, pid, epoch, Life.STARTING)
        return pid

    def kill(self, pid: int) -> None:
        """SIGKILL a child and reap it."""
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self._children.remove(pid)

    def start_voices(self, *, cpu: int = -1, every_s: float = SAY_EVERY_S) -> Voices:
        """Start the process that says what scanner and execution would say, which is once a second."""
        near, far = Pipe()
        self.fork(lambda: _speak(self, far, every_s), cpu=cpu)
        return Voices(near)

    def _context(self, name: str, epoch: int) -> Context:
        return Context(
            name=name,
            config=self.config,
            clock=self.clock,
            run_id=self.run_id,
            epoch=epoch,
            run_dir=self.folder,
            var_dir=self.folder,
            state_dir=self.folder,
            fleet=self.fleet,
            seed=1,
        )


class Voices:
    """The universe and execution's state, as often as the real ones say them."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._version = pipe, 0

    def universe(self, instruments: Iterable[Instrument]) -> None:
        """Say a new universe."""
        self._version += 1
        chosen = tuple(instruments)
        self._say(Universe(self._version, chosen, tuple(0.0 for _ in chosen)))

    def execution(self, *open_symbols: str) -> None:
        """Say which symbols must not be let go."""
        self._say(ExecutionState("running", "", open_symbols, 0))

    def _say(self, message: Message) -> None:
        self._pipe.send_bytes(type(message).__name__.encode() + b" " + encode(message))


def _speak(stage: Stage, pipe: Connection, every_s: float) -> None:
    buses = {
        kind: Bus(name, 0, stage.folder, stage.clock, Counters())
        for kind, name in ((Universe, "scanner"), (ExecutionState, "execution"))
    }
    said: dict[type[Message], Message] = {}

    async def talk() -> None:
        while True:
            if pipe.poll(0 if said else every_s):
                name, _, payload = pipe.recv_bytes().partition(b" ")
                message = decode(name.decode(), payload)
                said[type(message)] = message
                buses[type(message)].publish(message)
                continue
            for message in said.values():
                buses[type(message)].publish(message)
            pipe.poll(every_s)

    asyncio.run(talk())


def await_true(met: Callable[[], object], what: str, deadline_s: float = 60.0) -> None:
    """Look every millisecond until something is so. Raises TimeoutError."""
    end = time.monotonic() + deadline_s
    while not met():
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} within {deadline_s} s")
        time.sleep(0.001)


def quantiles_us(durations_ns: list[int], shares: tuple[float, ...] = (0.5, 0.99, 0.999)) -> list[float]:
    """Return quantiles in microseconds; the last of a sorted list stands for shares beyond it."""
    ordered = sorted(durations_ns)
    return [round(ordered[min(int(share * len(ordered)), len(ordered) - 1)] / 1e3, 1) for share in shares]


def say(rows: list[tuple[str, str, str]], result: dict[str, object], *, as_json: bool) -> None:
    """Print a table (unless only JSON is wanted) and one JSON object."""
    if not as_json:
        for name, value, goal in rows:
            print(f"{name:<44}{value:>18}   {goal}")
    print(orjson.dumps(result).decode())


__all__ = ["NS_PER_S", "Stage", "Voices", "await_true", "pin", "quantiles_us", "rules", "say"]
