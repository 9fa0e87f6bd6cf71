"""Cases for the gates: one that passes them all, changes to it, and every figure in it replaced by nonsense."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from services.execution.case import Case, Standing
from services.execution.limits import Limits
from shared.messages import Message
from shared.scale import E8
from tests.services.execution.rig import BTC, FUNDING_NS, LIMITS, NOW, S, intent, quote

MIN = 60 * S
STANDING = Standing(
    equity_e8=10_000 * E8, opening_e8=10_000 * E8, result_e8=0, result_r_e6=0, open_loss_e8=0, open_count=0,
    drawdown_e6=0, exposure_e8=0, own_e8=0, breaches=0, rejects=0, rejected_ns=0, lost_ns=0, entered_ns=0, tokens=10,
    next_funding_ns=FUNDING_NS,
)  # fmt: skip


def case(**changes: Any) -> Case:
    """Return a case that passes every gate."""
    usual: dict[str, Any] = {
        "now": NOW, "intent": intent(), "limits": LIMITS, "state": "running", "private_up": True, "journal_ok": True,
        "seen_before": False, "quote": quote(), "rules": BTC, "prepared": True, "taker_e8": 55_000,
        "available_e8": 10_000 * E8, "position_lots": 0, "pending": 0, "open_symbols": 0, "standing": STANDING,
    }  # fmt: skip
    return Case(**usual | changes)


def limits(**changes: Any) -> dict[str, Any]:
    return {"limits": dataclasses.replace(LIMITS, **changes)}


def risk(**changes: Any) -> dict[str, Any]:
    return limits(risk=LIMITS.risk._replace(**changes))


def standing(**changes: Any) -> dict[str, Any]:
    return {"standing": STANDING._replace(**changes)}


# --- which figures a gate reads, and the same case with one of them poisoned -----------------------------------------


class Seen:
    """Stands for a part of a case and notes which of its figures are read."""

    def __init__(self, part: Any, path: str, read: set[str]) -> None:
        self._part, self._path, self._read = part, path, read

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        path = f"{self._path}{name}"
        if isinstance(value, bool | int | float):
            self._read.add(path)
            return value
        if isinstance(value, Message | Limits | tuple):
            return Seen(value, f"{path}.", self._read)
        return value


def figures_of(gate: Any, one: Case) -> set[str]:
    """Return the figures that a gate, or whatever else takes a case, reads: dotted paths into the case."""
    read: set[str] = set()
    gate(Seen(one, "", read))
    return read


def poisoned(one: Any, path: str, value: float) -> Any:
    """Return a copy of a case with one figure replaced."""
    name, _, rest = path.partition(".")
    inner = poisoned(getattr(one, name), rest, value) if rest else value
    if name == "plan":
        copy = dataclasses.replace(one)
        copy._plan = inner
        return copy
    if isinstance(one, Message):
        return msgspec.structs.replace(one, **{name: inner})
    if isinstance(one, tuple):
        return one._replace(**{name: inner})  # type: ignore[attr-defined]
    return dataclasses.replace(one, **{name: inner})


POISONS = (math.nan, math.inf, -math.inf, -1.0, -1, -(2**200), 2**200, 1e300, -1e300)


def poisons(gate: Any, one: Case) -> Iterator[tuple[str, float, Case]]:
    """Yield the case once for every figure that the gate reads and every nonsense it may hold."""
    for path in sorted(figures_of(gate, one)):
        for value in POISONS:
            yield path, value, poisoned(one, path, value)
