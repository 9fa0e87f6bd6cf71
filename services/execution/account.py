"""Who we are at the venue, looked at before anything is risked: what the key may do, and how the account trades.

Nothing is changed there: an account that does not fit is refused, and the person whose it is has to change it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from services.execution.desk import Desk, Pending
from services.execution.outcomes import ACCEPTED
from services.execution.wire import Query, Refused, Reply
from shared.clock import NS_PER_S

OWNER = "account"
AGAIN_NS = 5 * NS_PER_S
KEY, MARGIN, MODE = "key", "account", "mode"  # Kinds of Query.
CROSS, ISOLATED = "REGULAR_MARGIN", "ISOLATED_MARGIN"
UNIFIED = frozenset((3, 4, 5, 6))
NEEDED = ("Order", "Position")
EXPIRES_DAYS = 14


class _Permissions(msgspec.Struct):
    ContractTrade: list[str] = []
    Wallet: list[str] = []


class _Key(msgspec.Struct, rename="camel"):
    read_only: int
    permissions: _Permissions
    ips: list[str] = []
    deadline_day: int = 0  # Days that the key has left; 0: not told.


class _Margin(msgspec.Struct, rename="camel"):
    margin_mode: str
    unified_margin_status: int


class _Row(msgspec.Struct, rename="camel"):
    position_idx: int = 0


class _Rows(msgspec.Struct):
    rows: list[_Row] = msgspec.field(name="list")


class _KeyAnswer(msgspec.Struct):
    result: _Key


class _MarginAnswer(msgspec.Struct):
    result: _Margin


class _ModeAnswer(msgspec.Struct):
    result: _Rows


def key_faults(data: bytes) -> tuple[str, str]:
    """Return (why a key must not be used, what should be better about it) from the answer about it; empty: nothing.

    Raises msgspec.DecodeError for an answer of another shape.
    """
    key = msgspec.json.decode(data, type=_KeyAnswer).result
    missing = [name for name in NEEDED if name not in key.permissions.ContractTrade]
    advice = "; ".join(_advice(key))
    if "Withdraw" in key.permissions.Wallet:
        return "the key may withdraw: make one that may only trade", advice
    if key.read_only:
        return "the key may only read", advice
    return (f"the key lacks the right ContractTrade {', '.join(missing)}" if missing else ""), advice


def _advice(key: _Key) -> Iterator[str]:
    if not key.ips or "*" in key.ips:
        yield "the key is bound to no address: whoever has it can use it"
    if 0 < key.deadline_day < EXPIRES_DAYS:
        yield f"the key expires in {key.deadline_day} days"
    if key.permissions.Wallet:
        yield f"the key may also move money: {', '.join(key.permissions.Wallet)}"


def margin_fault(data: bytes) -> str:
    """Return why an account must not be traded on, or nothing."""
    margin = msgspec.json.decode(data, type=_MarginAnswer).result
    if margin.unified_margin_status not in UNIFIED:
        return "the account is not a unified trading account"
    return "" if margin.margin_mode in (CROSS, ISOLATED) else f"margin mode {margin.margin_mode} is not supported"


def mode_fault(data: bytes) -> str:
    """Return why a symbol must not be traded, or nothing: in hedge mode our orders would name the wrong position."""
    rows = msgspec.json.decode(data, type=_ModeAnswer).result.rows
    if not rows:
        return "its position mode is not told"
    return "positions are in hedge mode: switch it to one-way" if any(row.position_idx for row in rows) else ""


class AccountCheck:
    """Asks until it knows. ``refused`` says why nothing may be entered at all."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wanted = desk.limits.checks_account
        self._sound: set[str] = {KEY} if desk.limits.demo_taker_e8 else set()  # KEY, MARGIN, and symbols.
        self._again_ns: dict[str, int] = {}
        self._said_refused = False
        self.refused = ""

    def ready(self, symbol: str) -> bool:
        """Whether the key, the account and the symbol's position mode were found to fit."""
        return not self._wanted or (not self.refused and self._sound.issuperset((KEY, MARGIN, symbol)))

    def tick(self, now: int) -> None:
        """Ask for what is not known yet; say so once when the account is refused and nothing is left to look after."""
        if not self._wanted:
            return
        desk = self._desk
        wanted = (KEY, MARGIN, *desk.rules)
        if not self.refused and len(self._sound) == len(wanted) and self._sound.issuperset(wanted):
            return
        for what in wanted:
            if what in self._sound or now < self._again_ns.get(what, 0):
                continue
            self._again_ns[what] = now + AGAIN_NS
            kind, symbol = (what, "") if what in (KEY, MARGIN) else (MODE, what)
            desk.say(Query(desk.request_id(OWNER, what), kind, symbol, "", "", 0))
        self._sound.intersection_update(wanted)
        self._again_ns = {what: due_ns for what, due_ns in self._again_ns.items() if what in wanted}
        if self.refused and not self._said_refused and not desk.open_symbols():
            self._said_refused = True
            desk.say(Refused(self.refused))

    def replied(self, pending: Pending, reply: Reply, now: int) -> None:
        """Hear an answer."""
        what, fault, advice = pending.subject, "", ""
        if reply.outcome != ACCEPTED:
            self._desk.log("WARNING", "account.unknown", f"{what}: {reply.code} {reply.text}")
            return
        try:
            if what == KEY:
                fault, advice = key_faults(reply.data)
            else:
                fault = (margin_fault if what == MARGIN else mode_fault)(reply.data)
        except msgspec.DecodeError as error:
            self._desk.log("WARNING", "account.unknown", f"{what}: {error}")
            return
        if advice and self._desk.limits.real_venue:
            self._desk.log("WARNING", "account.key", advice)
        if not fault:
            self._sound.add(what)
        elif what in (KEY, MARGIN):
            self.refused = fault
            self._desk.log("ERROR", "account.refused", fault)
        else:
            self._again_ns[what] = now + 12 * AGAIN_NS
            self._desk.log("ERROR", "account.refused", fault, what)
