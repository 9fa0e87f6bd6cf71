"""Pause, resume, flatten, kill and reset do what they say, once, and survive a restart."""

from __future__ import annotations

import pytest

from services.execution.calls import call_of
from services.execution.wire import CancelAllRequest, OrderRequest, Recovered, WordRow
from shared.messages import Command, Log, Verdict
from tests.services.execution.rig import NOTHING, NOW, RUN, Rig, execution_row


def say(rig: Rig, verb: str, command_id: str = "") -> None:
    rig.feed(Command(command_id or verb, verb))


def gate(rig: Rig, name: str = "abc-0-2") -> str:
    rig.wish(name)
    return rig.last(Verdict).gate


def started_with(word: str, run_id: str = RUN) -> Rig:
    row = WordRow(word, "why", run_id, NOW)
    return Rig().start(Recovered((), (), (), (), 0, NOTHING.day, 0, 0, row), epoch=1)


def test_pause_keeps_positions_and_refuses_entries_until_resume() -> None:
    rig = Rig().start()
    rig.enter()
    say(rig, "pause")
    rig.wait(500)
    assert rig.state == "paused"
    assert gate(rig) == "state_running"
    assert len(rig.all(OrderRequest)) == 1
    say(rig, "resume")
    assert rig.state == "running"


def test_flatten_cancels_entries_but_no_stops_closes_everything_and_ends_as_a_pause() -> None:
    rig = Rig().start()
    rig.enter()
    say(rig, "flatten")
    assert rig.state == "flattening"
    assert call_of(rig.last(CancelAllRequest)).params["orderFilter"] == "Order"
    request = rig.last(OrderRequest)
    assert request.reduce_only
    rig.feed(rig.reply(request))
    rig.leave(request.order_link_id)
    assert rig.state == "paused"
    assert gate(rig) == "state_running"
    say(rig, "resume")
    rig.wait(250)
    assert gate(rig, "abc-0-3") == ""


def test_kill_latches_until_it_is_reset_by_hand() -> None:
    rig = Rig().start()
    say(rig, "kill")
    assert rig.state == "latched"
    say(rig, "resume")
    say(rig, "pause")
    assert rig.state == "latched"
    say(rig, "reset")
    assert rig.state == "paused"
    say(rig, "resume", "again")
    assert rig.state == "running"


def test_a_latched_executor_closes_whatever_turns_up() -> None:
    rig = Rig().start()
    rig.wish()
    entry = rig.last(OrderRequest)
    say(rig, "kill")
    rig.feed(rig.reply(entry))
    rig.push("execution", execution_row("late", entry.order_link_id, "0.008", rig.now))
    assert rig.last(OrderRequest).reduce_only


def test_a_command_heard_twice_is_done_once() -> None:
    rig = Rig().start()
    say(rig, "pause", "one")
    say(rig, "resume", "two")
    say(rig, "pause", "one")
    assert rig.state == "running"


def test_a_word_nobody_knows_is_said_and_changes_nothing() -> None:
    rig = Rig().start()
    say(rig, "dance")
    assert rig.state == "running"
    assert rig.all(Log)[-1].level == "ERROR"


@pytest.mark.parametrize(
    ("word", "run_id", "state"),
    [
        ("latched", RUN, "latched"),
        ("latched", "another", "latched"),
        ("paused", RUN, "paused"),
        ("paused", "another", "running"),
        ("flattening", RUN, "paused"),
    ],
)
def test_a_restart_remembers_the_word(word: str, run_id: str, state: str) -> None:
    assert started_with(word, run_id).state == state


def test_every_word_is_written_down() -> None:
    rig = Rig().start()
    say(rig, "kill")
    assert rig.commits[-1].words[-1].word == "latched"
