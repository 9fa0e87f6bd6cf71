"""A labelled market watched by the four flow detectors, and what they made of it.

One symbol of the local exchange, as public frames -> ingest core -> ring -> lane -> signals, on a clock of its own.

An alarm is a score that becomes other than zero, or changes its sign. It is matched to the first event of its kind
that nobody has been matched to and that

- has the sign: the takers' side of a sweep or a burst, the iceberg's own side, the opposite of a pulled wall's;
- is under way or no longer over than LATE_MS: from its first deed (of a wall: from the pull) to its end;
- is where the market is: the best price of the side it eats from or stands on lies no further than NEAR_TICKS beyond
  the prices of the event, of an iceberg exactly there.

One alarm is matched to one event at most; another one of the same event is counted as ``again``. What is left over is
a ``decoy`` that was taken for an event when the same holds of one, whatever the sign; ``real`` when somebody who reads
nothing but the frames, slowly and by definition (tests/market_eyes.py), sees an event of that kind and sign that no
agent has planned; or else ``false``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from random import Random
from typing import NamedTuple, cast

from replay.cores import data_memory
from services.exchange.profile import PROFILES
from services.exchange.public import PublicStreams
from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket
from services.exchange.truth import EVENT, Deed
from services.ingest.main import make_core
from services.ingest.wire import Connected, Frames, OpenFeed
from services.signals.fuse import builders
from services.signals.lane import Lane
from services.signals.market import Market
from services.signals.strategy import Opinion
from shared import shm
from shared.attach import DataPlane
from shared.config import Ingest, Signals
from shared.fleet import SIZE, Counters, FleetPage, Word
from shared.messages import BookCopy, Events, Started, Tick, Universe
from shared.mirror import BookTable
from shared.ring import RingWriter, records
from shared.service import handlers
from tests.market_eyes import BURST_ORDERS, BURST_SHARE, Aggressor, Eyes

KINDS = ("prt", "ltb", "sweep", "ice")
MS = 1_000_000
NOW = 1_790_000_000_000_000_000
STEP_NS, TICK_NS = 10 * MS, 50 * MS
LATE_MS = 400
NEAR_TICKS = 6
LOOK_BACK_MS = {"prt": 700, "ltb": 2_000, "sweep": 100, "ice": 5_400}
REPLACED = 0.5


class Alarm(NamedTuple):
    """A score that came up."""

    kind: str
    at_ns: int
    sign: int
    bid_ticks: int
    ask_ticks: int


class Tally:
    """What became of the events, decoys and alarms of one kind."""

    def __init__(self) -> None:
        self.events = self.detected = self.again = self.decoys = self.decoys_taken = self.real = self.false = 0

    def __iadd__(self, other: Tally) -> Tally:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    @property
    def precision(self) -> float:
        """Events among what was taken for one; what is real and unplanned counts neither way."""
        taken = self.detected + self.decoys_taken + self.false
        return self.detected / taken if taken else 1.0

    @property
    def recall(self) -> float:
        """Events that were seen."""
        return self.detected / self.events if self.events else 1.0


class Watcher:
    """A strategy that notes the alarms of each signal."""

    signals = KINDS

    def __init__(self, config: Signals) -> None:
        self.all = [build(config) for build in builders(KINDS)]
        self.signs = [0] * len(KINDS)
        self.alarms: list[Alarm] = []

    def update(self, market: Market) -> None:
        for number, signal in enumerate(self.all):
            signal.update(market)
            score = signal.score if market.at_ns < signal.fresh_until_ns else 0.0
            assert -1.0 <= score <= 1.0
            sign = (score > 0) - (score < 0)
            if sign and sign != self.signs[number]:
                touch = market.bid_ticks, market.ask_ticks
                self.alarms.append(Alarm(KINDS[number], market.at_ns, sign, *touch))
            self.signs[number] = sign

    def opinion(self, market: Market) -> Opinion:
        return Opinion(0, 0.0, 0.0, (), "deadband")


class _Memory:
    def __init__(self, memory: bytearray) -> None:
        self.buffer = memoryview(memory)

    def close(self) -> None:
        """Nothing to give back."""


class Pipe:
    """Ingest and the lane of one symbol: frames go in, alarms come out."""

    def __init__(self, symbol: str, config: Signals) -> None:
        ingest = Ingest(cross_check=False, ring_records=16_384, symbols_max=1)
        books, events = data_memory(ingest, 1)
        fleet = FleetPage(bytearray(SIZE))
        fleet.put(Word.DATA_GENERATION, 1)
        held = {shm.segment_name("rig", role, 1): _Memory(data) for role, data in (("books", books), ("ring", events))}
        self._plane = DataPlane("rig", fleet, lambda name: cast(shm.Segment, held[name]))
        self._ingest = handlers(make_core(ingest, 1, 0, BookTable(books), RingWriter(events), Counters()))
        self._symbol, self._due_ns = symbol, 0
        self._config, self._lane = config, cast(Lane | None, None)
        self.watcher = Watcher(config)

    def begin(self, now: int, universe: Universe) -> None:
        """Let ingest open its feed."""
        for message in (Started("rig", "rig", 0), universe):
            self._tell(message, now)
        for said in self._tell(Tick(), now):
            if isinstance(said, OpenFeed):
                self._tell(Connected(said.connection), now)
        self._due_ns = now + TICK_NS

    def hear(self, now: int, frames: Iterable[bytes]) -> None:
        """Take in what one step of time brings."""
        for frame in frames:
            self._tell(Frames(0, (frame,)), now)
            self._follow(look=False)
        if now >= self._due_ns:
            self._due_ns += TICK_NS
            self._tell(Tick(), now)
            self._follow(look=True)

    def _tell(self, message: object, now: int) -> list[object]:
        handler = self._ingest.get(message.HANDLER)  # type: ignore[attr-defined]
        return [] if handler is None else handler(message, now)

    def _follow(self, *, look: bool) -> None:
        for news in self._plane.news(look=look):
            if isinstance(news, BookCopy):
                self._lane = Lane(news, lambda _: self.watcher, self._config)
            elif isinstance(news, Events) and self._lane is not None:
                for record in records(news.data):
                    self._lane.hear(record)


class Watch:
    """One symbol's market of a profile for some time, and the alarms it raised."""

    def __init__(self, seed: int, number: int, seconds: int, profile: str, config: Signals | None = None) -> None:
        rules = INSTRUMENTS[number]
        self.market = SyntheticMarket(
            Random(seed), INSTRUMENTS[number : number + 1], START_PRICES_TICKS[number : number + 1], NOW,
            PROFILES[profile],
        )  # fmt: skip
        self.scale, self.end_ns = self.market.scales[rules.symbol], NOW + seconds * 1_000 * MS
        self._frames: list[bytes] = []
        streams, pipe = PublicStreams(self.market, NOW), Pipe(rules.symbol, config or Signals())
        pipe.begin(NOW, Universe(1, (rules,), (0.0,)))
        for topic in (f"orderbook.50.{rules.symbol}", f"publicTrade.{rules.symbol}"):
            streams.watch(topic)
            first = streams.subscribe(topic, NOW)
            if first is not None:
                self._say(pipe, NOW, [first])
        for now in range(NOW + STEP_NS, self.end_ns + 1, STEP_NS):
            self._say(pipe, now, [frame for _, frame in streams.advance(now, self.market.advance(now))])
        self.alarms = pipe.watcher.alarms

    def _say(self, pipe: Pipe, now: int, frames: list[bytes]) -> None:
        self._frames += frames
        pipe.hear(now, frames)

    @cached_property
    def eyes(self) -> Eyes:
        """Somebody who has read the frames."""
        eyes = Eyes(self.scale.tick_size)
        for frame in self._frames:
            eyes.see(frame)
        return eyes

    @cached_property
    def sweeps(self) -> list[Aggressor]:
        """What is a sweep in the frames."""
        return self.eyes.sweeps()

    @cached_property
    def large(self) -> list[Aggressor]:
        """What is a large order in the frames."""
        return self.eyes.large()

    def tally(self, kind: str) -> Tally:
        """Match the alarms of one kind with what was done."""
        tally = Tally()
        deeds = [deed for deed in self.market.truth.deeds() if deed.kind == kind]
        deeds = [deed for deed in deeds if deed.end_ns <= self.end_ns - LATE_MS * MS]
        events = [deed for deed in deeds if deed.label == EVENT]
        decoys = [deed for deed in deeds if deed.label != EVENT]
        tally.events, tally.decoys = len(events), len(decoys)
        seen: set[int] = set()
        fooled: set[int] = set()
        for alarm in (alarm for alarm in self.alarms if alarm.kind == kind):
            found = [deed for deed in events if alarm.sign == sign_of(deed) and matches(alarm, deed)]
            fresh = [deed for deed in found if deed.number not in seen]
            taken = [deed for deed in decoys if matches(alarm, deed)]
            if fresh:
                seen.add(fresh[0].number)
                tally.detected += 1
            elif found:
                tally.again += 1
            elif taken:
                tally.decoys_taken += taken[0].number not in fooled
                fooled.add(taken[0].number)
            elif self.is_real(alarm):
                tally.real += 1
            else:
                tally.false += 1
        return tally

    def is_real(self, alarm: Alarm) -> bool:
        """Return whether the frames, read by definition, hold such an event just before the alarm."""
        last = alarm.at_ns // MS
        first = last - LOOK_BACK_MS[alarm.kind]
        eyes, sign = self.eyes, alarm.sign
        if alarm.kind == "sweep":
            return any(first <= order.at_ms <= last and order.side == sign for order in self.sweeps)
        if alarm.kind == "ltb":
            sides = [(order.side, order.size) for order in self.large if first <= order.at_ms <= last]
            net, gross = sum(side * size for side, size in sides), sum(size for _, size in sides)
            return sum(side == sign for side, _ in sides) >= BURST_ORDERS and sign * net >= BURST_SHARE * gross
        if alarm.kind == "ice":
            best = float(self.scale.price_text(alarm.bid_ticks if sign > 0 else alarm.ask_ticks))
            return best in eyes.icebergs(sign, first, last)
        return any(replaced >= REPLACED for _, _, replaced in eyes.pulls(-sign, first, last))


def sign_of(deed: Deed) -> int:
    """Return the sign of the score that a deed deserves."""
    return -deed.side if deed.kind == "prt" else deed.side


def matches(alarm: Alarm, deed: Deed) -> bool:
    """Return whether an alarm came at the time and the price of a deed."""
    if not deed.details.get("pulled_ns", deed.start_ns) <= alarm.at_ns <= deed.end_ns + LATE_MS * MS:
        return False
    side = deed.side if deed.kind in ("prt", "ice") else -deed.side
    touch = alarm.bid_ticks if side > 0 else alarm.ask_ticks
    near = 0 if deed.kind == "ice" else NEAR_TICKS
    return deed.low_ticks - near <= touch <= deed.high_ticks + near


def watched(seeds: Iterable[int], numbers: Iterable[int], seconds: int, profile: str) -> dict[str, Tally]:
    """Return what the detectors made of some markets, by kind."""
    total = {kind: Tally() for kind in KINDS}
    symbols = list(numbers)
    for seed in seeds:
        for number in symbols:
            watch = Watch(seed, number, seconds, profile)
            for kind in KINDS:
                total[kind] += watch.tally(kind)
    return total


def table(total: dict[str, Tally]) -> str:
    """Return the confusion matrix as text."""
    heads = ("signal", "events", "detected", "missed", "again", "decoys", "rejected", "taken", "real", "false")
    lines = [" ".join(f"{head:>8}" for head in (*heads, "precision", "recall"))]
    for kind, one in total.items():
        cells: list[object] = [
            kind, one.events, one.detected, one.events - one.detected, one.again, one.decoys,
            one.decoys - one.decoys_taken, one.decoys_taken, one.real, one.false,
        ]  # fmt: skip
        lines.append(" ".join(f"{cell!s:>8}" for cell in cells) + f"{one.precision:10.3f} {one.recall:8.3f}")
    return "\n".join(lines)
