from replay.world.actor import Actor
from replay.world.clock import VirtualClock
from shared.messages import Log, Message, StopRequested, Tick


class Chatty:
    """Answers a tick with a request to stop and a word for the log."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_tick(self, message: Tick, now: int) -> list[Message]:
        self.heard.append(f"tick at {now}")
        return [StopRequested(), Log("INFO", "core.ticked", "")]

    def on_stop_requested(self, message: StopRequested, now: int) -> list[Message]:
        self.heard.append("stop")
        return []


def test_what_acting_feeds_comes_after_the_messages_outputs_and_logs_are_kept() -> None:
    core, clock, acted = Chatty(), VirtualClock(7), list[Message]()

    def act(output: Message) -> None:
        acted.append(output)
        actor.feed(output)

    actor = Actor("chatty", core, clock, act)
    actor.feed(Tick())
    assert core.heard == ["tick at 7", "stop"]
    assert acted == [StopRequested()]
    assert [log.event for _, log in actor.logs] == ["core.ticked"]
    assert actor.said["core.ticked"] == 1


def test_one_that_was_stopped_hears_nothing_more() -> None:
    core = Chatty()
    actor = Actor("chatty", core, VirtualClock(0), lambda _: actor.stop())
    actor.feed(Tick())
    actor.feed(Tick())
    assert core.heard == ["tick at 0"]
