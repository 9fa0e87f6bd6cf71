"""Orders go when the last connection that asked for it has been away for too long."""

from __future__ import annotations

from tests.exchange_rig import SYMBOL, Rig


def guarded(rig: Rig) -> int:
    assert rig.post("/v5/order/disconnected-cancel-all", product="DERIVATIVES", timeWindow=3)["retCode"] == 0
    client = rig.private("dcp.future")
    rig.order(price="59990.0")
    return client


def test_resting_orders_are_cancelled_after_the_window() -> None:
    rig = Rig()
    client = guarded(rig)
    rig.tick(10)
    rig.close(client)
    rig.tick(2_990)
    assert len(rig.rows("/v5/order/realtime", symbol=SYMBOL)) == 1
    rig.tick(20)
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL) == []
    assert rig.rows("/v5/order/history", symbol=SYMBOL)[0]["cancelType"] == "CancelByDCP"


def test_whoever_comes_back_in_time_keeps_them() -> None:
    rig = Rig()
    client = guarded(rig)
    rig.tick(10)
    rig.close(client)
    rig.tick(2_000)
    rig.private("dcp.future")
    rig.tick(5_000)
    assert len(rig.rows("/v5/order/realtime", symbol=SYMBOL)) == 1


def test_without_the_topic_or_the_product_nothing_is_guarded() -> None:
    rig = Rig()
    assert rig.post("/v5/order/disconnected-cancel-all", timeWindow=3)["retCode"] == 0  # Options.
    info = rig.get("/v5/account/query-dcp-info")["result"]["dcpInfos"]
    assert [(row["product"], row["dcpStatus"]) for row in info] == [("DERIVATIVES", "OFF")]
    client = rig.private("dcp.future")
    rig.order(price="59990.0")
    rig.close(client)
    rig.tick(4_000)
    assert len(rig.rows("/v5/order/realtime", symbol=SYMBOL)) == 1
    for window in (2, 301, "x", None, True):
        answer = rig.post("/v5/order/disconnected-cancel-all", product="DERIVATIVES", timeWindow=window)
        assert answer["retCode"] == 10001
        rig.tick(300)
