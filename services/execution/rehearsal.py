"""Judging entries that nobody wants, so that the next one that somebody wants is quick.

Entries are rare, and whatever else runs on the box meanwhile takes the CPU's caches: the gates, the sizing and the
frame of an order that comes after a pause of milliseconds take up to five times as long as of one that comes at once.
So the last intent is judged again and again, as if it were new. Nothing of it is journalled, said or kept.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from services.execution.answers import trade_frame
from services.execution.calls import call_of
from services.execution.core import ExecutionCore
from services.execution.wire import OrderRequest, Quote
from shared.messages import Intent, encode

NAME = "rehearsal"


class Rehearsal:
    """``look`` reads the book mirror, as it is read for an intent."""

    def __init__(self, core: ExecutionCore, look: Callable[[str], Quote | None]) -> None:
        self._core, self._look = core, look
        self._intent: Intent | None = None

    def learn(self, intent: Intent) -> None:
        """Take a real intent as the one to rehearse."""
        self._intent = replace(intent, intent_id=NAME)

    def run(self, now: int) -> OrderRequest | None:
        """Do what an intent that comes now would ask for, short of anything that shows; return its order, if any."""
        if self._intent is None:
            return None
        ttl_ns = self._intent.expires_ns - self._intent.decided_ns
        intent = replace(self._intent, decided_ns=now, expires_ns=now + ttl_ns)
        quote = self._look(intent.symbol)
        verdict, request = self._core.rehearse(intent, quote)
        for message in (quote, intent, verdict, request):
            if message is not None:
                encode(message)
        if request is not None:
            trade_frame(NAME, call_of(request), 0, 0)
        return request
