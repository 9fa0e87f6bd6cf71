"""Closed profit and the log of money agree with the ledger."""

from __future__ import annotations

from decimal import Decimal

from tests.exchange_rig import MS, SYMBOL, Rig


def test_closed_pnl_has_one_row_for_each_closing_order() -> None:
    rig = Rig()
    rig.order(qty="1.500")
    closing = rig.order("Sell", qty="1.200")["result"]["orderId"]
    (row,) = rig.rows("/v5/position/closed-pnl", symbol=SYMBOL)
    assert (row["orderId"], row["side"], row["closedSize"], row["fillCount"]) == (closing, "Sell", "1.200", "2")
    pnl = Decimal(row["cumExitValue"]) - Decimal(row["cumEntryValue"])
    assert Decimal(row["closedPnl"]) == pnl - Decimal(row["openFee"]) - Decimal(row["closeFee"])
    assert Decimal(row["closedPnl"]) < 0 < Decimal(row["openFee"])
    assert rig.rows("/v5/position/closed-pnl", category="inverse") == []


def test_the_log_adds_up_to_the_wallet() -> None:
    rig = Rig()
    rig.order(qty="0.100")
    rig.core._trading.fund(SYMBOL, rig.now, 10_000)
    rig.order("Sell", qty="0.100")
    rows = rig.get("/v5/account/transaction-log", accountType="UNIFIED")["result"]["list"]
    assert [row["type"] for row in rows] == ["TRADE", "SETTLEMENT", "TRADE"]
    assert Decimal(rows[1]["funding"]) < 0
    change = sum(Decimal(row["change"]) for row in rows)
    assert Decimal(rows[0]["cashBalance"]) == 10_000 + change == Decimal(rig.ledger()["wallet"])
    only = rig.get("/v5/account/transaction-log", type="SETTLEMENT")["result"]["list"]
    assert [row["id"] for row in only] == [rows[1]["id"]]


def test_pages_and_windows() -> None:
    rig = Rig()
    for _ in range(3):
        rig.order()
    first = rig.get("/v5/account/transaction-log", limit="2")["result"]
    rest = rig.get("/v5/account/transaction-log", limit="2", cursor=first["nextPageCursor"])["result"]
    assert (len(first["list"]), len(rest["list"]), rest["nextPageCursor"]) == (2, 1, "")
    later = str(rig.now // MS + 1)
    assert rig.get("/v5/account/transaction-log", startTime=later)["result"]["list"] == []
    assert rig.get("/v5/account/transaction-log", startTime="0", endTime=later)["retCode"] == 10001
