"""The exchange as a whole: order of answers, recordings, and a journal that tells the same story twice."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest

from services.exchange.auth import signature
from services.exchange.core import ExchangeCore
from services.exchange.public import PublicStreams
from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket
from services.exchange.venue import Venue
from services.exchange.wire import (
    HttpReply,
    HttpRequest,
    MarketEnded,
    SocketFrames,
    SocketOpened,
    SocketSend,
    SocketText,
)
from shared.journal import INPUT, OUTPUT, Entry
from shared.messages import Message, Started, Tick
from shared.service import replay
from tests.exchange_rig import KEY, MS, NOW, SECRET, SETTINGS, SYMBOL, Rig

BOOK = f"orderbook.50.{SYMBOL}"


def test_the_acknowledgement_of_an_order_leaves_before_the_news_of_it() -> None:
    rig = Rig()
    client = rig.private("order")
    body = orjson.dumps({"category": "linear", "symbol": SYMBOL, "side": "Buy", "orderType": "Market", "qty": "0.010"})
    outputs = rig.core.on_http_request(rig.request("POST", "/v5/order/create", body=body), rig.now)
    outputs += rig.core.on_tick(Tick(), rig.now + MS)
    said = [type(output) for output in outputs if isinstance(output, HttpReply | SocketSend)]
    assert said == [HttpReply, SocketSend]
    assert rig.sent[client] == []


def test_the_next_due_time_is_that_of_the_next_answer() -> None:
    rig = Rig()
    assert rig.core.next_due_ns() is None
    rig.take(rig.core.on_http_request(rig.request("GET", "/v5/account/info"), rig.now))
    assert rig.core.next_due_ns() == rig.now + MS
    rig.tick()
    assert rig.core.next_due_ns() is None


def test_market_data_of_a_subscriber_never_overtakes_its_acknowledgement_and_snapshot() -> None:
    rig = Rig()
    client = rig.connect()
    rig.take(rig.core.on_socket_text(SocketText(client, b'{"op":"subscribe","args":["%s"]}' % BOOK.encode()), rig.now))
    rig.market.frames = [(BOOK, b'{"type":"delta"}')]
    rig.tick(3)
    assert [frame.get("op", frame.get("type")) for frame in rig.sent[client]] == ["subscribe", "snapshot", "delta"]
    assert rig.core.counts.market_frames == 2


def test_frames_go_to_those_who_listen_and_to_nobody_else() -> None:
    rig = Rig()
    one, two = rig.connect(), rig.connect()
    rig.say(one, {"op": "subscribe", "args": [BOOK]})
    rig.market.frames = [(BOOK, b'{"type":"delta"}'), ("tickers.BTCUSDT", b'{"type":"ticker"}')]
    rig.tick()
    assert [frame.get("type") for frame in rig.sent[one]][1:] == ["snapshot", "delta"]
    assert rig.sent[two] == []


def test_texts_of_a_connection_that_is_gone_are_ignored() -> None:
    rig = Rig()
    assert rig.core.on_socket_text(SocketText(99, b"{}"), rig.now) == []


def test_a_recording_begins_when_its_books_are_subscribed_and_says_once_that_it_has_ended() -> None:
    rig = Rig(matches_orders=False)
    rig.tick(10)
    assert rig.market.started_ns == 0
    rig.say(rig.connect(), {"op": "subscribe", "args": [BOOK]})
    assert rig.market.started_ns == rig.now - 2 * MS
    rig.market.is_ended = True
    rig.tick(10)
    assert rig.others == [MarketEnded()]


def test_requests_are_counted_and_so_are_refusals() -> None:
    rig = Rig()
    rig.get("/v5/market/time")
    rig.order(qty="x")
    rig.get("/nowhere")
    assert (rig.core.counts.requests, rig.core.counts.requests_refused) == (3, 2)


class Journalled:
    """A core over the real synthetic market whose inputs and outputs are kept."""

    def __init__(self, seed: int) -> None:
        self.core = build(seed)
        self.now = NOW
        self.entries: list[Entry] = []
        self.said: list[Message] = []
        self._numbers = 0

    def feed(self, message: Message) -> None:
        self.entries.append(Entry(INPUT, self.now, message))
        outputs = getattr(self.core, message.HANDLER)(message, self.now)
        self.entries += [Entry(OUTPUT, self.now, output) for output in outputs]
        self.said += outputs

    def tick(self, count: int) -> None:
        for _ in range(count):
            self.now += 5 * MS
            self.feed(Tick())

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        self._numbers += 1
        body, stamp = orjson.dumps(params), str(self.now // MS)
        sign = signature(SECRET, f"{stamp}{KEY}".encode() + body)
        headers = (("x-bapi-api-key", KEY), ("x-bapi-timestamp", stamp), ("x-bapi-sign", sign))
        self.feed(HttpRequest(self._numbers, "POST", path, "", headers, body, "127.0.0.1"))
        self.tick(1)
        reply = next(one for one in reversed(self.said) if isinstance(one, HttpReply))
        answer: dict[str, Any] = orjson.loads(reply.body)
        return answer


def build(seed: int) -> ExchangeCore:
    def open_market(now: int) -> Venue:
        market = SyntheticMarket(Random(seed), INSTRUMENTS, START_PRICES_TICKS, now)
        return Venue(PublicStreams(market, now), market.books, market.advance)

    return ExchangeCore(open_market, SETTINGS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_trading_on_the_synthetic_market_conserves_money_and_replays_to_the_same_bytes(seed: int) -> None:
    run, rng = Journalled(seed), Random(seed)
    run.feed(Started("exchange", "run", 0))
    run.feed(SocketOpened(1, "/v5/public/linear"))
    run.feed(SocketText(1, b'{"op":"subscribe","args":["%s","publicTrade.BTCUSDT"]}' % BOOK.encode()))
    filled = 0
    for number in range(60):
        run.tick(40)
        side = rng.choice(["Buy", "Sell"])
        last = run.core.desk.market.last_ticks(SYMBOL)
        away = 30 if side == "Buy" else -30
        params = {"category": "linear", "symbol": SYMBOL, "side": side, "qty": "0.010", "orderLinkId": f"n{number}"}
        price = {"orderType": "Limit", "price": f"{last / 10:.1f}"} if rng.random() < 0.5 else {"orderType": "Market"}
        bracket = {"stopLoss": f"{(last - away) / 10:.1f}", "takeProfit": f"{(last + away) / 10:.1f}"}
        filled += run.post("/v5/order/create", **params, **price, **bracket)["retCode"] == 0
    run.tick(400)
    desk = run.core.desk
    assert desk.oracle.violations(desk.account, desk.orders) == []
    assert filled > 30
    kinds = {done.kind for done in desk.oracle.executions}
    assert kinds == {"", "StopLoss", "TakeProfit"}
    assert desk.oracle.naked_ns_max(run.now) == 0
    assert sum(len(one.frames) for one in run.said if isinstance(one, SocketFrames)) > 100
    assert sum(1 for _ in replay(build(seed), run.entries)) == sum(entry.kind == INPUT for entry in run.entries)
