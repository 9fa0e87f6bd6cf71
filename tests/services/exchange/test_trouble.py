"""What goes wrong for a while, or once: clocks, keys, sockets, maintenance, and what can be made to happen."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from services.exchange.auth import signature
from services.exchange.wire import SocketClose, SocketOpened
from tests.exchange_rig import KEY, MS, OTHER, SECRET, SYMBOL, LiveRig, Rig


def cuts(rig: Rig) -> list[int]:
    return [one.connection for one in rig.others if isinstance(one, SocketClose)]


def test_a_wrong_clock_refuses_what_is_right_and_shows_itself() -> None:
    rig = Rig()
    rig.fault("skew ms=-3s for=1s")
    assert int(rig.get("/v5/market/time")["result"]["timeNano"]) == pytest.approx(rig.now - 3_000 * MS, abs=10 * MS)
    assert rig.get("/v5/account/info")["retCode"] == 10002
    rig.tick(1_000)
    assert rig.get("/v5/account/info")["retCode"] == 0


@pytest.mark.parametrize("code", [33004, 10003])
def test_a_revoked_key_is_good_for_nothing_and_its_sockets_are_cut(code: int) -> None:
    rig = Rig()
    private, public = rig.private("order"), rig.connect()
    rig.fault(f"revoke code={code} for=1s")
    rig.tick()
    assert cuts(rig) == [private]
    assert rig.get("/v5/account/info")["retCode"] == code
    assert rig.get("/v5/market/time")["retCode"] == 0
    rig.tick(1_000)
    assert rig.get("/v5/account/info")["retCode"] == 0
    assert public in rig.core._sockets.connections()


def test_a_disconnect_cuts_all_that_match_once() -> None:
    rig = Rig()
    public, private = rig.connect(), rig.private("order")
    rig.fault("disconnect path=/v5/public/*")
    rig.tick(5)
    assert cuts(rig) == [public]
    again = rig.connect()
    rig.tick(5)
    assert cuts(rig) == [public]
    assert {again, private} <= set(rig.core._sockets.connections())


def test_a_storm_cuts_again_and_again() -> None:
    rig = Rig()
    rig.fault("storm every=100ms for=450ms")
    for _ in range(20):
        rig.connect()
        rig.tick(50)
    assert 8 <= len(cuts(rig)) <= 10
    assert rig.core._sockets.connections()


def test_a_maintenance_cuts_sockets_and_keeps_orders() -> None:
    rig = Rig()
    order = rig.order(price="59000")["result"]["orderId"]
    one, two = rig.connect(), rig.private("order")
    rig.fault("maintenance for=2s")
    rig.tick()
    assert cuts(rig) == [one, two]
    assert rig.get("/v5/market/time")["retCode"] == 10016
    assert rig.order()["retCode"] == 10016
    rig.core.on_socket_opened(SocketOpened(777, "/v5/private"), rig.now)
    assert 777 not in rig.core._sockets.connections()
    rig.tick(2_000)
    assert rig.find(order)["orderStatus"] == "New"
    assert rig.ledger()["executed"] == 0


def position(**changes: Any) -> Rig:
    rig = Rig()
    rig.order(qty="0.100", **changes)
    return rig


def test_funding_now_is_booked_and_the_position_stays() -> None:
    rig = position()
    rig.market.ticker_row = lambda symbol: {"symbol": symbol, "lastPrice": "60000", "fundingRate": "0.0001"}  # type: ignore[method-assign]
    wallet = rig.ledger()["wallet_e8"]
    rig.fault(f"funding symbol={SYMBOL}")
    rig.tick()
    ledger = rig.ledger()
    assert ledger["wallet_e8"] == wallet - 60_000_000  # 0.1 x 60,000 x 0.0001
    assert ledger["positions"][0]["position_lots"] == 100
    assert ledger["conserved"], ledger["violations"]


def test_liquidation_now_ends_every_position() -> None:
    rig = position(stopLoss="59000")
    rig.fault("liquidate")
    rig.tick()
    assert rig.position()["size"] == "0"
    assert rig.rows("/v5/execution/list", symbol=SYMBOL)[0]["execType"] == "BustTrade"
    assert rig.ledger()["conserved"]


def test_auto_deleveraging_takes_a_share_of_the_position() -> None:
    rig = position()
    rig.fault(f"adl share=0.4 symbol={SYMBOL}")
    rig.tick()
    assert rig.position()["size"] == "0.060"
    assert rig.rows("/v5/execution/list", symbol=SYMBOL)[0]["execType"] == "AdlTrade"


def test_a_delisted_symbol_is_settled_and_takes_no_orders() -> None:
    rig = position()
    rig.fault(f"delist symbol={SYMBOL}")
    rig.tick()
    assert rig.position()["size"] == "0"
    assert rig.order()["retCode"] != 0
    assert rig.order(symbol=OTHER, qty="1.00")["retCode"] == 0


def test_a_price_jump_sets_stops_off() -> None:
    rig = position(stopLoss="59000")
    rig.market.quote(SYMBOL, 1, 560_000, 10_000)
    rig.fault(f"jump percent=-5 symbol={SYMBOL}")
    rig.tick(2)
    assert rig.position()["size"] == "0"
    rows = rig.get("/admin/faults")["result"]["list"]
    assert [(row["state"], row["applied"]) for row in rows] == [("over", 1)]


def test_a_wrong_clock_shows_in_the_streams_only_where_that_is_asked_for() -> None:
    stamps = {}
    for data in ("no", "yes"):
        rig = LiveRig()
        rig.fault(f"skew ms=-2500ms data={data}")
        now_ms = rig.now // MS + 2_500
        expires = now_ms + 1_000
        topics = [f"{head}.{SYMBOL}" for head in ("orderbook.50", "orderbook.1", "publicTrade", "tickers", "kline.1")]
        line = rig.connect()
        rig.say(line, {"op": "subscribe", "args": topics})
        private = rig.connect(private=True)
        sign = signature(SECRET, f"GET/realtime{expires}".encode())
        assert rig.say(private, {"op": "auth", "args": [KEY, expires, sign]})["success"]
        rig.say(private, {"op": "subscribe", "args": ["order", "execution", "position"]})
        stamp = str(rig.now // MS - 2_500)
        order = {"category": "linear", "symbol": SYMBOL, "side": "Buy", "orderType": "Market", "qty": "0.01"}
        request = rig.request("POST", "/v5/order/create", body=orjson.dumps(order), stamp=stamp)
        assert orjson.loads(rig.ask(request).body)["retCode"] == 0
        rig.tick(1_500)
        said = [frame for frame in rig.sent[line] if "topic" in frame]
        assert {frame["topic"] for frame in said} == set(topics)
        times = [frame[key] for frame in said for key in ("ts", "cts") if key in frame]
        times += [row["T"] for frame in said if frame["topic"].startswith("publicTrade") for row in frame["data"]]
        own = [frame for frame in rig.sent[private] if "topic" in frame]
        times += [frame["creationTime"] for frame in own]
        times += [int(row["execTime"]) for frame in own if frame["topic"] == "execution" for row in frame["data"]]
        times += [int(row["updatedTime"]) for frame in own if frame["topic"] != "execution" for row in frame["data"]]
        assert len(own) == 3
        query = f"category=linear&symbol={SYMBOL}"
        history = rig.ask(rig.request("GET", "/v5/order/history", query, stamp=str(rig.now // MS - 2_500))).body
        times += [int(row["createdTime"]) for row in orjson.loads(history)["result"]["list"]]
        stamps[data] = min(times) - rig.now // MS, max(times) - rig.now // MS
        bars = [row["start"] % 60_000 for frame in said if frame["topic"].startswith("kline") for row in frame["data"]]
        assert set(bars) == {0}
    assert all(-1_700 < offset <= 10 for offset in stamps["no"])
    assert all(-4_200 < offset <= -2_490 for offset in stamps["yes"])
