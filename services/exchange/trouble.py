"""Everything that goes wrong on purpose, behind the few places where the core lets it in.

The core asks what becomes of a request, of a frame, of a connection; and on every tick what is due by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from services.exchange.auth import Door, Refusal
from services.exchange.desk import Desk
from services.exchange.fault_frames import FrameFaults
from services.exchange.fault_requests import Query, RequestFaults
from services.exchange.faults import COMMAND, SOCKET, STATE, Fault, Faults
from services.exchange.regridding import Regridding
from services.exchange.sockets import PRIVATE_PATH, STATUS_PATH, TRADE_PATH
from services.exchange.status import SystemStatus
from services.exchange.streams import Streams
from services.exchange.trading import Trading

STATUS_REST = "/v5/system/status"
Frames = list[tuple[str, bytes]]
REVOKED = {10003: "API key is invalid.", 33004: "Your api key has expired."}
# What the venue answers during a maintenance is not documented beyond "server error": the code for an unknown outcome.
UNAVAILABLE = Refusal(10016, "Server error: the system is under maintenance")
STATUS_UNAVAILABLE = 503  # For a socket that wants in meanwhile; not documented either.


class Commands(NamedTuple):
    """What can be made to happen at once. None where this market has no such thing."""

    symbols: tuple[str, ...]
    restart_streams: Callable[[int], Frames]
    jump: Callable[[str, float], None] | None  # symbol, percent
    funding: Callable[[str, int], bool]
    liquidate: Callable[[int], bool]
    deleverage: Callable[[str, float, int], bool]  # symbol, share of the position
    delist: Callable[[str, int], None]
    regridding: Regridding


def commands_of(
    desk: Desk, trading: Trading, streams: Streams, jump: Callable[[str, float], None] | None, regridding: Regridding
) -> Commands:
    """Return what this exchange can be made to do."""

    def deleverage(symbol: str, share: float, now: int) -> bool:
        return trading.deleverage(symbol, int(abs(desk.account.position(symbol).lots) * share), now)

    return Commands(
        symbols=desk.market.symbols,
        restart_streams=streams.restart_streams,
        jump=jump,
        funding=trading.fund,
        liquidate=trading.liquidate,
        deleverage=deleverage,
        delist=lambda symbol, now: trading.set_status(symbol, "Closed", now),
        regridding=regridding,
    )


class Struck(NamedTuple):
    """What a tick has done: connections to cut, and frames that everybody gets."""

    cut: list[int]
    frames: Frames


NOTHING = Struck([], [])


class Trouble:
    """All faults of one exchange."""

    def __init__(
        self, faults: Faults, door: Door, commands: Commands, query: Query, new_id: Callable[[], str],
        status: SystemStatus,
    ) -> None:  # fmt: skip
        self.faults, self._door, self._commands, self._status = faults, door, commands, status
        self.frames, self.requests = FrameFaults(faults), RequestFaults(faults, query, new_id)
        self._storm_ns: dict[int, int] = {}  # Number of the fault -> when it strikes next.
        self._down = False

    @property
    def quiet(self) -> bool:
        """Whether nothing can go wrong: the quick question of the hot path."""
        return self.faults.quiet

    def clock(self, now: int) -> int:
        """Return what the exchange's own clock says, which may be wrong."""
        fault = self.faults.lasting("skew") if self.faults.any(STATE) else None
        if fault is None:
            return now
        offset_ns: int = fault.own["ms"]
        return now + offset_ns

    def unavailable(self, path: str) -> bool:
        """Whether there is a maintenance, and the path is not where that is told or ended."""
        if path in (STATUS_PATH, STATUS_REST) or path.startswith("/admin/"):
            return False
        return self._is_down()

    def _is_down(self) -> bool:
        return self.faults.any(STATE) and self.faults.lasting("maintenance") is not None

    def refuse(self, fault: Fault) -> str:
        """Return why this exchange cannot do what the fault asks, "" if it can."""
        if fault.name == "jump" and self._commands.jump is None:
            return "a recording has its prices already"
        symbol = fault.where.get("symbol")
        if symbol is not None and not any(fnmatchcase(one, symbol) for one in self._commands.symbols):
            return f"there is no symbol {symbol!r}"
        if fault.name == "regrid":
            reasons = (self._commands.regridding.refuse(one, **fault.own) for one in self._named(fault))
            return next((reason for reason in reasons if reason), "")
        return ""

    def _named(self, fault: Fault) -> list[str]:
        """Return the symbols that a command names."""
        wanted = fault.where.get("symbol", "*")
        return [symbol for symbol in self._commands.symbols if fnmatchcase(symbol, wanted)]

    # --- time -------------------------------------------------------------------------------------------------------

    def tick(self, connections: Mapping[int, str], now: int) -> Struck:
        """Do what is due. ``connections`` are all sockets and their paths."""
        self.requests.remember(now)
        has = self.faults.any
        lasting = has(STATE) or self._down or self._door.revoked is not None or self._status.open
        if not (lasting or has(SOCKET) or has(COMMAND)):
            return NOTHING
        struck = Struck(self._cuts(connections, now), [])
        if lasting:
            self._revoke(connections, struck)
            self._maintain(connections, struck, now)
            struck.frames.extend(self._status.advance(now))
        for fault in self.faults.in_force(COMMAND):
            if fault.name != "regrid" and self.faults.chance(fault):
                fault.left -= 1
                fault.applied += 1
                struck.frames.extend(self._command(fault, now))
        return struck

    def regrid(self, now: int) -> Frames:
        """Do the changes of grids that are due and can be done, after everything else has been said."""
        said: Frames = []
        if not self.faults.any(COMMAND):
            return said
        for fault in self.faults.in_force(COMMAND, ("regrid",)):
            done = [
                self._commands.regridding.change(symbol, fault.own["tick"], fault.own["lot"], now)
                for symbol in self._named(fault)
            ]
            said += [frame for frames in done for frame in frames or ()]
            if None not in done:
                fault.left -= 1
                fault.applied += 1
        return said

    def _cuts(self, connections: Mapping[int, str], now: int) -> list[int]:
        cut: list[int] = []
        for fault in self.faults.in_force(SOCKET, ("disconnect", "storm")):
            if fault.name == "storm" and now < self._storm_ns.get(fault.number, 0):
                continue
            met = [one for one, path in connections.items() if fault.meets({"path": path, "connection": str(one)})]
            if fault.name == "storm":
                self._storm_ns[fault.number] = now + fault.own["every"]
            if not met and fault.name == "disconnect":
                continue  # It waits for somebody to cut off.
            fault.left -= 1
            fault.applied += 1
            cut += [one for one in met if self.faults.chance(fault)]
        return list(dict.fromkeys(cut)) if cut else cut

    def _revoke(self, connections: Mapping[int, str], struck: Struck) -> None:
        """Take the key back, or give it again; whoever was logged in with it is thrown out."""
        fault = self.faults.lasting("revoke") if self.faults.any(STATE) else None
        if fault is None:
            self._door.revoked = None
        elif self._door.revoked is None:
            code = int(fault.own["code"])
            self._door.revoked = Refusal(code, REVOKED.get(code, REVOKED[10003]))
            fault.applied += 1
            struck.cut.extend(one for one, path in connections.items() if path in (PRIVATE_PATH, TRADE_PATH))

    def _maintain(self, connections: Mapping[int, str], struck: Struck, now: int) -> None:
        """Go down, cutting all sockets; or come up again, with streams that begin anew."""
        down = self._is_down()
        if down and not self._down:
            struck.cut.extend(one for one, path in connections.items() if path != STATUS_PATH)
            for fault in self.faults.in_force(STATE, ("maintenance",)):
                fault.applied += 1
        if self._down and not down:
            struck.frames.extend(self._commands.restart_streams(now))
        self._down = down

    def _command(self, fault: Fault, now: int) -> Frames:
        """Make one thing happen, to every symbol that it names."""
        commands, own = self._commands, fault.own
        match fault.name:
            case "restart_streams":
                return commands.restart_streams(now)
            case "liquidate":
                commands.liquidate(now)
                return []
        for symbol in self._named(fault):
            self._command_symbol(fault.name, symbol, own, now)
        return []

    def _command_symbol(self, name: str, symbol: str, own: Mapping[str, Any], now: int) -> None:
        commands = self._commands
        if name == "jump" and commands.jump is not None:
            commands.jump(symbol, own["percent"])
        elif name == "funding":
            commands.funding(symbol, now)
        elif name == "adl":
            commands.deleverage(symbol, own["share"], now)
        elif name == "delist":
            commands.delist(symbol, now)
