"""The signal engine's process: ring in, intents and decisions out."""

from __future__ import annotations

from services.signals.core import SignalsCore
from shared.attach import DataPlane, Spinner
from shared.bus import Bus
from shared.config import Config
from shared.messages import Decision, Dirty, ExecutionState, Intent, Message, Universe
from shared.service import Context, Service


def make_core(config: Config) -> SignalsCore:
    """Return the core as this process runs it: a replay of its journal builds it the same way."""
    return SignalsCore(config.signals, config.brackets, config.ingest.stale_ms)


async def main(ctx: Context) -> None:
    """Run until stopped."""
    shell = _Shell(ctx)
    service = shell.service = Service(ctx, make_core(ctx.config), shell.act)
    bus = shell.bus
    spinner = None
    if ctx.config.signals.wait == "spin":
        spinner = Spinner(shell.plane, shell.drain)
    else:
        bus.subscribe(["ingest"], [Dirty], shell.on_dirty)
    bus.subscribe(["scanner"], [Universe], service.feed)
    bus.subscribe(["execution"], [ExecutionState], service.feed)
    service.on_beat += [bus.retry, shell.on_beat]
    await service.run()
    if spinner is not None:
        spinner.stop()
    shell.plane.close()
    bus.close()


class _Shell:
    service: Service

    def __init__(self, ctx: Context) -> None:
        self._clock, self._counters = ctx.clock, ctx.counters
        self._book_to_decision = ctx.fleet.histogram("book_to_decision")
        self.plane = DataPlane(ctx.run_id, ctx.fleet)
        self.bus = Bus(ctx.name, ctx.epoch, ctx.run_dir, ctx.clock, ctx.counters)
        self._laps = 0

    def on_dirty(self, _: Message) -> None:
        """The ring has grown."""
        self.drain()

    def drain(self) -> None:
        """Tell the core what is new in the ring."""
        self._drain(look=False)

    def on_beat(self, _: int) -> None:
        """A notice may have been lost, a symbol or a generation may be new."""
        self._drain(look=True)
        self._counters.add("laps", self.plane.laps - self._laps)
        self._laps = self.plane.laps

    def _drain(self, *, look: bool) -> None:
        for message in self.plane.news(look=look):
            self.service.feed(message)

    def act(self, message: Message) -> None:
        """Carry out what the core said: the intent first, it is in a hurry."""
        if isinstance(message, Intent):
            if not self.bus.send("execution", message, message.expires_ns):
                self._counters.add("bus_dropped")
            self._counters.add("intents")
        elif isinstance(message, Decision):
            self._measure(message)
            self.bus.publish(message)
            self._counters.add("decisions")

    def _measure(self, decision: Decision) -> None:
        """Count how long the book lay there: from its writing, or from its frame's arrival if it is gone already."""
        view = self.plane.view(decision.symbol)
        written = view is not None and view.ring_seq == decision.ring_seq + 1
        since_ns = view.write_ns if view is not None and written else decision.book_ns
        self._book_to_decision.observe(self._clock.now() - since_ns)
