"""The one door to a core: everything is journalled first, and a replay says the same."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from shared import journal
from shared.config import Config
from shared.fleet import SIZE, FleetPage
from shared.journal import INPUT, OUTPUT, Digest
from shared.messages import Command, Dirty, Log, Message, Started, StopRequested, Tick
from shared.service import Context, ReplayDiffersError, Service, handlers, replay


class Steps:
    """A clock that advances by one ns a look, and runs back when told to."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        self.time += 1
        return self.time


class Counter:
    """Answers every third tick with its count."""

    def __init__(self, every: int = 3) -> None:
        self.every, self.ticks, self.heard = every, 0, [0]

    def on_started(self, message: Started, now: int) -> list[Message]:
        self.heard.append(now)
        return [Log("INFO", "counter.start", message.name)]

    def on_tick(self, message: Tick, now: int) -> list[Message]:
        self.heard.append(now)
        self.ticks += 1
        return [Command(str(self.ticks), "pause")] if self.ticks % self.every == 0 else []


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Service]:
    def service(
        core: object,
        act: Callable[[Message], None],
        clock: Steps | None = None,
        wakes: tuple[type[Message], ...] = (),
    ) -> Service:
        context = Context(
            name="signals",
            config=Config(),
            clock=clock or Steps(),
            run_id="run",
            epoch=0,
            run_dir=tmp_path,
            var_dir=tmp_path,
            state_dir=tmp_path,
            fleet=FleetPage(bytearray(SIZE)),
            seed=1,
        )
        return Service(context, core, act, wakes=wakes)

    return service


def entries(folder: Path) -> list[journal.Entry]:
    return list(journal.read(journal.parts(folder / "journal", "signals")[0]))


def test_what_was_done_stands_in_the_file_before_it_is_done(make: Callable[..., Service], tmp_path: Path) -> None:
    seen: list[list[bytes]] = []
    service = make(Counter(), lambda _: seen.append([entry.kind for entry in entries(tmp_path)]))
    for _ in range(3):
        service.feed(Tick())
    assert seen == [[INPUT, INPUT, INPUT, OUTPUT]]


def test_a_wake_up_does_not_wait_for_the_file_but_whatever_comes_with_it_does(
    make: Callable[..., Service], tmp_path: Path
) -> None:
    class Core:
        def on_tick(self, _: Tick, __: int) -> list[Message]:
            return [Dirty(1, 5)]

        def on_stop_requested(self, _: StopRequested, __: int) -> list[Message]:
            return [Dirty(1, 6), Command("a", "pause")]

    seen: list[tuple[Message, int]] = []
    service = make(Core(), lambda message: seen.append((message, len(entries(tmp_path)))), wakes=(Dirty,))
    service.feed(Tick())
    service.feed(StopRequested())
    assert seen == [(Dirty(1, 5), 0), (Dirty(1, 6), 5), (Command("a", "pause"), 5)]


def test_a_shell_may_look_at_the_clock_as_soon_as_the_core_is_done(make: Callable[..., Service]) -> None:
    clock, order = Steps(), list[object]()
    service = make(Counter(every=1), lambda _: order.append("done"), clock)
    service.on_heard = lambda message, given_ns: order.append((message, given_ns, clock.now()))
    service.feed(Tick())
    given_ns = 3  # Looks: when the service was made, for the core, before the core.
    assert order == [(Tick(), given_ns, given_ns + 1), "done"]


def test_what_an_answer_feeds_is_heard_after_all_answers_are_done(make: Callable[..., Service]) -> None:
    order: list[str] = []

    class Core:
        def on_tick(self, _: Tick, __: int) -> list[Message]:
            return [Command("a", "pause"), Command("b", "pause")]

        def on_command(self, message: Command, _: int) -> list[Message]:
            order.append(f"heard {message.command_id}")
            return []

    def act(message: Message) -> None:
        assert isinstance(message, Command)
        order.append(f"did {message.command_id}")
        service.feed(message)

    service = make(Core(), act)
    service.feed(Tick())
    assert order == ["did a", "did b", "heard a", "heard b"]


def test_time_never_runs_back_for_a_core(make: Callable[..., Service]) -> None:
    clock, core = Steps(), Counter()
    service = make(core, lambda _: None, clock)
    clock.time = 1_000
    service.feed(Tick())
    clock.time = 10
    service.feed(Tick())
    assert core.heard == sorted(core.heard)


def test_a_message_the_core_does_not_know_is_not_journalled(make: Callable[..., Service], tmp_path: Path) -> None:
    service = make(Counter(), lambda _: None)
    service.feed(StopRequested())
    service._journal.flush()
    assert entries(tmp_path) == []


def test_a_replay_says_the_same(make: Callable[..., Service], tmp_path: Path) -> None:
    service = make(Counter(), lambda _: None)
    service.feed(Started("signals", "run", 0))
    for _ in range(7):
        service.feed(Tick())
    service._journal.flush()
    told = list(replay(Counter(), entries(tmp_path)))
    assert len(told) == 8
    with pytest.raises(ReplayDiffersError, match="the core says"):
        list(replay(Counter(every=2), entries(tmp_path)))


class Bulk(Message, frozen=True):
    """A great deal of data."""

    DIGESTED: ClassVar[bool] = True

    data: bytes


class Talker:
    """Says much at every tick."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def on_tick(self, message: Tick, now: int) -> list[Message]:
        return [Bulk(self.data), Command("after", "pause")]


def test_of_much_data_the_journal_holds_a_digest_that_tells_a_changed_byte(
    make: Callable[..., Service], tmp_path: Path
) -> None:
    done: list[Message] = []
    service = make(Talker(b"a" * 10_000), done.append)
    service.feed(Tick())
    service._journal.flush()
    assert done[0] == Bulk(b"a" * 10_000)
    held = entries(tmp_path)
    assert [type(entry.message) for entry in held] == [Tick, Digest, Command]
    assert len(list(replay(Talker(b"a" * 10_000), held))) == 1
    with pytest.raises(ReplayDiffersError, match="Digest"):
        list(replay(Talker(b"a" * 9_999 + b"b"), held))


def test_handlers_are_found_by_name() -> None:
    assert set(handlers(Counter())) == {"on_started", "on_tick"}


def test_an_exception_in_a_callback_ends_the_loop(make: Callable[..., Service]) -> None:
    async def fly() -> None:
        service = make(Counter(), lambda _: None)
        asyncio.get_running_loop().call_soon(int, "no number")
        await service.run()

    with pytest.raises(ValueError, match="no number"):
        asyncio.run(fly())
