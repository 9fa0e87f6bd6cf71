"""The whole engine under orders of every kind: nothing crossed, nobody passed by, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.exchange.acceptance import RefusedError
from services.exchange.matching import NO_SMP
from services.exchange.orders import Order
from tests.engine_rig import MID, EngineRig
from tests.exchange_rig import SYMBOL

SIDES = st.sampled_from(["Buy", "Sell"])
NEAR = st.integers(-8, 8)
LOTS = st.integers(1, 90)
SMP = st.sampled_from([NO_SMP, "CancelMaker", "CancelTaker", "CancelBoth"])
BY = st.sampled_from(["LastPrice", "MarkPrice", "IndexPrice"])
E8_PER_TICK = 10_000_000


def price(away: int) -> str:
    return f"{(MID + away) / 10:.1f}"


def qty(lots: int) -> str:
    return f"{lots / 1000:.3f}"


class Whatever(RuleBasedStateMachine):
    """Clients and markets that do anything, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = EngineRig()

    def attempt(self, call: Any, *args: Any, **params: Any) -> None:
        """A refusal changes nothing, and is no mistake of the exchange's."""
        orders = [(order.order_id, order.status, order.left_lots) for order in self.rig.desk.orders.open_orders()]
        try:
            call(*args, **params)
        except RefusedError:
            assert orders == [
                (order.order_id, order.status, order.left_lots) for order in self.rig.desk.orders.open_orders()
            ]

    def pick(self, index: int) -> Order | None:
        found = self.rig.desk.orders.open_orders()
        return found[index % len(found)] if found else None

    # --- the client -----------------------------------------------------------------------------------------------

    @rule(
        side=SIDES, lots=LOTS, away=st.none() | NEAR, tif=st.sampled_from(["GTC", "IOC", "FOK", "PostOnly"]),
        closes=st.sampled_from([(False, False)] * 3 + [(True, False), (True, True)]), smp=SMP,
    )  # fmt: skip
    def order(
        self, side: str, lots: int, away: int | None, tif: str, closes: tuple[bool, bool], smp: str
    ) -> None:  # fmt: skip
        params: dict[str, Any] = {"timeInForce": tif, "reduceOnly": closes[0], "closeOnTrigger": closes[1]}
        if any(closes) and self.rig.lots:
            side = "Sell" if self.rig.lots > 0 else "Buy"
        if away is not None:
            params["price"] = price(away)
        self.attempt(self.rig.create, side, "0" if all(closes) else qty(lots), smpType=smp, **params)

    @rule(side=SIDES, lots=LOTS, away=st.none() | NEAR, mode=st.sampled_from(["Full", "Partial", "Limit"]), by=BY)
    def entry(self, side: str, lots: int, away: int | None, mode: str, by: str) -> None:
        sign = 1 if side == "Buy" else -1
        params = {"takeProfit": price(9 * sign), "stopLoss": price(-9 * sign), "slTriggerBy": by}
        if mode == "Limit":
            params |= {"tpOrderType": "Limit", "tpLimitPrice": price(7 * sign)}
        params["tpslMode"] = "Full" if mode == "Full" else "Partial"
        if away is not None:
            params["price"] = price(away)
        self.attempt(self.rig.create, side, qty(lots), **params)

    @rule(side=SIDES, lots=LOTS, away=NEAR, at=st.none() | NEAR, by=BY, closes=st.booleans())
    def conditional(self, side: str, lots: int, away: int, at: int | None, by: str, closes: bool) -> None:
        params: dict[str, Any] = {"triggerPrice": price(away), "triggerBy": by, "closeOnTrigger": closes}
        params |= {"triggerDirection": 1 if away > 0 else 2, "reduceOnly": closes}
        if at is not None:
            params["price"] = price(at)
        self.attempt(self.rig.create, side, "0" if closes and lots % 2 else qty(lots), **params)

    @rule(index=st.integers(0, 30), lots=st.none() | LOTS, away=st.none() | NEAR, loss=st.none() | NEAR)
    def amend(self, index: int, lots: int | None, away: int | None, loss: int | None) -> None:
        order = self.pick(index)
        if order is None:
            return
        params = {} if lots is None else {"qty": qty(lots)}
        if away is not None:
            params["triggerPrice" if order.kind else "price"] = price(away)
        if loss is not None:
            params["stopLoss"] = "0" if loss == 0 else price(loss)
        self.attempt(self.rig.amend, order, **params)

    @rule(index=st.integers(0, 30))
    def cancel(self, index: int) -> None:
        order = self.pick(index)
        if order is not None:
            assert self.rig.trading.cancel(order, self.rig.now)
            self.rig.close()

    @rule(kind=st.integers(0, 3), away=st.integers(1, 9), lots=LOTS)
    def bracket(self, kind: int, away: int, lots: int) -> None:
        sign = 1 if self.rig.lots > 0 else -1
        if kind == 0:
            params = {"takeProfit": price(sign * away), "stopLoss": "0" if away > 7 else price(-sign * away)}
        elif kind == 1:
            params = {"tpslMode": "Partial", "stopLoss": price(-sign * away), "slSize": qty(lots)}
        elif kind == 2:
            params = {"trailingStop": f"{away / 10:.1f}", "activePrice": price(sign * (away - 4))}
        else:
            params = {"trailingStop": "0" if away > 5 else f"{away / 10:.1f}"}
        self.attempt(self.rig.stop, **params)

    @rule(leverage=st.sampled_from(["1", "5", "10", "25", "100"]))
    def leverage(self, leverage: str) -> None:
        params = {"category": "linear", "symbol": SYMBOL, "buyLeverage": leverage, "sellLeverage": leverage}
        self.attempt(self.rig.trading.set_leverage, params, self.rig.now)

    # --- the market -----------------------------------------------------------------------------------------------

    @rule(orders=st.lists(st.tuples(st.sampled_from([1, -1]), st.sampled_from([3, 60, 400]), NEAR), max_size=3))
    def turn(self, orders: list[tuple[int, int, int]]) -> None:
        for side, lots, away in orders:
            self.rig.market.hit(SYMBOL, side, MID + away, lots)
        self.rig.tick()

    @rule(side=st.sampled_from([1, -1]), lots=st.integers(1, 40), away=st.integers(1, 8))
    def quote(self, side: int, lots: int, away: int) -> None:
        self.rig.market.quote(SYMBOL, side, MID - side * away, lots)
        self.rig.tick()

    @rule()
    def nobody(self) -> None:
        self.rig.clear()

    @rule(mark=st.integers(-300, 300), index=st.integers(-300, 300))
    def prices(self, mark: int, index: int) -> None:
        self.rig.market.marks_e8[SYMBOL] = (MID + mark) * E8_PER_TICK + index
        self.rig.tick()

    @rule(rate_e8=st.integers(-400_000, 400_000))
    def funding(self, rate_e8: int) -> None:
        wallet, held = self.rig.desk.account.wallet_e8, self.rig.lots
        assert self.rig.trading.fund(SYMBOL, self.rig.now, rate_e8) == bool(held)
        self.rig.close()
        paid = wallet - self.rig.desk.account.wallet_e8
        assert self.rig.lots == held
        assert paid * held * rate_e8 >= 0

    @rule(how=st.integers(0, 11), lots=LOTS)
    def the_end(self, how: int, lots: int) -> None:
        if how == 0:
            self.rig.trading.liquidate(self.rig.now)
            assert self.rig.lots == 0
        elif how == 1:
            self.rig.trading.deleverage(SYMBOL, lots, self.rig.now)
        self.rig.close()

    @invariant()
    def every_rule_holds(self) -> None:
        self.rig.check()


def run(examples: int) -> None:
    run_state_machine_as_test(
        Whatever,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            derandomize=False,  # The parts of the full run must differ.
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_is_done_no_rule_is_broken() -> None:
    run(150)


@pytest.mark.full
@pytest.mark.parametrize("thousand", range(20))  # In parts: a single run would look like one that hangs.
def test_twenty_thousand_random_sequences_break_no_rule(thousand: int) -> None:
    run(1_000)
