"""The entry point of a run: config -> shared memory -> services; restarts what dies, stops all of it in order.

Single-threaded, and no socket or ZeroMQ context exists before a fork: the heavy modules are imported once here, frozen,
and every worker is a plain fork of this process.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # Before numpy: its import would start threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import secrets
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from services.exchange import main as exchange
from services.execution import main as execution
from services.ingest import main as ingest
from services.monitor import main as monitor
from services.scanner import main as scanner
from services.signals import main as signals
from shared import log, paths, pinning, shm
from shared.awake import awake
from shared.clock import NS_PER_MS, NS_PER_S, FleetClock, measure_epoch_ns
from shared.config import OWN, Config
from shared.exits import Exit
from shared.fleet import SIZE, FleetPage, Life, Word
from shared.restarts import Restarts, Verdict
from shared.segments import DataSegments
from shared.service import Context, enter

MAINS = {
    "exchange": exchange.main,
    "ingest": ingest.main,
    "scanner": scanner.main,
    "signals": signals.main,
    "execution": execution.main,
    "monitor": monitor.main,
}
START_ORDER = ("exchange", "monitor", "ingest", "scanner", "execution", "signals")
STOP_ORDER = (("signals", "scanner"), ("execution",), ("monitor",), ("ingest",), ("exchange",))

POLL_MS = 20
EXCHANGE_READY_S = 15.0
DUMP_AFTER_NS = 300 * NS_PER_MS
KILL_AFTER_NS = 500 * NS_PER_MS
PSS_EVERY_NS = 10 * NS_PER_S


@dataclass(slots=True)
class Worker:
    """One supervised process."""

    name: str
    pid: int = 0
    pidfd: int = -1
    epoch: int = -1
    started_ns: int = 0
    hung_ns: int = 0  # When it was found hanging; 0: it is not.
    dumped: bool = False
    start_at_ns: int | None = 0  # Due for a start then; None: running, or ended for good.
    code: int | None = None  # Of its last end.


@dataclass(slots=True)
class Outcome:
    """How the run went, as the supervisor saw it."""

    exit: Exit
    reason: str
    run_id: str
    uptime_s: float
    pss_mb: float
    leftovers: list[str] = field(default_factory=list)


class Supervisor:
    """One run. ``until`` is asked every few ms and returns a reason to stop, or nothing."""

    def __init__(self, config: Config, until: Callable[[FleetPage, float], str | None]) -> None:
        self.config, self._until = config, until
        self.run_id = time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(2)
        self.var_dir = Path(config.var_dir).resolve() / "runs" / self.run_id
        self.state_dir = (
            self.var_dir if config.venue in OWN else Path(config.var_dir).resolve() / "state" / config.venue
        )
        self.clock = FleetClock(measure_epoch_ns())
        self._restarts = Restarts(config.supervisor.restarts_per_worker, config.supervisor.restarts_total)
        self._workers = {name: Worker(name) for name in START_ORDER if name != "exchange" or config.venue in OWN}
        self._asked = 0
        self._started_ns = 0
        self._pss_mb, self._pss_at_ns = 0.0, 0
        self._exit, self._reason = Exit.OK, ""

    def run(self, before_exchange_stops: Callable[[Supervisor], None]) -> Outcome:
        """Run to the end. ``before_exchange_stops`` is called when everything but the venue has ended."""
        with self._house() as (run_dir, page, data):
            self.run_dir, self.fleet, self._data = run_dir, page, data
            self._started_ns = self.clock.now()
            if self._start_fleet():
                self._watch()
            self._stop(before_exchange_stops)
            uptime_s = (self.clock.now() - self._started_ns) / NS_PER_S
        leftovers = [str(path) for path in (*shm.leftovers(self.run_id), run_dir) if path.exists()]
        return Outcome(self._exit, self._reason, self.run_id, uptime_s, self._pss_mb, leftovers)

    @contextmanager
    def _house(self) -> Iterator[tuple[Path, FleetPage, DataSegments]]:
        """Folders, locks and shared memory: taken here, given back whatever happens."""
        base = Path(self.config.var_dir).resolve()
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        instance = paths.lock(base / f"{self.config.venue}.lock")
        paths.sweep_dead_runs()
        shm.sweep()
        self.var_dir.mkdir(parents=True, mode=0o700)
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.var_dir / "config.json").write_bytes(msgspec.json.format(msgspec.json.encode(self.config)))
        folder = Path(self.config.log.dir) if self.config.log.dir else self.var_dir / "log"
        log.set_up("supervisor", self.run_id, folder, self.config.log.level.upper())
        run_dir, live = paths.make_run_dir(self.run_id)
        memory = shm.RunLock(self.run_id)
        try:
            data = DataSegments(self.run_id, self.config.ingest)
            self._page_memory = shm.create(shm.segment_name(self.run_id, "fleet", 0), SIZE)
            page = FleetPage(self._page_memory.buffer)
            page.create()
            with awake(wanted=self.config.supervisor.awake) as fault:
                if fault:
                    log.say("WARNING", "supervisor.awake", fault)
                yield run_dir, page, data
        finally:
            self._kill_all()
            memory.release()
            shutil.rmtree(run_dir, ignore_errors=True)
            os.close(live)
            os.close(instance)

    # --- starting ---------------------------------------------------------------------------------------------------

    def _start_fleet(self) -> bool:
        """Fork everything; False when the venue does not come up."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        wishes = {name: getattr(self.config.supervisor.pin, name) for name in self._workers}
        self._pins, warnings = pinning.choose(wishes, os.sched_getaffinity(0))
        for warning in warnings:
            log.say("WARNING", "supervisor.pin", warning)
        gc.collect()
        gc.freeze()  # What is loaded by now is never scanned, hence never copied, in a worker.
        log.say("INFO", "supervisor.start", f"run {self.run_id}, venue {self.config.venue}, files in {self.var_dir}")
        if "exchange" in self._workers:
            self._fork(self._workers["exchange"])
            if not self._await_exchange():
                return False
        for worker in self._workers.values():
            if worker.pid == 0:
                self._fork(worker)
        return True

    def _await_exchange(self) -> bool:
        deadline = time.monotonic() + EXCHANGE_READY_S
        while time.monotonic() < deadline and not self._asked:
            if self.fleet.get(Word.EXCHANGE_PORT):
                return True
            worker = self._workers["exchange"]
            if self._ended(worker, POLL_MS):
                return self._give_up(Exit(worker.code) if worker.code in set(Exit) else Exit.FAILURE, "exchange")
        return self._give_up(Exit.TIMEOUT, "exchange")

    def _give_up(self, code: Exit, name: str) -> bool:
        self._exit, self._reason = code, f"{name} ended with {code.name}: see its log above"
        return False

    def _fork(self, worker: Worker) -> None:
        if worker.name == "ingest":
            self.fleet.put(Word.DATA_GENERATION, self._data.renew())
        worker.epoch += 1
        worker.started_ns, worker.hung_ns, worker.dumped, worker.start_at_ns = self.clock.now(), 0, False, None
        context = self._context(worker)
        supervisor_pid = os.getpid()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            _become(context, supervisor_pid, self._pins.get(worker.name))
        worker.pid, worker.pidfd = pid, os.pidfd_open(pid)
        self.fleet.enrol(worker.name, pid, worker.epoch, Life.STARTING)

    def _context(self, worker: Worker) -> Context:
        return Context(
            name=worker.name,
            config=self.config,
            clock=self.clock,
            run_id=self.run_id,
            epoch=worker.epoch,
            run_dir=self.run_dir,
            var_dir=self.var_dir,
            state_dir=self.state_dir,
            fleet=self.fleet,
            seed=self.config.exchange.seed,
        )

    # --- watching ---------------------------------------------------------------------------------------------------

    def _on_signal(self, number: int, _frame: object) -> None:
        self._asked = number

    def _watch(self) -> None:
        """Turn until somebody asks for the end, the run is over, or a budget is spent."""
        while not self._exit:
            if self._asked:
                self._reason = signal.Signals(self._asked).name
                return
            elapsed_s = (self.clock.now() - self._started_ns) / NS_PER_S
            reason = self._until(self.fleet, elapsed_s)
            if reason:
                self._reason = reason
                return
            self._reap()
            self._restart_due()
            self._find_hangs()
            self._sample_pss(PSS_EVERY_NS)

    def _reap(self) -> None:
        """Wait a moment for a worker to end, and decide about those that did."""
        poller = select.poll()
        running = {worker.pidfd: worker for worker in self._workers.values() if worker.pid}
        for handle in running:
            poller.register(handle, select.POLLIN)
        for handle, _ in poller.poll(POLL_MS):
            worker = running[handle]
            if self._ended(worker, 0):
                self._decide(worker)

    def _ended(self, worker: Worker, wait_ms: int) -> bool:
        """Reap ``worker`` if it has ended within ``wait_ms``."""
        if not worker.pid:
            return True
        poller = select.poll()
        poller.register(worker.pidfd, select.POLLIN)
        if not poller.poll(wait_ms):
            return False
        _, status = os.waitpid(worker.pid, 0)
        os.close(worker.pidfd)
        worker.pid, worker.pidfd, worker.code = 0, -1, os.waitstatus_to_exitcode(status)
        self.fleet.enrol(worker.name, 0, worker.epoch, Life.DOWN)
        return True

    def _decide(self, worker: Worker) -> None:
        code = worker.code or 0
        verdict, start_at_ns = self._restarts.on_exit(worker.name, code, self.clock.now())
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        if verdict is Verdict.RESTART:
            worker.start_at_ns = start_at_ns
            log.say("WARNING", "worker.died", f"{worker.name} {how}; restarting")
            return
        self.fleet.set_life(worker.name, Life.FAILED)
        if verdict is Verdict.FINAL:
            self._exit, self._reason = Exit(code), f"{worker.name} {how} ({Exit(code).name})"
        else:
            self._exit, self._reason = Exit.RESTARTS_SPENT, f"{worker.name} {how}: restart budget spent"
        log.say("ERROR", "worker.failed", f"{self._reason}; stopping the fleet")

    def _restart_due(self) -> None:
        now = self.clock.now()
        for worker in self._workers.values():
            if not worker.pid and worker.start_at_ns is not None and now >= worker.start_at_ns:
                self._fork(worker)
                self._count("restarts")

    def _count(self, counter: str) -> None:
        self.fleet.counters("supervisor").add(counter)

    def _find_hangs(self) -> None:
        """A worker whose loop does not turn is asked, made to show its stack, then killed; `_reap` restarts it."""
        limits, now = self.config.supervisor, self.clock.now()
        for worker in self._workers.values():
            if not worker.pid:
                continue
            if worker.hung_ns:
                self._end_hang(worker, now)
                continue
            beat_ns = self.fleet.heartbeat_ns(worker.name)
            starting = beat_ns < worker.started_ns
            limit_ns = int(limits.grace_s * NS_PER_S) if starting else limits.heartbeat_limit_ms * NS_PER_MS
            if now - max(beat_ns, worker.started_ns) > limit_ns:
                worker.hung_ns = now
                self._count("hangs")
                log.say("ERROR", "worker.hangs", f"{worker.name} has not turned for {limit_ns // NS_PER_MS} ms")
                os.kill(worker.pid, signal.SIGTERM)

    def _end_hang(self, worker: Worker, now: int) -> None:
        if now - worker.hung_ns > KILL_AFTER_NS:
            os.kill(worker.pid, signal.SIGKILL)
        elif now - worker.hung_ns > DUMP_AFTER_NS and not worker.dumped:
            worker.dumped = True
            os.kill(worker.pid, signal.SIGUSR1)

    def _sample_pss(self, every_ns: int) -> None:
        now = self.clock.now()
        if now - self._pss_at_ns < every_ns:
            return
        self._pss_at_ns = now
        pids = [os.getpid(), *(worker.pid for worker in self._workers.values() if worker.pid)]
        self._pss_mb = max(self._pss_mb, sum(_pss_kb(pid) for pid in pids) / 1024)

    # --- stopping ---------------------------------------------------------------------------------------------------

    def _stop(self, before_exchange_stops: Callable[[Supervisor], None]) -> None:
        """Strategy first, venue last; execution gets most of the time, for it may have to flatten."""
        self._sample_pss(0)
        log.say("INFO", "supervisor.stop", f"stopping: {self._reason}")
        deadline = time.monotonic() + self.config.supervisor.stop_s
        for names in STOP_ORDER:
            if names == ("exchange",):
                before_exchange_stops(self)
            workers = [self._workers[name] for name in names if name in self._workers]
            for worker in workers:
                worker.start_at_ns = None
                if worker.pid:
                    self.fleet.set_life(worker.name, Life.STOPPING)
                    os.kill(worker.pid, signal.SIGTERM)
            for worker in workers:
                self._end(worker, deadline)

    def _end(self, worker: Worker, deadline: float) -> None:
        wait_ms = max(100, int((deadline - time.monotonic()) * 1000))
        if self._ended(worker, wait_ms):
            return
        log.say("ERROR", "worker.killed", f"{worker.name} did not stop in time: killed")
        os.kill(worker.pid, signal.SIGUSR1)
        time.sleep(0.05)
        os.kill(worker.pid, signal.SIGKILL)
        self._ended(worker, -1)
        self._exit = self._exit or Exit.FAILURE

    def _kill_all(self) -> None:
        for worker in self._workers.values():
            if worker.pid:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
                self._ended(worker, -1)


def _become(context: Context, supervisor_pid: int, cpu: int | None) -> None:
    """The child's whole life; never returns."""
    code = int(Exit.FAILURE)
    try:
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        code = enter(context, supervisor_pid, MAINS[context.name])
    except BaseException:  # noqa: BLE001 - before there was a log: a child must never return into our own code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _pss_kb(pid: int) -> int:
    """Return a process's proportional share of memory, in KiB; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
