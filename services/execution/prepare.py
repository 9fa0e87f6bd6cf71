"""What the venue has to be told, and asked, before a symbol may be traded: leverage, fees, price limits, funding."""

from __future__ import annotations

from services.execution.desk import Desk, Pending
from services.execution.outcomes import ACCEPTED, ALREADY_DONE
from services.execution.parse import Parsed
from services.execution.wire import LeverageRequest, PriceLimitRequest, Query, Reply
from shared.clock import NS_PER_MS, NS_PER_S
from shared.messages import Instrument

OWNER = "prepare"
AGAIN_NS = 5 * NS_PER_S
FUNDING_NS = 300 * NS_PER_S  # When funding is next is asked for this often: the venue moves it at times.
ACCOUNT = "*"


class Preparation:
    """Asks for what is missing, again and again, and knows what is done."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._demo_e8 = desk.limits.demo_taker_e8
        self._done: set[str] = {ACCOUNT} if self._demo_e8 else set()  # Symbols whose leverage is set, and ACCOUNT.
        self._again_ns: dict[str, int] = {}  # No question about this before then.
        self._funding_ns: dict[str, int] = {}  # The same of a symbol's funding.
        self._waiting: dict[int, str] = {}  # Requests that have no answer yet -> what they are about.

    def ready(self, symbol: str) -> bool:
        """Whether the venue has been told everything about this symbol."""
        return symbol in self._done and ACCOUNT in self._done

    def learn(self, instruments: tuple[Instrument, ...]) -> None:
        """Take the rules of the symbols to be traded; those of symbols with something open are kept."""
        desk = self._desk
        wanted = {rules.symbol: rules for rules in instruments}
        if wanted == desk.rules:
            return
        for rules in instruments:
            desk.learn_scale(rules.symbol, rules.tick, rules.lot)
        open_symbols = desk.open_symbols()
        desk.rules = {symbol: rules for symbol, rules in desk.rules.items() if symbol in open_symbols} | wanted
        for memory in (desk.quotes, desk.taker_e8, desk.next_funding_ns, self._funding_ns, self._again_ns):
            for symbol in [symbol for symbol in memory if symbol not in desk.rules and symbol != ACCOUNT]:
                del memory[symbol]
        self._done &= desk.rules.keys() | {ACCOUNT}

    def tick(self, now: int) -> None:
        """Ask for whatever is missing."""
        desk = self._desk
        if ACCOUNT not in self._done and self._may_ask(ACCOUNT, now):
            desk.say(PriceLimitRequest(self._request_id(ACCOUNT)))
        for symbol in desk.rules:
            if (symbol not in self._done or symbol not in desk.taker_e8) and self._may_ask(symbol, now):
                desk.say(LeverageRequest(self._request_id(symbol), symbol, desk.limits.leverage))
                if self._demo_e8:
                    desk.taker_e8[symbol] = self._demo_e8
                else:
                    desk.say(Query(self._request_id(symbol), "fee_rate", symbol, "", "", 0))
            if now >= self._funding_ns.get(symbol, 0):
                self._funding_ns[symbol] = now + AGAIN_NS
                desk.say(Query(self._request_id(symbol), "ticker", symbol, "", "", 0))

    def _request_id(self, what: str) -> int:
        request_id = self._desk.request_id(OWNER, what)
        self._waiting[request_id] = what
        return request_id

    def _may_ask(self, what: str, now: int) -> bool:
        if now < self._again_ns.get(what, 0) or what in self._waiting.values():
            return False
        self._again_ns[what] = now + AGAIN_NS
        return True

    def replied(self, pending: Pending, reply: Reply, parsed: Parsed | None, now: int) -> None:
        """Hear an answer."""
        desk, what = self._desk, pending.subject
        self._waiting.pop(reply.request_id, None)
        if reply.outcome not in (ACCEPTED, ALREADY_DONE):
            desk.log("WARNING", "prepare.failed", f"{reply.kind} {what}: {reply.code} {reply.text}")
        elif reply.kind == "ticker":
            for schedule in parsed.tickers if parsed else ():
                if schedule.symbol in desk.rules and schedule.next_funding_ms:
                    desk.next_funding_ns[schedule.symbol] = schedule.next_funding_ms * NS_PER_MS
                    self._funding_ns[schedule.symbol] = now + FUNDING_NS
        elif reply.kind == "fee_rate":
            for rate in parsed.fee_rates if parsed else ():
                if rate.symbol in desk.rules and rate.taker_e8 >= 0:
                    desk.taker_e8[rate.symbol] = rate.taker_e8
        else:
            self._done.add(what)
