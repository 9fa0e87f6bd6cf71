"""What the private socket says: envelopes, keys in their order, and the order of messages."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from tests.contract.client import LINEAR, SYMBOL, Json, Lines, Rest, price_text

ORDER = [
    "category", "symbol", "orderId", "orderLinkId", "blockTradeId", "side", "positionIdx", "orderStatus", "cancelType",
    "rejectReason", "timeInForce", "isLeverage", "price", "qty", "avgPrice", "leavesQty", "leavesValue", "cumExecQty",
    "cumExecValue", "cumExecFee", "orderType", "stopOrderType", "orderIv", "triggerPrice", "takeProfit", "stopLoss",
    "triggerBy", "tpTriggerBy", "slTriggerBy", "triggerDirection", "placeType", "lastPriceOnCreated", "closeOnTrigger",
    "reduceOnly", "smpGroup", "smpType", "smpOrderId", "slLimitPrice", "tpLimitPrice", "tpslMode", "createType",
    "marketUnit", "createdTime", "updatedTime", "feeCurrency", "closedPnl", "parentOrderLinkId", "slippageTolerance",
    "slippageToleranceType", "cumFeeDetail",
]  # fmt: skip
EXECUTION = [
    "category", "symbol", "closedSize", "execFee", "execId", "execPrice", "execQty", "execType", "execValue", "feeRate",
    "tradeIv", "markIv", "blockTradeId", "markPrice", "indexPrice", "underlyingPrice", "leavesQty", "orderId",
    "orderLinkId", "orderPrice", "orderQty", "orderType", "stopOrderType", "side", "execTime", "isLeverage", "isMaker",
    "seq", "marketUnit", "execPnl", "createType", "extraFees", "feeCurrency",
]  # fmt: skip
FAST = [
    "category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker", "orderLinkId", "side", "execTime",
    "seq",
]  # fmt: skip
POSITION = [
    "positionIdx", "tradeMode", "riskId", "riskLimitValue", "symbol", "side", "size", "entryPrice", "sessionAvgPrice",
    "leverage", "positionValue", "positionBalance", "markPrice", "positionIM", "positionMM", "positionIMByMp",
    "positionMMByMp", "takeProfit", "stopLoss", "trailingStop", "unrealisedPnl", "cumRealisedPnl", "curRealisedPnl",
    "createdTime", "updatedTime", "tpslMode", "liqPrice", "bustPrice", "category", "positionStatus", "adlRankIndicator",
    "autoAddMargin", "leverageSysUpdatedTime", "mmrSysUpdatedTime", "seq", "breakEvenPrice", "isReduceOnly", "openTime",
]  # fmt: skip
WALLET = [
    "accountIMRate", "accountIMRateByMp", "accountMMRate", "accountMMRateByMp", "totalEquity", "totalWalletBalance",
    "totalMarginBalance", "totalAvailableBalance", "totalPerpUPL", "totalInitialMargin", "totalInitialMarginByMp",
    "totalMaintenanceMargin", "totalMaintenanceMarginByMp", "coin", "accountLTV", "accountType",
]  # fmt: skip
COIN = [
    "coin", "equity", "usdValue", "walletBalance", "availableToWithdraw", "availableToBorrow", "borrowAmount",
    "accruedInterest", "totalOrderIM", "totalPositionIM", "totalPositionMM", "unrealisedPnl", "cumRealisedPnl", "bonus",
    "collateralSwitch", "marginCollateral", "locked", "spotHedgingQty", "spotBorrow", "colRes",
]  # fmt: skip
KEYS = {"order": ORDER, "execution": EXECUTION, "execution.fast": FAST, "position": POSITION, "wallet": WALLET}
INTS = {
    "order": {"positionIdx", "triggerDirection", "smpGroup"},
    "execution": {"seq"},
    "execution.fast": {"seq"},
    "position": {"positionIdx", "tradeMode", "riskId", "adlRankIndicator", "autoAddMargin", "seq", "openTime"},
    "wallet": set[str](),
}
BOOLS = {
    "order": {"reduceOnly", "closeOnTrigger"},
    "execution": {"isMaker"},
    "execution.fast": {"isMaker"},
    "position": {"isReduceOnly"},
    "wallet": set[str](),
}
LATER = {"order": {"rpiTakerAccess", "rpiMatchedQty", "brokerOrderPrice", "ocoTriggerBy"}}
"""Keys that the docs list and recorded frames do not have."""
IDS = {
    "order": r"\d+_BTCUSDT_\d+", "execution": r"\d+_BTCUSDT_\d+", "position": r"\d+_position_\d+",
    "wallet": r"\d+_wallet_\d+",
}  # fmt: skip
TOPICS = list(KEYS)


@pytest.fixture(scope="module")
def taken(exchange: object) -> dict[str, list[Json]]:
    """What the socket said about one market order that filled at once, by topic."""
    lines, rest = Lines(exchange.port), Rest(exchange.port)  # type: ignore[attr-defined]
    rest.flatten()
    line = lines.private(*TOPICS)
    rest.order(qty="0.010", orderLinkId="taken")
    said: dict[str, list[Json]] = {topic: [] for topic in TOPICS}
    while not all(said.values()):
        frame = line.hear()
        said[frame["topic"]].append(frame)
    rest.flatten()
    lines.close()
    rest.close()
    return said


@pytest.mark.parametrize("topic", TOPICS)
def test_the_envelope(taken: dict[str, list[Json]], topic: str) -> None:
    """v5/websocket/private/*: topic, id, creationTime, data; execution.fast has no id."""
    for frame in taken[topic]:
        expected = ["topic", "id", "creationTime", "data"] if topic in IDS else ["topic", "creationTime", "data"]
        assert list(frame) == expected
        assert type(frame["creationTime"]) is int
        assert isinstance(frame["data"], list)
        assert frame["data"]
        if topic in IDS:
            assert re.fullmatch(IDS[topic], frame["id"])


@pytest.mark.parametrize("topic", TOPICS)
def test_keys_in_the_order_of_the_wire(taken: dict[str, list[Json]], topic: str) -> None:
    """v5/websocket/private/{order,execution,fast-execution,position,wallet}."""
    for frame in taken[topic]:
        for row in frame["data"]:
            assert [key for key in row if key not in LATER.get(topic, ())] == KEYS[topic]


@pytest.mark.parametrize("topic", TOPICS)
def test_types_of_the_values(taken: dict[str, list[Json]], topic: str) -> None:
    """v5/websocket/private/*: a few numbers and flags, everything else is text."""
    for frame in taken[topic]:
        for key, value in frame["data"][0].items():
            if key in INTS[topic]:
                assert type(value) is int, key
            elif key in BOOLS[topic]:
                assert type(value) is bool, key
            elif key not in ("cumFeeDetail", "coin"):
                assert isinstance(value, str), key


def test_coins_of_the_wallet(taken: dict[str, list[Json]]) -> None:
    """v5/websocket/private/wallet: coin rows; availableToWithdraw is empty since January 2025."""
    (coin,) = taken["wallet"][-1]["data"][0]["coin"]
    assert list(coin) == COIN
    assert coin["coin"] == "USDT"
    assert coin["availableToWithdraw"] == ""
    assert (coin["collateralSwitch"], coin["marginCollateral"]) == (True, True)


def test_an_order_that_fills_at_once_is_said_once(taken: dict[str, list[Json]]) -> None:
    """v5/websocket/private/order: one Filled, never a New."""
    rows = [row for frame in taken["order"] for row in frame["data"]]
    assert [row["orderStatus"] for row in rows] == ["Filled"]
    assert (rows[0]["orderLinkId"], rows[0]["timeInForce"], rows[0]["orderType"]) == ("taken", "IOC", "Market")
    assert (rows[0]["cancelType"], rows[0]["rejectReason"]) == ("UNKNOWN", "EC_NoError")
    assert rows[0]["leavesQty"] == "0"
    assert Decimal(rows[0]["cumFeeDetail"]["USDT"]) == Decimal(rows[0]["cumExecFee"])


def test_an_execution_of_a_taker(taken: dict[str, list[Json]]) -> None:
    """v5/websocket/private/execution: Trade, fee = value x rate, positive when paid."""
    for row in taken["execution"][0]["data"]:
        value = Decimal(row["execQty"]) * Decimal(row["execPrice"])
        assert (row["execType"], row["isMaker"], row["feeRate"]) == ("Trade", False, "0.00055")
        assert Decimal(row["execValue"]) == value
        assert abs(Decimal(row["execFee"]) - value * Decimal("0.00055")) <= Decimal("0.00000001")
        assert (row["stopOrderType"], row["feeCurrency"], row["extraFees"]) == ("UNKNOWN", "USDT", "")
    total = sum(Decimal(row["execQty"]) for row in taken["execution"][0]["data"])
    assert total == Decimal("0.010")


def test_the_fast_execution_agrees(taken: dict[str, list[Json]]) -> None:
    """v5/websocket/private/fast-execution: fewer keys, same execId."""
    fast = {row["execId"]: row for frame in taken["execution.fast"] for row in frame["data"]}
    slow = {row["execId"]: row for frame in taken["execution"] for row in frame["data"]}
    assert set(fast) == set(slow)
    for name, row in fast.items():
        assert all(row[key] == slow[name][key] for key in FAST)


def test_times_of_the_messages_about_one_fill(taken: dict[str, list[Json]]) -> None:
    """Recorded frames: execution.fast about 1 ms after the fill, order and execution then, position and wallet last."""
    filled = int(taken["execution"][0]["data"][0]["execTime"])
    made = {topic: frames[0]["creationTime"] for topic, frames in taken.items()}
    assert filled <= made["execution.fast"] <= made["execution"] <= made["position"]
    assert made["order"] <= made["wallet"]
    assert made["wallet"] - filled < 100


def test_the_position_after_opening(taken: dict[str, list[Json]]) -> None:
    """v5/websocket/private/position: entryPrice here, avgPrice over REST; curRealisedPnl is minus the fees paid."""
    row = taken["position"][-1]["data"][0]
    fees = sum(Decimal(one["execFee"]) for one in taken["execution"][0]["data"])
    assert (row["side"], row["size"]) == ("Buy", "0.010")
    assert Decimal(row["curRealisedPnl"]) == -fees
    assert row["openTime"] > 0


def test_break_even_price(taken: dict[str, list[Json]]) -> None:
    """v5/position: (entry x size - realised) / (size - |size| x max(taker rate, 0.00055))."""
    row = taken["position"][-1]["data"][0]
    size, rate = Decimal(row["size"]), Decimal("0.00055")
    expected = (Decimal(row["entryPrice"]) * size - Decimal(row["curRealisedPnl"])) / (size - size * rate)
    assert abs(Decimal(row["breakEvenPrice"]) - expected) < Decimal("0.01")


def test_a_flat_position(flat: Rest, lines: Lines) -> None:
    """v5/websocket/private/position: side is empty, size and entryPrice are 0."""
    line = lines.private("position")
    flat.order(qty="0.010")
    assert line.rows("position", lambda row: row["size"] != "0")["side"] == "Buy"
    flat.order("Sell", "0.010", reduceOnly=True)
    row = line.rows("position", lambda row: row["size"] == "0")
    assert (row["side"], row["entryPrice"]) == ("", "0")


def test_pnl_of_a_round_trip(flat: Rest, lines: Lines) -> None:
    """v5/order: closedPnl = price result - share of the fee to open - fee to close; execPnl is without fees."""
    line = lines.private("order", "execution")
    flat.order(qty="0.010", orderLinkId="pnl-open")
    flat.order("Sell", "0.010", reduceOnly=True, orderLinkId="pnl-close")
    orders: dict[str, Json] = {}
    done: list[Json] = []
    while len(orders) < 2 or sum(Decimal(row["execQty"]) for row in done) < Decimal("0.020"):
        frame = line.hear()
        if frame["topic"] == "execution":
            done += frame["data"]
        else:
            orders |= {row["orderLinkId"]: row for row in frame["data"]}
    pnl = sum(Decimal(row["execPnl"]) for row in done)
    fees = sum(Decimal(row["execFee"]) for row in done)
    assert abs(Decimal(orders["pnl-close"]["closedPnl"]) - (pnl - fees)) < Decimal("0.000001")
    assert Decimal(orders["pnl-open"]["closedPnl"]) == 0


def test_a_resting_order_and_its_cancel(flat: Rest, lines: Lines) -> None:
    """v5/enum: New, then Cancelled by the user; the reason is EC_PerCancelRequest and leavesQty is 0."""
    line = lines.private("order")
    placed = flat.order(price=price_text(flat.last() * 0.995), timeInForce="PostOnly").result["orderId"]
    new = line.rows("order", lambda row: row["orderId"] == placed)
    assert (new["orderStatus"], new["leavesQty"], new["avgPrice"]) == ("New", "0.010", "")
    flat.post("/v5/order/cancel", **LINEAR, orderId=placed)
    gone = line.rows("order", lambda row: row["orderId"] == placed)
    assert gone["orderStatus"] == "Cancelled"
    assert (gone["cancelType"], gone["rejectReason"]) == ("CancelByUser", "EC_PerCancelRequest")
    assert (gone["leavesQty"], gone["cumExecQty"]) == ("0", "0.000")


def test_a_position_message_follows_every_create_and_cancel(flat: Rest, lines: Lines) -> None:
    """v5/websocket/private/position: pushed on every create, amend or cancel, though nothing has changed."""
    line = lines.private("position")
    placed = flat.order(price=price_text(flat.last() * 0.995)).result["orderId"]
    assert line.topic("position")["data"][0]["size"] == "0"
    flat.post("/v5/order/cancel", **LINEAR, orderId=placed)
    assert line.topic("position")["data"][0]["symbol"] == SYMBOL


def test_nothing_is_said_at_first_and_prices_do_not_push(flat: Rest, lines: Lines) -> None:
    """v5/websocket/private/wallet, position: no snapshot, and no message for a mark price that moves."""
    flat.order(qty="0.010")
    flat.settled(flat.get("/v5/order/history", **LINEAR).rows[0]["orderId"], "Filled")
    line = lines.private("position", "wallet", "order", "execution")
    assert list(line.during(1.0)) == []


def test_the_topic_is_the_one_that_was_subscribed(flat: Rest, lines: Lines) -> None:
    """v5/websocket/private/order: categorised subscribers hear the categorised name."""
    categorised = lines.private("order.linear", "execution.linear", "execution.fast.linear", "position.linear")
    flat.order(qty="0.010")
    seen: set[str] = set()
    while len(seen) < 4:
        seen.add(categorised.hear()["topic"])
    assert seen == {"order.linear", "execution.linear", "execution.fast.linear", "position.linear"}


def test_the_fills_of_one_order_share_a_seq(flat: Rest, lines: Lines) -> None:
    """v5/websocket/private/execution: seq is the same when several transactions are concluded at the same time."""
    line = lines.private("execution")
    flat.order(qty="5.000")
    rows = line.topic("execution")["data"]
    assert len(rows) > 1
    assert len({row["seq"] for row in rows}) == 1
    assert len({row["execId"] for row in rows}) == len(rows)


def test_a_maker_fill(flat: Rest, lines: Lines) -> None:
    """v5/websocket/private/fast-execution: orderLinkId is empty for a maker; the fee is the maker's."""
    line = lines.private("execution", "execution.fast")
    book = flat.public("/v5/market/orderbook", **LINEAR, limit=1).result
    placed = flat.order(price=book["b"][0][0], qty="0.001", timeInForce="PostOnly", orderLinkId="maker-fill")
    order_id = placed.result["orderId"]
    found: dict[str, Json] = {}
    while len(found) < 2:
        frame = line.hear()
        for row in frame["data"]:
            if row["orderId"] == order_id:
                found[frame["topic"]] = row
    fast, slow = found["execution.fast"], found["execution"]
    assert (fast["isMaker"], fast["orderLinkId"]) == (True, "")
    assert (slow["isMaker"], slow["orderLinkId"], slow["feeRate"]) == (True, "maker-fill", "0.0002")
