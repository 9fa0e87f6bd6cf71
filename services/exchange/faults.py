"""Faults on purpose: what they are called, how a schedule of them is written, and which of them are in force.

A schedule is text, one fault a line (or between semicolons), ``#`` begins a comment:

    drop topic=orderbook.50.* p=0.1 at=5s for=10s     # a tenth of these frames, from second 5 to 15
    http status=502 path=/v5/order/create count=3     # the next three of these requests

Every fault takes at, for, count, p and what narrows it down (topic, connection, path or symbol); the rest is its own,
see KINDS. Chance is drawn from the generator that the exchange was given: the same seed, the same faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from random import Random

NS_PER_MS = 1_000_000
FAULTS_MAX = 1_000  # In one exchange at a time.
TEXT_MAX = 64 << 10
EVER = 1 << 62

_TOKEN = re.compile(r"\S+")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m)")
_STEP = re.compile(r"(?=.*[1-9])[0-9]{1,8}(?:\.[0-9]{1,8})?")
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?")
_UNIT_NS = {"ms": NS_PER_MS, "s": 1_000 * NS_PER_MS, "m": 60_000 * NS_PER_MS}

FRAME, TOPIC, SOCKET, REQUEST, STATE, COMMAND = "frame", "topic", "socket", "request", "state", "command"


class Kind(NamedTuple):
    """One sort of fault: at which stage it acts, and its own parameters with their types and defaults."""

    stage: str
    own: Mapping[str, tuple[str, Any]] = MappingProxyType({})
    once: bool = False  # Unless a count says otherwise.


NEEDED = object()
_MS = ("duration", NEEDED)
_SILENCE = ("duration", 60_000 * NS_PER_MS)
KINDS: dict[str, Kind] = {
    # Frames of a topic, each on its way to one connection.
    "drop": Kind(FRAME),
    "delay": Kind(FRAME, {"ms": _MS}),
    "duplicate": Kind(FRAME, {"ms": ("duration", 0)}),  # The second comes this much later.
    "reorder": Kind(FRAME),  # The frame and the next one of its topic change places.
    "truncate": Kind(FRAME),
    "corrupt": Kind(FRAME),
    # Deltas of a topic, before they go to anybody: everybody misses the same ones.
    "gap": Kind(TOPIC, once=True),
    # Connections.
    "freeze": Kind(SOCKET),  # Open, but nothing comes through in either direction.
    "disconnect": Kind(SOCKET, once=True),  # All that match, at once.
    "storm": Kind(SOCKET, {"every": ("duration", 1_000 * NS_PER_MS)}),  # The same, again and again.
    # Requests, by HTTP or on the order-entry socket; accepted=yes: carried out all the same.
    "http": Kind(REQUEST, {"status": ("number", NEEDED), "body": ("word", "html"), "accepted": ("yesno", False)}),
    "code": Kind(REQUEST, {"code": ("number", NEEDED), "text": ("word", ""), "accepted": ("yesno", False)}),
    "lose": Kind(REQUEST, {"ms": _SILENCE}),  # It never arrives; by HTTP the line is cut after this time.
    "mute": Kind(REQUEST, {"ms": _SILENCE}),  # It is carried out, its answer never arrives; the same.
    "late": Kind(REQUEST, {"ms": _MS}),  # It is carried out, its answer comes late: after the news of it.
    "hold": Kind(REQUEST, {"ms": _MS}),  # It arrives late, and is judged then.
    "ghost": Kind(REQUEST),  # An order is acknowledged, and never heard of again.
    "stale": Kind(REQUEST, {"ms": _MS}),  # Queries are answered as they would have been this long ago.
    # What is so as long as it lasts.
    # The clock of REST, logins and order entry is off; with data=yes the stamps of the streams, too.
    "skew": Kind(STATE, {"ms": ("offset", NEEDED), "data": ("yesno", False)}),
    "thin": Kind(STATE, {"share": ("number", 0.5)}),  # Within its limit an order finds this share of its size.
    "revoke": Kind(STATE, {"code": ("number", 33004)}),  # The key is good for nothing.
    "maintenance": Kind(STATE),  # Sockets are cut, nothing is accepted, orders stay.
    # What happens once.
    "restart_streams": Kind(COMMAND, once=True),
    "jump": Kind(COMMAND, {"percent": ("number", NEEDED)}, once=True),
    "funding": Kind(COMMAND, once=True),
    "liquidate": Kind(COMMAND, once=True),
    "adl": Kind(COMMAND, {"share": ("number", 1)}, once=True),
    "delist": Kind(COMMAND, once=True),
    "regrid": Kind(COMMAND, {"tick": ("step", ""), "lot": ("step", "")}, once=True),  # Another tick or lot size.
}
_COMMON: dict[str, tuple[str, Any]] = {
    "at": ("duration", 0),
    "for": ("duration", EVER),
    "count": ("number", 0),
    "p": ("chance", 1.0),
}
_FILTERS = {FRAME: ("topic", "connection"), TOPIC: ("topic",), SOCKET: ("path", "connection"), REQUEST: ("path",)}
_SYMBOL = ("symbol",)


class FaultError(ValueError):
    """A schedule that makes no sense, and where."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.line, self.column = line, column


class Fault:
    """One fault, from the moment it is set."""

    __slots__ = ("applied", "left", "name", "number", "own", "p", "planned", "since_ns", "text", "until_ns", "where")

    def __init__(self, number: int, name: str, values: dict[str, Any], text: str, now: int) -> None:
        self.number, self.name, self.text = number, name, text
        self.since_ns, self.planned = now + values["at"], values["at"] > 0
        self.until_ns = min(EVER, self.since_ns + values["for"])
        self.left = int(values["count"]) or (1 if self.kind.once else EVER)
        self.p: float = values["p"]
        self.own = {key: values[key] for key in self.kind.own}
        self.where = {key: values[key] for key in _filters(self.kind.stage) if key in values}
        self.applied = 0

    @property
    def kind(self) -> Kind:
        """What sort of fault it is."""
        return KINDS[self.name]

    def in_force(self, now: int) -> bool:
        """Whether it may act now."""
        return self.since_ns <= now < self.until_ns and self.left > 0

    def over(self, now: int) -> bool:
        """Whether it will never act again."""
        return self.left <= 0 or now >= self.until_ns

    def meets(self, what: dict[str, str]) -> bool:
        """Whether it is about something of these names."""
        return all(fnmatchcase(what.get(key, ""), pattern) for key, pattern in self.where.items())

    def row(self, now: int) -> dict[str, Any]:
        """Return it as the list of faults shows it."""
        state = "over" if self.over(now) else "in force" if self.in_force(now) else "waiting"
        return {
            "number": self.number, "fault": self.name, "text": self.text, "state": state, "applied": self.applied,
            "left": None if self.left >= EVER // 2 else self.left, "since_ms": self.since_ns // NS_PER_MS,
            "until_ms": None if self.until_ns >= EVER else self.until_ns // NS_PER_MS,
        }  # fmt: skip


class Faults:
    """The faults of one exchange. ``now`` is told once per event."""

    def __init__(self, rng: Random | None = None) -> None:
        self._rng = rng
        self._faults: dict[int, Fault] = {}
        self._numbers = 0
        self._by_stage: dict[str, list[Fault]] = {}
        self._alive: dict[str, list[Fault]] = {}  # The same without those that have been seen to be over.
        self.now = 0

    def add(self, text: str, now: int) -> list[Fault]:
        """Set everything that ``text`` says, or nothing. Raises FaultError."""
        read = list(parse(text))
        if len(self._faults) + len(read) > FAULTS_MAX:
            self._drop_over(now)
        if len(self._faults) + len(read) > FAULTS_MAX:
            raise FaultError(f"more than {FAULTS_MAX} faults at a time", 1, 1)
        added = []
        for name, values, said in read:
            self._numbers += 1
            fault = self._faults[self._numbers] = Fault(self._numbers, name, values, said, now)
            added.append(fault)
        self.sort()
        return added

    def remove(self, number: int | None) -> int:
        """Take one fault back, or all; return how many."""
        gone = list(self._faults) if number is None else [one for one in self._faults if one == number]
        for one in gone:
            del self._faults[one]
        self.sort()
        return len(gone)

    def rows(self, now: int) -> list[dict[str, Any]]:
        """Return every fault with what it has done so far."""
        return [fault.row(now) for fault in self._faults.values()]

    @property
    def rng(self) -> Random:
        """The generator that chance is drawn from."""
        assert self._rng is not None, "whoever wants faults by lot gives a generator"
        return self._rng

    @property
    def quiet(self) -> bool:
        """Whether there are no faults at all."""
        return not self._by_stage

    def any(self, stage: str) -> bool:
        """Whether there is anything at that stage at all: the quick question before every other."""
        return stage in self._by_stage

    def strike(self, stage: str, names: tuple[str, ...] = (), **what: str) -> Fault | None:
        """Return the first fault that acts on this, and count it; None where all goes well."""
        for fault in self._by_stage.get(stage, ()):
            if names and fault.name not in names:
                continue
            if fault.in_force(self.now) and fault.meets(what) and self.chance(fault):
                fault.left -= 1
                fault.applied += 1
                return fault
        return None

    def in_force(self, stage: str, names: tuple[str, ...] = ()) -> list[Fault]:
        """Return the faults, of these names if any are given, that may act now; they are not counted."""
        alive, now = self._alive.get(stage), self.now
        if not alive:
            return []
        found: list[Fault] = []
        for one in alive[:]:
            if one.over(now):  # For ever.
                alive.remove(one)
            elif one.since_ns <= now and (not names or one.name in names):
                found.append(one)
        return found

    def lasting(self, name: str, **what: str) -> Fault | None:
        """Return the fault of that name that is in force, without counting it."""
        stage = self._by_stage.get(KINDS[name].stage, ())
        return next((one for one in stage if one.name == name and one.in_force(self.now) and one.meets(what)), None)

    def all_of(self, stage: str, name: str) -> list[Fault]:
        """Return the faults of that name, whatever has become of them, oldest first."""
        return [one for one in self._by_stage.get(stage, ()) if one.name == name]

    def chance(self, fault: Fault) -> bool:
        """Draw whether it acts this time."""
        return fault.p >= 1.0 or self.rng.random() < fault.p

    def sort(self) -> None:
        """Find the faults of each stage again."""
        self._by_stage = {}
        for fault in self._faults.values():
            self._by_stage.setdefault(fault.kind.stage, []).append(fault)
        self._alive = {stage: list(faults) for stage, faults in self._by_stage.items()}

    def _drop_over(self, now: int) -> None:
        for fault in [fault for fault in self._faults.values() if fault.over(now)]:
            del self._faults[fault.number]


# --- reading a schedule ----------------------------------------------------------------------------------------------


def parse(text: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield (fault, its values, its own text). Raises FaultError."""
    if len(text) > TEXT_MAX:
        raise FaultError(f"longer than {TEXT_MAX} characters", 1, 1)
    for number, line in enumerate(text.split("\n"), 1):
        at = 1
        for part in line.partition("#")[0].split(";"):
            tokens = [(match.group(), at + match.start()) for match in _TOKEN.finditer(part)]
            at += len(part) + 1
            if tokens:
                yield _fault(tokens, number)


def _fault(tokens: list[tuple[str, int]], line: int) -> tuple[str, dict[str, Any], str]:
    name, column = tokens[0]
    if name not in KINDS:
        raise FaultError(f"unknown fault {name!r}: expected one of {', '.join(KINDS)}", line, column)
    kind = KINDS[name]
    takes = {**_COMMON, **kind.own, **dict.fromkeys(_filters(kind.stage), ("word", None))}
    values = {key: default for key, (_, default) in takes.items() if default is not None}
    given: set[str] = set()
    for token, at in tokens[1:]:
        key, equals, said = token.partition("=")
        if not equals or key not in takes:
            raise FaultError(f"{token!r}: {name} takes {', '.join(f'{one}=' for one in takes)}", line, at)
        if key in given:
            raise FaultError(f"{key} is given twice", line, at)
        given.add(key)
        values[key] = _value(takes[key][0], said, line, at + len(key) + 1)
    missing = next((key for key, value in values.items() if value is NEEDED), None)
    if missing is not None:
        raise FaultError(f"{name} needs {missing}=", line, column)
    return name, values, " ".join(token for token, _ in tokens)


def _filters(stage: str) -> tuple[str, ...]:
    return _FILTERS.get(stage, _SYMBOL)


def _value(sort: str, said: str, line: int, column: int) -> Any:
    if (sort == "word" and said) or (sort == "step" and _STEP.fullmatch(said)):
        return said
    if sort == "yesno" and said in ("yes", "no"):
        return said == "yes"
    if sort in ("duration", "offset"):
        found = _DURATION.fullmatch(said.removeprefix("-") if sort == "offset" else said)
        if found:
            ns = round(float(found[1]) * _UNIT_NS[found[2]])
            return -ns if said.startswith("-") else ns
        raise FaultError(f"{said!r}: expected a time with its unit, as 250ms, 5s or 2m", line, column)
    if sort in ("number", "chance") and _NUMBER.fullmatch(said):
        number = float(said)
        if sort == "number":
            return number
        if 0 < number <= 1:
            return number
    expected = {"yesno": "yes or no", "number": "a number", "chance": "a number above 0, up to 1", "word": "a word"}
    expected["step"] = "a decimal above 0, as 0.10"
    raise FaultError(f"{said!r}: expected {expected[sort]}", line, column)
