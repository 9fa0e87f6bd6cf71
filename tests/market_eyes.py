"""What a careful reader sees in the public frames of one symbol: the book at every frame, and aggressor orders.

Written from the definitions of the deeds, slowly and plainly, with nothing of the exchange's own code: what the agents
claim is held against this.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from statistics import median
from typing import Any, NamedTuple

import orjson

BEST_LEVELS = 5
WINDOW_MS = 500  # Within which a wall is pulled and replaced,
REFILL_MS, REFILL_SHARE, REFILLS, REFILLS_MS = 300, 0.8, 4, 5_000
BURST_MS, LARGE_USDT, LARGE_MEDIANS, BURST_ORDERS, BURST_SHARE = 2_000, 50_000.0, 5.0, 3, 0.8
SWEEP_LEVELS = 3
SLACK_MS = 40  # A frame tells what happened up to so much earlier.

Side = dict[float, float]


class State(NamedTuple):
    """The book after one frame."""

    cts_ms: int
    sides: dict[int, Side]  # +1 bids, -1 asks: price -> size

    def best(self, side: int, levels: int) -> list[tuple[float, float]]:
        """Return the best levels of one side."""
        return sorted(self.sides[side].items(), reverse=side > 0)[:levels]

    @property
    def mid(self) -> float:
        """The middle of the touch."""
        return (max(self.sides[1]) + min(self.sides[-1])) / 2


class Aggressor(NamedTuple):
    """All trades of one seq and side."""

    at_ms: int
    seq: int
    side: int
    prices: tuple[float, ...]  # Distinct, in order.
    size: float
    usdt: float


class Eyes:
    """Rebuilds what the frames of one symbol say."""

    def __init__(self, tick: float) -> None:
        self.tick = tick
        self.states: list[State] = []
        self.orders: list[Aggressor] = []
        self.prints: list[tuple[int, int, float, float]] = []  # at_ms, taker's side, price, size

    def see(self, frame: bytes) -> None:
        """Read one frame."""
        decoded = orjson.loads(frame)
        if decoded["topic"].startswith("publicTrade."):
            self._trades(decoded["data"])
        elif decoded["topic"].startswith("orderbook.50."):
            self._book(decoded)

    def _book(self, frame: dict[str, Any]) -> None:
        fresh = frame["type"] == "snapshot"
        sides: dict[int, Side] = {side: {} if fresh else dict(self.states[-1].sides[side]) for side in (1, -1)}
        for side, key in ((1, "b"), (-1, "a")):
            for price, size in frame["data"][key]:
                if float(size):
                    sides[side][float(price)] = float(size)
                else:
                    sides[side].pop(float(price), None)
        self.states.append(State(frame["cts"], sides))
        assert max(sides[1]) < min(sides[-1])

    def _trades(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            at, side = row["T"], 1 if row["S"] == "Buy" else -1
            price, size = float(row["p"]), float(row["v"])
            self.prints.append((at, side, price, size))
            last = self.orders[-1] if self.orders else None
            if last is not None and (last.seq, last.side) == (row["seq"], side):
                prices = last.prices if price in last.prices else (*last.prices, price)
                self.orders[-1] = last._replace(prices=prices, size=last.size + size, usdt=last.usdt + price * size)
            else:
                self.orders.append(Aggressor(at, row["seq"], side, (price,), size, price * size))

    # --- time ---------------------------------------------------------------------------------------------------

    def state_at(self, at_ms: int) -> int:
        """Return the index of the last state of that time or before."""
        return max(0, bisect_right(self.states, at_ms, key=lambda state: state.cts_ms) - 1)

    def traded(self, side: int, price: float, after_ms: int, until_ms: int) -> float:
        """Return what was taken from a level of ``side`` within (after, until]."""
        prints = self.prints_within(after_ms + 1, until_ms)
        return sum(size for _, taker, at, size in prints if taker == -side and at == price)

    def prints_within(self, from_ms: int, to_ms: int) -> list[tuple[int, int, float, float]]:
        """Return the trades of [from, to]."""
        first = bisect_left(self.prints, from_ms, key=lambda one: one[0])
        return self.prints[first : bisect_right(self.prints, to_ms, key=lambda one: one[0])]

    # --- deeds --------------------------------------------------------------------------------------------------

    def sweeps(self) -> list[Aggressor]:
        """Return the orders that have taken from several levels."""
        return [order for order in self.orders if len(order.prices) >= SWEEP_LEVELS]

    def large(self) -> list[Aggressor]:
        """Return the orders that are large beside those of the minute before."""
        found = []
        for i, order in enumerate(self.orders):
            first = bisect_left(self.orders, order.at_ms - 60_000, key=lambda one: one.at_ms)
            sizes = [one.size for one in self.orders[first:i]]
            if order.usdt >= LARGE_USDT and sizes and order.size >= LARGE_MEDIANS * median(sizes):
                found.append(order)
        return found

    def bursts(self) -> list[list[Aggressor]]:
        """Return the groups of large orders within a moment that were nearly all of one side."""
        found: list[list[Aggressor]] = []
        large = self.large()
        i = 0
        while i < len(large):
            group = [one for one in large[i:] if one.at_ms - large[i].at_ms <= BURST_MS]
            net = abs(sum(one.side * one.size for one in group)) / sum(one.size for one in group)
            if len(group) >= BURST_ORDERS and net >= BURST_SHARE:
                found.append(group)
                i += len(group)
            else:
                i += 1
        return found

    def refills(self, side: int, price: float, from_ms: int, to_ms: int) -> list[int]:
        """Return the times of the trades at a best price after which the level filled up again."""
        times = []
        prints = [
            (at, size) for at, taker, where, size in self.prints_within(from_ms, to_ms)
            if taker == -side and where == price
        ]  # fmt: skip
        taken: dict[int, float] = {}
        for at, size in prints:
            taken[at] = taken.get(at, 0.0) + size
        for at, size in taken.items():
            before = self.state_at(at - 1)
            shown = self.states[before].sides[side].get(price, 0.0)
            last = self.state_at(at + REFILL_MS)
            for state in self.states[before + 1 : last + 1]:
                traded = self.traded(side, price, self.states[before].cts_ms, state.cts_ms)
                touch = state.best(side, 1)
                if not touch or touch[0][0] != price:
                    break
                back = state.sides[side][price] - (shown - traded)
                if traded >= size - 1e-9 and back >= REFILL_SHARE * traded - 1e-9:
                    times.append(at)
                    break
        return times

    def icebergs(self, side: int, from_ms: int, to_ms: int) -> list[float]:
        """Return the prices at which a level filled up often enough."""
        prices = {where for _, taker, where, _ in self.prints_within(from_ms, to_ms) if taker == -side}
        found = []
        for price in sorted(prices):
            times = self.refills(side, price, from_ms, to_ms)
            if any(times[i + REFILLS - 1] - times[i] <= REFILLS_MS for i in range(len(times) - REFILLS + 1)):
                found.append(price)
        return found

    def pulls(self, side: int, from_ms: int, to_ms: int) -> list[tuple[int, float, float]]:
        """Return (time, share of the best levels pulled, replaced / pulled) of each window with a pull-and-replace."""
        found = []
        for i in range(self.state_at(from_ms), self.state_at(to_ms)):
            pull = self._pull(side, i)
            if pull is not None:
                found.append((self.states[i].cts_ms, *pull))
        return found

    def _pull(self, side: int, i: int) -> tuple[float, float] | None:
        """Judge the window that begins with state ``i``."""
        begin = self.states[i]
        best = begin.best(side, BEST_LEVELS)
        shown, edge = sum(size for _, size in best), best[-1][0]
        watched = {price for price, _ in best}
        pulled = replaced = traded = 0.0
        for before, after in zip(self.states[i:], self.states[i + 1 :], strict=False):
            if after.cts_ms - begin.cts_ms > WINDOW_MS:
                break
            if abs(after.mid - begin.mid) >= 2 * self.tick - 1e-9:
                return None
            for price in {*before.sides[side], *after.sides[side]}:
                was, now = before.sides[side].get(price, 0.0), after.sides[side].get(price, 0.0)
                if was == now:
                    continue
                taken = self.traded(side, price, before.cts_ms, after.cts_ms)
                if price in watched:
                    pulled += max(0.0, was - taken - now)
                    traded += taken
                elif (edge - price) * side > 0 and self._in_sight(before, after, side, price):
                    replaced += max(0.0, now - max(0.0, was - taken))
        if shown and pulled / shown > 0.6 and traded < 0.1 * (pulled + traded):
            return pulled / shown, replaced / pulled
        return None

    def _in_sight(self, before: State, after: State, side: int, price: float) -> bool:
        """Return whether a level was within the frames' depth both times: others come and go without a change."""
        edges = [state.best(side, 50)[-1][0] for state in (before, after)]
        return all((price - edge) * side >= 0 for edge in edges)
