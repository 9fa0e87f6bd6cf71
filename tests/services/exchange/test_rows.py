"""The account's objects as Bybit writes them: exact keys in the order of the wire, exact types."""

from __future__ import annotations

from typing import Any

from services.exchange.rows import side_text
from tests.exchange_rig import SYMBOL, Rig


def words(text: str) -> list[str]:
    return text.split()


ORDER_KEYS = words(
    "category symbol orderId orderLinkId blockTradeId side positionIdx orderStatus cancelType rejectReason "
    "timeInForce isLeverage price qty avgPrice leavesQty leavesValue cumExecQty cumExecValue cumExecFee orderType "
    "stopOrderType orderIv triggerPrice takeProfit stopLoss triggerBy tpTriggerBy slTriggerBy triggerDirection "
    "placeType lastPriceOnCreated closeOnTrigger reduceOnly smpGroup smpType smpOrderId slLimitPrice tpLimitPrice "
    "tpslMode createType marketUnit createdTime updatedTime feeCurrency closedPnl parentOrderLinkId "
    "slippageTolerance slippageToleranceType cumFeeDetail"
)
EXECUTION_KEYS = words(
    "category symbol closedSize execFee execId execPrice execQty execType execValue feeRate tradeIv markIv "
    "blockTradeId markPrice indexPrice underlyingPrice leavesQty orderId orderLinkId orderPrice orderQty "
    "orderType stopOrderType side execTime isLeverage isMaker seq marketUnit execPnl createType extraFees "
    "feeCurrency"
)
POSITION_KEYS = words(
    "positionIdx tradeMode riskId riskLimitValue symbol side size entryPrice sessionAvgPrice leverage "
    "positionValue positionBalance markPrice positionIM positionMM positionIMByMp positionMMByMp takeProfit "
    "stopLoss trailingStop unrealisedPnl cumRealisedPnl curRealisedPnl createdTime updatedTime tpslMode liqPrice "
    "bustPrice category positionStatus adlRankIndicator autoAddMargin leverageSysUpdatedTime mmrSysUpdatedTime "
    "seq breakEvenPrice isReduceOnly openTime"
)
WALLET_KEYS = words(
    "accountIMRate accountIMRateByMp accountMMRate accountMMRateByMp totalEquity totalWalletBalance "
    "totalMarginBalance totalAvailableBalance totalPerpUPL totalInitialMargin totalInitialMarginByMp "
    "totalMaintenanceMargin totalMaintenanceMarginByMp coin accountLTV accountType"
)
COIN_KEYS = words(
    "coin equity usdValue walletBalance availableToWithdraw availableToBorrow borrowAmount accruedInterest "
    "totalOrderIM totalPositionIM totalPositionMM unrealisedPnl cumRealisedPnl bonus collateralSwitch "
    "marginCollateral locked spotHedgingQty spotBorrow colRes"
)
NOT_TEXT = {
    "positionIdx": int, "triggerDirection": int, "smpGroup": int, "reduceOnly": bool, "closeOnTrigger": bool,
    "cumFeeDetail": dict, "seq": int, "isMaker": bool, "tradeMode": int, "riskId": int, "adlRankIndicator": int,
    "autoAddMargin": int, "openTime": int, "isReduceOnly": bool, "coin": list,
}  # fmt: skip


def check(row: dict[str, Any], keys: list[str], text: tuple[str, ...] = ()) -> None:
    assert list(row) == keys
    for key, value in row.items():
        wanted = str if key in text else NOT_TEXT.get(key, str)
        assert type(value) is wanted, f"{key}: {value!r}"


def bought() -> tuple[Rig, dict[str, dict[str, Any]]]:
    rig = Rig()
    private = rig.private("order", "execution", "position", "wallet")
    rig.order(stopLoss="59900", takeProfit="60100.0", orderLinkId="mm-1")
    rig.tick(5)
    return rig, {frame["topic"]: frame for frame in rig.sent[private]}


def test_stream_rows_have_bybits_keys_and_types() -> None:
    _, frames = bought()
    for row in frames["order"]["data"]:
        check(row, ORDER_KEYS)
    check(frames["execution"]["data"][0], EXECUTION_KEYS)
    check(frames["position"]["data"][0], POSITION_KEYS)
    check(frames["wallet"]["data"][0], WALLET_KEYS)
    coin = frames["wallet"]["data"][0]["coin"][0]
    assert list(coin) == COIN_KEYS
    assert {key for key, value in coin.items() if not isinstance(value, str)} == {
        "collateralSwitch",
        "marginCollateral",
    }


def test_the_figures_of_a_fill_are_right() -> None:
    _, frames = bought()
    order, done = frames["order"]["data"][0], frames["execution"]["data"][0]
    assert (order["orderStatus"], order["qty"], order["leavesQty"], order["cumExecQty"]) == (
        "Filled",
        "0.010",
        "0",
        "0.010",
    )
    assert (order["avgPrice"], order["cumExecValue"], order["cumExecFee"]) == ("60000", "600", "0.33")
    assert order["price"] == "60600.00"  # The bound of a market order, not its fill.
    assert (order["stopLoss"], order["takeProfit"], order["tpslMode"]) == ("59900.00", "60100.00", "Full")
    assert order["cumFeeDetail"] == {"USDT": "0.33"}
    assert (done["execPrice"], done["execQty"], done["execFee"], done["feeRate"]) == (
        "60000.00",
        "0.010",
        "0.33",
        "0.00055",
    )
    assert (done["stopOrderType"], done["isMaker"], done["orderLinkId"]) == ("UNKNOWN", False, "mm-1")
    position = frames["position"]["data"][0]
    assert (position["size"], position["side"], position["entryPrice"]) == ("0.010", "Buy", "60000")
    assert (position["curRealisedPnl"], position["breakEvenPrice"]) == ("-0.33", "60066.03631998")
    assert (position["stopLoss"], position["takeProfit"]) == ("59900.00", "60100.00")
    assert frames["wallet"]["data"][0]["totalWalletBalance"] == "9999.67"


def test_the_legs_of_a_bracket_are_orders_of_their_own() -> None:
    _, frames = bought()
    profit, loss = frames["order"]["data"][1:]
    assert (profit["stopOrderType"], profit["createType"], profit["triggerDirection"]) == (
        "TakeProfit",
        "CreateByTakeProfit",
        1,
    )
    assert (loss["stopOrderType"], loss["createType"], loss["triggerDirection"]) == ("StopLoss", "CreateByStopLoss", 2)
    for leg in (profit, loss):
        assert (leg["orderStatus"], leg["side"], leg["parentOrderLinkId"]) == ("Untriggered", "Sell", "mm-1")
        assert leg["reduceOnly"]
        assert leg["closeOnTrigger"]
        assert (leg["price"], leg["qty"], leg["tpslMode"], leg["timeInForce"]) == ("0", "0.010", "Full", "IOC")


def test_rest_rows_differ_from_the_stream_in_names_and_blanks() -> None:
    rig, frames = bought()
    order = rig.find(frames["order"]["data"][0]["orderId"])
    stream_only = {"category", "feeCurrency", "closedPnl", "slippageTolerance", "slippageToleranceType"}
    assert set(order) == set(ORDER_KEYS) - stream_only
    assert (order["stopOrderType"], order["triggerPrice"]) == ("UNKNOWN", "0.00")
    done = rig.rows("/v5/execution/list")[0]
    assert set(done) == set(EXECUTION_KEYS) - {"category", "execPnl"}
    position = rig.position()
    assert set(position) == (set(POSITION_KEYS) - {"category", "entryPrice"}) | {"avgPrice"}
    assert position["avgPrice"] == "60000"


def test_a_flat_position_is_written_as_bybit_does() -> None:
    row = Rig().position(SYMBOL)
    assert (row["side"], row["size"], row["avgPrice"], row["breakEvenPrice"]) == ("", "0", "0", "")
    assert [side_text(side) for side in (1, -1, 0)] == ["Buy", "Sell", ""]


def test_the_closing_order_shows_profit_after_both_fees() -> None:
    rig, _ = bought()
    private = rig.private("order")
    rig.order("Sell", reduceOnly=True)
    rig.tick(5)
    closing = rig.sent[private][0]["data"][-1]
    # Sold at 59,999.90: 599.999 for 600; fees 0.33 and 0.32999945.
    assert closing["closedPnl"] == "-0.66099945"
