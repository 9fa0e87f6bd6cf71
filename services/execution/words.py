"""What people say: pause, resume, flatten, kill, reset. Said once, done once, and not forgotten by a restart."""

from __future__ import annotations

from collections import OrderedDict

from services.execution.case import LATCHED as LATCHED
from services.execution.desk import Desk
from services.execution.exits import Exits
from services.execution.risk import Risk
from services.execution.wire import CancelAllRequest, WordRow
from shared.messages import Command

OWNER = "words"
COMMANDS_MAX = 256
PAUSED, FLATTENING = "paused", "flattening"


class Words:
    """A person's last word, and what still has to be done about it.

    pause: no new entries. resume: entries again, unless latched. flatten: cancel entries, close everything, then
    paused. kill: the same, then latched until ``reset``, which leaves us paused. A breaker that trips says kill too.
    reset re-arms the breakers as well, and ends a pause that the venue's refusals have brought.
    """

    def __init__(self, desk: Desk, exits: Exits, risk: Risk) -> None:
        self._desk, self._exits, self._risk = desk, exits, risk
        self.word, self.reason = "", ""
        self._heard: OrderedDict[str, None] = OrderedDict()

    def recover(self, row: WordRow) -> None:
        """Take over the word of an earlier life: a latch holds for ever, anything else for its run."""
        if row.word == LATCHED or row.run_id == self._desk.run_id:
            self.word, self.reason = row.word, row.reason
        if self.word in (FLATTENING, LATCHED):
            self._exits.flatten_all = True

    def hear(self, command: Command, now: int) -> None:
        """Carry out one command; one heard before does nothing."""
        if command.command_id in self._heard:
            return
        self._heard[command.command_id] = None
        if len(self._heard) > COMMANDS_MAX:
            self._heard.popitem(last=False)
        known = self._obey(command.verb, now)
        level, text = ("WARNING", command.verb) if known else ("ERROR", f"{command.verb}: not now")
        self._desk.log(level, "command", text)
        self.keep(now)

    def _obey(self, verb: str, now: int) -> bool:
        """Return whether the command made sense in this state."""
        latched = self.word == LATCHED
        if verb == "kill":
            self._set(LATCHED, "kill")
            self._flatten()
        elif verb == "flatten":
            if not latched:
                self._set(FLATTENING, "flatten")
            self._flatten()
        elif verb == "reset" and (self._risk.rearm(now) or latched):
            if latched:
                self._set(FLATTENING, "reset")  # Ends as a pause, at once when there is nothing left to close.
        elif verb == "pause" and not latched:
            self._set(self.word or PAUSED, self.reason or "pause")
        elif verb == "resume" and self.word in ("", PAUSED):
            self._set("", "")
        else:
            return False
        return True

    def trip(self, breaker: str, now: int) -> None:
        """Say kill for a breaker, once."""
        if not breaker or self.word == LATCHED:
            return
        self._desk.log("ERROR", "breaker.tripped", f"{breaker}: kill, until a reset")
        self._set(LATCHED, breaker)
        self._flatten()
        self.keep(now)

    def _set(self, word: str, reason: str) -> None:
        self.word, self.reason = word, reason

    def _flatten(self) -> None:
        self._exits.flatten_all = True
        self.cancel_entries()

    def cancel_entries(self) -> None:
        """Take every working entry off; the venue keeps the stops of what we hold."""
        self._desk.say(CancelAllRequest(self._desk.request_id(OWNER, "")))

    def settle(self, now: int) -> None:
        """Once everything is closed a flatten ends as a pause. A latch goes on closing whatever may still turn up."""
        if self.word == FLATTENING and not self._exits.wanted:
            self._exits.flatten_all = False
            self._set(PAUSED, f"{self.reason}: done")
            self.keep(now)

    def keep(self, now: int) -> None:
        """Have the word written down."""
        self._desk.keep(WordRow(self.word, self.reason, self._desk.run_id, now, self._risk.rearmed_ns))
