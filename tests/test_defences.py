"""Each defence is missed: with it taken away, some trial finds what it was there for.

Several gates stand behind one another (a stale book fails three of them), so they are taken away together. What no
trial can tell apart is shown gate by gate in tests/services/execution/test_gates_*.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from replay.world.scenario import scenario
from replay.world.trial import play
from services.execution import calls, desk, exits, gates, positions, reconcile, stops, tracker, watch
from services.execution.orders import EXIT, PARTIAL
from services.execution.wire import OrderRequest

SEEDS = range(40)
Patch = pytest.MonkeyPatch


def without(*names: str) -> Callable[[Patch], None]:
    """Take gates out of the wall."""

    def take(patch: Patch) -> None:
        patch.setattr(gates, "GATES", tuple(gate for gate in gates.GATES if gate.__name__ not in names))

    return take


def no_stop(patch: Patch) -> None:
    """Send entries without a stop."""
    whole = calls._CALLS[OrderRequest]

    def bare(request: Any) -> calls.Call:
        call = whole(request)
        return call._replace(params={name: value for name, value in call.params.items() if name != "stopLoss"})

    patch.setitem(calls._CALLS, OrderRequest, bare)


def send_first(patch: Patch) -> None:
    """Let orders leave before they are on disk."""
    place = tracker.Tracker.place

    def hasty(self: tracker.Tracker, request: OrderRequest, intent: Any, now: int, **more: Any) -> None:
        place(self, request, intent, now, **more)
        self.committed(self._desk.commit_id, True, "", now, may_enter=True)

    patch.setattr(tracker.Tracker, "place", hasty)


def forget_failed_rows(patch: Patch) -> None:
    """Let a full disk swallow what was to be written."""
    patch.setattr(desk.Desk, "written", lambda self, number, ok: self._writing.pop(number, None))


def never_ask(patch: Patch) -> None:
    """Believe that whoever says nothing has nothing to say."""
    patch.setattr(tracker.Tracker, "_ask", lambda self, order, now: setattr(order, "query_due_ns", 0))
    for name in ("restart", "soon"):
        patch.setattr(reconcile.Reconciler, name, lambda self, now: None)


def guard_nothing_that_leaves(patch: Patch) -> None:
    """Trust that what is being closed will be."""
    guard = exits.Exits._guard

    def trusting(self: exits.Exits, held: positions.Holding, now: int) -> None:
        if not self.unwanted(held.symbol):
            guard(self, held, now)

    patch.setattr(exits.Exits, "_guard", trusting)


def wait_for_any_way_out(patch: Patch) -> None:
    """Wait for a way out, whether anybody knows of it or not."""
    patch.setattr(exits.Exits, "_may_close", lambda _, order, now: order.role == EXIT and order.reason != PARTIAL)


def forget_when_it_changed(patch: Patch) -> None:
    """Take over positions as if they had always been there."""
    recall = positions.Ledger.recall
    patch.setattr(positions.Ledger, "recall", lambda self, *args: recall(self, *args[:5]))


WATCH, ADL = "the watch over stops", "adl"
DEFENCES: dict[str, tuple[str, Callable[[Patch], None]]] = {
    "stale books": ("data", without("book_fresh", "data_fresh")),
    "void books": ("data", without("book_valid")),
    "late intents": ("closed", without("intent_in_time")),
    "intents that make no sense": ("closed", without("intent_sane", "bracket_sides")),
    "too many positions": ("limits", without("max_positions")),
    "losses": (
        "limits",
        without("kill_switch", "daily_loss_usdt", "daily_loss_r", "daily_loss_pct", "drawdown", "state_running"),
    ),
    "the attached stop": ("protection", no_stop),
    WATCH: ("protection", lambda patch: patch.setattr(exits.Exits, "_guard", lambda *_: None)),
    "the journal before the request": ("record", send_first),
    "rows that a full disk refused": ("record", forget_failed_rows),
    "executions counted once": (
        "agreement",
        lambda patch: patch.setattr(positions.Ledger, "known", lambda *_: False),
    ),
    "ways out": ("agreement", lambda patch: patch.setattr(exits.Exits, "run", lambda *_: None)),
    "asking the venue": ("agreement closed", never_ask),
}


RARE: dict[str, tuple[str, int, Callable[[Patch], None]]] = {
    "the guard of what is on its way out": ("protection", 1003114, guard_nothing_that_leaves),
    "a way out that never was": ("protection", 1047130, wait_for_any_way_out),
    "entries that fill in silence": (
        "protection",
        1005446,
        lambda patch: patch.setattr(watch.Watch, "_resting", lambda *_: []),
    ),
    "a lane for stops that are missing": (
        "protection",
        1002856,
        lambda patch: patch.setattr(calls, "STOP", calls.EXIT),
    ),
    "the stop in case of doubt": (
        "protection",
        1012218,
        lambda patch: patch.setattr(exits.Exits, "_doubt", lambda *_: None),
    ),
    "a missing stop that waits for no move": (
        "protection",
        1082846,
        lambda patch: patch.setattr(stops.StopEdits, "urgent", stops.StopEdits.busy),
    ),
    "the patience with a list that may be old, after a restart too": ("limits", 1080361, forget_when_it_changed),
    "the comparison at the end": (
        "record",
        1000047,
        lambda patch: patch.setattr(reconcile.Reconciler, "agrees_since", lambda *_: True),
    ),
}
"""What some seed in a thousand needs: the law, and the seed that showed it."""


@pytest.mark.parametrize("name", RARE)
def test_a_rare_seed_stands_and_falls_with_it(name: str, monkeypatch: Patch) -> None:
    law, seed, take_away = RARE[name]
    assert play(seed).findings == ()
    take_away(monkeypatch)
    assert any(finding.startswith(law) for finding in play(seed).findings), f"nobody misses {name}"


@pytest.mark.parametrize("name", DEFENCES)
def test_without_it_a_trial_fails(name: str, monkeypatch: Patch) -> None:
    laws, take_away = DEFENCES[name]
    take_away(monkeypatch)
    troubled = [seed for seed in range(1_000) if any(line.startswith(ADL) for line in scenario(seed).faults)]
    for seed in troubled if name == WATCH else SEEDS:  # Hardly anything but deleveraging takes a stop away.
        findings = play(seed).findings
        if any(finding.partition(":")[0] in laws.split() for finding in findings):
            return
    pytest.fail(f"nobody misses {name}")
