"""What happens to orders in the book, and money that is conserved whatever the orders are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange_rig import MID_TICKS, SYMBOL, Rig

MID = MID_TICKS[SYMBOL]  # The best ask; the best bid is one tick below.


def state(rig: Rig, answer: dict[str, Any]) -> tuple[str, str, str]:
    """Return (status, filled, reason) of the order just created."""
    assert answer["retCode"] == 0, answer
    row = rig.find(answer["result"]["orderId"])
    return row["orderStatus"], row["cumExecQty"], row["rejectReason"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ("Filled", "0.010", "EC_NoError")),
        ({"price": "59999.8"}, ("New", "0.000", "EC_NoError")),
        ({"price": "60000.0"}, ("Filled", "0.010", "EC_NoError")),
        ({"price": "60000.0", "qty": "1.500"}, ("PartiallyFilled", "1.000", "EC_NoError")),
        ({"price": "60000.0", "timeInForce": "PostOnly"}, ("Cancelled", "0.000", "EC_PostOnlyWillTakeLiquidity")),
        ({"price": "59999.9", "timeInForce": "PostOnly"}, ("New", "0.000", "EC_NoError")),
        ({"price": "59999.9", "timeInForce": "IOC"}, ("Cancelled", "0.000", "EC_NoImmediateQtyToFill")),
        ({"price": "60000.0", "timeInForce": "IOC", "qty": "1.500"}, ("Cancelled", "1.000", "EC_CancelForNoFullFill")),
        ({"price": "60000.0", "timeInForce": "FOK", "qty": "1.500"}, ("Cancelled", "0.000", "EC_CancelForNoFullFill")),
        ({"price": "60000.1", "timeInForce": "FOK", "qty": "1.500"}, ("Filled", "1.500", "EC_NoError")),
    ],
)
def test_each_time_in_force_does_what_it_says(params: dict[str, str], expected: tuple[str, str, str]) -> None:
    rig = Rig()
    assert state(rig, rig.order(**params)) == expected


def test_a_cancelled_order_says_who_cancelled_it() -> None:
    rig = Rig()
    order_id = rig.order(price="59000")["result"]["orderId"]
    assert rig.post("/v5/order/cancel", category="linear", symbol=SYMBOL, orderId=order_id)["retCode"] == 0
    row = rig.find(order_id)
    assert (row["orderStatus"], row["cancelType"], row["rejectReason"]) == (
        "Cancelled",
        "CancelByUser",
        "EC_PerCancelRequest",
    )
    assert row["leavesQty"] == "0"
    assert rig.market.books[SYMBOL].level_lots(1, 590_000) == 0


def test_a_maker_fill_pays_the_makers_fee() -> None:
    rig = Rig()
    rig.order(price="59999.9", stopLoss="59900")
    rig.market.hit(SYMBOL, -1, MID - 1, 1_010)
    rig.tick()
    done = rig.rows("/v5/execution/list")[0]
    assert (done["isMaker"], done["feeRate"], done["execFee"]) == (True, "0.0002", "0.1199998")


def test_an_own_takers_match_reaches_the_public_tape() -> None:
    rig = Rig()
    rig.order()
    rig.tick()
    assert [(symbol, fill.price_ticks, fill.qty_lots) for symbol, fill in rig.market.heard] == [(SYMBOL, MID, 10)]


def test_reduce_only_is_cut_to_the_position_and_never_turns_it_around() -> None:
    rig = Rig()
    rig.order(qty="0.010")
    answer = rig.order("Sell", "5.000", reduceOnly=True)
    assert rig.find(answer["result"]["orderId"])["qty"] == "0.010"
    assert rig.position()["size"] == "0"


def test_resting_reduce_only_orders_keep_no_more_than_the_position_best_price_first() -> None:
    rig = Rig()
    rig.order(qty="0.010")
    far = rig.order("Sell", "0.010", price="60400", reduceOnly=True)["result"]["orderId"]
    near = rig.order("Sell", "0.004", price="60300", reduceOnly=True)["result"]["orderId"]
    assert (rig.find(near)["qty"], rig.find(far)["qty"]) == ("0.004", "0.006")
    rig.order("Sell", "0.007")
    assert (rig.find(near)["qty"], rig.find(far)["orderStatus"]) == ("0.003", "Cancelled")
    assert rig.find(far)["cancelType"] == "CancelByReduceOnly"
    rig.order("Sell", "0.003")
    assert rig.find(near)["orderStatus"] == "Cancelled"
    assert rig.market.books[SYMBOL].level_lots(-1, 603_000) == 0


def test_a_sweep_through_two_exits_closes_once() -> None:
    rig = Rig()
    rig.order(qty="0.010")
    rig.order("Sell", "0.010", price="60000.2")
    exit_id = rig.order("Sell", "0.010", price="60000.3", reduceOnly=True)["result"]["orderId"]
    rig.market.hit(SYMBOL, 1, MID + 3, 10_000)  # Takes both before the exchange can cancel the second.
    rig.tick()
    assert rig.position()["size"] == "0"
    row = rig.find(exit_id)
    assert (row["orderStatus"], row["cumExecQty"], row["cancelType"]) == ("Cancelled", "0.000", "CancelByReduceOnly")
    assert rig.ledger()["conserved"]


def test_an_account_may_trade_with_itself_and_pays_both_fees() -> None:
    rig = Rig()
    rig.market.clear(SYMBOL)
    rig.order("Sell", "0.010", price="60000")
    rig.order("Buy", "0.010", price="60000")
    rig.tick()
    assert rig.position()["size"] == "0"
    assert [row["is_maker"] for row in rig.ledger()["executions"]] == [True, False]
    assert rig.ledger()["fees_e8"] == 12_000_000 + 33_000_000


def test_a_market_order_does_not_leave_the_price_band() -> None:
    rig = Rig()
    rig.market.clear(SYMBOL)
    rig.market.quote(SYMBOL, -1, 606_000, 4)  # 1 % above the mark: just inside.
    rig.market.quote(SYMBOL, -1, 606_001, 100)
    answer = rig.order()
    assert state(rig, answer) == ("Cancelled", "0.004", "EC_CancelForNoFullFill")
    assert rig.find(answer["result"]["orderId"])["price"] == "60600.00"


ACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("order"),
            st.sampled_from(["Buy", "Sell"]),
            st.integers(1, 60),
            st.one_of(st.none(), st.integers(-6, 6)),
            st.sampled_from(["GTC", "IOC", "FOK", "PostOnly"]),
            st.booleans(),
            st.booleans(),
        ),
        st.tuples(
            st.just("agent"), st.sampled_from([1, -1]), st.sampled_from([3, 40, 1_500, 9_000]), st.integers(-9, 9)
        ),
        st.tuples(st.just("quote"), st.sampled_from([1, -1]), st.integers(1, 40), st.integers(1, 8)),
        st.tuples(st.just("cancel"), st.integers(0, 10)),
        st.tuples(st.just("clear")),
        st.tuples(st.just("mark"), st.integers(-300, 300)),
    ),
    min_size=12,
    max_size=40,
)


def act(rig: Rig, action: tuple[Any, ...]) -> None:
    """Do one thing to the account or to the market."""
    kind, *values = action
    if kind == "order":
        side, lots, away, tif, reduce_only, bracket = values
        params: dict[str, Any] = {"qty": f"{lots / 1000:.3f}", "reduceOnly": reduce_only, "timeInForce": tif}
        if away is not None:
            params["price"] = f"{(MID + away) / 10:.1f}"
        if bracket and not reduce_only:
            loss, profit = (MID - 8, MID + 8) if side == "Buy" else (MID + 8, MID - 8)
            params |= {"stopLoss": f"{loss / 10:.1f}", "takeProfit": f"{profit / 10:.1f}"}
        rig.order(side, **params)
    elif kind == "agent":
        rig.market.hit(SYMBOL, values[0], MID + values[2], values[1])
    elif kind == "quote":
        rig.market.quote(SYMBOL, values[0], MID - values[0] * values[2], values[1])
    elif kind == "cancel":
        open_ids = [order.order_id for order in rig.core.desk.orders.open_orders()]
        if open_ids:
            rig.post("/v5/order/cancel", category="linear", symbol=SYMBOL, orderId=open_ids[values[0] % len(open_ids)])
    elif kind == "clear":
        rig.market.clear(SYMBOL)
    else:
        rig.market.marks_e8[SYMBOL] = (MID + values[0]) * 10_000_000
    rig.tick(2)


@given(actions=ACTIONS)
@settings(max_examples=150, deadline=None)
def test_money_is_conserved_and_reduce_only_never_flips_whatever_the_orders_are(actions: list[tuple[Any, ...]]) -> None:
    rig = Rig()
    desk = rig.core.desk
    for action in actions:
        act(rig, action)
        assert desk.oracle.violations(desk.account, desk.orders) == []
        for order in desk.orders.open_orders():
            resting = rig.market.books[SYMBOL].order(order.book_id)
            assert (resting.left_lots if resting else 0) == (0 if order.kind else order.left_lots)
        lots = desk.account.position(SYMBOL).lots
        exits = [order for order in desk.orders.open_orders() if order.reduce_only and not order.kind]
        assert sum(order.left_lots for order in exits) <= abs(lots)
        assert all(order.side * lots < 0 for order in exits)
    held = 0
    for done in desk.oracle.executions:
        before, held = held, held + done.side * done.qty_lots
        order = desk.orders.find(done.order_id, "")
        if order is not None and order.reduce_only:
            assert abs(held) < abs(before)
            assert held * before >= 0


def test_a_match_that_an_earlier_one_made_impossible_is_not_on_the_public_tape() -> None:
    rig = Rig()
    rig.order(qty="0.010")
    rig.order("Sell", "0.010", price="60000.2")
    rig.order("Sell", "0.010", price="60000.3", reduceOnly=True)
    rig.tick()
    rig.market.heard.clear()
    rig.market.hit(SYMBOL, 1, MID + 3, 10_000)
    rig.tick()
    ours = [(fill.price_ticks, fill.qty_lots) for _, fill in rig.market.heard if fill.maker_owner]
    assert ours == [(MID + 2, 10)]
    assert [row["qty_lots"] for row in rig.ledger()["executions"]] == [10, 10]


def test_everything_can_be_done_over_rest_and_the_ledger_still_adds_up() -> None:
    rig = Rig()
    rig.order(qty="0.030", tpslMode="Partial", stopLoss="59900", takeProfit="60100")
    waiting = rig.order(price="60300", triggerPrice="60200", triggerDirection=1)["result"]["orderId"]
    resting = rig.order(price="59000")["result"]["orderId"]
    names = {"category": "linear", "symbol": SYMBOL}
    assert rig.post("/v5/order/amend", **names, orderId=resting, price="59100", qty="0.020")["retCode"] == 0
    assert rig.find(resting)["price"] == "59100.00"
    assert rig.post("/v5/position/trading-stop", **names, trailingStop="100")["retCode"] == 0
    assert rig.position()["trailingStop"] == "100.00"
    assert rig.core._trading.fund(SYMBOL, rig.now, 10_000)
    rig.tick(10)
    assert rig.find(waiting)["orderStatus"] == "Untriggered"
    rig.core._trading.set_status(SYMBOL, "Closed", rig.now)
    rig.tick(10)
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL) == []
    ledger = rig.ledger()
    assert ledger["conserved"]
    assert {row["exec_type"] for row in ledger["executions"]} == {"Trade", "Funding", "Settle"}
