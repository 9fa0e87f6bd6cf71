"""A rehearsal finds the way of the last intent, and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replay.world.actor import Actor
from replay.world.trial import Trial
from services.execution.core import ExecutionCore
from services.execution.rehearsal import NAME, Rehearsal
from services.execution.wire import Quote
from shared.messages import Intent, Message, encode
from tests.services.execution.rig import MS, Rig, intent, quote


def rehearsal(rig: Rig) -> Rehearsal:
    return Rehearsal(rig.core, lambda symbol: quote(rig.now) if symbol == "BTCUSDT" else None)


def test_nothing_is_rehearsed_before_the_first_intent() -> None:
    assert rehearsal(Rig()).run(0) is None


def test_the_order_of_an_intent_that_would_pass_is_made_and_thrown_away() -> None:
    rig = Rig().start()
    rehearsed = rehearsal(rig)
    rehearsed.learn(intent())
    before = list(rig.said)
    order = rehearsed.run(rig.now)
    assert order is not None
    assert (order.symbol, order.order_link_id) == ("BTCUSDT", f"{NAME}-e")
    assert rig.said == before


def test_without_a_book_it_goes_as_far_as_the_gates() -> None:
    rig = Rig().start()
    rehearsed = Rehearsal(rig.core, lambda _: None)
    rehearsed.learn(intent())
    assert rehearsed.run(rig.now) is None


SEEDS = (3, 7, 11, 20, 38)


def told(seed: int, folder: Path, step: Callable[[Actor, Message], None]) -> list[bytes]:
    """Return everything that execution says in a trial, every message of it taken by ``step``."""
    said: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Actor, "_step", step)
        trial = Trial(seed, folder)
        judge = trial.execution.actor.hear
        assert judge is not None

        def hear(now: int, name: str, message: Message) -> None:
            said.append(encode(message))
            judge(now, name, message)

        trial.execution.actor.hear = hear
        trial.play()
    return said


@pytest.mark.parametrize("seed", SEEDS)
def test_rehearsing_after_every_turn_changes_nothing_that_is_said(seed: int, tmp_path: Path) -> None:
    plain = Actor._step
    last: dict[str, Any] = {}
    rehearsed = 0

    def step(actor: Actor, message: Message) -> None:
        nonlocal rehearsed
        plain(actor, message)
        if actor.name != "execution":
            return
        core = actor._handlers["on_intent"].__self__  # type: ignore[attr-defined]
        assert isinstance(core, ExecutionCore)
        if isinstance(message, Intent | Quote):
            last[type(message).__name__] = message
        if "Intent" in last and actor.is_up:
            again = Rehearsal(core, lambda symbol: last.get("Quote") if last["Quote"].symbol == symbol else None)
            again.learn(last["Intent"])
            rehearsed += again.run(actor._clock.now_ns + MS) is not None

    one, other = (tmp_path / name for name in ("plain", "rehearsed"))
    one.mkdir()
    other.mkdir()
    assert told(seed, one, plain) == told(seed, other, step)
    assert rehearsed > 0
