"""The account's trading without the exchange around it, over books whose every match is checked against the rules."""

from __future__ import annotations

from typing import Any

from services.exchange.acceptance import RefusedError
from services.exchange.account import Account
from services.exchange.desk import Desk
from services.exchange.engine import OWNER
from services.exchange.matching import AGENTS, CANCEL_MAKER, NO_SMP, Fill, MatchingBook, Outcome
from services.exchange.orders import RESTING, Order, Status
from services.exchange.rows import TRADE
from services.exchange.stops import Stops, Timing
from services.exchange.trading import Trading
from shared.scale import E8
from tests.exchange_rig import MID_TICKS, MS, NOW, SYMBOL, HandMarket

MID = MID_TICKS[SYMBOL]


class JudgedBook(MatchingBook):
    """A book that checks each of its own matches: priority of price and time, and nothing lost."""

    def submit(
        self, order_id: int, owner: int, side: int, price_ticks: int, qty_lots: int, tif: str,
        smp: str = NO_SMP, reduce_only: bool = False,
    ) -> Outcome:  # fmt: skip
        queue = self.queue(-side)
        before = {order.order_id: order.left_lots for order in queue}
        outcome = super().submit(order_id, owner, side, price_ticks, qty_lots, tif, smp, reduce_only)
        taken = sum(fill.qty_lots for fill in outcome.fills)
        assert taken + outcome.resting_lots + outcome.cancelled_lots == qty_lots
        within = [order.order_id for order in queue if (order.price_ticks - price_ticks) * side <= 0]
        # Whoever was passed by has left the book, or belongs to the taker and stopped it.
        makers = [fill.maker_id for fill in outcome.fills]
        assert makers == [number for number in within if number in set(makers)]
        last = within.index(makers[-1]) if makers else 0
        for number in within[:last]:
            assert number in makers or self.order(number) is None
        for fill in outcome.fills:
            left = before[fill.maker_id] - fill.qty_lots
            order = self.order(fill.maker_id)
            assert fill.maker_left_lots == left
            assert left == (order.left_lots if order else 0) or order is None
            assert fill is outcome.fills[-1] or order is None
        if outcome.resting_lots and tif != "PostOnly":
            assert not self.queue(-side) or (self.queue(-side)[0].price_ticks - price_ticks) * side > 0
        assert smp in (NO_SMP, CANCEL_MAKER) or not outcome.met or outcome.cancelled_lots
        return outcome

    def queue(self, side: int) -> list[Any]:
        """Return the orders of one side as they must be filled."""
        own = self._bids if side > 0 else self._asks
        found = [order for key in reversed(own.keys) for order in own.levels[key]]
        for key in own.keys:
            assert own.levels[key].lots == sum(order.left_lots for order in own.levels[key]) > 0
        return found


class EngineRig:
    """One symbol, one account, and whatever it is asked; ``check`` holds the account to every rule there is."""

    def __init__(self, deposit: int = 10_000) -> None:
        self.market = HandMarket()
        book = self.market.books[SYMBOL] = JudgedBook()
        for away in range(10):
            self.market.quote(SYMBOL, 1, MID - 1 - away, 40)
            self.market.quote(SYMBOL, -1, MID + away, 40)
        self.desk = Desk(self.market, Account(deposit * E8, 20_000, 55_000), "rig")
        self.stops = Stops(self.desk, Timing())
        self.trading = Trading(self.desk, self.stops, self.market.books)
        self.book = book
        self.now = NOW
        self.tape: list[Fill] = []
        self.rows: list[dict[str, Any]] = []  # The order topic.

    # --- doing ----------------------------------------------------------------------------------------------------

    def create(self, side: str = "Buy", qty: str = "0.010", **params: Any) -> Order:
        usual = {"category": "linear", "symbol": SYMBOL, "side": side, "qty": qty}
        usual["orderType"] = "Limit" if "price" in params or "bboSideType" in params else "Market"
        order = self.trading.create(usual | params, self.now)
        self.close()
        return order

    def amend(self, order: Order, **params: Any) -> Order:
        names = {"category": "linear", "symbol": SYMBOL, "orderId": order.order_id}
        self.trading.amend(names | params, self.now)
        self.close()
        return order

    def stop(self, **params: Any) -> None:
        self.trading.trading_stop({"category": "linear", "symbol": SYMBOL, **params}, self.now)
        self.close()

    def tick(self) -> None:
        """Let the market's turn be heard."""
        self.now += 10 * MS
        for symbol, fill in self.market.agents(self.now):
            self.tape.append(fill)
            self.market.lasts[symbol] = fill.price_ticks
            self.trading.market_matched(symbol, fill, self.now)
        self.trading.check_triggers(self.now)
        self.close()

    def hit(self, side: int, price_ticks: int, lots: int) -> None:
        """Let an agent take, and the exchange hear of it."""
        self.market.hit(SYMBOL, side, price_ticks, lots)
        self.tick()

    def last(self, price_ticks: int) -> None:
        """Let the last price be another."""
        self.market.lasts[SYMBOL] = price_ticks
        self.tick()

    def clear(self) -> None:
        self.market.clear(SYMBOL)

    def close(self) -> None:
        """End an event."""
        for _, fill in self.trading.take_matches():
            self.tape.append(fill)
            self.market.lasts[SYMBOL] = fill.price_ticks
        self.desk.oracle.settle(self.now)
        self.rows += [news.row for news in self.desk.news if news.topic == "order"]
        self.desk.news, self.desk.moved = [], {}

    # --- looking --------------------------------------------------------------------------------------------------

    @property
    def lots(self) -> int:
        return self.desk.account.position(SYMBOL).lots

    def statuses(self, order: Order) -> list[str]:
        """Return the statuses the client was told, in order."""
        return [row["orderStatus"] for row in self.rows if row["orderId"] == order.order_id]

    def refusal(self, call: Any, *args: Any, **params: Any) -> tuple[int, str]:
        """Return the code and text with which a request is refused."""
        try:
            call(*args, **params)
        except RefusedError as error:
            return error.refusal.code, error.refusal.text
        raise AssertionError("it was taken")

    def check(self) -> None:
        """Hold everything to its rules."""
        desk, book = self.desk, self.book
        assert desk.oracle.violations(desk.account, desk.orders) == []
        bid, ask = book.best_bid(), book.best_ask()
        assert bid is None or ask is None or bid < ask
        for order in desk.orders.open_orders():
            resting = book.order(order.book_id)
            assert (resting.left_lots if resting else 0) == order.left_lots
            assert (resting is not None) == (order.status in RESTING)
            assert order.status in (*RESTING, Status.UNTRIGGERED)
        waiting = [order for order in desk.orders.open_orders() if order.status is Status.UNTRIGGERED]
        assert sorted(order.number for order in waiting) == sorted(order.number for order in self.stops.live(SYMBOL))
        ours = [order for side in (1, -1) for order in book.queue(side) if order.owner == OWNER]
        assert all(desk.orders.by_book_id(order.order_id) is not None for order in ours)
        assert book.held_lots.get(OWNER, 0) == self.lots
        self._check_exits()
        self._check_tape()

    def _check_exits(self) -> None:
        """A reduce-only order never opens: not by what rests, and not by what it did."""
        exits = [order for order in self.desk.orders.open_orders() if order.closes and order.status in RESTING]
        assert sum(order.left_lots for order in exits) <= abs(self.lots)
        assert all(order.side * self.lots < 0 for order in exits)
        for done in self.desk.oracle.executions:
            order = self.desk.orders.find(done.order_id, "")
            if order is not None and order.closes:
                before = done.position_lots - done.side * done.qty_lots
                assert abs(done.position_lots) < abs(before)
                assert before * done.position_lots >= 0

    def _check_tape(self) -> None:
        """What the public saw of our trades is what the account has, lot for lot."""
        seen = sum((fill.taker_owner == OWNER) * fill.qty_lots * fill.taker_side for fill in self.tape)
        seen -= sum((fill.maker_owner == OWNER) * fill.qty_lots * fill.taker_side for fill in self.tape)
        volume = sum(((fill.taker_owner == OWNER) + (fill.maker_owner == OWNER)) * fill.qty_lots for fill in self.tape)
        done = [one for one in self.desk.oracle.executions if one.exec_type == TRADE]
        assert seen == sum(one.side * one.qty_lots for one in done)
        assert volume == sum(one.qty_lots for one in done)


assert AGENTS != OWNER
