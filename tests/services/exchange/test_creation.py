"""What a create request may ask for beside side, size and price."""

from __future__ import annotations

from typing import Any

import pytest

from services.exchange import creation
from services.exchange.stops import Stops
from tests.engine_rig import EngineRig
from tests.exchange_rig import SYMBOL


def asks(rig: EngineRig, **params: Any) -> tuple[int, str]:
    return rig.refusal(rig.create, **params)


@pytest.mark.parametrize(
    ("trigger", "direction", "by", "code", "text"),
    [
        ("60000", 1, "LastPrice", 110092, "Rising, but trigger_price[600000000] <= current[600000000]??LastPrice"),
        ("60000", 2, "LastPrice", 110093, "Falling, but trigger_price[600000000] >= current[600000000]??LastPrice"),
        ("59999", 1, "MarkPrice", 110092, "Rising, but trigger_price[599990000] <= current[600000000]??MarkPrice"),
        ("60001", 2, "IndexPrice", 110093, "Falling, but trigger_price[600010000] >= current[600000000]??IndexPrice"),
    ],
)
def test_a_trigger_on_the_wrong_side_is_refused(trigger: str, direction: int, by: str, code: int, text: str) -> None:
    rig = EngineRig()
    refused = code, f"expect {text}"
    assert asks(rig, triggerPrice=trigger, triggerDirection=direction, triggerBy=by) == refused


def test_there_are_ten_conditional_orders_and_no_more() -> None:
    rig = EngineRig()
    orders = [rig.create(triggerPrice="60100", triggerDirection="1") for _ in range(10)]
    assert asks(rig, triggerPrice="60100", triggerDirection=1)[0] == 110009
    rig.trading.cancel(orders[0], rig.now)
    rig.create(triggerPrice="60100", triggerDirection=1)


def test_there_are_500_active_orders_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "ACTIVE_MAX", 3)
    rig = EngineRig()
    rig.create(triggerPrice="60100", triggerDirection=1)
    for _ in range(3):
        rig.create(price="59990")
    assert asks(rig, price="59990") == (110020, "Cannot have more than 500 active orders.")
    rig.create(triggerPrice="60100", triggerDirection=1)
    assert creation.CONDITIONAL_MAX == 10


def test_there_are_twenty_partial_legs_and_no_more() -> None:
    rig = EngineRig()
    both = {"tpslMode": "Partial", "stopLoss": "59900", "takeProfit": "60100"}
    for _ in range(9):
        rig.create(qty="0.001", **both)
    rig.create(qty="0.001", tpslMode="Partial", stopLoss="59900")
    assert asks(rig, qty="0.001", **both)[0] == 110061
    rig.create(qty="0.001", tpslMode="Partial", stopLoss="59900")
    assert rig.stops.count(SYMBOL, creation.PARTIAL) == 20
    assert isinstance(rig.stops, Stops)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("TickSize", "3", 600_003),
        ("TickSize", "1", 600_001),
        ("TickSize", "10000", 606_000),  # Not beyond the band.
        ("Percent", "0.5", 603_000),
        ("Percent", "10", 606_000),
        ("TickSize", "0", 110108),
        ("TickSize", "1.5", 110108),
        ("TickSize", "10001", 110108),
        ("Percent", "0.009", 110109),
        ("Percent", "10.01", 110109),
        ("Percent", "x", 10001),
        ("Much", "1", 10001),
    ],
)
def test_a_market_order_goes_as_far_as_its_tolerance(kind: str, value: str, expected: int) -> None:
    rig = EngineRig()
    params = {"slippageToleranceType": kind, "slippageTolerance": value}
    if expected < 200_000:
        assert asks(rig, **params)[0] == expected
        return
    order = rig.create(**params)
    assert (order.price_ticks, order.status.value) == (expected, "Filled")
    assert (rig.rows[-1]["slippageToleranceType"], rig.rows[-1]["slippageTolerance"]) == (kind, value)


def test_a_seller_tolerates_downwards_and_the_rest_is_cancelled() -> None:
    rig = EngineRig()
    order = rig.create("Sell", "0.200", slippageToleranceType="TickSize", slippageTolerance="2")
    assert (order.price_ticks, order.filled_lots, order.status.value) == (599_997, 120, "Cancelled")
    assert asks(rig, price="60000", slippageToleranceType="TickSize", slippageTolerance="2")[0] == 10001


@pytest.mark.parametrize(
    ("side", "queue", "level", "expected"),
    [
        ("Buy", "Queue", "1", 599_999),
        ("Buy", "Queue", "3", 599_997),
        ("Buy", "Counterparty", "2", 600_001),
        ("Sell", "Queue", "1", 600_000),
        ("Sell", "Counterparty", "5", 599_995),
    ],
)
def test_a_price_may_be_named_by_its_place_in_the_book(side: str, queue: str, level: str, expected: int) -> None:
    order = EngineRig().create(side, bboSideType=queue, bboLevel=level)
    assert (order.price_ticks, order.create_type) == (expected, "CreateByBboOrder")


def test_a_place_that_is_not_there_is_refused() -> None:
    rig = EngineRig()
    assert asks(rig, bboSideType="Queue", bboLevel="6")[1] == "params error: bboLevel invalid"
    assert asks(rig, bboSideType="Own", bboLevel="1")[1] == "params error: bboSideType invalid"
    rig.clear()
    assert asks(rig, bboSideType="Queue", bboLevel="1")[1] == "params error: bboLevel invalid"


def test_size_zero_with_both_flags_closes_everything() -> None:
    rig = EngineRig()
    rig.create(qty="0.030")
    order = rig.create("Sell", "0", reduceOnly=True, closeOnTrigger=True)
    assert (order.qty_lots, rig.lots) == (30, 0)
    rig.create(qty="0.030")
    waiting = rig.create(
        "Sell", "0", reduceOnly=True, closeOnTrigger=True, triggerPrice="59900", triggerDirection=2
    )  # fmt: skip
    rig.create(qty="0.010")
    rig.last(599_000)
    assert (waiting.status.value, waiting.qty_lots, rig.lots) == ("Filled", 40, 0)
    rig.check()


def test_close_on_trigger_alone_never_opens() -> None:
    rig = EngineRig()
    rig.create(qty="0.030")
    order = rig.create("Sell", "0.050", closeOnTrigger=True)
    assert (order.qty_lots, rig.lots) == (30, 0)
    assert asks(rig, closeOnTrigger=True)[0] == 110017


@pytest.mark.parametrize(("status", "code"), [("Delivering", 30228), ("Closed", 110074), ("PreLaunch", 110074)])
def test_a_symbol_that_is_not_trading_takes_no_new_positions(status: str, code: int) -> None:
    rig = EngineRig()
    rig.create(qty="0.030")
    rig.desk.statuses[SYMBOL] = status
    assert asks(rig)[0] == code
    if status == "Delivering":
        rig.create("Sell", "0.030", reduceOnly=True)
        assert rig.lots == 0


def test_a_position_too_large_for_its_leverage_is_refused() -> None:
    rig = EngineRig(deposit=10_000_000)
    leverage = {"category": "linear", "symbol": SYMBOL, "buyLeverage": "50", "sellLeverage": "50"}
    rig.trading.set_leverage(leverage, rig.now)
    assert asks(rig, qty="70.000", price="59900")[0] == 110090  # Over 4,000,000 USDT: 33.33 at most.
    rig.create(qty="60.000", price="59900")


def test_a_conditional_order_needs_no_margin_before_its_trigger_and_is_rejected_without_it_then() -> None:
    rig = EngineRig()
    order = rig.create(qty="9.000", triggerPrice="60100", triggerDirection=1)
    assert rig.desk.margin().order_im_e8 == 0
    rig.last(601_000)
    assert rig.statuses(order) == ["Untriggered", "Triggered", "Rejected"]
    rig.check()
