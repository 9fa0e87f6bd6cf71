"""The order journal as the loop sees it: rows go out, and the word that they are written comes back.

An order leaves only after its row is on disk, so for an order's row the loop stands still: to hear of it by being woken
would take two wake-ups more. It does so for a moment only; a slow disk is left to its thread, and exits do not wait.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from services.execution.orders import State
from services.execution.store import Store
from services.execution.wire import Commit, Committed
from shared.clock import NS_PER_MS, NS_PER_S, Clock

PATIENCE_NS = 5 * NS_PER_MS


class Disk:
    """``hear`` gets the answers, on the loop. ``wake`` has something called there soon, from any thread."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        hear: Callable[[Committed], None],
        wake: Callable[[Callable[[], None]], object],
    ) -> None:
        self._store, self._clock, self._hear, self._wake = store, clock, hear, wake
        self._written: SimpleQueue[tuple[int, str | Exception]] = SimpleQueue()
        self._waiting = False  # Nobody has to wake the loop.

    def keep(self, rows: Commit) -> None:
        """Have rows written."""
        is_order = any(row.state == State.CREATED for row in rows.orders)
        self._waiting = is_order
        self._store.submit(rows, partial(self._wrote, rows.commit_id))
        if is_order:
            self._wait(rows.commit_id)

    def _wait(self, commit_id: int) -> None:
        until_ns = self._clock.now() + PATIENCE_NS
        while self._waiting:
            try:
                written, fault = self._written.get(timeout=max(0, until_ns - self._clock.now()) / NS_PER_S)
            except Empty:
                self._waiting = False
            else:
                self._waiting = written != commit_id
                self._tell(written, fault)
        self.collect()  # What was written before its thread knew that nobody stands here any more.

    def _wrote(self, commit_id: int, fault: str | Exception) -> None:
        """Take the journal's word, on its thread."""
        self._written.put((commit_id, fault))
        if not self._waiting:
            with suppress(RuntimeError):  # The loop is gone.
                self._wake(self.collect)

    def collect(self) -> None:
        """Pass on what has been written."""
        with suppress(Empty):
            while True:
                self._tell(*self._written.get_nowait())

    def _tell(self, commit_id: int, fault: str | Exception) -> None:
        if isinstance(fault, Exception):
            raise fault
        self._hear(Committed(commit_id, not fault, fault))
