"""Faults over real sockets: what a client sees when a line dies, is cut, or an answer never comes."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.exchange_process import Running, config, running

TOPIC = "orderbook.50.BTCUSDT"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("exchange"), config()) as found:
        yield found


@pytest.fixture(autouse=True)
def clean(exchange: Running) -> Iterator[None]:
    yield
    call(exchange, "DELETE", "/admin/faults")


class Answer(NamedTuple):
    status: int
    kind: str
    body: bytes


def ask(exchange: Running, method: str, path: str, body: str = "") -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", exchange.port, timeout=5)
    try:
        connection.request(method, path, body.encode() or None)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers.get("content-type", ""), answer.read())
    finally:
        connection.close()


def call(exchange: Running, method: str, path: str, body: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(exchange, method, path, body).body)
    return found


def fault(exchange: Running, text: str) -> None:
    assert call(exchange, "POST", "/admin/faults", text)["retCode"] == 0


async def open_line(session: aiohttp.ClientSession, exchange: Running) -> aiohttp.ClientWebSocketResponse:
    line = await session.ws_connect(f"ws://127.0.0.1:{exchange.port}/v5/public/linear", autoping=False)
    await line.send_json({"op": "subscribe", "args": [TOPIC]})
    while True:
        frame = await line.receive_json(timeout=5)
        if frame.get("type") == "snapshot":
            return line


def test_a_request_that_is_never_answered_ends_with_a_cut_line(exchange: Running) -> None:
    fault(exchange, "lose path=/v5/market/time ms=200ms count=1")
    with pytest.raises(ConnectionError):
        call(exchange, "GET", "/v5/market/time")
    assert call(exchange, "GET", "/v5/market/time")["retCode"] == 0


def test_an_error_page_comes_as_the_proxy_sends_it(exchange: Running) -> None:
    fault(exchange, "http status=504 path=/v5/market/time count=1")
    answer = ask(exchange, "GET", "/v5/market/time")
    assert (answer.status, answer.kind) == (504, "text/html")
    assert b"<html>" in answer.body


def test_a_frozen_line_is_open_and_says_nothing_not_even_pongs(exchange: Running) -> None:
    async def look() -> None:
        async with aiohttp.ClientSession() as session:
            line = await open_line(session, exchange)
            fault(exchange, "freeze for=1s")
            while True:
                try:
                    await line.receive(timeout=0.3)
                except TimeoutError:
                    break
            await line.ping()
            with pytest.raises(TimeoutError):
                await line.receive(timeout=0.2)
            assert not line.closed
            assert (await line.receive_json(timeout=5))["topic"] == TOPIC
            await line.ping()
            while (await line.receive(timeout=5)).type is not aiohttp.WSMsgType.PONG:
                pass

    asyncio.run(look())


def test_lines_are_cut_without_a_farewell(exchange: Running) -> None:
    async def look() -> None:
        async with aiohttp.ClientSession() as session:
            line = await open_line(session, exchange)
            fault(exchange, "disconnect")
            while (message := await line.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)
            await open_line(session, exchange)

    asyncio.run(look())


def test_a_restart_of_the_streams_begins_again_with_u_1(exchange: Running) -> None:
    async def look() -> None:
        async with aiohttp.ClientSession() as session:
            line = await open_line(session, exchange)
            fault(exchange, "restart_streams")
            while True:
                frame = await line.receive_json(timeout=5)
                if frame["type"] == "snapshot":
                    break
            assert frame["data"]["u"] == 1
            assert (await line.receive_json(timeout=5))["data"]["u"] == 2

    asyncio.run(look())


def test_a_price_jump_moves_the_market(exchange: Running) -> None:
    def price() -> float:
        rows = call(exchange, "GET", "/v5/market/tickers?category=linear&symbol=ETHUSDT")["result"]["list"]
        return float(rows[0]["lastPrice"])

    before = price()
    fault(exchange, "jump symbol=ETHUSDT percent=2")

    async def look() -> None:
        deadline = asyncio.get_running_loop().time() + 5
        while price() < before * 1.015:
            assert asyncio.get_running_loop().time() < deadline, price()

    asyncio.run(look())


def test_a_malformed_command_is_one_line(exchange: Running) -> None:
    answer = ask(exchange, "POST", "/admin/faults", "drop\nfreeze for=ever")
    assert answer.status == 400
    assert b"\n" not in answer.body
    assert json.loads(answer.body)["retMsg"].startswith("line 2, column 12: 'ever': expected a time")


def test_a_config_with_faults_starts_with_them(tmp_path: Path) -> None:
    with running(tmp_path, config(faults="http status=500 path=/v5/market/time; gap at=1m")) as found:
        assert ask(found, "GET", "/v5/market/time").status == 500
        rows = call(found, "GET", "/admin/faults")["result"]["list"]
        assert [(row["fault"], row["state"], row["applied"]) for row in rows] == [
            ("http", "in force", 1),
            ("gap", "waiting", 0),
        ]
