"""Budgets of endpoints, whichever door a request comes through."""

from __future__ import annotations

from typing import Any

from services.exchange.acceptance import RefusedError
from services.exchange.auth import Refusal
from services.exchange.endpoints import Endpoints, Route, Row, too_many

MS = 1_000_000


def say(params: dict[str, Any], now: int) -> dict[str, Any]:
    if "bad" in params:
        raise RefusedError(Refusal(110001, "no"))
    return {"said": now}


def row(params: dict[str, Any], now: int, refusal: Refusal | None) -> Row:
    return Row({"n": params["n"]}, *(refusal[:2] if refusal else ()))


ENDPOINTS = {"/a": Route(say, 2), "/free": Route(say), "/batch": Route(None, 3, row)}


def test_a_public_endpoint_has_no_budget() -> None:
    endpoints = Endpoints(ENDPOINTS)
    assert [endpoints.call("/free", {}, 0).headers for _ in range(5)] == [()] * 5


def test_a_refusal_keeps_its_code_and_costs_a_unit() -> None:
    endpoints = Endpoints(ENDPOINTS)
    done = [endpoints.call("/a", {"bad": 1}, 0), endpoints.call("/a", {}, MS), endpoints.call("/a", {}, 2 * MS)]
    assert [one.code for one in done] == [110001, 0, 10006]
    assert [dict(one.headers)["X-Bapi-Limit-Status"] for one in done] == ["1", "0", "0"]
    assert done[2].text == too_many("/a").text
    assert endpoints.call("/a", {}, 1_000 * MS).result == {"said": 1_000 * MS}


def test_rows_beyond_the_budget_fail_one_by_one() -> None:
    done = Endpoints(ENDPOINTS).call("/batch", {"category": "linear", "request": [{"n": n} for n in range(5)]}, 0)
    assert [one["code"] for one in done.ext["list"]] == [0, 0, 0, 10006, 10006]
    assert [one["n"] for one in done.result["list"]] == list(range(5))
