"""The real exchange in a process of its own on a core of its own, for measurements by socket."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
import psutil

from services.exchange import main as exchange
from shared.clock import FleetClock, measure_epoch_ns
from shared.config import Config, Exchange
from shared.fleet import SIZE, FleetPage, Word
from shared.service import Context, enter

RULES = {
    "status": "Trading", "fundingInterval": 480, "priceFilter": {"tickSize": "0.10"},
    "lotSizeFilter": {
        "qtyStep": "0.001", "minOrderQty": "0.001", "maxOrderQty": "1500", "maxMktOrderQty": "150",
        "minNotionalValue": "5",
    },
    "leverageFilter": {"maxLeverage": "100"},
}  # fmt: skip
OPEN_S = 60.0  # Within this the exchange must listen.
SERVER_CPU, CLIENT_CPU = 0, -1  # Which of the allowed ones.


SETTLE_S, LOOK_S = 15.0, 0.5  # How long to wait for a quiet box, and how long each look at it is.
BUSY_MAX = 0.1


def settle() -> float:
    """Wait until the box is at rest, though not for ever; return which share of its CPUs others keep busy then."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        busy = psutil.cpu_percent(LOOK_S) / 100
        if busy <= BUSY_MAX or time.monotonic() > deadline:
            return float(busy)


class Server(NamedTuple):
    """An exchange that listens."""

    process: BaseProcess
    port: int


def pin(which: int) -> str:
    """Keep this process on one CPU, where there are two; return what came of it."""
    if not hasattr(os, "sched_setaffinity"):
        return "unpinned"
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        return "unpinned"
    os.sched_setaffinity(0, {cpus[which]})
    return f"cpu {cpus[which]}"


def names(how_many: int) -> tuple[str, ...]:
    """Return names of made-up symbols."""
    return tuple(f"B{number:03}USDT" for number in range(how_many))


def _write_instruments(path: Path, symbols: tuple[str, ...]) -> None:
    """Write the same rules for every symbol, as a saved instruments-info answer."""
    rows = [{"symbol": name, **RULES} for name in symbols]
    path.write_bytes(orjson.dumps({"retCode": 0, "result": {"category": "linear", "list": rows}}))


def _page(folder: Path) -> FleetPage:
    with (folder / "fleet").open("r+b") as file:
        return FleetPage(memoryview(mmap.mmap(file.fileno(), SIZE)))


def _serve(folder: Path, settings: Config) -> None:
    pin(SERVER_CPU)
    context = Context(
        name="exchange",
        config=settings,
        clock=FleetClock(measure_epoch_ns()),
        run_id="bench",
        epoch=0,
        run_dir=folder,
        var_dir=folder,
        state_dir=folder,
        fleet=_page(folder),
        seed=settings.exchange.seed,
    )
    os._exit(enter(context, os.getppid(), exchange.main))


@contextmanager
def serving(symbols: int = 0, **changes: Any) -> Iterator[Server]:
    """Run an exchange with this many made-up symbols (0: the built-in ones)."""
    with tempfile.TemporaryDirectory(prefix="peregrine-bench-") as name:
        folder = Path(name)
        (folder / "log").mkdir()
        if symbols:
            _write_instruments(folder / "instruments.json", names(symbols))
            changes |= {"instruments": str(folder / "instruments.json"), "symbols": names(symbols)}
        settings = msgspec.structs.replace(Config(), exchange=msgspec.structs.replace(Exchange(), **changes))
        (folder / "fleet").write_bytes(bytes(SIZE))
        page = _page(folder)
        page.create()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, settings))
        process.start()
        try:
            yield Server(process, _wait_for_port(page, process))
            process.terminate()
            process.join(10)
        finally:
            process.kill()
            process.join()


def _wait_for_port(page: FleetPage, process: BaseProcess) -> int:
    deadline = time.monotonic() + OPEN_S
    while time.monotonic() < deadline and process.is_alive():
        port = page.get(Word.EXCHANGE_PORT)
        if port:
            with socket.create_connection(("127.0.0.1", port), timeout=OPEN_S) as line:
                line.sendall(b"GET /v5/market/time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if line.recv(1):  # It answers once its market is open.
                    return port
        time.sleep(0.02)
    raise SystemExit("bench: the exchange did not open")
