"""Real clients, unmodified: only their addresses are changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pybit._websocket_trading
import pybit.unified_trading
from pybit.unified_trading import HTTP

from tests.contract.client import KEY, SECRET

CATEGORIES = ("spot", "linear", "inverse", "option")


def pybit_http(port: int, **options: Any) -> HTTP:
    """Return pybit's REST client; close its ``client`` afterwards."""
    client = HTTP(api_key=KEY, api_secret=SECRET, **options)
    client.endpoint = f"http://127.0.0.1:{port}"
    return client


@contextmanager
def pybit_sockets(port: int) -> Iterator[None]:
    """Point pybit's three sockets at the exchange while inside."""
    unified, trading = pybit.unified_trading, pybit._websocket_trading
    before = unified.PUBLIC_WSS, unified.PRIVATE_WSS, trading.TRADE_WSS
    base = f"ws://127.0.0.1:{port}/v5"
    unified.PUBLIC_WSS = base + "/public/{CHANNEL_TYPE}"
    unified.PRIVATE_WSS, trading.TRADE_WSS = f"{base}/private", f"{base}/trade"
    try:
        yield
    finally:
        unified.PUBLIC_WSS, unified.PRIVATE_WSS, trading.TRADE_WSS = before


def point_ccxt(client: Any, port: int) -> None:
    """Point a ccxt exchange, REST or pro, at the exchange."""
    http, base = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/v5"
    for name in ("spot", "futures", "v2", "public", "private"):
        client.urls["api"][name] = http
    private = {"spot": {"unified": f"{base}/private", "nonUnified": f"{base}/private"}}
    client.urls["api"]["ws"] = {
        "public": {name: f"{base}/public/{name}" for name in CATEGORIES},
        "private": {**private, "contract": f"{base}/private", "usdc": f"{base}/private", "trade": f"{base}/trade"},
    }


def ccxt_options() -> dict[str, Any]:
    """Return the constructor's argument: a key, and swaps only."""
    return {
        "apiKey": KEY,
        "secret": SECRET,
        "enableRateLimit": False,
        "options": {"defaultType": "swap", "fetchMarkets": {"types": ["linear"]}},
    }
