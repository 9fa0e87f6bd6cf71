"""The executor as a process beside the real local exchange: it gets ready, answers, stays alone, and ends in order."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

from services.execution import main as execution
from services.execution.wire import Finished, Reply
from shared.bus import Bus
from shared.clock import FleetClock, measure_epoch_ns
from shared.exits import Exit
from shared.fleet import Counters, Word
from shared.journal import parts, read
from shared.messages import Command, ExecutionState, Intent, Message, Universe, Verdict
from shared.service import Context, enter, replay
from tests import exchange_process
from tests.services.execution.rig import BTC

DEADLINE_S = 20.0
CLOCK = FleetClock(measure_epoch_ns())
SETTINGS = exchange_process.config()


SKEWED = exchange_process.config(faults="skew ms=-3s")
T = TypeVar("T", bound=Message)


def serve(folder: Path, run_dir: Path, epoch_ns: int) -> None:
    """Be the executor."""
    context = Context(
        name="execution", config=SETTINGS, clock=FleetClock(epoch_ns), run_id="run-1", epoch=0, run_dir=run_dir,
        var_dir=folder, state_dir=folder / "state", fleet=exchange_process.page_of(folder), seed=1,
    )  # fmt: skip
    os._exit(enter(context, os.getppid(), execution.main))


def start(folder: Path, run_dir: Path) -> BaseProcess:
    run_dir.mkdir(exist_ok=True)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, run_dir, CLOCK._epoch_ns))
    process.start()
    return process


class Others:
    """The rest of the fleet: says the universe, wishes and commands, and listens."""

    def __init__(self, run_dir: Path) -> None:
        self.heard: list[Message] = []
        self.scanner, self.signals = (Bus(name, 0, run_dir, CLOCK, Counters()) for name in ("scanner", "signals"))
        self.signals.subscribe(["execution"], [ExecutionState, Verdict], self.heard.append)

    async def until(self, process: BaseProcess, kind: type[T], met: Callable[[T], bool]) -> T:
        """Wait for a message; meanwhile the universe is said again and again, as the scanner does."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = [one for one in self.heard if isinstance(one, kind) and met(one)]
                if found:
                    return found[-1]
                assert process.is_alive()
                self.scanner.publish(Universe(1, (BTC,), (1.0,)))
                self.signals.retry(CLOCK.now())
                await asyncio.sleep(0.02)

    def wish(self, message: Message) -> None:
        assert self.signals.send("execution", message, CLOCK.now() + 5_000_000_000)

    def close(self) -> None:
        self.scanner.close()
        self.signals.close()


async def play(folder: Path, run_dir: Path, process: BaseProcess) -> None:
    others = Others(run_dir)
    await others.until(process, ExecutionState, lambda one: one.state == "running")
    now = CLOCK.now()
    others.wish(Intent("abc-0-1", "BTCUSDT", 1, 600_000, 597_000, 606_000, 0.5, 0.5, 1, 1, now, now, now + 10**10))
    verdict = await others.until(process, Verdict, lambda one: one.intent_id == "abc-0-1")
    assert verdict.gate in ("book_valid", "symbol_tradable")  # There is no book here.
    others.wish(Command("c1", "pause"))
    await others.until(process, ExecutionState, lambda one: one.state == "paused")
    second = start(folder, run_dir.with_name("second"))
    await asyncio.get_running_loop().run_in_executor(None, second.join, DEADLINE_S)
    assert second.exitcode == Exit.ALREADY_RUNNING
    process.terminate()
    await asyncio.get_running_loop().run_in_executor(None, process.join, DEADLINE_S)
    others.close()


def test_it_gets_ready_answers_stays_alone_and_ends_flat(tmp_path: Path) -> None:
    with exchange_process.running(tmp_path, SETTINGS) as exchange:
        run_dir = tmp_path / "r"
        process = start(tmp_path, run_dir)
        try:
            asyncio.run(play(tmp_path, run_dir, process))
            assert process.exitcode == 0
            assert exchange.page.get(Word.EXECUTION_FLAT) == 1
            assert exchange.page.total("verdicts_refused") == 1
            assert exchange.page.total("orders_sent") == exchange.page.total("malformed") == 0
        finally:
            process.kill()
            process.join()
    (files,) = parts(tmp_path / "journal", "execution").values()
    said = [word for _, words in replay(execution.make_core(SETTINGS), read(files)) for word in words]
    assert said[-1] == Finished(True)
    assert (tmp_path / "state" / execution.JOURNAL).exists()


async def get_ready(run_dir: Path, process: BaseProcess) -> None:
    others = Others(run_dir)
    await others.until(process, ExecutionState, lambda one: one.state == "running")
    async with asyncio.timeout(DEADLINE_S):
        for name in map("abc-0-{}".format, count(1)):  # Until it has set the symbol up, it has not asked for all.
            now = CLOCK.now()
            others.wish(Intent(name, "BTCUSDT", 1, 600_000, 597_000, 606_000, 0.5, 0.5, 1, 1, now, now, now + 10**10))
            verdict = await others.until(process, Verdict, lambda one, name=name: one.intent_id == name)
            if dict(zip(verdict.gates, verdict.checks, strict=True))["symbol_tradable"].passed:
                break
    process.terminate()
    await asyncio.get_running_loop().run_in_executor(None, process.join, DEADLINE_S)
    others.close()


def test_a_venue_whose_clock_is_seconds_off_accepts_what_carries_its_own_time(tmp_path: Path) -> None:
    with exchange_process.running(tmp_path, SKEWED) as exchange:
        exchange.page.put(Word.CLOCK_OFFSET_NS, -3_000_000_000)
        exchange.page.put(Word.CLOCK_UNCERTAINTY_NS, 1_000_000)
        exchange.page.put(Word.CLOCK_AT_NS, CLOCK.now())
        process = start(tmp_path, tmp_path / "r")
        try:
            asyncio.run(get_ready(tmp_path / "r", process))
        finally:
            process.kill()
            process.join()
    (files,) = parts(tmp_path / "journal", "execution").values()
    replies = [entry.message for entry in read(files) if isinstance(entry.message, Reply)]
    assert len(replies) > 5
    assert {reply.code for reply in replies} == {0}
