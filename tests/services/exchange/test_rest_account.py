"""REST about positions, the account and the key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.exchange_rig import OTHER, SYMBOL, Rig


def long(**params: Any) -> Rig:
    rig = Rig()
    assert rig.order(**params)["retCode"] == 0
    return rig


def stop(rig: Rig, **params: Any) -> tuple[int, str]:
    answer = rig.post(
        "/v5/position/trading-stop", **{"category": "linear", "symbol": SYMBOL, "positionIdx": 0} | params
    )
    return answer["retCode"], answer["retMsg"]


def bracket(rig: Rig) -> tuple[str, str]:
    row = rig.position()
    return row["takeProfit"], row["stopLoss"]


def test_a_position_is_listed_when_named_and_otherwise_only_while_open() -> None:
    rig = Rig()
    assert rig.rows("/v5/position/list", symbol=SYMBOL)[0]["size"] == "0"
    assert rig.rows("/v5/position/list", settleCoin="USDT") == []
    rig.order(symbol=OTHER, qty="0.10")
    assert [row["symbol"] for row in rig.rows("/v5/position/list", settleCoin="USDT")] == [OTHER]
    assert rig.get("/v5/position/list", category="linear")["retCode"] == 10001


def test_a_stop_can_be_set_moved_and_removed() -> None:
    rig = long()
    assert stop(rig, stopLoss="59000", tpslMode="Full") == (0, "OK")
    assert bracket(rig) == ("", "59000.00")
    first = rig.rows("/v5/order/realtime", symbol=SYMBOL)[0]["orderId"]
    assert stop(rig, stopLoss="59500", takeProfit="61000") == (0, "OK")
    assert bracket(rig) == ("61000.00", "59500.00")
    assert rig.find(first)["triggerPrice"] == "59500.00"
    assert stop(rig, stopLoss="0") == (0, "OK")
    assert bracket(rig) == ("61000.00", "")
    assert rig.find(first)["orderStatus"] == "Deactivated"


def test_moving_a_stop_leaves_no_naked_moment() -> None:
    rig = long(stopLoss="59000")
    rig.tick(5)
    stop(rig, stopLoss="59500")
    rig.tick(5)
    assert rig.ledger()["naked"]["naked_ns_max"] == 0


def test_a_stop_that_comes_after_the_fill_ends_the_naked_time() -> None:
    rig = long()
    rig.tick(20)
    stop(rig, stopLoss="59000")
    naked = rig.core.naked_ms_max(rig.now)
    rig.tick(20)
    assert rig.core.naked_ms_max(rig.now) == naked >= 20


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"stopLoss": "59000"}, 34040, "not modified"),
        ({"takeProfit": "0"}, 34040, "not modified"),
        ({}, 34040, "not modified"),
        ({"stopLoss": "60001"}, 10001, "StopLoss:600010000 set for Buy position should lower than"),
        ({"takeProfit": "59999"}, 10001, "TakeProfit:599990000 set for Buy position should higher than"),
        ({"stopLoss": "59000.01"}, 10001, "params error: stopLoss invalid"),
        ({"stopLoss": 59500}, 10001, "params error: stopLoss invalid"),
        ({"stopLoss": "59500", "tpslMode": "Partial"}, 10001, "params error: slSize invalid"),
        ({"trailingStop": "100.05"}, 10001, "params error: trailingStop invalid"),
        ({"stopLoss": "59500", "positionIdx": 1}, 10001, "position idx not match position mode"),
        ({"stopLoss": "59500", "symbol": OTHER}, 10001, "can not set tp/sl/ts for zero position"),
        ({"stopLoss": "59500", "category": "inverse"}, 10001, "params error: category invalid"),
    ],
)
def test_a_senseless_stop_is_refused_and_changes_nothing(params: dict[str, Any], code: int, text: str) -> None:
    rig = long(stopLoss="59000")
    found = stop(rig, **params)
    assert found[0] == code
    assert found[1].startswith(text)
    assert bracket(rig) == ("", "59000.00")


def test_the_same_price_by_another_trigger_is_a_change() -> None:
    rig = long(stopLoss="59000")
    assert stop(rig, stopLoss="59000", slTriggerBy="MarkPrice") == (0, "OK")
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL)[0]["triggerBy"] == "MarkPrice"


@pytest.mark.parametrize(
    ("buy", "sell", "code"),
    [
        ("5", "5", 0), ("10", "10", 110043), ("12.5", "12.5", 0), ("100", "100", 0), ("100.01", "100.01", 10001),
        ("0.99", "0.99", 10001), ("5", "6", 10001), ("5.001", "5.001", 10001), ("x", "x", 10001), ("", "", 10001),
    ],
)  # fmt: skip
def test_leverage_has_its_rules(buy: str, sell: str, code: int) -> None:
    rig = Rig()
    answer = rig.post("/v5/position/set-leverage", category="linear", symbol=SYMBOL, buyLeverage=buy, sellLeverage=sell)
    assert answer["retCode"] == code
    assert rig.position()["leverage"] == (buy if not code else "10")


def test_more_leverage_needs_less_margin() -> None:
    rig = Rig()
    rig.post("/v5/position/set-leverage", category="linear", symbol=SYMBOL, buyLeverage="50", sellLeverage="50")
    assert rig.order(qty="2.000")["retCode"] == 0


def test_the_wallet_is_one_unified_account() -> None:
    rig = Rig()
    row = rig.get("/v5/account/wallet-balance", accountType="UNIFIED")["result"]["list"][0]
    assert (row["accountType"], row["totalEquity"], row["totalAvailableBalance"]) == ("UNIFIED", "10000", "10000")
    assert rig.get("/v5/account/wallet-balance", accountType="UNIFIED", coin="USDT")["result"]["list"][0]["coin"]
    assert not rig.get("/v5/account/wallet-balance", accountType="UNIFIED", coin="BTC")["result"]["list"][0]["coin"]
    assert rig.get("/v5/account/wallet-balance", accountType="SPOT")["retCode"] == 10001


def test_fee_rates_are_those_that_are_charged() -> None:
    rig = Rig()
    rows = rig.rows("/v5/account/fee-rate", symbol=SYMBOL)
    assert rows == [{"symbol": SYMBOL, "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}]
    assert len(rig.rows("/v5/account/fee-rate")) == 2


def test_account_and_key_say_unified() -> None:
    rig = Rig()
    assert rig.get("/v5/account/info")["result"]["unifiedMarginStatus"] == 5
    assert rig.get("/v5/user/query-api")["result"]["uta"] == 1


def test_the_limit_price_action_must_be_a_choice() -> None:
    rig = Rig()
    assert rig.post("/v5/account/set-limit-px-action", category="linear", modifyEnable=False)["retCode"] == 0
    assert rig.post("/v5/account/set-limit-px-action", category="linear", modifyEnable="false")["retCode"] == 10001
