"""Another tick or lot while orders stand and positions are held: who follows the frames and REST sees all of it."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import orjson
import pytest

from services.exchange.core import ExchangeCore
from services.exchange.faults import Faults
from services.exchange.keeping import Keep, Recall, Restored
from services.exchange.opening import market_builder
from services.exchange.stops import Timing
from shared.config import Exchange
from shared.messages import Started
from shared.scale import OffGridError, Scale
from tests.exchange_rig import MS, SETTINGS, SYMBOL, LiveRig, Rig

LINEAR = {"category": "linear", "symbol": SYMBOL}
BOOK, TRADES = f"orderbook.50.{SYMBOL}", f"publicTrade.{SYMBOL}"


def on_grid(texts: list[str], step: str) -> bool:
    try:
        return all(Scale(step, step).price_ticks(text) is not None for text in texts)
    except OffGridError:
        return False


def prices(frame: dict[str, Any]) -> list[str]:
    return [row[0] for side in ("b", "a") for row in frame["data"][side]]


def test_the_new_tick_is_announced_and_the_books_subscribers_get_a_new_snapshot_on_it() -> None:
    rig = LiveRig()
    line = rig.listener(BOOK, f"orderbook.1.{SYMBOL}", TRADES, f"tickers.{SYMBOL}")
    before = [frame for frame in rig.sent[line] if frame.get("topic") == BOOK]
    rig.sent[line].clear()
    last = rig.last()
    rig.fault(f"regrid symbol={SYMBOL} tick=0.50")
    rig.tick(2_000)
    assert rig.rules()["priceFilter"]["tickSize"] == "0.50"
    after = [frame for frame in rig.sent[line] if frame.get("topic") == BOOK]
    first = next(number for number, frame in enumerate(after) if frame["type"] == "snapshot")
    assert [frame["data"]["u"] for frame in (*before, *after)] == list(
        range(before[0]["data"]["u"], before[0]["data"]["u"] + len(before) + len(after))
    )
    assert all(on_grid(prices(frame), "0.10") for frame in after[:first])
    assert len(prices(after[first])) == 100
    assert len(after) > first + 20
    assert all(on_grid(prices(frame), "0.50") for frame in after[first:])
    trades = [row["p"] for frame in rig.sent[line] if frame.get("topic") == TRADES for row in frame["data"]]
    assert trades
    assert on_grid(trades[-3:], "0.50")
    assert abs(rig.last() / last - 1.0) < 0.002
    bars = rig.get("/v5/market/kline", **LINEAR, interval="1", limit="5")["result"]["list"]
    assert on_grid([text for bar in bars for text in bar[1:5]], "0.50")


def test_what_is_on_the_new_grid_stands_and_what_is_not_is_cancelled_by_the_venue() -> None:
    rig = LiveRig()
    line = rig.private("order")
    stays = rig.order(price=rig.near(-0.005), qty="0.010")["result"]["orderId"]
    goes = rig.order(price=f"{float(rig.near(-0.005)) + 0.10:.2f}", qty="0.010")["result"]["orderId"]
    armed = rig.order(price=rig.near(0.003), triggerPrice=f"{float(rig.near(0.002)) + 0.3:.2f}", triggerDirection=1)
    armed_id = armed["result"]["orderId"]
    before = rig.find(stays) | {"lastPriceOnCreated": ""}
    rig.sent[line].clear()
    rig.fault(f"regrid symbol={SYMBOL} tick=0.50")
    rig.tick(20)
    assert rig.find(stays) | {"lastPriceOnCreated": ""} == before
    ended = {row["orderId"]: row for frame in rig.sent[line] for row in frame["data"]}
    assert (ended[goes]["orderStatus"], ended[goes]["cancelType"]) == ("Cancelled", "CancelByAdmin")
    assert (ended[armed_id]["orderStatus"], ended[armed_id]["cancelType"]) == ("Deactivated", "CancelByAdmin")
    assert stays not in ended
    assert rig.order(price=f"{float(rig.near(-0.005)) + 0.10:.2f}")["retCode"] == 10001
    amended = rig.post("/v5/order/amend", **LINEAR, orderId=stays, price=f"{float(before['price']) - 0.5:.2f}")
    assert amended["retCode"] == 0
    assert rig.ledger()["conserved"]


def test_a_position_and_its_stop_stay_and_a_stop_off_the_grid_comes_nearer() -> None:
    rig = LiveRig()
    stop = f"{float(rig.near(-0.01)) + 0.10:.2f}"
    target = f"{float(rig.near(0.01)) + 0.40:.2f}"
    rig.opened(stopLoss=stop, takeProfit=target)
    line = rig.private("order")
    held, wallet = rig.position(), rig.ledger()["wallet_e8"]
    rig.fault(f"regrid symbol={SYMBOL} tick=0.50 lot=0.002")
    rig.tick(20)
    position = rig.position()
    same = ("size", "avgPrice", "side", "positionValue", "cumRealisedPnl")
    assert {key: position[key] for key in same} == {key: held[key] for key in same}
    assert position["stopLoss"] == f"{float(stop) + 0.40:.2f}"
    assert position["takeProfit"] == f"{float(target) - 0.40:.2f}"
    moved = {row["stopOrderType"]: row["triggerPrice"] for frame in rig.sent[line] for row in frame["data"]}
    assert moved == {"StopLoss": position["stopLoss"], "TakeProfit": position["takeProfit"]}
    ledger = rig.ledger()
    assert (ledger["wallet_e8"], ledger["conserved"], ledger["naked"]["naked_ms_max"]) == (wallet, True, 0)
    assert ledger["grids"][SYMBOL] == [["0.10", "0.001"], ["0.50", "0.002"]]
    rig.order("Sell", qty="0.012", reduceOnly=True)
    rig.tick(20)
    assert rig.position()["size"] == "0"
    assert rig.ledger()["conserved"]


def test_what_is_closed_is_told_as_it_was() -> None:
    rig = LiveRig()
    rig.opened()
    rig.order("Sell", qty="0.012", reduceOnly=True)
    rig.tick(20)
    paths = ("/v5/order/history", "/v5/execution/list", "/v5/position/closed-pnl")
    before = [rig.rows(path) for path in paths]
    log = rig.get("/v5/account/transaction-log")["result"]
    rig.fault(f"regrid symbol={SYMBOL} tick=5 lot=0.010")
    rig.tick(20)
    assert rig.rules()["lotSizeFilter"]["qtyStep"] == "0.010"
    assert [rig.rows(path) for path in paths] == before
    assert rig.get("/v5/account/transaction-log")["result"] == log


def test_one_close_over_two_grids_is_one_row_of_closed_profit() -> None:
    rig = LiveRig()
    rig.opened()
    ask = rig.near(0.004)
    close_id = rig.order("Sell", qty="0.012", price=ask, reduceOnly=True)["result"]["orderId"]
    book = rig.core._venue.books[SYMBOL]
    ticks = round(float(ask) / 0.1)
    rig.tick(5)
    way = book.available(1, ticks) - 8
    fills = book.submit(-(1 << 50) - 1, 0, 1, ticks, way, "IOC").fills
    for fill in fills:
        rig.core._trading.market_matched(SYMBOL, fill, rig.now)
    rig.tick(5)
    assert rig.find(close_id)["cumExecQty"] == "0.004"
    rig.fault(f"regrid symbol={SYMBOL} lot=0.002")
    rig.tick(10)
    assert rig.find(close_id)["cumExecQty"] == "0.004"
    rig.post("/v5/order/amend", **LINEAR, orderId=close_id, price=rig.near(-0.008))
    rig.tick(20)
    row = rig.rows("/v5/position/closed-pnl")[0]
    assert (row["orderId"], row["closedSize"], row["qty"]) == (close_id, "0.012", "0.012")
    assert rig.ledger()["conserved"]


def test_a_lot_that_the_position_is_no_whole_number_of_waits_until_it_is() -> None:
    rig = LiveRig()
    rig.opened()
    rig.fault(f"regrid symbol={SYMBOL} lot=0.005")
    rig.tick(50)
    assert rig.rules()["lotSizeFilter"]["qtyStep"] == "0.001"
    rig.order("Sell", qty="0.002", reduceOnly=True)
    rig.tick(20)
    assert rig.rules()["lotSizeFilter"] | {"maxMktOrderQty": ""} == {
        "maxOrderQty": "1500.000", "minOrderQty": "0.005", "qtyStep": "0.005", "postOnlyMaxOrderQty": "1500.000",
        "maxMktOrderQty": "", "minNotionalValue": "5",
    }  # fmt: skip
    assert rig.position()["size"] == "0.010"
    assert rig.order(qty="0.001")["retCode"] == 10001


def test_a_bracket_that_a_fault_holds_back_is_waited_for() -> None:
    rig = LiveRig(SETTINGS._replace(timing=Timing(delay_ns=200 * MS)))
    rig.opened(stopLoss=rig.near(-0.01))
    rig.fault(f"regrid symbol={SYMBOL} tick=0.50")
    rig.tick(20)
    assert rig.rules()["priceFilter"]["tickSize"] == "0.10"
    rig.tick(250)
    assert rig.rules()["priceFilter"]["tickSize"] == "0.50"
    assert rig.position()["stopLoss"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("regrid", "regrid: give tick=, lot= or both"),
        ("regrid tick=0", "line 1, column 13: '0': expected a decimal above 0, as 0.10"),
        ("regrid lot=1e3", "line 1, column 12: '1e3': expected a decimal above 0, as 0.10"),
        ("regrid symbol=BTCUSDT tick=500", "regrid: BTCUSDT cannot trade in ticks of 500: its price would be too few"),
        ("regrid symbol=BTCUSDT tick=0.00001", "regrid: BTCUSDT cannot trade in ticks of 0.00001"),
        ("regrid symbol=NOUSDT tick=1", "regrid: there is no symbol 'NOUSDT'"),
    ],
)
def test_a_change_that_cannot_be_is_refused_with_one_line(text: str, reason: str) -> None:
    rig = LiveRig()
    answer = orjson.loads(rig.ask(rig.request("POST", "/admin/faults", body=text.encode())).body)
    assert answer["retCode"] == 400
    assert answer["retMsg"].startswith(reason)
    assert "\n" not in answer["retMsg"]


def test_a_market_that_is_not_made_here_has_its_grid_already() -> None:
    rig = Rig()
    answer = orjson.loads(rig.ask(rig.request("POST", "/admin/faults", body=b"regrid tick=0.50")).body)
    assert (answer["retCode"], answer["retMsg"]) == (400, "regrid: a recording has its grid already")


def test_a_scheduled_change_to_the_grid_that_is_there_already_does_nothing() -> None:
    rig = LiveRig(SETTINGS._replace(faults=f"regrid symbol={SYMBOL} tick=0.10 at=100ms"))
    line = rig.listener(BOOK)
    rig.tick(200)
    kinds = [frame["type"] for frame in rig.sent[line] if frame.get("topic") == BOOK]
    assert kinds.count("snapshot") == 1
    assert rig.get("/admin/faults")["result"]["list"][0]["state"] == "over"


def test_a_restarted_exchange_goes_on_with_the_grid_it_had() -> None:
    rig = LiveRig(SETTINGS._replace(keep=True))
    rig.opened(stopLoss=rig.near(-0.01))
    bid = rig.order(price=rig.near(-0.005), qty="0.004")["result"]["orderId"]
    rig.fault(f"regrid symbol={SYMBOL} tick=0.50 lot=0.002")
    rig.tick(1_100)
    records: dict[str, bytes] = {}
    for message in rig.others:
        if isinstance(message, Keep):
            records |= dict(message.records)
    before = rig.rules(), rig.find(bid), rig.position()["size"], rig.rows("/v5/execution/list"), rig.last()
    rig.core = ExchangeCore(
        market_builder(msgspec.structs.replace(Exchange(), symbols=(SYMBOL, "ETHUSDT")), seed=3),
        SETTINGS._replace(keep=True), Faults(Random(1)),
    )  # fmt: skip
    assert rig.core.on_started(Started("exchange", "run", 1), rig.now) == [Recall()]
    rig.take(rig.core.on_restored(Restored(tuple(records.items())), rig.now))
    rig.tick(1)
    after = rig.rules(), rig.find(bid), rig.position()["size"], rig.rows("/v5/execution/list")
    assert after == before[:4]
    assert abs(rig.last() / before[4] - 1.0) < 0.001
    assert rig.ledger()["conserved"]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(2, 12))])
def test_money_adds_up_however_often_the_grid_changes_and_the_same_commands_give_the_same_bytes(seed: int) -> None:
    ledgers = []
    for _ in range(2):
        dice, rig = Random(seed), LiveRig(profile="labelled" if seed % 2 else "lively")
        for _ in range(12):
            tick = dice.choice(("0.10", "0.20", "0.50", "1", "5", "10"))
            lot = dice.choice(("0.001", "0.002", "0.004"))
            rig.fault(f"regrid symbol={SYMBOL} tick={tick} lot={lot}")
            side = dice.choice(("Buy", "Sell"))
            rig.order(
                side, qty=dice.choice(("0.004", "0.008", "0.012")), stopLoss=rig.near(-0.02 if side == "Buy" else 0.02)
            )
            rig.order(dice.choice(("Buy", "Sell")), qty="0.008", price=rig.near(dice.choice((-0.0002, 0.0, 0.0002))))
            rig.tick(300)
            rig.fault("funding")
        ledger = rig.ledger()
        assert (ledger["conserved"], ledger["violations"]) == (True, [])
        assert len(ledger["grids"][SYMBOL]) > 3
        ledgers.append(ledger)
    assert ledgers[0] == ledgers[1]
