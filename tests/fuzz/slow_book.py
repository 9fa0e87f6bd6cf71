"""A second opinion on the book kernel that shares no line with it: the json module, Decimals and dictionaries."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from shared.kernel import Outcome

COUNT_MAX, ID_MAX, MS_MAX = 10**15, 10**18, 9 * 10**12
Side = dict[int, int]


class WrongError(Exception):
    """A frame that is none; says which outcome it deserves."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome


def refuse(text: str) -> Any:
    raise WrongError(Outcome.MALFORMED)


def finite(text: str) -> float:
    return float(text) if abs(float(text)) != float("inf") else refuse(text)


def check(holds: bool, outcome: Outcome = Outcome.MALFORMED) -> None:
    if not holds:
        raise WrongError(outcome)


def whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; half a surrogate pair is no text, not even under a key that comes again."""
    json.dumps(pairs, ensure_ascii=False).encode()
    return dict(pairs)


def decoded(frame: bytes) -> Any:
    try:
        root = json.loads(frame.decode(), parse_constant=refuse, parse_float=finite, object_pairs_hook=whole)
    except (ValueError, RecursionError):
        return refuse("")
    return root


class SlowBook:
    """One symbol's book; prices in ticks -> sizes in lots."""

    def __init__(self, symbol: str, depth: int, tick: str, lot: str) -> None:
        self._symbol, self._depth, self._tick, self._lot = symbol, depth, Decimal(tick), Decimal(lot)
        self.bids: Side = {}
        self.asks: Side = {}
        self.valid, self._u = False, 0

    def apply(self, frame: bytes) -> Outcome:
        try:
            return self._take(decoded(frame))
        except WrongError as error:
            if error.outcome is Outcome.OFF_GRID:
                self.valid = False
            return error.outcome

    def _take(self, root: Any) -> Outcome:
        check(type(root) is dict and type(root.get("topic")) is str and type(root.get("data")) is dict)
        data = root["data"]
        check(root["topic"] == f"orderbook.{self._depth}.{self._symbol}", Outcome.WRONG_SYMBOL)
        check(type(data.get("s")) is str)
        check(data["s"] == self._symbol, Outcome.WRONG_SYMBOL)
        check(root.get("type") in ("snapshot", "delta"))
        for holder, key, limit in ((root, "ts", MS_MAX), (data, "u", ID_MAX), (data, "seq", ID_MAX)):
            check(type(holder.get(key)) is int and 0 <= holder[key] < limit)
        check("cts" not in root or (type(root["cts"]) is int and 0 <= root["cts"] < MS_MAX))
        is_snapshot = root["type"] == "snapshot"
        sides = [self._levels(data.get(key), is_snapshot) for key in ("b", "a")]
        check(all(None not in level for side in sides for level in side), Outcome.OFF_GRID)
        if is_snapshot:
            for side, sign in zip(sides, (-1, 1), strict=True):
                keys = [sign * ticks for ticks, _ in side]
                check(keys == sorted(set(keys)) and all(lots for _, lots in side))
            return self._become(dict(sides[0]), dict(sides[1]), data["u"], Outcome.SNAPSHOT)
        if not self.valid:
            return Outcome.IGNORED
        if data["u"] == self._u:
            return Outcome.DUPLICATE
        if data["u"] != self._u + 1:
            self.valid = False
            return Outcome.GAP
        bids, asks = self._changed(self.bids, sides[0], True), self._changed(self.asks, sides[1], False)
        return self._become(bids, asks, data["u"], Outcome.APPLIED)

    def _levels(self, rows: Any, is_snapshot: bool) -> list[Any]:
        check(type(rows) is list and len(rows) <= self._depth * (1 if is_snapshot else 2))
        found = []
        for row in rows:
            check(type(row) is list and len(row) == 2)
            ticks, lots = self._count(row[0], self._tick), self._count(row[1], self._lot)
            check(ticks != 0 or lots is None)
            found.append((ticks, lots))
        return found

    def _count(self, text: Any, step: Decimal) -> int | None:
        check(type(text) is str and re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", text) is not None)
        whole, rest = divmod(Decimal(text), step)
        check(rest != 0 or whole <= COUNT_MAX)
        return None if rest else int(whole)

    def _changed(self, side: Side, changes: list[tuple[int, int]], best_is_highest: bool) -> Side:
        new = side | dict(changes)
        kept = sorted((ticks for ticks, lots in new.items() if lots), reverse=best_is_highest)
        return {ticks: new[ticks] for ticks in kept[: self._depth]}

    def _become(self, bids: Side, asks: Side, u: int, outcome: Outcome) -> Outcome:
        self.valid = bool(bids and asks) and max(bids) < min(asks)
        if not bids or not asks:
            return Outcome.EMPTY
        if not self.valid:
            return Outcome.CROSSED
        self.bids, self.asks, self._u = bids, asks, u
        return outcome
