"""The executor's core against the exchange's core on one virtual clock, with a network that delays and loses."""

from __future__ import annotations

import dataclasses
import heapq
from itertools import count
from random import Random
from typing import Any

import orjson

from services.execution.calls import REQUESTS, call_of, kind_of
from services.execution.core import ExecutionCore
from services.execution.outcomes import of_code
from services.execution.store import Store
from services.execution.wire import (
    Commit,
    Committed,
    Finished,
    PrivateDown,
    PrivateFrame,
    PrivateUp,
    Quote,
    Reply,
)
from shared.messages import BUY, SELL, Intent, Message, Started, StopRequested, Tick, Universe
from tests.exchange_rig import MID_TICKS, MS, RULES, SYMBOL
from tests.exchange_rig import Rig as Exchange
from tests.services.execution.rig import LIMITS

PATHS = {
    "place_order": ("POST", "/v5/order/create"),
    "cancel_order": ("POST", "/v5/order/cancel"),
    "cancel_all_orders": ("POST", "/v5/order/cancel-all"),
    "set_trading_stop": ("POST", "/v5/position/trading-stop"),
    "set_leverage": ("POST", "/v5/position/set-leverage"),
    "set_limit_price_action": ("POST", "/v5/account/set-limit-px-action"),
    "get_open_orders": ("GET", "/v5/order/realtime"),
    "get_order_history": ("GET", "/v5/order/history"),
    "get_executions": ("GET", "/v5/execution/list"),
    "get_positions": ("GET", "/v5/position/list"),
    "get_wallet_balance": ("GET", "/v5/account/wallet-balance"),
    "get_fee_rates": ("GET", "/v5/account/fee-rate"),
    "get_instruments_info": ("GET", "/v5/market/instruments-info"),
    "get_tickers": ("GET", "/v5/market/tickers"),
}
TOPICS = ("order", "execution", "position", "wallet")
STEP_MS = 10


class Run:
    """One seeded run. ``faults`` is the share of requests that are lost on their way there or back, ``deaf`` that of
    frames which nobody hears.
    """

    def __init__(self, seed: int, store: Store, *, faults: float = 0.0, deaf: float = 0.0) -> None:
        self.rng, self.faults, self.deaf, self.store = Random(seed), faults, deaf, store
        # The market jumps here, so that books and orders are tried hard: breakers would end that at once.
        risk = LIMITS.risk._replace(funding_ns=0, cooldown_ns=0, breaches=10**6, daily_loss_r_e6=10**12, rejects=10**6)
        self.limits = dataclasses.replace(LIMITS, time_exit_ns=2_000 * MS, risk=risk)
        self.exchange = Exchange()
        self.said: list[Message] = []
        self._queue: list[tuple[int, int, int, Message]] = []  # Due, number, epoch, message.
        self._numbers = count()
        self._lanes: dict[str, int] = {}
        self._frames_due = 0
        self._intents = 0
        self.epoch = -1
        self.line = 0
        self.mid = MID_TICKS[SYMBOL]
        self.restart()

    @property
    def now(self) -> int:
        return self.exchange.now

    # --- the executor -----------------------------------------------------------------------------------------

    def restart(self) -> None:
        """Kill the executor, if there is one, and start the next from the journal."""
        self.disconnect()
        self.epoch += 1
        self.core = ExecutionCore(self.limits)
        self._lanes.clear()
        self.feed(Started("execution", "sim", self.epoch))
        self.feed(self.store.recover(self.now))
        self.feed(Universe(1, RULES, (1.0, 1.0)))
        self.connect()

    def feed(self, message: Message) -> None:
        for output in getattr(self.core, message.HANDLER)(message, self.now):
            self.said.append(output)
            if isinstance(output, Commit):
                fault = self.store.write(output)
                self._later(self.rng.randrange(3), Committed(output.commit_id, not fault, fault))
            elif isinstance(output, REQUESTS):
                self._request(output)

    def _later(self, ms: int, message: Message) -> None:
        heapq.heappush(self._queue, (self.now + ms * MS, next(self._numbers), self.epoch, message))

    def _request(self, request: Any) -> None:
        call = call_of(request)
        fate = self.rng.random()
        if fate < self.faults / 2:  # Lost on the way there.
            self._answer(request, call.lane, 2_000, ("unknown", 0, b""))
            return
        method, path = PATHS[call.method]
        if method == "GET":
            answer = self.exchange.get(path, **{name: str(value) for name, value in call.params.items()})
        else:
            answer = self.exchange.post(path, **call.params)
        if fate < self.faults:  # Lost on the way back.
            self._answer(request, call.lane, 2_000, ("unknown", 0, b""))
            return
        code = answer["retCode"]
        data = orjson.dumps(answer) if code == 0 else b""
        self._answer(request, call.lane, self.rng.randrange(1, 60), (of_code(code), code, data))

    def _answer(self, request: Any, lane: str, ms: int, result: tuple[str, int, bytes]) -> None:
        """Have the answer come after those before it on its lane."""
        due_ns = max(self.now, self._lanes.get(lane, 0)) + ms * MS
        self._lanes[lane] = due_ns
        outcome, code, data = result
        reply = Reply(request.request_id, kind_of(request), outcome, code, "", data, due_ns)
        heapq.heappush(self._queue, (due_ns, next(self._numbers), self.epoch, reply))

    # --- the line -----------------------------------------------------------------------------------------------

    def connect(self) -> None:
        self.line = self.exchange.private(*TOPICS)
        self.feed(PrivateUp())

    def disconnect(self) -> None:
        if self.line:
            self.exchange.close(self.line)
            self.line = 0

    def _take_frames(self) -> None:
        frames = self.exchange.sent.get(self.line, [])
        for frame in frames:
            if self.rng.random() < self.deaf:
                continue
            self._frames_due = max(self._frames_due, self.now + self.rng.randrange(1, 20) * MS)
            message = PrivateFrame(orjson.dumps(frame))
            heapq.heappush(self._queue, (self._frames_due, next(self._numbers), -self.line, message))
        frames.clear()

    # --- the world ----------------------------------------------------------------------------------------------

    def move(self, ticks: int) -> None:
        """Shift the whole market, and let somebody trade there."""
        market = self.exchange.market
        self.mid += ticks
        market.clear(SYMBOL)
        market.marks_e8[SYMBOL] = self.mid * 10_000_000
        for away in range(10):
            market.quote(SYMBOL, BUY, self.mid - 1 - away, self.rng.choice([1, 3, 50]))
            market.quote(SYMBOL, SELL, self.mid + away, self.rng.choice([1, 3, 50]))
        market.hit(SYMBOL, BUY, self.mid, 1)

    def wish(self) -> None:
        """Wish for a position, long or short, with a near bracket."""
        bid, ask = self.exchange.market.touch_ticks(SYMBOL)
        self._intents += 1
        side = self.rng.choice([BUY, SELL])
        entry = ask if side == BUY else bid
        stop, target = (entry - 1_000 * side, entry + 1_500 * side)
        self.feed(Quote(SYMBOL, bid, ask, self.now, 0 < bid < ask, 1, 1, self.now, 0, 0, self.now))
        self.feed(Intent(f"sim-{self._intents}", SYMBOL, side, entry, stop, target, 0.5, 0.9, 1, 1, self.now, self.now,
                         self.now + 250 * MS))  # fmt: skip

    def step(self, *, trading: bool) -> None:
        """Let 10 ms pass."""
        if trading and self.rng.random() < 0.03:
            self.move(self.rng.choice([-2_000, -400, -30, 30, 400, 2_000]))
        if trading and self.rng.random() < 0.05:
            self.wish()
        self.exchange.tick(STEP_MS)
        self._take_frames()
        while self._queue and self._queue[0][0] <= self.now:
            _, _, owner, message = heapq.heappop(self._queue)
            if owner in (self.epoch, -self.line):  # Nobody hears what was meant for a dead process or line.
                self.feed(message)
        if self.now // MS % 50 < STEP_MS:
            self.feed(Tick())

    def trade(self, seconds: float, *, drops: float = 0.0, kills: float = 0.0) -> None:
        """Trade for so long; ``drops`` and ``kills`` are chances per step."""
        for _ in range(round(seconds * 1_000 / STEP_MS)):
            self.step(trading=True)
            if self.rng.random() < drops:
                self.disconnect()
                self.feed(PrivateDown("dropped"))
                for _ in range(self.rng.randrange(5, 60)):
                    self.step(trading=True)
                self.connect()
            if self.rng.random() < kills:
                self.restart()

    def end(self) -> None:
        """Stop without faults and wait until everything is closed."""
        self.faults = self.deaf = 0.0
        for _ in range(1_500):
            self.step(trading=False)
        self.feed(StopRequested())
        for _ in range(400):
            if any(isinstance(one, Finished) for one in self.said):
                return
            self.step(trading=False)

    # --- looking ----------------------------------------------------------------------------------------------------

    def differences(self) -> list[str]:
        """Return what our books and the exchange's do not agree on."""
        ledger = self.exchange.ledger()
        found = [*ledger["violations"]]
        ours = dict(self.store._db.execute("SELECT exec_id, fee_e8 FROM executions").fetchall())
        theirs = {row["exec_id"]: row["fee_e8"] for row in ledger["executions"]}
        if ours != theirs:
            found.append(f"executions: {len(ours)} of {len(theirs)}")
        held = {row["symbol"]: row["position_lots"] for row in ledger["positions"] if row["position_lots"]}
        if held:
            found.append(f"open at the venue: {held}")
        (cash_e8,) = self.store._db.execute("SELECT COALESCE(SUM(cash_e8), 0) FROM positions").fetchone()
        if cash_e8 != ledger["wallet_e8"] - ledger["deposit_e8"]:
            found.append(f"money: {cash_e8}, the venue says {ledger['wallet_e8'] - ledger['deposit_e8']}")
        return found

    def count(self, kind: type[Message]) -> int:
        return sum(isinstance(one, kind) for one in self.said)

    @property
    def corrections(self) -> int:
        (found,) = self.store._db.execute("SELECT COUNT(*) FROM corrections").fetchone()
        return int(found)
