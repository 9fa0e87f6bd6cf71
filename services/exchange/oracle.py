"""The judge of money: it hears every order and execution of the account and believes nothing else.

Naked time: how long a position stood without a live stop on its loss side, measured on the exchange's own clock from
event to event, so nothing that any client does or sees can hide it. What it hears is bounded; its totals are not.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from services.exchange.account import Account
from services.exchange.grid import Regrid
from services.exchange.orders import (
    CONDITIONAL,
    FALLS,
    PARTIAL_STOP_LOSS,
    RISES,
    STOP_LOSS,
    TRAILING_STOP,
    Order,
    OrderTable,
    Status,
)
from services.exchange.rows import FUNDING, Execution, side_text
from shared.messages import BUY, SELL
from shared.scale import e8_text

EXECUTIONS_KEPT = 20_000
EPISODES_KEPT = 1_000
NS_PER_MS = 1_000_000
ALL_LOTS = 1 << 62  # What a stop of the whole position covers, whatever the position's size.
STOPS = (STOP_LOSS, TRAILING_STOP, PARTIAL_STOP_LOSS, CONDITIONAL)


class Oracle:
    """Keeps the books a second time, from the facts alone."""

    def __init__(self) -> None:
        self.executions: deque[Execution] = deque(maxlen=EXECUTIONS_KEPT)
        self.executed = 0
        self._lots: dict[str, int] = {}
        # symbol -> live stops: id -> (side, direction, lots covered)
        self._stops: dict[str, dict[str, tuple[int, int, int]]] = {}
        self._since_ns: dict[str, int] = {}  # symbol -> naked since
        self._naked_ns_max: dict[str, int] = {}
        self._episodes: deque[tuple[str, int, int]] = deque(maxlen=EPISODES_KEPT)  # symbol, since, length in ns
        self.episodes = 0
        self._touched: set[str] = set()
        self._cash_e8 = self._fees_e8 = self._funding_e8 = 0
        self._filled: Counter[str] = Counter()  # lots per order id, for the orders of the kept executions

    # --- hearing --------------------------------------------------------------------------------------------------

    def heard_order(self, order: Order) -> None:
        """Take note of an order's state."""
        if order.kind not in STOPS:
            return
        stops = self._stops.setdefault(order.symbol, {})
        lots = _covered_lots(order)
        if lots:
            stops[order.order_id] = order.side, order.trigger_direction, lots
        else:
            stops.pop(order.order_id, None)
        self._touched.add(order.symbol)

    def heard_execution(self, done: Execution) -> None:
        """Take note of an execution."""
        if len(self.executions) == EXECUTIONS_KEPT:
            self._forget(self.executions[0])
        self.executions.append(done)
        self.executed += 1
        if done.exec_type == FUNDING:
            self._funding_e8 += done.fee_e8
            return
        self._filled[done.order_id] += done.qty_lots
        self._lots[done.symbol] = self._lots.get(done.symbol, 0) + done.side * done.qty_lots
        self._cash_e8 -= done.side * done.value_e8
        self._fees_e8 += done.fee_e8
        self._touched.add(done.symbol)

    def _forget(self, gone: Execution) -> None:
        if gone.exec_type == FUNDING:
            return
        self._filled[gone.order_id] -= gone.qty_lots
        if not self._filled[gone.order_id]:
            del self._filled[gone.order_id]

    def heard_grid(self, symbol: str, change: Regrid, order_ids: Iterable[str]) -> None:
        """A symbol goes on in the steps of another grid, and so do its position and these orders, all to the last lot.

        What is heard of the orders that cover the position follows by itself.
        """
        lots = self._lots.get(symbol, 0)
        filled = [(order_id, self._filled[order_id]) for order_id in order_ids if order_id in self._filled]
        assert change.fits_lots(lots, *(done for _, done in filled))
        self._lots[symbol] = change.lots(lots)
        for order_id, done in filled:
            self._filled[order_id] = change.lots(done)

    def settle(self, now: int) -> None:
        """Judge the symbols of which something was heard; called once at the end of every event."""
        if not self._touched:
            return
        for symbol in sorted(self._touched):
            lots = self._lots.get(symbol, 0)
            wanted = (SELL, FALLS) if lots > 0 else (BUY, RISES)
            covered = sum(stop[2] for stop in self._stops.get(symbol, {}).values() if stop[:2] == wanted)
            if covered < abs(lots):
                self._since_ns.setdefault(symbol, now)
            else:
                self._end(symbol, now)
        self._touched.clear()

    def _end(self, symbol: str, now: int) -> None:
        since = self._since_ns.pop(symbol, None)
        if since is None or now <= since:
            return
        self.episodes += 1
        self._episodes.append((symbol, since, now - since))
        self._naked_ns_max[symbol] = max(self._naked_ns_max.get(symbol, 0), now - since)

    # --- judging --------------------------------------------------------------------------------------------------

    def naked_ns_max(self, now: int) -> int:
        """Return the longest naked time so far, what still lasts included."""
        lasting = [now - since for since in self._since_ns.values()]
        return max([0, *self._naked_ns_max.values(), *lasting])

    def naked_ms_max(self, now: int) -> int:
        """Return the longest naked time in ms, rounded up: any naked time at all shows."""
        return -(-self.naked_ns_max(now) // NS_PER_MS)

    def violations(self, account: Account, orders: OrderTable) -> list[str]:
        """Return every law of conservation that the account breaks; empty when money adds up."""
        found = []
        open_cost = sum(position.signed_cost_e8 for position in account.positions.values())
        paid = self._fees_e8 + self._funding_e8
        if account.wallet_e8 != account.deposit_e8 + self._cash_e8 + open_cost - paid:
            found.append("wallet is not deposit + cash flow + open cost - fees - funding")
        if account.wallet_e8 != account.deposit_e8 + account.realised_e8 - account.fees_e8 - account.funding_e8:
            found.append("wallet is not deposit + realised profit - fees - funding")
        heard = self._cash_e8, self._fees_e8, self._funding_e8
        if (account.cash_flow_e8, account.fees_e8, account.funding_e8) != heard:
            found.append("the account's cash flow, fees or funding are not those of the executions")
        held = {symbol: position.lots for symbol, position in account.positions.items() if position.lots}
        if held != {symbol: lots for symbol, lots in self._lots.items() if lots}:
            found.append(f"positions {held} are not the sums of their executions {self._lots}")
        for order in orders.oldest_first():
            if order.filled_lots + order.left_lots > order.qty_lots:
                found.append(f"{order.order_id}: more filled than ordered")
            filled = self._filled.get(order.order_id, 0)
            if order.filled_lots != filled and self.executed <= EXECUTIONS_KEPT:
                found.append(f"{order.order_id}: filled {order.filled_lots} lots, executions say {filled}")
        return found

    def ledger(self, account: Account, orders: OrderTable, now: int) -> dict[str, Any]:
        """Return everything since the start, for GET /admin/ledger. Integers as in their names."""
        violations = self.violations(account, orders)
        return {
            "now_ns": now,
            "deposit_e8": account.deposit_e8, "wallet_e8": account.wallet_e8, "wallet": e8_text(account.wallet_e8),
            "cash_flow_e8": account.cash_flow_e8, "fees_e8": account.fees_e8, "realised_e8": account.realised_e8,
            "funding_e8": account.funding_e8,
            "conserved": not violations, "violations": violations[:100],
            "positions": [
                {
                    "symbol": position.symbol, "position_lots": position.lots, "cost_e8": position.cost_e8,
                    "realised_e8": position.cum_e8,
                }
                for position in account.positions.values() if position.created_ms
            ],
            "executed": self.executed, "executions": [_execution(done) for done in self.executions],
            "orders_forgotten": orders.forgotten, "orders": [_order(order) for order in orders.oldest_first()],
            "naked": {
                "naked_ms_max": self.naked_ms_max(now), "naked_ns_max": self.naked_ns_max(now),
                "episodes": self.episodes,
                "now": sorted(self._since_ns),
                "by_symbol_ns": dict(sorted(self._naked_ns_max.items())),
                "last": [
                    {"symbol": symbol, "since_ns": since, "naked_ns": length}
                    for symbol, since, length in self._episodes
                ],
            },
        }  # fmt: skip


def _covered_lots(order: Order) -> int:
    """Return how much of a position a stop protects: live, at the market, and not still waiting to begin."""
    asleep = order.kind == TRAILING_STOP and not order.trigger_ticks
    if order.status is not Status.UNTRIGGERED or order.type != "Market" or asleep:
        return 0
    if order.kind in (STOP_LOSS, TRAILING_STOP):
        return ALL_LOTS
    if order.kind == CONDITIONAL:
        return (order.qty_lots or ALL_LOTS) if order.closes else 0
    return order.qty_lots


def _execution(done: Execution) -> dict[str, Any]:
    return {
        "exec_id": done.exec_id, "order_id": done.order_id, "order_link_id": done.order_link_id,
        "symbol": done.symbol, "side": side_text(done.side), "price_ticks": done.price_ticks,
        "qty_lots": done.qty_lots, "value_e8": done.value_e8, "fee_e8": done.fee_e8, "pnl_e8": done.pnl_e8,
        "is_maker": done.is_maker, "kind": done.kind, "exec_type": done.exec_type,
        "exec_ms": done.exec_ms, "grid": done.grid,
    }  # fmt: skip


def _order(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id, "order_link_id": order.order_link_id, "symbol": order.symbol,
        "side": side_text(order.side), "status": order.status.value, "cancel_type": order.cancel_type,
        "reject_reason": order.reject_reason, "order_type": order.type, "tif": order.tif,
        "reduce_only": order.reduce_only, "kind": order.kind, "price_ticks": order.price_ticks,
        "trigger_ticks": order.trigger_ticks, "qty_lots": order.qty_lots, "filled_lots": order.filled_lots,
        "value_e8": order.value_e8, "fee_e8": order.fee_e8, "created_ms": order.created_ms,
        "updated_ms": order.updated_ms, "grid": order.grid,
    }  # fmt: skip
