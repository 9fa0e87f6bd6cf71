"""The exchange over real sockets: unmodified pybit with only its address changed, and clients that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP

from shared.exits import Exit
from shared.fleet import Word
from tests.exchange_process import Running, config, page_of, running, start, wait_for

SYMBOL = "BTCUSDT"
LINEAR = {"category": "linear", "symbol": SYMBOL}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("exchange"), config()) as found:
        yield found


@pytest.fixture(scope="module")
def client(exchange: Running) -> Iterator[HTTP]:
    client = HTTP(api_key="local", api_secret="local-secret", max_retries=1)
    client.endpoint = exchange.url
    yield client
    client.client.close()


def rows(answer: Any) -> list[dict[str, Any]]:
    assert answer["retCode"] == 0
    found: list[dict[str, Any]] = answer["result"]["list"]
    return found


def ledger(exchange: Running) -> dict[str, Any]:
    with urllib.request.urlopen(f"{exchange.url}/admin/ledger", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)["result"]
    return found


def test_market_data(client: HTTP) -> None:
    assert int(client.get_server_time()["result"]["timeSecond"]) > 1_700_000_000
    instruments = rows(client.get_instruments_info(category="linear"))
    assert {row["symbol"] for row in instruments} == {"BTCUSDT", "ETHUSDT", "SOLUSDT", "SUIUSDT"}
    assert float(rows(client.get_tickers(**LINEAR))[0]["lastPrice"]) > 0
    interest = rows(client.get_open_interest(**LINEAR, intervalTime="5min", limit=3))
    assert [list(row) for row in interest] == [["openInterest", "timestamp"]] * 3
    assert rows(client.get_long_short_ratio(**LINEAR, period="1h", limit=1))
    assert rows(client.get_insurance(coin="USDT"))
    book = client.get_orderbook(**LINEAR, limit=50)["result"]
    assert len(book["b"]) == len(book["a"]) == 50
    assert float(book["b"][0][0]) < float(book["a"][0][0])


def test_account(client: HTTP) -> None:
    assert rows(client.get_wallet_balance(accountType="UNIFIED"))[0]["accountType"] == "UNIFIED"
    assert rows(client.get_fee_rates(**LINEAR))[0]["takerFeeRate"] == "0.00055"
    assert client.get_account_info()["result"]["unifiedMarginStatus"] == 5
    assert client.get_api_key_information()["result"]["uta"] == 1
    assert client.set_limit_price_action(category="linear", modifyEnable=False)["retCode"] == 0


def test_leverage_that_is_already_set_is_an_error_with_its_own_code(client: HTTP) -> None:
    assert client.set_leverage(**LINEAR, buyLeverage="5", sellLeverage="5")["retCode"] == 0
    with pytest.raises(InvalidRequestError) as refused:
        client.set_leverage(**LINEAR, buyLeverage="5", sellLeverage="5")
    assert refused.value.status_code == 110043


def test_a_trade_from_entry_to_exit(client: HTTP, exchange: Running) -> None:
    last = float(rows(client.get_tickers(**LINEAR))[0]["lastPrice"])
    stop, target = round(last * 0.98, 1), round(last * 1.02, 1)
    entry = client.place_order(
        **LINEAR, side="Buy", orderType="Market", qty=0.01, stopLoss=stop, takeProfit=target, tpslMode="Full",
        slTriggerBy="MarkPrice", orderLinkId="trade-entry", positionIdx=0,
    )  # fmt: skip
    order_id = entry["result"]["orderId"]
    position = rows(client.get_positions(**LINEAR))[0]
    assert (position["side"], position["size"]) == ("Buy", "0.010")
    assert float(position["stopLoss"]) == stop
    kinds = {row["stopOrderType"] for row in rows(client.get_open_orders(**LINEAR))}
    assert kinds == {"StopLoss", "TakeProfit"}
    done = rows(client.get_executions(**LINEAR, orderId=order_id))
    assert sum(float(row["execQty"]) for row in done) == pytest.approx(0.01)
    assert rows(client.get_open_orders(**LINEAR, orderLinkId="trade-entry"))[0]["orderStatus"] == "Filled"
    client.set_trading_stop(**LINEAR, positionIdx=0, tpslMode="Full", stopLoss=str(round(last * 0.97, 1)))
    assert float(rows(client.get_positions(**LINEAR))[0]["stopLoss"]) == round(last * 0.97, 1)
    client.place_order(**LINEAR, side="Sell", orderType="Market", qty=0.01, reduceOnly=True)
    assert rows(client.get_positions(**LINEAR))[0]["size"] == "0"
    assert rows(client.get_open_orders(**LINEAR)) == []
    assert {row["orderStatus"] for row in rows(client.get_order_history(**LINEAR))} == {"Filled", "Deactivated"}
    found = ledger(exchange)
    assert found["conserved"]
    assert found["naked"]["naked_ms_max"] == 0


def test_resting_orders_can_be_cancelled_one_by_one_and_all_together(client: HTTP) -> None:
    low = round(float(rows(client.get_tickers(**LINEAR))[0]["lastPrice"]) * 0.9, 1)
    for number in range(3):
        client.place_order(
            **LINEAR, side="Buy", orderType="Limit", qty="0.001", price=low, timeInForce="PostOnly",
            orderLinkId=f"rest-{number}",
        )  # fmt: skip
    assert len(rows(client.get_open_orders(**LINEAR))) == 3
    client.cancel_order(**LINEAR, orderLinkId="rest-0")
    assert len(rows(client.cancel_all_orders(**LINEAR, orderFilter="Order"))) == 2
    assert rows(client.get_open_orders(**LINEAR)) == []
    with pytest.raises(InvalidRequestError) as refused:
        client.cancel_order(**LINEAR, orderLinkId="rest-0")
    assert refused.value.status_code == 110001


def test_a_wrong_secret_gets_nowhere(exchange: Running) -> None:
    stranger = HTTP(api_key="local", api_secret="guess", max_retries=1)
    stranger.endpoint = exchange.url
    with stranger.client, pytest.raises(InvalidRequestError) as refused:
        stranger.get_wallet_balance(accountType="UNIFIED")
    assert refused.value.status_code == 10004


def test_an_unknown_path_is_not_found(client: HTTP, exchange: Running) -> None:
    with pytest.raises(FailedRequestError) as refused:
        client._submit_request(method="GET", path=f"{exchange.url}/v5/nothing", query={})
    assert refused.value.status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /v5/market/time HTTP/1.1\r\nHost: x\r\n\xff\xfe: a\r\n\r\n",
        b"GET /v5/position/list?symbol=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v5/public/linear HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        b"POST /v5/order/create HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{",
        b"GET /v5/market/time?" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_do_not_hurt(client: HTTP, exchange: Running, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", exchange.port), timeout=5) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        answer = line.recv(4096)
    assert b"Traceback" not in answer
    assert client.get_server_time()["retCode"] == 0
    assert exchange.process.is_alive()


def test_a_body_beyond_the_limit_is_refused(exchange: Running) -> None:
    request = urllib.request.Request(f"{exchange.url}/v5/order/create", data=b"x" * 100_000, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)
    assert refused.value.code == 413
    refused.value.close()


def test_both_sockets_speak(client: HTTP, exchange: Running) -> None:
    frames = asyncio.run(_listen(exchange))
    assert frames["public"]["topic"] == f"orderbook.50.{SYMBOL}"
    assert frames["public"]["type"] == "snapshot"
    assert frames["private"]["success"] is False  # Not logged in.
    assert frames["nonsense"]["ret_msg"].startswith("Failed to decode incoming data")


async def _listen(exchange: Running) -> dict[str, dict[str, Any]]:
    base, found = f"ws://127.0.0.1:{exchange.port}/v5", dict[str, dict[str, Any]]()
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{base}/public/linear") as public:
            await public.send_bytes(b"\xff\xfe")
            found["nonsense"] = await public.receive_json(timeout=5)
            await public.send_json({"op": "subscribe", "args": [f"orderbook.50.{SYMBOL}"]})
            assert (await public.receive_json(timeout=5))["success"]
            found["public"] = await public.receive_json(timeout=5)
        async with session.ws_connect(f"{base}/private") as private:
            await private.send_json({"op": "subscribe", "args": ["order"]})
            found["private"] = await private.receive_json(timeout=5)
    return found


def test_a_port_that_is_taken_is_said_with_its_own_code(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(tmp_path, config(port=taken.getsockname()[1]))
        wait_for("end", lambda: not process.is_alive())
    assert process.exitcode == Exit.PORT_IN_USE
    assert "cannot listen on 127.0.0.1" in (tmp_path / "log" / "exchange.jsonl").read_text()


def test_an_exchange_that_is_started_again_listens_where_it_did(tmp_path: Path) -> None:
    with running(tmp_path, config()) as first:
        pass
    second = start(tmp_path, config(), epoch=1)
    try:
        wait_for("answer", lambda: _answers(first.port))
        assert page_of(tmp_path).get(Word.EXCHANGE_PORT) == first.port
    finally:
        second.kill()
        second.join()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v5/market/time", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
