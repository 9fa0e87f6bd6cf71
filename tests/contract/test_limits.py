"""Rate limits: headers, counters, 10006 and 403."""

from __future__ import annotations

import json
import time

import pytest

from tests.contract.client import LINEAR, TOO_MANY, Rest, now_ms, price_text, until

LIMITS = [
    ("GET", "/v5/order/realtime", 50),
    ("GET", "/v5/order/history", 50),
    ("GET", "/v5/execution/list", 50),
    ("GET", "/v5/position/list", 50),
    ("GET", "/v5/position/closed-pnl", 50),
    ("GET", "/v5/account/wallet-balance", 50),
    ("GET", "/v5/account/info", 50),
    ("GET", "/v5/account/fee-rate", 5),
    ("GET", "/v5/account/transaction-log", 25),
    ("GET", "/v5/user/query-api", 10),
    ("POST", "/v5/order/create", 10),
    ("POST", "/v5/order/amend", 10),
    ("POST", "/v5/order/cancel", 10),
    ("POST", "/v5/order/cancel-all", 10),
    ("POST", "/v5/order/create-batch", 10),
    ("POST", "/v5/order/amend-batch", 10),
    ("POST", "/v5/order/cancel-batch", 10),
    ("POST", "/v5/position/set-leverage", 10),
    ("POST", "/v5/position/switch-mode", 10),
    ("POST", "/v5/position/trading-stop", 10),
    ("POST", "/v5/account/set-limit-px-action", 10),
    ("POST", "/v5/order/disconnected-cancel-all", 5),
    ("GET", "/v5/account/query-dcp-info", 5),
    ("GET", "/v5/account/user-setting-config", 50),
]
BODY = json.dumps({"category": "linear"}).encode()


@pytest.mark.parametrize(("method", "path", "limit"), LIMITS, ids=lambda value: str(value))
def test_limit_headers(rest: Rest, method: str, path: str, limit: int) -> None:
    """v5/rate-limit: X-Bapi-Limit, -Status and -Reset-Timestamp, which is about now while there is room."""
    query, body = ("category=linear&settleCoin=USDT", b"") if method == "GET" else ("", BODY)
    answer = rest.signed(method, path, query, body)
    assert answer.status == 200
    assert answer.headers["x-bapi-limit"] == str(limit)
    assert 0 <= int(answer.headers["x-bapi-limit-status"]) < limit
    assert abs(int(answer.headers["x-bapi-limit-reset-timestamp"]) - now_ms()) < 1_000


def test_one_too_many_is_10006_with_a_reset_in_the_future(rest: Rest) -> None:
    """v5/rate-limit: Too many visits!; pybit sleeps until the reset and cannot sleep backwards."""
    answers = [rest.signed("POST", "/v5/order/cancel", body=BODY) for _ in range(14)]
    refused = [answer for answer in answers if answer.code == TOO_MANY]
    assert len(refused) >= 4
    assert all(answer.text.startswith("Too many visits!") for answer in refused)
    assert all(answer.status == 200 for answer in refused)
    assert all(answer.headers["x-bapi-limit-status"] == "0" for answer in refused)
    for answer in refused:
        assert int(answer.headers["x-bapi-limit-reset-timestamp"]) > answer.body["time"]


def test_the_window_rolls(rest: Rest) -> None:
    """v5/rate-limit: a second later there is room again."""
    until("refusal", lambda: rest.signed("POST", "/v5/order/cancel-all", body=BODY).code == TOO_MANY)
    until("room", lambda: rest.signed("POST", "/v5/order/cancel-all", body=BODY).code != TOO_MANY)


def test_remaining_counts_down(rest: Rest) -> None:
    """v5/rate-limit: X-Bapi-Limit-Status is what is left."""
    first = rest.room("/v5/order/amend", 8)
    answers = [rest.signed("POST", "/v5/order/amend", body=BODY) for _ in range(5)]
    left = [int(answer.headers["x-bapi-limit-status"]) for answer in answers]
    assert left == [first - number for number in range(1, 6)]


def test_create_amend_and_cancel_have_counters_of_their_own(rest: Rest) -> None:
    """v5/rate-limit: separate for each endpoint."""
    until("refusal", lambda: rest.signed("POST", "/v5/order/amend", body=BODY).code == TOO_MANY)
    assert rest.signed("POST", "/v5/order/create", body=BODY).code != TOO_MANY


def test_a_batch_that_runs_out_of_budget_fails_from_there_on(flat: Rest) -> None:
    """v5/rate-limit: a unit for each order; the first succeed and the rest fail one by one."""
    price = price_text(flat.last() * 0.995)
    orders = [{**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": price} for _ in range(8)]
    body = json.dumps({"category": "linear", "request": orders}).encode()
    flat.room("/v5/order/create-batch", 9)
    first, second = [flat.signed("POST", "/v5/order/create-batch", body=body) for _ in range(2)]
    assert [row["code"] for row in first.body["retExtInfo"]["list"]] == [0] * 8
    left = int(first.headers["x-bapi-limit-status"])
    assert 1 <= left <= 2
    assert second.code == 0
    assert [row["code"] for row in second.body["retExtInfo"]["list"]] == [0] * left + [TOO_MANY] * (8 - left)
    assert [bool(row["orderId"]) for row in second.result["list"]] == [True] * left + [False] * (8 - left)


def test_market_data_has_no_limit_but_the_addresss(rest: Rest) -> None:
    """v5/rate-limit: public endpoints have no headers of a limit."""
    answers = [rest.public("/v5/market/time") for _ in range(60)]
    assert all(answer.code == 0 for answer in answers)
    assert "x-bapi-limit" not in answers[0].headers


def test_600_requests_in_5_s_ban_the_address(exchange_alone: Rest) -> None:
    """v5/rate-limit: 403 `access too frequent` for whoever asks more; the ban outlasts the 5 s."""
    started = time.monotonic()
    answers = [exchange_alone.public("/v5/market/time").status for _ in range(640)]
    assert time.monotonic() - started < 5
    assert answers[:590] == [200] * 590  # A few were spent on finding out that it is open.
    assert set(answers[600:]) == {403}
