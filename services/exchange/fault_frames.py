"""Faults of frames on their way out: lost, late, twice, out of order, cut short, spoilt."""

from __future__ import annotations

import re
from typing import NamedTuple

from services.exchange.faults import FRAME, NS_PER_MS, SOCKET, STATE, TOPIC, Fault, Faults

# When something happened or was said; not when a bar begins or funding is due.
_STAMP = re.compile(
    rb'("(?:ts|cts|T|creationTime|openTime)":|"(?:createdTime|updatedTime|execTime)":")([1-9][0-9]{12})(?![0-9])'
)
PRINTABLE_FROM, PRINTABLE = 33, 90


class Parcel(NamedTuple):
    """One frame as it really leaves. ``late_ns`` above 0 lets others overtake it."""

    data: bytes
    late_ns: int = 0


class FrameFaults:
    """Stands between what is said and what is sent."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._held: dict[tuple[str, int], bytes] = {}  # Frames that wait for the next of their topic.

    def missed_by_all(self, topic: str, data: bytes) -> bool:
        """Whether this frame of a topic is left out for everybody: a gap in its sequence. Only deltas can be."""
        faults = self._faults
        return faults.any(TOPIC) and b'"type":"delta"' in data[:160] and faults.strike(TOPIC, topic=topic) is not None

    def parcels(self, topic: str, connection: int, data: bytes) -> list[Parcel]:
        """Return what becomes of one frame for one connection."""
        data = self.stamped(data)
        if not self._faults.any(FRAME):
            return [Parcel(data)]
        waiting = self._held.pop((topic, connection), None)
        fault = self._faults.strike(FRAME, topic=topic, connection=str(connection))
        if fault is not None and fault.name == "reorder" and waiting is None:
            self._held[topic, connection] = data
            return []
        found = [Parcel(data)] if fault is None or fault.name == "reorder" else self._spoilt(fault, data)
        return found if waiting is None else [*found, Parcel(waiting)]

    def stamped(self, data: bytes) -> bytes:
        """Return a frame with the stamps of the exchange's clock, which may be wrong."""
        fault = self._faults.lasting("skew") if self._faults.any(STATE) else None
        if fault is None or not fault.own["data"]:
            return data
        offset_ms = fault.own["ms"] // NS_PER_MS
        return _STAMP.sub(lambda found: found[1] + b"%d" % (int(found[2]) + offset_ms), data)

    def frozen(self, connection: int, *, count: bool = True) -> bool:
        """Whether the line is open but dead, in both directions."""
        if not self._faults.any(SOCKET):
            return False
        fault = self._faults.lasting("freeze", connection=str(connection))
        if fault is not None and count:
            fault.applied += 1
        return fault is not None

    def forget(self, connection: int) -> None:
        """A connection is gone."""
        for key in [key for key in self._held if key[1] == connection]:
            del self._held[key]

    def _spoilt(self, fault: Fault, data: bytes) -> list[Parcel]:
        rng = self._faults.rng
        match fault.name:
            case "drop":
                return []
            case "delay":
                return [Parcel(data, fault.own["ms"])]
            case "duplicate":
                return [Parcel(data), Parcel(data, fault.own["ms"])]
            case "truncate":
                return [Parcel(data[: rng.randrange(len(data))])]
        at = rng.randrange(len(data))  # corrupt: still text, so that it is the reader's parser that has to notice.
        wrong = PRINTABLE_FROM + (data[at] - PRINTABLE_FROM + 1 + rng.randrange(PRINTABLE - 1)) % PRINTABLE
        return [Parcel(data[:at] + bytes((wrong,)) + data[at + 1 :])]
