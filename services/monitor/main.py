"""The monitor's process: hears everybody, reads the books once a second, writes lines, CSV and snapshots."""

from __future__ import annotations

from services.monitor.alerts import Limits
from services.monitor.core import MonitorCore
from services.monitor.csvfile import CsvFile, replace_file
from services.monitor.rows import COLUMNS
from services.monitor.wire import (
    BooksCopied,
    Document,
    Latency,
    MarketLine,
    Reported,
    RequestBooks,
    RequestVitals,
    Row,
    Vitals,
    Worker,
)
from shared import log
from shared.attach import DataPlane
from shared.bus import Bus
from shared.clock import NS_PER_MS
from shared.config import Config
from shared.fleet import COUNTERS, HISTOGRAMS, WORKERS, FleetPage, Word
from shared.messages import (
    ClockOffset,
    Decision,
    ExecutionState,
    Fill,
    Markout,
    Message,
    OrderNews,
    PositionNews,
    RoundTrip,
    Universe,
    Verdict,
    WeightsNews,
)
from shared.service import Context, Service

FLUSH_NS = 500 * NS_PER_MS


def make_core(config: Config) -> MonitorCore:
    """Return the core as this process runs it: a replay of its journal builds it the same way."""
    own = config.monitor
    limits = Limits(own.alert_spread_pct, own.alert_latency_ms, own.alert_liquidity_btc, own.alert_liquidity_usdt)
    return MonitorCore(own, limits)


async def main(ctx: Context) -> None:
    """Run until stopped."""
    shell = _Shell(ctx)
    service = shell.service = Service(ctx, make_core(ctx.config), shell.act)
    bus = shell.bus
    bus.subscribe(["scanner"], [Universe, ClockOffset], service.feed)
    bus.subscribe(["signals"], [Decision, Markout, WeightsNews], service.feed)
    news: list[type[Message]] = [Verdict, OrderNews, Fill, PositionNews, RoundTrip, ExecutionState]
    bus.subscribe(["execution"], news, service.feed)
    service.on_beat += [bus.retry, shell.on_beat]
    await service.run()
    shell.close()
    bus.close()


class _Shell:
    service: Service

    def __init__(self, ctx: Context) -> None:
        self._ctx, self._counters = ctx, ctx.counters
        self.bus = Bus(ctx.name, ctx.epoch, ctx.run_dir, ctx.clock, ctx.counters)
        self._plane = DataPlane(ctx.run_id, ctx.fleet)
        self._files: dict[str, CsvFile] = {}
        self._flush_due_ns = 0
        self._disk_failed = False
        if ctx.config.monitor.csv:
            folder = ctx.var_dir / "csv"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._files = {name: CsvFile(folder / name, columns) for name, columns in COLUMNS.items()}

    def act(self, message: Message) -> None:
        """Carry out what the core said."""
        if isinstance(message, MarketLine):
            log.say("INFO", "market", message.text, message.symbol)
            self._counters.add("lines")
        elif isinstance(message, Row):
            self._files[message.file].write(message.at_ns, message.cells)
            self._counters.add("csv_rows")
        elif isinstance(message, RequestBooks):
            self._copy(final=message.final)
        elif isinstance(message, RequestVitals):
            self.service.feed(vitals(self._ctx.fleet))
        elif isinstance(message, Document):
            self._replace(message)
        elif isinstance(message, Reported):
            self.service.finish()

    def on_beat(self, now: int) -> None:
        """Follow the generation; let no line wait long."""
        self._plane.refresh()
        if now >= self._flush_due_ns:
            self._flush_due_ns = now + FLUSH_NS
            self._flush()

    def close(self) -> None:
        """Nothing stays in memory."""
        self._flush()
        self._plane.close()

    def _copy(self, *, final: bool) -> None:
        if final:
            self.bus.retry(self._ctx.clock.now())  # What others said before they ended comes before the end.
        self._plane.refresh()
        for symbol in self._plane.symbols():
            copy = self._plane.copy(symbol)
            if copy is not None:
                self.service.feed(copy)
        self.service.feed(BooksCopied(final))

    def _flush(self) -> None:
        try:
            for file in self._files.values():
                file.flush()
            self._disk_failed = False
        except OSError as error:
            self._disk(error)

    def _replace(self, document: Document) -> None:
        try:
            replace_file(self._ctx.var_dir / document.name, document.data)
        except OSError as error:
            self._disk(error)

    def _disk(self, error: OSError) -> None:
        """A full disk costs lines, never the process; said once."""
        if not self._disk_failed:
            log.failed("monitor.disk", error)
        self._disk_failed = True


def vitals(fleet: FleetPage) -> Vitals:
    """Return the fleet page in words."""
    workers = []
    for name in WORKERS:
        pid, epoch, life = fleet.enrolled(name)
        workers.append(Worker(name, pid, epoch, life.name, fleet.heartbeat_ns(name)))
    totals = {name: fleet.total(name) for name in COUNTERS}
    return Vitals(
        generation=fleet.get(Word.DATA_GENERATION),
        workers=tuple(workers),
        counters={name: total for name, total in totals.items() if total},
        latencies=tuple(_latency(fleet, name) for name in HISTOGRAMS),
    )


def _latency(fleet: FleetPage, name: str) -> Latency:
    histogram = fleet.histogram(name)
    if not histogram.count:
        return Latency(name, 0.0, 0.0)
    return Latency(name, histogram.quantile_ns(0.5) / 1e3, histogram.quantile_ns(0.99) / 1e3)
