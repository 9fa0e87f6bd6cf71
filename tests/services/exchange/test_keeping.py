"""What is written down is enough to go on from: the same account, orders, stops and figures."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from services.exchange.core import ExchangeCore
from services.exchange.keeping import Keep, Keeper, Recall, Record, Restored
from services.exchange.orders import ORDERS_KEPT, RESTING
from services.exchange.venue import Venue
from shared.messages import Started
from shared.scale import E8
from tests.exchange_rig import MS, OTHER, SETTINGS, SYMBOL, HandMarket, Rig

KEPT = SETTINGS._replace(keep=True)
BRACKET = {"takeProfit": "61000", "stopLoss": "59000"}


def held(rig: Rig) -> dict[str, bytes]:
    """Return what the rig has had written down so far."""
    found: dict[str, bytes] = {}
    for message in rig.others:
        if isinstance(message, Keep):
            for name, data in message.records:
                found.pop(name, None)
                if data:
                    found[name] = data
    return found


class Restarted(Rig):
    """The exchange of another rig, killed and started again."""

    def __init__(self, before: Rig, market: HandMarket | None = None) -> None:
        self.__dict__.update(Rig(before.core._settings).__dict__)
        self.now, self._numbers = before.now + 900 * MS, 10_000
        self.market = market or HandMarket()
        self.opened_at: dict[str, int] = {}
        self.core = ExchangeCore(self._open, before.core._settings)
        assert self.core.on_started(Started("exchange", "run", 1), self.now) == [Recall()]
        self.take(self.core.on_restored(Restored(tuple(held(before).items())), self.now))

    def _open(self, now: int, last_prices_ticks: Any = ()) -> Venue:
        self.opened_at = dict(last_prices_ticks)
        return Venue(self.market, self.market.books, self.market.agents)


def busy() -> Rig:
    """Return an exchange with closed, resting, partly filled and conditional orders and two positions."""
    rig = Rig(KEPT)
    rig.order(qty="0.030", orderLinkId="entry", **BRACKET)
    rig.order("Sell", qty="0.010", reduceOnly=True, price="60500", orderLinkId="target")
    rig.order(price="59990", qty="0.020", orderLinkId="bid")
    rig.market.hit(SYMBOL, -1, 599_900, 9_000)
    rig.market.hit(SYMBOL, -1, 599_900, 2_005)
    rig.tick(5)
    rig.order("Sell", symbol=OTHER, qty="1.00", stopLoss="2100")
    rig.order(price="59000", qty="0.001", orderLinkId="gone")
    rig.post("/v5/order/cancel", category="linear", symbol=SYMBOL, orderLinkId="gone")
    rig.post("/v5/position/set-leverage", category="linear", symbol=OTHER, buyLeverage="3", sellLeverage="3")
    rig.tick(1_100)
    return rig


def view(rig: Rig) -> list[Any]:
    """Return everything that a client may ask about the account, and the ledger."""
    both = [
        rig.rows(path, symbol=symbol)
        for symbol in (SYMBOL, OTHER)
        for path in ("/v5/order/realtime", "/v5/order/history", "/v5/execution/list", "/v5/position/list")
    ]
    ledger = rig.ledger()
    del ledger["now_ns"]
    return [*both, rig.get("/v5/account/wallet-balance", accountType="UNIFIED")["result"], ledger]


def test_a_restarted_exchange_answers_everything_as_before() -> None:
    rig = busy()
    again = Restarted(rig)
    rig.now = again.now
    assert view(again) == view(rig)
    assert again.ledger()["conserved"]
    assert again.opened_at == rig.market.lasts


def test_the_list_of_closed_orders_is_lost_in_a_restart_as_at_the_venue_and_the_history_is_not() -> None:
    rig = busy()
    again = Restarted(rig)
    assert rig.rows("/v5/order/realtime", symbol=SYMBOL, openOnly="1")
    assert again.rows("/v5/order/realtime", symbol=SYMBOL, openOnly="1") == []
    assert again.rows("/v5/order/history", symbol=SYMBOL) == rig.rows("/v5/order/history", symbol=SYMBOL)


def test_resting_orders_stand_in_the_new_book_and_conditional_ones_wait_for_their_price() -> None:
    again = Restarted(busy())
    desk = again.core.desk
    resting = [order for order in desk.orders.open_orders() if order.status in RESTING]
    assert resting
    for order in resting:
        found = again.market.books[order.symbol].order(order.book_id)
        assert found is not None
        assert (found.left_lots, found.price_ticks) == (order.left_lots, order.price_ticks)
    again.market.hit(SYMBOL, -1, 589_000, 20_000)
    again.market.quote(SYMBOL, 1, 589_000, 1_000)
    again.market.lasts[SYMBOL], again.market.marks_e8[SYMBOL] = 590_000, 59_000 * E8
    again.tick(5)
    assert again.position()["size"] == "0"
    assert again.ledger()["conserved"]


def test_an_order_that_rested_goes_on_resting_where_the_new_market_would_cross_it() -> None:
    rig = Rig(KEPT)
    rig.order(price="59995", qty="0.020")
    market = HandMarket()
    market.clear(SYMBOL)
    market.quote(SYMBOL, -1, 599_940, 500)  # Below our bid.
    again = Restarted(rig, market)
    (order,) = again.core.desk.orders.open_orders()
    assert again.market.books[SYMBOL].best_bid() == order.price_ticks == 599_950
    assert order.left_lots == 20


def test_ids_and_names_are_never_given_out_twice() -> None:
    rig = busy()
    again = Restarted(rig)
    assert again.order(orderLinkId="bid", price="59000")["retCode"] == 110072
    before = {order.order_id for order in rig.core.desk.orders.oldest_first()}
    before |= {done.exec_id for done in rig.core.desk.oracle.executions}
    again.order()
    fresh = {again.core.desk.oracle.executions[-1].exec_id, *again.core.desk.orders._by_id} - before
    assert len(fresh) == 2
    numbers = [order.number for order in again.core.desk.orders.oldest_first()]
    assert numbers == sorted(set(numbers))


def test_naked_time_goes_on_while_the_exchange_is_down() -> None:
    rig = Rig(KEPT)
    rig.order()
    rig.tick(3)
    naked = rig.core.naked_ms_max(rig.now)
    again = Restarted(rig)
    assert again.core.naked_ms_max(again.now) == naked + 900


def test_what_is_written_down_leaves_before_the_answer() -> None:
    rig = Rig(KEPT)
    rig.take(rig.core.on_http_request(rig.request("POST", "/v5/order/create", body=b"{}"), rig.now))
    rig.tick(110)
    rig.others.clear()
    body = b'{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.010"}'
    said = rig.core.on_http_request(rig.request("POST", "/v5/order/create", body=body), rig.now)
    assert [type(one) for one in said] == [Keep]


def test_nothing_is_said_twice() -> None:
    rig = busy()
    assert rig.core._keeper.changes() == []
    assert Restarted(rig).core._keeper.changes() == []


def test_every_attribute_of_the_account_is_either_state_or_known_wiring() -> None:
    rig = busy()
    assert {name.removeprefix("part/") for name in rig.core._keeper.wiring} == {
        "desk.market", "desk.account", "desk.orders", "desk.oracle", "desk.money",
        "stops._desk",
    }  # fmt: skip


def test_a_forgotten_order_is_forgotten_on_disk_but_its_name_stays_taken() -> None:
    rig = Rig(KEPT)
    rig.order(orderLinkId="first", price="59000")
    rig.post("/v5/order/cancel", category="linear", symbol=SYMBOL, orderLinkId="first")
    desk = rig.core.desk
    keeper: Keeper = rig.core._keeper
    desk.orders._by_id.popitem(last=False)
    del desk.orders._by_link["first"]
    desk.orders.forgotten += 1
    assert dict(keeper.changes())["order/1"] == b""
    assert ORDERS_KEPT > 1


@pytest.mark.parametrize("seed", range(5))
def test_random_trading_survives_any_moment_of_death(seed: int) -> None:
    rng, rig = Random(seed), Rig(KEPT)
    for _ in range(40):
        symbol = rng.choice((SYMBOL, OTHER))
        mid = rig.market.lasts[symbol]
        unit = 10 if symbol == SYMBOL else 100
        params: dict[str, Any] = {"symbol": symbol, "qty": "0.010" if symbol == SYMBOL else "0.10"}
        if rng.random() < 0.6:
            params["price"] = f"{(mid + rng.randint(-20, 20)) / unit:.2f}"
        if rng.random() < 0.3:
            params["reduceOnly"] = True
        rig.order(rng.choice(("Buy", "Sell")), **params)
        side = rng.choice((1, -1))
        rig.market.hit(symbol, side, mid + side * 15, rng.randint(1, 3_000))
        for away in range(1, 12):
            rig.market.quote(symbol, 1, mid - away, 500)
            rig.market.quote(symbol, -1, mid + away, 500)
        rig.tick(rng.randint(1, 4))
    state = {name: data for name, data in held(rig).items() if not name.startswith("last/")}
    again = Restarted(rig)
    assert again.ledger()["conserved"], again.ledger()["violations"]
    whole: list[Record] = _whole(again)
    assert {name: data for name, data in whole if not name.startswith("last/")} == state


def _whole(rig: Rig) -> list[Record]:
    """Return everything there is to say about the account, as a keeper says it that has said nothing yet."""
    return Keeper(rig.core.desk, rig.core._keeper._parts).changes()


def test_faults_go_on_where_they_were() -> None:
    rig = Rig(KEPT)
    rig.fault("lose path=/v5/order/create count=3; drop topic=order for=10m; skew ms=1s for=1s")
    rig.tick(1_500)
    again = Restarted(rig)
    assert again.core._faults.rows(0) == rig.core._faults.rows(0)
    assert again.core._faults.any("request")
