"""The real exchange in a process of its own, as the supervisor would run it, for tests that speak to it by socket."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from services.exchange import main as exchange
from shared.clock import FleetClock, measure_epoch_ns
from shared.config import Config, Exchange
from shared.fleet import SIZE, FleetPage, Word
from shared.service import Context, enter

DEADLINE_S = 20.0


def config(**changes: object) -> Config:
    """Return the defaults with changes to the exchange's section."""
    return msgspec.structs.replace(Config(), exchange=msgspec.structs.replace(Exchange(), **changes))


def page_of(folder: Path) -> FleetPage:
    """Map the fleet page that lies in ``folder``."""
    with (folder / "fleet").open("r+b") as file:
        return FleetPage(memoryview(mmap.mmap(file.fileno(), SIZE)))


def serve(folder: Path, settings: Config, epoch: int) -> None:
    """Be the exchange."""
    context = Context(
        name="exchange",
        config=settings,
        clock=FleetClock(measure_epoch_ns()),
        run_id="contract",
        epoch=epoch,
        run_dir=folder,
        var_dir=folder,
        state_dir=folder,
        fleet=page_of(folder),
        seed=settings.exchange.seed,
    )
    os._exit(enter(context, os.getppid(), exchange.main))


def wait_for(what: str, met: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not met():
        assert time.monotonic() < deadline, f"no {what} within {DEADLINE_S} s"
        time.sleep(0.01)


class Running(NamedTuple):
    """An exchange that listens."""

    process: multiprocessing.process.BaseProcess
    page: FleetPage
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def start(folder: Path, settings: Config, epoch: int = 0) -> multiprocessing.process.BaseProcess:
    """Start an exchange on the fleet page in ``folder``, which is made if missing."""
    if not (folder / "fleet").exists():
        (folder / "fleet").write_bytes(bytes(SIZE))
        page_of(folder).create()
    (folder / "log").mkdir(exist_ok=True)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, settings, epoch))
    process.start()
    return process


@contextmanager
def running(folder: Path, settings: Config) -> Iterator[Running]:
    """Run an exchange; end it in order and look at how it ended."""
    process = start(folder, settings)
    page = page_of(folder)
    try:
        wait_for("port", lambda: bool(page.get(Word.EXCHANGE_PORT)) or not process.is_alive())
        yield Running(process, page, page.get(Word.EXCHANGE_PORT))
        process.terminate()
        process.join(DEADLINE_S)
        assert process.exitcode == 0
    finally:
        process.kill()
        process.join()
