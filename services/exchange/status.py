"""What the venue says about its own maintenance, before, during and after it: REST and the topic system.status.

A maintenance is the fault of that name. One that was planned (it begins later than it was set) is announced as
scheduled; taken back before its time it is canceled, taken back during it, it is completed there and then.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from services.exchange.acceptance import text_of
from services.exchange.faults import EVER, STATE, Fault, Faults

MS = 1_000_000
TOPIC = "system.status"
KEPT = 100
SCHEDULED, ONGOING, COMPLETED, CANCELED = "scheduled", "ongoing", "completed", "canceled"
SERVICES = (1, 2, 3, 4, 5)  # Trading as such, by HTTP and by WebSocket; the private stream; market data.
FUTURES, PLANNED, TEMPORARY, PRODUCTION = 1, 1, 2, 1

Row = dict[str, Any]


class SystemStatus:
    """Follows the faults of that name. What it knows follows from them, so nothing of it is written down."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._rows: dict[int, Row] = {}  # Number of the fault -> its record, oldest first.

    @property
    def open(self) -> bool:
        """Whether anything is announced or lasts."""
        return bool(self._rows) and any(row["state"] in (SCHEDULED, ONGOING) for row in self._rows.values())

    def advance(self, now: int) -> list[tuple[str, bytes]]:
        """Return the frame that tells what has changed."""
        changed = []
        present = {fault.number: fault for fault in self._faults.all_of(STATE, "maintenance")}
        if not present and not self._rows:
            return []
        for number, fault in present.items():
            row = _row(fault, now)
            if self._rows.get(number) != row:
                self._rows[number] = row
                changed.append(row)
        for number, row in self._rows.items():
            if number not in present and row["state"] in (SCHEDULED, ONGOING):
                row["state"] = CANCELED if row["state"] == SCHEDULED else COMPLETED
                row["end"] = str(now // MS)
                changed.append(row)
        while len(self._rows) > KEPT:
            del self._rows[next(iter(self._rows))]
        return [(TOPIC, orjson.dumps({"topic": TOPIC, "ts": now // MS, "data": changed}))] if changed else []

    def rest(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/system/status: newest first."""
        self.advance(now)
        which, state = text_of(params, "id"), text_of(params, "state")
        rows = [row for row in self._rows.values() if which in ("", row["id"]) and state in ("", row["state"])]
        return {"list": rows[::-1]}


def _row(fault: Fault, now: int) -> Row:
    """Return one maintenance as the venue writes it. The end is the expected one, "" where nobody knows."""
    word = hashlib.blake2b(f"maintenance/{fault.since_ns}/{fault.number}".encode(), digest_size=16).hexdigest()
    state = COMPLETED if fault.over(now) else ONGOING if fault.in_force(now) else SCHEDULED
    return {
        "id": f"{word[:8]}-{word[8:12]}-{word[12:16]}-{word[16:20]}-{word[20:]}",
        "title": "Scheduled maintenance" if fault.planned else "Temporary maintenance", "state": state,
        "begin": str(fault.since_ns // MS), "end": str(fault.until_ns // MS) if fault.until_ns < EVER else "",
        "href": "", "serviceTypes": list(SERVICES), "product": [FUTURES], "uidSuffix": [],
        "maintainType": PLANNED if fault.planned else TEMPORARY, "env": PRODUCTION,
    }  # fmt: skip
