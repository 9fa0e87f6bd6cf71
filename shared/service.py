"""The one loop that every service runs, and the one door through which its core hears anything.

    socket, timer, thread --> Service.feed(message) --> journal --> core.on_<message>(message, now) --> journal --> act

A core is therefore a pure function of its input journal. The heartbeat beats from this loop, so a stuck loop is seen.
Unexpected exceptions end the process: the supervisor restarts it.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import os
import signal
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import setproctitle
import uvloop

from shared import log
from shared.clock import NS_PER_MS, Clock
from shared.config import Config
from shared.config_load import ConfigError
from shared.exits import Exit
from shared.fleet import Counters, FleetPage, Life
from shared.journal import INPUT, OUTPUT, Entry, Journal, kept
from shared.messages import Log, Message, Started, StopRequested, Tick, encode

TICK_MS = 50
LATE_NS = 200 * NS_PER_MS
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a worker is given by the supervisor."""

    name: str
    config: Config
    clock: Clock
    run_id: str
    epoch: int  # How often this worker was restarted in this run.
    run_dir: Path  # Sockets and locks, 0700.
    var_dir: Path  # This run's journals, CSV and logs.
    state_dir: Path  # What outlives the run: the order journal, one per venue.
    fleet: FleetPage
    seed: int

    @property
    def counters(self) -> Counters:
        """This worker's own counters."""
        return self.fleet.counters(self.name)


class Service:
    """Feeds one core. ``act`` carries out what the core returns (logging is done here).

    ``wakes`` are answers without content: nobody can act on them alone, so they do not wait for the journal's file.
    """

    def __init__(
        self,
        ctx: Context,
        core: object,
        act: Callable[[Message], None],
        *,
        tick_ms: int = TICK_MS,
        wakes: tuple[type[Message], ...] = (),
    ) -> None:
        self._ctx, self._act, self._wakes = ctx, act, frozenset(wakes)
        self._handlers = handlers(core)
        folder = ctx.var_dir / "journal"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._journal = Journal(folder, ctx.name, ctx.epoch)
        self._tick_ns = tick_ms * NS_PER_MS
        self._queue: deque[Message] = deque()
        self._feeding = False
        self._finished = asyncio.Event()
        self._now = ctx.clock.now()
        self._bug: BaseException | None = None
        self.on_beat: list[Callable[[int], None]] = []  # Shell work on every tick: bus retries, gauges.
        self.on_heard: Callable[[Message, int], None] | None = None  # A message, and when the core was given it.

    def feed(self, message: Message) -> None:
        """Tell the core. What ``act`` feeds in turn is told after the present message's outputs are all done."""
        self._queue.append(message)
        if self._feeding:
            return
        self._feeding = True
        while self._queue:
            self._step(self._queue.popleft())
        self._feeding = False

    def _step(self, message: Message) -> None:
        handler = self._handlers.get(message.HANDLER)
        if handler is None:
            return
        now = self._now = max(self._ctx.clock.now(), self._now)
        self._journal.append(INPUT, now, message)
        if self.on_heard is None:
            outputs = handler(message, now)
        else:
            given_ns = self._ctx.clock.now()
            outputs = handler(message, now)
            self.on_heard(message, given_ns)
        if not outputs:
            return
        for output in outputs:
            self._journal.append(OUTPUT, now, kept(output))
        if not self._wakes.issuperset(map(type, outputs)):
            self._journal.flush()
        for output in outputs:
            if isinstance(output, Log):
                log.say(output.level, output.event, output.text, output.symbol)
            else:
                self._act(output)

    def finish(self) -> None:
        """End ``run`` after the present turn."""
        self._finished.set()

    async def run(self) -> None:
        """Turn until told to stop: SIGTERM feeds StopRequested; a core that does not know it stops at once."""
        ctx, loop = self._ctx, asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.set_exception_handler(self._die)
        self.feed(Started(ctx.name, ctx.run_id, ctx.epoch))
        ctx.fleet.set_life(ctx.name, Life.RUNNING)
        due_ns = ctx.clock.now()
        while not self._finished.is_set():
            now = ctx.clock.now()
            if now - due_ns > LATE_NS:
                ctx.counters.add("loop_late")
                ctx.fleet.histogram("tick_late").observe(now - due_ns)
            ctx.fleet.beat(ctx.name, now)
            for beat in self.on_beat:
                beat(now)
            self.feed(Tick())
            self._journal.flush()
            due_ns = now + self._tick_ns
            await self._sleep(max(0, due_ns - ctx.clock.now()) / 1e9)
        self._journal.close()
        if self._bug is not None:
            raise self._bug

    def _die(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception in a callback or task is a bug like any other: the process ends."""
        self._bug = context.get("exception") or RuntimeError(context["message"])
        self.finish()

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._finished.wait(), seconds)
        except TimeoutError:
            return

    def _stop(self) -> None:
        if StopRequested.HANDLER in self._handlers:
            self.feed(StopRequested())
        else:
            self.finish()


Handlers = dict[str, Callable[[Message, int], list[Message]]]


def handlers(core: object) -> Handlers:
    """Return the core's ``on_<message>`` methods by name."""
    return {name: getattr(core, name) for name in dir(core) if name.startswith("on_")}


def replay(core: object, entries: Iterable[Entry]) -> Iterator[tuple[Entry, list[Message]]]:
    """Tell ``core`` its journal again; yield each input with what the core answers now.

    Every answer has to be the journal's to the byte, or to the digest where the journal holds no more than that.

    Raises:
        ReplayDiffersError: the core says something else than the journal holds.
    """
    known = handlers(core)
    waiting: deque[bytes] = deque()
    for entry in entries:
        if entry.kind == OUTPUT:
            said = waiting.popleft() if waiting else b""
            if said != encode(kept(entry.message)):
                raise ReplayDiffersError(entry, said)
            continue
        if waiting:
            raise ReplayDiffersError(entry, waiting[0])
        outputs = known[entry.message.HANDLER](entry.message, entry.now)
        waiting.extend(encode(kept(output)) for output in outputs)
        yield entry, outputs


class ReplayDiffersError(AssertionError):
    """The journal and the replayed core disagree, at the entry named."""

    def __init__(self, entry: Entry, said: bytes) -> None:
        super().__init__(f"at {entry.now}: journal has {entry.message!r}, the core says {said!r}")


def enter(ctx: Context, supervisor_pid: int, main: Callable[[Context], Coroutine[Any, Any, None]]) -> int:
    """Become the worker ``ctx.name`` in a freshly forked process; return its exit code.

    Should the supervisor die, the kernel sends SIGTERM: the worker stops in order and nothing is orphaned.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor_pid:
        return Exit.FAILURE  # It died before the line above.
    setproctitle.setproctitle(f"peregrine: {ctx.name}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the group; the supervisor stops us in order.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    folder = Path(ctx.config.log.dir) if ctx.config.log.dir else ctx.var_dir / "log"
    log.set_up(ctx.name, ctx.run_id, folder, ctx.config.log.level.upper())
    faulthandler.register(signal.SIGUSR1, file=(folder / f"{ctx.name}.stack").open("a"))
    try:
        uvloop.run(main(ctx))
    except SystemExit as exit_:
        return int(exit_.code or 0)
    except ConfigError as error:
        for line in error.lines:
            log.say("ERROR", "config.invalid", line)
        return Exit.BAD_CONFIG
    except BaseException as error:  # noqa: BLE001 - the one place that sees every bug: said, then the process ends
        log.failed("worker.crashed", error)
        return Exit.FAILURE
    return Exit.OK
