"""What all agents have in common: turns, and the choice between an event, a decoy and nothing.

Time is cut into turns, and each agent of a symbol has its own one in every cycle: so no deed is hidden by another, and
a new agent (a turn of its own) leaves the others' draws as they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.exchange.agents.stage import Stage
from services.exchange.flow import MS, S
from services.exchange.matching import Fill
from services.exchange.truth import DECOY, EVENT, Deed

if TYPE_CHECKING:
    from random import Random

TURN_NS = 8 * S
TURNS = 5  # In a cycle; one is nobody's.
LATE_NS = (300 * MS, 1_300 * MS)  # How far into its turn an agent begins.
# The price stands still for this long before and after a deed: it is what the deed is about.
CALM_BEFORE_NS, CALM_AFTER_NS = 700 * MS, 600 * MS
WAITS, WAIT_NS = 4, 50 * MS  # How long it waits for the touch to be as it should be.
EVENT_SHARE, DECOY_SHARE = 0.45, 0.45


class Agent(ABC):
    """One behaviour on one symbol. ``act`` is called at ``next_ns``, as of every inhabitant of a book."""

    KIND = ""  # What the truth calls it.
    TURN = 0  # Which turn of each cycle is its own.
    EVENTS: tuple[str, ...] = ()  # Its ways to do it,
    DECOYS: tuple[str, ...] = ()  # and to do something that only looks like it.
    LENGTH_NS = 0  # No deed takes longer.

    def __init__(self, stage: Stage, rng: Random, now: int) -> None:
        assert CALM_BEFORE_NS + WAITS * WAIT_NS + LATE_NS[1] + self.LENGTH_NS + CALM_AFTER_NS <= TURN_NS
        self.stage, self.rng = stage, rng
        self._script = self._live(now)
        self.next_ns = now + next(self._script)

    def act(self) -> list[Fill]:
        """Do what is due at ``next_ns`` and choose the next time."""
        self.stage.now = self.next_ns
        self.next_ns += next(self._script)
        return self.stage.take_fills()

    def between(self, span_ns: tuple[int, int]) -> int:
        """Return a time from a range."""
        return span_ns[0] + int((span_ns[1] - span_ns[0]) * self.rng.random())

    def share(self, span: tuple[float, float]) -> float:
        """Return a number from a range."""
        return span[0] + (span[1] - span[0]) * self.rng.random()

    def deed(self, form: str, side: int) -> Deed:
        """Begin a deed."""
        label = EVENT if form in self.EVENTS else DECOY
        return Deed(self.KIND, form, label, self.stage.symbol, side, self.stage.now)

    @abstractmethod
    def perform(self, form: str, side: int) -> Iterator[int]:
        """Do it: yield how long to wait before each next step, and tell the truth when it is over."""

    def _live(self, born_ns: int) -> Iterator[int]:
        """Yield the time until the next step, for ever."""
        stage, turn, at = self.stage, self.TURN, born_ns
        while True:
            dice, late = self.rng.random(), self.between(LATE_NS)
            forms = self.EVENTS if dice < EVENT_SHARE else self.DECOYS if dice < EVENT_SHARE + DECOY_SHARE else ()
            form = forms[int(len(forms) * self.rng.random())] if forms else ""
            side = 1 if self.rng.random() < 0.5 else -1
            begin = born_ns + turn * TURN_NS + late
            turn += TURNS
            if not form:
                continue
            yield begin - at
            at = stage.now
            stage.value.hold(at + CALM_BEFORE_NS + WAITS * WAIT_NS)
            at += CALM_BEFORE_NS
            yield CALM_BEFORE_NS
            for _ in range(WAITS):
                if stage.flow.settled():
                    break
                at += WAIT_NS
                yield WAIT_NS
            else:
                continue  # A client has emptied the book, or lies in the way: no stage for anything.
            stage.value.hold(at + self.LENGTH_NS + CALM_AFTER_NS)
            for wait_ns in self.perform(form, side):
                assert wait_ns > 0
                at += wait_ns
                yield wait_ns
            stage.value.hold(at + CALM_AFTER_NS)
