"""The signal engine's process: ring in, intents and decisions out."""

from __future__ import annotations

from services.signals.core import SignalsCore
from services.signals.memory import Memory
from services.signals.venue_bars import VenueBars
from services.signals.wire import Concluded, KlineRequest, Learned
from shared.attach import DataPlane, Spinner
from shared.bus import Bus
from shared.bybit.venue import venue_of
from shared.config import Config
from shared.messages import (
    Decision,
    Dirty,
    ExecutionState,
    Intent,
    Leave,
    Markout,
    Message,
    PositionNews,
    RoundTrip,
    Tighten,
    Universe,
    WeightsNews,
)
from shared.service import Context, Service


def make_core(config: Config) -> SignalsCore:
    """Return the core as this process runs it: a replay of its journal builds it the same way."""
    return SignalsCore(config)


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
    bus.subscribe(["execution"], [ExecutionState, PositionNews, RoundTrip], service.feed)  # In the order they are said.
    service.on_beat += [bus.retry, shell.on_beat]
    await service.run()
    if spinner is not None:
        spinner.stop()
    await shell.bars.close()
    shell.plane.close()
    bus.close()


class _Shell:
    service: Service

    def __init__(self, ctx: Context) -> None:
        self._clock, self._counters = ctx.clock, ctx.counters
        self._book_to_decision = ctx.fleet.histogram("book_to_decision")
        self.plane = DataPlane(ctx.run_id, ctx.fleet)
        self.bus = Bus(ctx.name, ctx.epoch, ctx.run_dir, ctx.clock, ctx.counters)
        self._memory, self._recalled = Memory(ctx.state_dir, ctx.config), False
        self._laps = 0
        self.bars = VenueBars(
            lambda: venue_of(ctx.config, ctx.fleet).rest_url,
            lambda answer: self.service.feed(answer),
            lambda: self.service.finish(),
        )

    def on_dirty(self, _: Message) -> None:
        """The ring has grown."""
        self.drain()

    def drain(self) -> None:
        """Tell the core what is new in the ring."""
        self._drain(look=False)

    def on_beat(self, _: int) -> None:
        """A notice may have been lost, a symbol or a generation may be new."""
        if not self._recalled:
            self._recall()
        self._drain(look=True)
        self._counters.add("laps", self.plane.laps - self._laps)
        self._laps = self.plane.laps

    def _recall(self) -> None:
        """Tell the core what an earlier run has learned: the first thing after Started."""
        self._recalled = True
        learned = self._memory.load()
        if learned is not None:
            self.service.feed(learned)

    def _drain(self, *, look: bool) -> None:
        for message in self.plane.news(look=look):
            self.service.feed(message)

    def act(self, message: Message) -> None:
        """Carry out what the core said: the intent first, it is in a hurry."""
        if isinstance(message, Intent | Leave | Tighten):
            if not self.bus.send("execution", message, message.expires_ns):
                self._counters.add("bus_dropped")
            self._counters.add("intents", int(isinstance(message, Intent)))
        elif isinstance(message, Decision):
            self._measure(message)
            self.bus.publish(message)
            self._counters.add("decisions")
        elif isinstance(message, Markout | WeightsNews):
            self.bus.publish(message)
        elif isinstance(message, Learned):
            self._memory.save(message)
        elif isinstance(message, Concluded):
            self.service.finish()
        elif isinstance(message, KlineRequest):
            self.bars.ask(message)

    def _measure(self, decision: Decision) -> None:
        """Count how long the book lay there: from its writing, or from its frame's arrival if it is gone already."""
        view = self.plane.view(decision.symbol)
        written = view is not None and view.ring_seq == decision.ring_seq + 1
        since_ns = view.write_ns if view is not None and written else decision.book_ns
        self._book_to_decision.observe(self._clock.now() - since_ns)
