"""Every REST endpoint there is: a list of them, and what each answers to a request that makes sense."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.contract.client import LINEAR, SYMBOL, Rest, now_ms, price_text
from tests.exchange_rig import Rig

DOC = Path(__file__).resolve().parents[2] / "docs" / "exchange.md"
LIST, PAGED = ("list",), ("list", "nextPageCursor")
CATEGORISED = ("category", "list", "nextPageCursor")
OF_SYMBOL = {"category": "linear", "symbol": SYMBOL}
NOWHERE = {**LINEAR, "orderId": "nowhere"}


class Named(NamedTuple):
    """One endpoint of the venue's documentation, a request, and the keys of its result or the code of its refusal."""

    method: str
    path: str
    params: Mapping[str, Any] = MappingProxyType({})
    keys: tuple[str, ...] = ()
    code: int = 0


BARS = {**OF_SYMBOL, "interval": "1", "limit": "3"}
MARKET = [
    Named("GET", "/v5/market/time", {}, ("timeSecond", "timeNano")),
    Named("GET", "/v5/market/instruments-info", {"category": "linear"}, CATEGORISED),
    Named("GET", "/v5/market/tickers", {"category": "linear"}, ("category", "list")),
    Named("GET", "/v5/market/orderbook", OF_SYMBOL, ("s", "b", "a", "ts", "u", "seq", "cts")),
    Named("GET", "/v5/market/kline", BARS, ("category", "symbol", "list")),
    Named("GET", "/v5/market/mark-price-kline", BARS, ("category", "symbol", "list")),
    Named("GET", "/v5/market/index-price-kline", BARS, ("category", "symbol", "list")),
    Named("GET", "/v5/market/premium-index-price-kline", BARS, ("category", "symbol", "list")),
    Named("GET", "/v5/market/recent-trade", OF_SYMBOL, ("category", "list")),
    Named("GET", "/v5/market/funding/history", OF_SYMBOL, ("category", "list")),
    Named("GET", "/v5/market/risk-limit", OF_SYMBOL, CATEGORISED),
    Named("GET", "/v5/market/price-limit", OF_SYMBOL, ("symbol", "buyLmt", "sellLmt", "ts")),
    Named(
        "GET", "/v5/market/open-interest", {**OF_SYMBOL, "intervalTime": "5min"},
        ("symbol", "category", "list", "nextPageCursor"),
    ),
    Named("GET", "/v5/market/account-ratio", {**OF_SYMBOL, "period": "5min"}, PAGED),
    Named("GET", "/v5/market/insurance", {"coin": "USDT"}, ("updatedTime", "list")),
    Named("GET", "/v5/system/status", {}, LIST),
]  # fmt: skip
ORDER = [
    Named("POST", "/v5/order/create", {**LINEAR, "side": "Buy", "orderType": "Limit"}, ("orderId", "orderLinkId")),
    Named("POST", "/v5/order/amend", {**NOWHERE, "qty": "0.010"}, code=110001),
    Named("POST", "/v5/order/cancel", NOWHERE, code=110001),
    Named("POST", "/v5/order/cancel-all", LINEAR, ("list", "success")),
    Named("POST", "/v5/order/create-batch", {"category": "linear", "request": [NOWHERE]}, LIST),
    Named("POST", "/v5/order/amend-batch", {"category": "linear", "request": [NOWHERE]}, LIST),
    Named("POST", "/v5/order/cancel-batch", {"category": "linear", "request": [NOWHERE]}, LIST),
    Named("GET", "/v5/order/realtime", OF_SYMBOL, CATEGORISED),
    Named("GET", "/v5/order/history", OF_SYMBOL, CATEGORISED),
    Named("GET", "/v5/execution/list", OF_SYMBOL, CATEGORISED),
    Named("POST", "/v5/order/disconnected-cancel-all", {"product": "DERIVATIVES", "timeWindow": 10}),
]
POSITION = [
    Named("GET", "/v5/position/list", {"category": "linear", "settleCoin": "USDT"}, CATEGORISED),
    Named("GET", "/v5/position/closed-pnl", OF_SYMBOL, CATEGORISED),
    Named("POST", "/v5/position/trading-stop", {**LINEAR, "stopLoss": "1"}, code=10001),
    Named("POST", "/v5/position/set-leverage", {**LINEAR, "buyLeverage": "10", "sellLeverage": "10"}, code=110043),
    Named("POST", "/v5/position/switch-mode", {"category": "linear", "coin": "USDT", "mode": 0}, code=110025),
    Named("POST", "/v5/position/switch-isolated", {**LINEAR, "tradeMode": 1}, code=100028),
]
ACCOUNT = [
    Named("GET", "/v5/account/wallet-balance", {"accountType": "UNIFIED"}, LIST),
    Named(
        "GET", "/v5/account/info", {},
        (
            "marginMode", "updatedTime", "unifiedMarginStatus", "dcpStatus", "timeWindow", "smpGroup",
            "isMasterTrader", "spotHedgingStatus",
        ),
    ),
    Named("GET", "/v5/account/fee-rate", {"category": "linear"}, ("category", "list")),
    Named("GET", "/v5/account/transaction-log", {}, PAGED),
    Named("GET", "/v5/account/user-setting-config", {}, ("lpaSpot", "lpaPerp", "deltaEnable", "smsef", "fmsef")),
    Named("GET", "/v5/account/query-dcp-info", {}, ("dcpInfos",)),
    Named("POST", "/v5/account/set-limit-px-action", {"category": "linear", "modifyEnable": True}),
    Named("POST", "/v5/account/set-margin-mode", {"setMarginMode": "REGULAR_MARGIN"}, ("reasons",)),
    Named("GET", "/v5/asset/coin/query-info", {}, ("rows",)),
]  # fmt: skip
KEY_KEYS = (
    "id", "note", "apiKey", "readOnly", "secret", "permissions", "ips", "type", "deadlineDay", "expiredAt",
    "createdAt", "unified", "uta", "userID", "inviterID", "vipLevel", "mktMakerLevel", "affiliateID", "rsaPublicKey",
    "isMaster", "parentUid", "kycLevel", "kycRegion",
)  # fmt: skip
ALL = [*MARKET, *ORDER, *POSITION, *ACCOUNT, Named("GET", "/v5/user/query-api", {}, KEY_KEYS)]


@pytest.mark.parametrize("named", ALL, ids=lambda named: named.path)
def test_an_endpoint_answers(rest: Rest, named: Named) -> None:
    """v5/market/*, v5/order/*, v5/position/*, v5/account/*, v5/user/*: the envelope, and the keys of the result."""
    params = dict(named.params)
    if named.path == "/v5/order/create":
        params |= {"qty": "0.010", "price": price_text(rest.last() * 0.995)}
    if named in MARKET:
        answer = rest.public(named.path, **params)
    else:
        answer = (rest.get if named.method == "GET" else rest.post)(named.path, **params)
    assert answer.status == 200
    assert list(answer.body) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert (answer.code, abs(answer.body["time"] - now_ms()) < 5_000) == (named.code, True), answer.body
    assert tuple(answer.body["result"]) == (named.keys if not named.code else ())
    if named.path == "/v5/order/create":
        rest.flatten()


def test_the_list_is_whole() -> None:
    """v5/guide: what this exchange serves, the list above and the page of documentation name the same endpoints."""
    served = {(method, path) for method, path in Rig().core._rest._routes}
    assert {(named.method, named.path) for named in ALL} == served
    text = DOC.read_text()
    table = text[text.index("| REST |") : text.index("- **Signatures**")]
    told = set()
    for row in table.splitlines()[2:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) == 2:
            names = re.findall(r"`([^`]+)`", cells[1])
            told |= {name if name.startswith("/v5/") else f"/v5/{cells[0]}/{name}" for name in names}
    assert told == {path for _, path in served}
