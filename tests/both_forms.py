"""What the signal engine says of some markets, as one digest: run in a process of its own for each form of its code.

python -m tests.both_forms
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random

from bench.signals import Heard, engine, recorded, synthetic
from services.signals.core import SignalsCore
from shared import COMPILED
from shared.config import Config
from shared.layout import BLOCK, RPI
from shared.messages import Events, Lapped, encode
from tests.services import feed
from tests.services.feed import MS, Level, Ring, S

STRATEGIES = ("fusion", "predator", "indicator", "orderflow")
T0 = 1_000 * S


class Ear:
    """Hears everything that an engine says and thinks."""

    def __init__(self) -> None:
        self._said = blake2b(digest_size=16)

    def play(self, core: SignalsCore, events: Events, now: int) -> None:
        """Tell the engine something; take in its answers, and every opinion to the last bit."""
        for message in core.on_events(events, now):
            self._said.update(encode(message))
        for lane in core._lanes.values():
            if lane.ready:
                self._said.update(repr(lane.strategy.opinion(lane.market)).encode())

    def market(self, heard: Heard, strategy: str) -> None:
        """Play one market."""
        core = engine(heard, strategy)
        for told in heard.told:
            self.play(core, told.events, told.at_ns)

    def digest(self) -> str:
        """Return what was heard."""
        return self._said.hexdigest()


def wild(seed: int, ear: Ear) -> None:
    """Play what no venue sends: sizes at the limit, empty and crossed books, gaps, clocks that run back."""
    rng, ring, now = Random(seed), Ring(), T0
    core = SignalsCore(Config())
    core.on_lapped(Lapped(1), now)
    core.on_book_copy(feed.copy(recv_ns=now), now)
    for _ in range(300):
        now += rng.choice((0, MS, 20 * MS, 300 * MS, -S, 3 * S, 120 * S))
        levels: list[Level] = [
            (rng.randint(990, 1_010), rng.choice((0, rng.randint(1, 90), 10**15))) for _ in range(rng.randint(1, 6))
        ]
        kind = rng.random()
        if kind < 0.6:
            events = ring.levels(levels[:3], levels[3:], recv_ns=now)
        elif kind < 0.9:
            ticks, lots = levels[0]
            flags = rng.choice((0, 0, BLOCK, RPI))
            events = ring.trade(ticks, lots or 1, bought=rng.random() < 0.5, recv_ns=now, flags=flags)
        elif kind < 0.97:
            bids = sorted({ticks - 30: lots or 1 for ticks, lots in levels}.items(), reverse=True)
            events = ring.snapshot(bids, sorted({ticks: lots or 1 for ticks, lots in levels}.items()), recv_ns=now)
        else:
            events = ring.gap(recv_ns=now)
        ear.play(core, events, now)


def main() -> None:
    """Print the digest, and which form made it."""
    ear = Ear()
    labelled, real = synthetic(40, 3, "labelled"), recorded()
    for strategy in STRATEGIES:
        ear.market(labelled, strategy)
    if real is not None:
        ear.market(real, "fusion")
    for seed in range(30):
        wild(seed, ear)
    print("compiled" if COMPILED else "plain", ear.digest())


if __name__ == "__main__":
    main()
