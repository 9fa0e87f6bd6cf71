"""The loop waits for an order's row, for a moment; every answer arrives once, in order, however the threads meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest

from services.execution.disk import PATIENCE_NS, Disk
from services.execution.store import Store, Told
from services.execution.wire import Commit, Committed, WordRow
from shared.clock import FleetClock, measure_epoch_ns
from shared.messages import Message
from tests.services.execution.test_store import INTENT, NOW, ORDER, rows

CLOCK = FleetClock(measure_epoch_ns())
WORD = WordRow("kill", "person", "", NOW)


def numbered(number: int, *, order: bool) -> Commit:
    found = rows(orders=(ORDER,), intents=(INTENT,)) if order else rows(words=(WORD,))
    return Commit(number, found.intents, found.orders, (), (), (), (), found.words, ())


class Slow(Store):
    """A journal that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Told]] = []

    def submit(self, rows: Commit, told: Told) -> None:
        self.asked.append((rows.commit_id, told))


class Quick(Slow):
    """One that has always written already."""

    def submit(self, rows: Commit, told: Told) -> None:
        super().submit(rows, told)
        while self.asked:
            self.asked.pop(0)[1]("")


class Loop:
    """What the loop has heard, and what it was asked to do soon."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.soon: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def disk(self, store: Store) -> Disk:
        return Disk(store, CLOCK, self.heard.append, self.soon.put)

    def turn(self) -> None:
        self.soon.get(timeout=5.0)()


def test_an_order_s_row_is_waited_for_and_nobody_is_woken() -> None:
    loop = Loop()
    loop.disk(Quick()).keep(numbered(1, order=True))
    assert loop.heard == [Committed(1, True, "")]
    assert loop.soon.empty()


def test_other_rows_are_not_waited_for() -> None:
    loop, store = Loop(), Slow()
    disk = loop.disk(store)
    began_ns = time.monotonic_ns()
    disk.keep(numbered(1, order=False))
    assert time.monotonic_ns() - began_ns < PATIENCE_NS
    store.asked[0][1]("no space left on device")
    assert loop.heard == []
    loop.turn()
    assert loop.heard == [Committed(1, False, "no space left on device")]


def test_a_slow_disk_is_left_to_its_thread_and_its_word_still_comes() -> None:
    loop, store = Loop(), Slow()
    disk = loop.disk(store)
    began_ns = time.monotonic_ns()
    disk.keep(numbered(1, order=True))
    assert time.monotonic_ns() - began_ns < 100 * PATIENCE_NS
    assert loop.heard == []
    store.asked[0][1]("")
    loop.turn()
    assert loop.heard == [Committed(1, True, "")]


def test_what_was_given_before_is_heard_before() -> None:
    loop, store = Loop(), Slow()
    disk = loop.disk(store)
    disk.keep(numbered(1, order=False))
    answers = [store.asked[0][1]]
    threading.Thread(target=lambda: (answers[0](""), _soon(store)("")), daemon=True).start()
    disk.keep(numbered(2, order=True))
    while len(loop.heard) < 2:
        loop.turn()
    assert loop.heard == [Committed(1, True, ""), Committed(2, True, "")]


def _soon(store: Slow) -> Told:
    deadline = time.monotonic() + 5.0
    while len(store.asked) < 2:
        assert time.monotonic() < deadline
    return store.asked[1][1]


def test_a_bug_on_the_journal_s_thread_ends_the_process() -> None:
    loop, store = Loop(), Slow()
    loop.disk(store).keep(numbered(1, order=False))
    store.asked[0][1](KeyError("a bug"))
    with pytest.raises(KeyError, match="a bug"):
        loop.turn()


def test_every_answer_comes_once_and_in_order(tmp_path: Path) -> None:
    loop, store, count = Loop(), Store(tmp_path / "orders.sqlite"), 300
    disk = loop.disk(store)
    for number in range(1, count + 1):
        is_order = number % 3 == 0
        rows = numbered(number, order=False) if not is_order else Commit(number, (), (ORDER,), (), (), (), (), (), ())
        disk.keep(rows)
        while not loop.soon.empty():
            loop.turn()
    while len(loop.heard) < count:
        loop.turn()
    assert loop.heard == [Committed(number, True, "") for number in range(1, count + 1)]
    store.close()
