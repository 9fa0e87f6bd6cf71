"""One trial: execution and the exchange alone on a virtual clock, with everything going wrong that its seed asks for.

Signals and books are left out: intents come as the scenario has them, and quotes straight from the exchange's books, so
that a trial of half a minute takes some ten milliseconds and a hundred thousand of them an evening.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from msgspec.structs import replace

from replay.world.clock import VirtualClock
from replay.world.executor import ExecutionActor
from replay.world.fleet import BEAT_NS, START_NS
from replay.world.judge import Judge
from replay.world.network import Network
from replay.world.scenario import (
    CALM_FROM_S,
    CUT,
    DISK_FULL,
    KILL,
    KILL_TWICE,
    RESTART_VENUE,
    SECONDS,
    Blow,
    Scenario,
    Wish,
    scenario,
)
from services.execution.limits import limits_of
from services.execution.quotes import NEAR_LEVELS
from services.execution.store import Store
from services.execution.wire import Commit, Quote
from shared.audit import journalled
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import BUY, SELL, Intent, Message, RoundTrip, StopRequested, Tick, Universe

RUN, JOURNAL = "trial", "orders.sqlite"
EXCHANGE_TICK_NS = 50 * NS_PER_MS
LOOK_NS = 100 * NS_PER_MS
HEAL_S = 5.0  # By then both ledgers agree, once nothing goes wrong any more.
BACK_NS = 250 * NS_PER_MS
LIFE_NS = 20 * NS_PER_MS  # It lives for so long between two deaths.
TTL_NS = 250 * NS_PER_MS
SAY_UNIVERSE_NS = NS_PER_S
STOP_S = 6.0
AGAIN_NS = 4 * NS_PER_S
NAKED_MS_DEAF, NAKED_MS_THIN = 12_000, 1_000  # The second from when the book gives again.
DEAF = frozenset(("maintenance", "freeze"))  # The venue lets nothing through.
NAKED_MS_MAX = 500
MEMORY = "/dev/shm"


class Outcome(NamedTuple):
    """What came of a trial."""

    seed: int
    seconds: float
    intents: int
    passed: int
    trips: int
    faults: int
    corrections: int
    findings: tuple[str, ...]


class Trial:
    """Plays one scenario."""

    def __init__(self, seed: int, folder: Path, played: Scenario | None = None) -> None:
        self.seed, self._folder = seed, folder
        self.scenario = played or scenario(seed)
        config = self.scenario.config
        self._config, self._rng = config, Random(f"trial/{seed}/world")
        self.clock = VirtualClock(START_NS)
        self.network = Network(config, self.clock, Random(self._rng.random()), tick_ns=EXCHANGE_TICK_NS)
        self.judge = Judge(limits_of(config), lambda: self.network.core)
        self._epoch, self._generation = 0, 1
        self._book: dict[str, Quote | None] = {}
        self._ids = 0
        self._trips: set[int] = set()
        self._corrections = 0
        self._begin()
        self.clock.every(BEAT_NS, self._beat)
        self.clock.every(SAY_UNIVERSE_NS, self._say_universe)
        self.clock.every(LOOK_NS, lambda: self.judge.look(self.clock.now_ns))
        for wish in self.scenario.wishes:
            self.clock.at(START_NS + wish.at_ns, self._wishing(wish))
        for blow in self.scenario.blows:
            self.clock.at(START_NS + blow.at_ns, self._striking(blow))

    # --- execution ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.execution = ExecutionActor(
            self._config, self.clock, self.network, self._quote, (RUN, self._epoch), self._say,
            self._folder / JOURNAL, Random(self._rng.random()),
        )  # fmt: skip
        self.execution.actor.hear = self.judge.hear
        self.execution.written = self._written
        self._say_universe()

    def _written(self, rows: Commit) -> None:
        self.judge.journalled |= {row.order_link_id for row in rows.orders}

    def _beat(self) -> None:
        self.execution.actor.feed(Tick())

    def _say(self, name: str, message: Message) -> None:
        if isinstance(message, RoundTrip):
            self._trips.add(message.number)

    def _say_universe(self) -> None:
        rules = tuple(self.network.core.desk.market.instruments.values())
        self.execution.actor.feed(Universe(1, rules, (0.0,) * len(rules)))

    # --- intents -----------------------------------------------------------------------------------------------------

    def _quote(self, symbol: str) -> Quote | None:
        self.judge.generation = self._generation
        quote = self._book.pop(symbol) if symbol in self._book else self._live(symbol)
        self.judge.quotes[symbol] = quote or self.judge.quotes.get(symbol)
        return quote

    def _live(self, symbol: str) -> Quote:
        """Return what a book without any fault would show now."""
        now, market = self.clock.now_ns, self.network.core.desk.market
        bid, ask = market.touch_ticks(symbol)
        book = self.network.core.books[symbol]
        bids, asks = ([lots for _, lots in book.depth(side, NEAR_LEVELS)] for side in (BUY, SELL))
        seen_ns = now - NS_PER_MS
        return Quote(
            symbol, bid, ask, seen_ns, 0 < bid < ask, self._generation, 0, seen_ns - NS_PER_MS, 0, NS_PER_MS, now,
            sum(bids[:1]), sum(asks[:1]), sum(bids), sum(asks), tick=market.instruments[symbol].tick,
        )  # fmt: skip

    def _wishing(self, wish: Wish) -> Callable[[], None]:
        return lambda: self._wish(wish)

    def _wish(self, wish: Wish) -> None:
        now, symbol, flaw = self.clock.now_ns, wish.symbol, wish.flaw
        bid, ask = self.network.core.desk.market.touch_ticks(symbol)
        seen_ns = now - 2 * NS_PER_S if flaw == "stale" else now - NS_PER_MS
        quote = replace(
            self._live(symbol), recv_ns=seen_ns, cts_ns=seen_ns - NS_PER_MS, valid=flaw != "void",
            generation=self._generation + (flaw == "generation"),
        )  # fmt: skip
        if flaw == "crossed":
            bid, ask = ask, bid
            quote = replace(quote, best_bid_ticks=bid, best_ask_ticks=ask)
        self._book[symbol] = quote if flaw != "no_book" else None
        entry = ask if wish.side > 0 else bid
        stop = entry - wish.side * max(2, entry * wish.stop_e4 // 10_000)
        target = entry + wish.side * max(2, entry * wish.target_e4 // 10_000)
        self._ids += flaw != "repeat"
        intent = Intent(
            intent_id=f"trial-{self._ids}", symbol=symbol, side=wish.side, entry_ticks=entry,
            stop_ticks=0 if flaw == "no_stop" else stop, target_ticks=target,
            score=float("nan") if flaw == "nan" else 0.5, confidence=0.9, generation=self._generation, ring_seq=0,
            book_ns=seen_ns, decided_ns=now, expires_ns=now - 1 if flaw == "late" else now + TTL_NS,
        )  # fmt: skip
        self.judge.wished(intent, flaw if flaw not in ("no_book", "repeat") else "")
        self.execution.wish(intent)

    # --- blows -------------------------------------------------------------------------------------------------------

    def _striking(self, blow: Blow) -> Callable[[], None]:
        return lambda: self._strike(blow)

    def _strike(self, blow: Blow) -> None:
        if blow.kind in (KILL, KILL_TWICE):
            self._kill()
            if blow.kind == KILL_TWICE:
                self.clock.after(BACK_NS + LIFE_NS, self._kill)
        elif blow.kind == RESTART_VENUE:
            self.network.restart()
        elif blow.kind == CUT:
            self.network.cut()
        elif blow.kind == DISK_FULL:
            self._fill_disk(blow.span_ns)

    def _kill(self) -> None:
        if self.execution.actor.is_up:
            self._note()
            self.execution.kill()
            self._epoch += 1
            self.clock.after(BACK_NS, self._begin)

    def _naked_ms_allowed(self) -> int:
        """Return how long a position may have been naked. Deleveraging takes the stop away: then ours has to come soon,
        unless the venue lets nothing through. In a thin book a stop is used up before all is closed: then we are on our
        way out, and out soon after the book gives again. Who is dead does neither.
        """
        words = {line.partition(" ")[0] for line in self.scenario.faults}
        thin_ms = self._thin_ms()
        found = [NAKED_MS_MAX * ("adl" in words), thin_ms + NAKED_MS_THIN if thin_ms else 0]
        late = self._late_stops()
        if (any(found) and words & DEAF) or (late and "maintenance" in words):
            return NAKED_MS_DEAF
        allowed_ms = max(NAKED_MS_MAX * late, *found)
        return allowed_ms + self._dead_ms() if allowed_ms else 0

    def _thin_ms(self) -> int:
        """Return for how long the book gives less than it shows."""
        spans = [re.search(r"for=(\d+)ms", line) for line in self.scenario.faults if line.startswith("thin ")]
        return sum(int(found[1]) for found in spans if found)

    def _dead_ms(self) -> int:
        """Return how long execution is dead at a stretch."""
        kinds = {blow.kind for blow in self.scenario.blows}
        dead_ns = BACK_NS + LIFE_NS + BACK_NS if KILL_TWICE in kinds else BACK_NS * (KILL in kinds)
        return dead_ns // NS_PER_MS

    def _late_stops(self) -> bool:
        """Whether a resting entry that is partly filled has no stop at the venue until we set one."""
        return self._config.exchange.stop_timing == "completion" and self._config.router.mode != "take"

    def _note(self) -> None:
        """Count what the present life of execution had to correct."""
        said = self.execution.actor.said
        self._corrections += sum(count for event, count in said.items() if event.startswith("correction."))

    def _fill_disk(self, span_ns: int) -> None:
        self.execution.disk_full = self.judge.disk_failed = True

        def free() -> None:
            self.execution.disk_full = False

        self.clock.after(span_ns, free)

    # --- the whole ---------------------------------------------------------------------------------------------------

    def play(self) -> Outcome:
        """Play it to its end."""
        clock, judge = self.clock, self.judge
        clock.run(START_NS + round((CALM_FROM_S + HEAL_S) * NS_PER_S))
        self.execution.disk_full = False
        clock.run(START_NS + round(SECONDS * NS_PER_S))
        self.execution.actor.feed(StopRequested())
        end_ns = clock.now_ns + round(STOP_S * NS_PER_S)
        while self.execution.finished is None and clock.now_ns < end_ns:
            clock.run(clock.now_ns + BEAT_NS)
        now = clock.now_ns
        if self.execution.finished is None or not self.execution.finished.clean:
            judge.find("agreement", "execution did not end clean")
        judge.flat(now)
        self._note()
        self.execution.kill()
        judge.protected(now, self._naked_ms_allowed())
        judge.settle(now, *journalled(self._folder / JOURNAL))
        if self.scenario.again:
            self._begin_again()
        if self._corrections and not (self.scenario.faults or self.scenario.blows):
            judge.find("visible", f"{self._corrections} corrections, and nothing had gone wrong")
        return Outcome(
            self.seed, (now - START_NS) / NS_PER_S, len(self.scenario.wishes), judge.passed, len(self._trips),
            len(self.scenario.faults) + len(self.scenario.blows), self._corrections, tuple(judge.findings),
        )  # fmt: skip

    def _begin_again(self) -> None:
        """Recover from a journal that is at peace with the venue: nothing may come of it."""
        path = self._folder / JOURNAL
        before, requests = journalled(path), self.network.core.desk.oracle.executed
        self._corrections, counted = 0, self._corrections
        self._epoch += 1
        self._begin()
        self.clock.run(self.clock.now_ns + AGAIN_NS)
        if self.judge.state != "running" and not self._latched():
            self.judge.find("crash", f"begun again it is {self.judge.state or 'silent'}")
        self._note()
        self.execution.kill()
        if self._corrections or journalled(path) != before or self.network.core.desk.oracle.executed != requests:
            self.judge.find("crash", f"begun again it made {self._corrections} corrections, or other rows")
        self._corrections = counted

    def _latched(self) -> bool:
        return self.judge.state in ("latched", "paused")


def play(seed: int) -> Outcome:
    """Play the trial of a seed, in a folder of its own in memory."""
    with _folder() as folder:
        (Path(folder) / JOURNAL).write_bytes(_empty_journal())
        return Trial(seed, Path(folder)).play()


def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="pg-trial-", dir=MEMORY if Path(MEMORY).is_dir() else None)


@cache
def _empty_journal() -> bytes:
    """Return an order journal that has its tables and nothing in them: every trial begins with one."""
    with _folder() as folder:
        path = Path(folder) / JOURNAL
        Store(path).close()
        return path.read_bytes()
