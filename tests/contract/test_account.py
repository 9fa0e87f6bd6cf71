"""Positions, leverage, modes, wallet, key and settings over REST."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.contract.client import LINEAR, SYMBOL, Json, Rest, price_text

POSITION = {
    "positionIdx", "riskId", "riskLimitValue", "symbol", "side", "size", "avgPrice", "positionValue", "tradeMode",
    "positionStatus", "autoAddMargin", "adlRankIndicator", "leverage", "breakEvenPrice", "positionBalance", "markPrice",
    "liqPrice", "bustPrice", "positionMM", "positionMMByMp", "positionIM", "positionIMByMp", "tpslMode", "takeProfit",
    "stopLoss", "trailingStop", "unrealisedPnl", "curRealisedPnl", "cumRealisedPnl", "seq", "isReduceOnly",
    "mmrSysUpdatedTime", "leverageSysUpdatedTime", "sessionAvgPrice", "createdTime", "updatedTime", "openTime",
}  # fmt: skip
LEVERAGE, MODE = "/v5/position/set-leverage", "/v5/position/switch-mode"


def test_a_flat_position_has_a_row(flat: Rest) -> None:
    """v5/position: by symbol a row even when flat; by settleCoin only what is open."""
    row = flat.position()
    assert set(row) == POSITION
    assert (row["symbol"], row["side"], row["size"]) == (SYMBOL, "", "0")
    assert flat.get("/v5/position/list", category="linear", settleCoin="USDT").rows == []


def test_an_open_position(flat: Rest) -> None:
    """v5/position: avgPrice, unrealisedPnl = (mark - entry) x size."""
    flat.order(qty="0.100")
    (row,) = flat.get("/v5/position/list", category="linear", settleCoin="USDT", limit=200).rows
    assert (row["side"], row["size"], row["positionIdx"]) == ("Buy", "0.100", 0)
    expected = (Decimal(row["markPrice"]) - Decimal(row["avgPrice"])) * Decimal(row["size"])
    assert abs(Decimal(row["unrealisedPnl"]) - expected) < Decimal("0.0001")


def test_margin_of_a_position(flat: Rest) -> None:
    """v5/position: positionIM = size x mark / leverage + size x entry x (1 - 1 / leverage) x taker rate."""
    flat.order(qty="0.100")
    row = flat.position()
    size, mark, entry, leverage = (Decimal(row[name]) for name in ("size", "markPrice", "avgPrice", "leverage"))
    expected = size * mark / leverage + size * entry * (1 - 1 / leverage) * Decimal("0.00055")
    assert abs(Decimal(row["positionIM"]) / expected - 1) < Decimal("0.001")


def test_a_query_of_positions_needs_a_scope(rest: Rest) -> None:
    """v5/position: symbol or settleCoin."""
    assert rest.get("/v5/position/list", category="linear").code == 10001


def test_there_are_no_inverse_positions(rest: Rest) -> None:
    """ccxt 4.5 watch_positions asks for linear and inverse."""
    assert rest.get("/v5/position/list", category="inverse", limit=200).rows == []


def test_leverage(flat: Rest) -> None:
    """v5/position/leverage: 110043 when it is set already."""
    flat.post(LEVERAGE, **LINEAR, buyLeverage="10", sellLeverage="10")
    assert flat.post(LEVERAGE, **LINEAR, buyLeverage="5", sellLeverage="5").result == {}
    again = flat.post(LEVERAGE, **LINEAR, buyLeverage="5", sellLeverage="5")
    assert (again.code, again.text) == (110043, "leverage not modified")
    assert float(flat.position()["leverage"]) == 5
    flat.post(LEVERAGE, **LINEAR, buyLeverage="10", sellLeverage="10")


@pytest.mark.parametrize(("buy", "sell"), [("0", "0"), ("1000", "1000"), ("5", "6"), ("x", "x"), ("", "")])
def test_leverage_that_is_refused(flat: Rest, buy: str, sell: str) -> None:
    """v5/position/leverage: equal in one-way mode, and within the symbol's limits."""
    assert flat.post(LEVERAGE, **LINEAR, buyLeverage=buy, sellLeverage=sell).code in (10001, 110013)


def test_position_mode(flat: Rest) -> None:
    """v5/position/position-mode: 110025 when it is the mode already."""
    answer = flat.post(MODE, category="linear", coin="USDT", mode=0)
    assert (answer.code, answer.text) == (110025, "Position mode is not modified")


def test_the_position_mode_cannot_change_while_there_are_positions_or_orders(flat: Rest) -> None:
    """v5/error 110024, 110028."""
    flat.order(price=price_text(flat.last() * 0.995))
    assert flat.post(MODE, **LINEAR, mode=3).code == 110028
    flat.order(qty="0.010")
    flat.post("/v5/order/cancel-all", **LINEAR)
    assert flat.post(MODE, **LINEAR, mode=3).code == 110024


def test_the_wallet(flat: Rest) -> None:
    """v5/account/wallet-balance: the object of the wallet topic."""
    (row,) = flat.get("/v5/account/wallet-balance", accountType="UNIFIED").rows
    assert row["accountType"] == "UNIFIED"
    (coin,) = row["coin"]
    assert coin["coin"] == "USDT"
    assert Decimal(coin["walletBalance"]) == Decimal(row["totalWalletBalance"]) > 0
    (same,) = flat.get("/v5/account/wallet-balance", accountType="UNIFIED", coin="USDT").rows
    assert [one["coin"] for one in same["coin"]] == ["USDT"]


def test_only_unified_accounts(rest: Rest) -> None:
    """v5/account/wallet-balance: UNIFIED for a UTA."""
    assert rest.get("/v5/account/wallet-balance", accountType="CONTRACT").code == 10001


def test_margin_is_taken_and_given_back(flat: Rest) -> None:
    """v5/account/wallet-balance: totalAvailableBalance while an order rests."""

    def available() -> Decimal:
        rows = flat.get("/v5/account/wallet-balance", accountType="UNIFIED").rows
        return Decimal(rows[0]["totalAvailableBalance"])

    before = available()
    flat.order(qty="0.100", price=price_text(flat.last() * 0.995))
    during = available()
    flat.post("/v5/order/cancel-all", **LINEAR)
    assert during < before
    assert available() == before


def test_account_info(rest: Rest) -> None:
    """v5/account/account-info: unifiedMarginStatus 5 or 6 is UTA 2.0."""
    result = rest.get("/v5/account/info").result
    keys = {"marginMode", "updatedTime", "unifiedMarginStatus", "dcpStatus", "timeWindow", "smpGroup"}
    assert keys <= set(result)
    assert result["unifiedMarginStatus"] in (5, 6)
    assert result["marginMode"] in ("REGULAR_MARGIN", "ISOLATED_MARGIN", "PORTFOLIO_MARGIN")


def test_fee_rates(rest: Rest) -> None:
    """v5/account/fee-rate."""
    (row,) = rest.get("/v5/account/fee-rate", **LINEAR).rows
    assert (row["symbol"], row["takerFeeRate"], row["makerFeeRate"]) == (SYMBOL, "0.00055", "0.0002")


def test_the_key(rest: Rest) -> None:
    """v5/user/apikey-info: what ccxt reads."""
    result = rest.get("/v5/user/query-api").result
    assert result["uta"] == 1
    assert {"permissions", "readOnly", "userID", "ips", "vipLevel", "expiredAt", "isMaster", "parentUid"} <= set(result)


def test_settings(rest: Rest) -> None:
    """v5/account/get-user-setting-config: lpaPerp false means that prices are moved to the band."""
    for modify in (False, True):
        answer = rest.post("/v5/account/set-limit-px-action", category="linear", modifyEnable=modify)
        assert answer.code == 0
        result = rest.get("/v5/account/user-setting-config").result
        assert {"lpaSpot", "lpaPerp", "deltaEnable"} <= set(result)
        assert result["lpaPerp"] is not modify


def test_margin_mode(rest: Rest) -> None:
    """v5/account/set-margin-mode: an empty list of reasons."""
    answer = rest.post("/v5/account/set-margin-mode", setMarginMode="REGULAR_MARGIN")
    assert answer.result == {"reasons": []}
    assert rest.post("/v5/account/set-margin-mode", setMarginMode="NONSENSE").code != 0


def test_disconnect_protection(rest: Rest) -> None:
    """v5/order/dcp and v5/account/query-dcp-info: 3 to 300 s."""
    path = "/v5/order/disconnected-cancel-all"
    assert rest.post(path, product="DERIVATIVES", timeWindow=40).code == 0
    assert rest.get("/v5/account/query-dcp-info").code == 0
    assert rest.post(path, product="DERIVATIVES", timeWindow=1).code == 10001


def test_closed_pnl(flat: Rest) -> None:
    """v5/position/close-pnl: side is the closing order's; fees are inside closedPnl."""
    flat.order(qty="0.100")
    done = flat.order("Sell", "0.100", reduceOnly=True).result["orderId"]
    flat.settled(done, "Filled")
    row = flat.get("/v5/position/closed-pnl", **LINEAR).rows[0]
    keys = {
        "symbol", "orderId", "side", "qty", "orderPrice", "orderType", "execType", "closedSize", "cumEntryValue",
        "avgEntryPrice", "cumExitValue", "avgExitPrice", "closedPnl", "fillCount", "leverage", "openFee", "closeFee",
        "createdTime", "updatedTime",
    }  # fmt: skip
    assert set(row) == keys
    assert (row["orderId"], row["side"], row["closedSize"]) == (done, "Sell", "0.100")
    result = Decimal(row["cumExitValue"]) - Decimal(row["cumEntryValue"])
    fees = Decimal(row["openFee"]) + Decimal(row["closeFee"])
    assert abs(Decimal(row["closedPnl"]) - (result - fees)) < Decimal("0.0001")


def test_the_transaction_log_adds_up_to_the_wallet(flat: Rest) -> None:
    """v5/account/transaction-log: TRADE rows, newest first, with the balance after each."""
    flat.order(qty="0.100")
    flat.order("Sell", "0.100", reduceOnly=True)
    flat.flatten()
    rows: list[Json] = flat.get("/v5/account/transaction-log", category="linear", type="TRADE", limit=50).rows
    wallet = flat.get("/v5/account/wallet-balance", accountType="UNIFIED").rows[0]["totalWalletBalance"]
    assert {row["type"] for row in rows} == {"TRADE"}
    assert Decimal(rows[0]["cashBalance"]) == Decimal(wallet)


def test_coins(rest: Rest) -> None:
    """v5/asset/coin-info: rows; ccxt asks before it loads its markets."""
    assert isinstance(rest.get("/v5/asset/coin/query-info").result["rows"], list)
