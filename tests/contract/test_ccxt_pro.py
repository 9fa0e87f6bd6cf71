"""ccxt pro 4.5, unmodified: what it watches, and orders by WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Any, TypeVar

import ccxt.pro
import pytest

from tests.contract.addresses import ccxt_options, point_ccxt
from tests.contract.client import WAIT_S, Rest
from tests.exchange_process import Running

SWAP = "BTC/USDT:USDT"
T = TypeVar("T")


class Pro:
    """ccxt pro on a loop of its own."""

    def __init__(self, port: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.client: Any = self.run(self._made(port))

    async def _made(self, port: int) -> Any:
        client = ccxt.pro.bybit(ccxt_options())
        point_ccxt(client, port)
        await client.load_markets()
        return client

    def run(self, step: Awaitable[T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(step, WAIT_S))

    def close(self) -> None:
        self.run(self.client.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


@pytest.fixture(scope="module")
def pro(exchange: Running) -> Iterator[Pro]:
    found = Pro(exchange.port)
    yield found
    found.close()


@pytest.mark.parametrize("limit", [None, 1, 50, 200, 1000])
def test_watch_order_book(exchange: Running, limit: int | None) -> None:
    """ccxt watch_order_book: orderbook.50 by default."""
    pro = Pro(exchange.port)
    for _ in range(10):
        book = pro.run(pro.client.watch_order_book(SWAP, limit))
        assert book["bids"][0][0] < book["asks"][0][0]
    pro.close()


def test_watch_trades(pro: Pro) -> None:
    """ccxt watch_trades: publicTrade."""
    for _ in range(3):
        trades = pro.run(pro.client.watch_trades(SWAP))
        assert trades[0]["symbol"] == SWAP
        assert trades[0]["side"] in ("buy", "sell")


def test_watch_ticker(pro: Pro) -> None:
    """ccxt watch_ticker: deltas merged into the snapshot."""
    for _ in range(5):
        ticker = pro.run(pro.client.watch_ticker(SWAP))
        assert ticker["last"] > 0
        assert ticker["high"] >= ticker["low"] > 0


def test_watch_ohlcv(pro: Pro) -> None:
    """ccxt watch_ohlcv: kline."""
    bar = pro.run(pro.client.watch_ohlcv(SWAP, "1m"))[-1]
    assert bar[3] <= bar[1] <= bar[2]


async def trading(client: Any, *watchers: Awaitable[Any]) -> tuple[set[str], list[Any]]:
    """Buy until all watchers have heard of it: ccxt does not say when a subscription stands. Return the orders' ids
    and what was heard."""
    tasks = [asyncio.ensure_future(watcher) for watcher in watchers]
    made: set[str] = set()
    while not all(task.done() for task in tasks):
        made.add((await client.create_order(SWAP, "market", "buy", 0.01))["id"])
        await asyncio.wait(tasks, timeout=0.3)
    return made, [await task for task in tasks]


def test_watch_orders_and_my_trades(pro: Pro, flat: Rest) -> None:
    """ccxt watch_orders, watch_my_trades: order, execution."""
    watchers = pro.client.watch_orders(SWAP), pro.client.watch_my_trades(SWAP)
    made, (orders, trades) = pro.run(trading(pro.client, *watchers))
    assert orders[-1]["id"] in made
    assert trades[-1]["order"] in made
    assert (orders[-1]["status"], orders[-1]["filled"]) == ("closed", 0.01)
    assert trades[-1]["takerOrMaker"] == "taker"


def test_watch_positions(pro: Pro, flat: Rest) -> None:
    """ccxt watch_positions: a REST snapshot of linear and inverse, then position."""
    pro.run(pro.client.watch_positions())
    _, ((position, *_),) = pro.run(trading(pro.client, pro.client.watch_positions()))
    assert (position["symbol"], position["side"]) == (SWAP, "long")


def test_watch_balance(pro: Pro, flat: Rest) -> None:
    """ccxt watch_balance: wallet."""
    _, (balance,) = pro.run(trading(pro.client, pro.client.watch_balance()))
    assert balance["USDT"]["total"] > 0


def test_orders_by_websocket(pro: Pro, flat: Rest) -> None:
    """ccxt create_order_ws, edit_order_ws, cancel_order_ws: the trade socket, matched by reqId."""
    flat.room("/v5/order/create", 6)
    price = flat.last() * 0.995
    order = pro.run(pro.client.create_order_ws(SWAP, "limit", "buy", 0.01, price))
    assert flat.find(order["id"])["orderStatus"] == "New"
    pro.run(pro.client.edit_order_ws(order["id"], SWAP, "limit", "buy", 0.02, price))
    assert flat.find(order["id"])["qty"] == "0.020"
    pro.run(pro.client.cancel_order_ws(order["id"], SWAP))
    assert flat.settled(order["id"], "Cancelled")
