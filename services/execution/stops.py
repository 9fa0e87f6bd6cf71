"""Asking the venue for another stop: one question at a time for each position, whoever asks.

A stop is moved by setting it anew, never by taking it away first. Setting it twice does no harm, so an answer that got
lost is no loss: what the venue then says of the position tells whether to ask again.
"""

from __future__ import annotations

from typing import NamedTuple

from services.execution.desk import Desk, Pending
from services.execution.outcomes import ACCEPTED, ALREADY_DONE
from services.execution.positions import Holding
from services.execution.wire import Reply, StopRequest


class Edit(NamedTuple):
    """One such question."""

    request_id: int
    stop_ticks: int
    before_ticks: int  # What was wanted before.
    opened_ns: int  # Of the position it is meant for.
    urgent: bool  # There is none.


class StopEdits:
    """The questions that have no answer yet."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._under_way: dict[str, Edit] = {}

    def busy(self, symbol: str) -> bool:
        """Whether a question about this symbol's stop is still open."""
        return symbol in self._under_way

    def urgent(self, symbol: str) -> bool:
        """Whether such a question is open that was asked because there is no stop. A mere move is none: it goes another
        way, and that may be stuck.
        """
        return symbol in self._under_way and self._under_way[symbol].urgent

    def ask(self, owner: str, held: Holding, stop_ticks: int, *, urgent: bool) -> None:
        """Want this stop from now on, and ask for it. ``urgent``: it waits behind nothing that is merely useful."""
        desk, symbol = self._desk, held.symbol
        request_id = desk.request_id(owner, symbol)
        self._under_way[symbol] = Edit(request_id, stop_ticks, held.stop_ticks, held.opened_ns, urgent)
        held.stop_ticks = stop_ticks
        desk.keep(held.row())
        desk.say(StopRequest(request_id, symbol, held.scale.tick, stop_ticks, urgent))

    def answered(self, pending: Pending, reply: Reply, now: int) -> Edit | None:
        """Hear an answer; return what it answers, None when the position it was meant for is gone."""
        symbol = pending.subject
        edit = self._under_way.get(symbol)
        if edit is None or edit.request_id != reply.request_id:
            return None
        del self._under_way[symbol]
        held = self._desk.ledger.holdings.get(symbol)
        if held is None or not held.position_lots or held.opened_ns != edit.opened_ns:
            return None
        if reply.outcome in (ACCEPTED, ALREADY_DONE):
            self._desk.believe_stop(symbol, edit.stop_ticks, now)
        return edit

    def forget(self, symbols: set[str]) -> None:
        """Forget whatever is not about these symbols: their positions are gone."""
        for symbol in [symbol for symbol in self._under_way if symbol not in symbols]:
            del self._under_way[symbol]
