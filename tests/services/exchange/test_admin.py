"""The back door: for this machine only, one line of reason and place for what makes no sense."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from services.exchange.wire import HttpReply
from tests.exchange_rig import Rig


def ask(rig: Rig, method: str, path: str, query: str = "", body: bytes = b"", remote: str = "127.0.0.1") -> HttpReply:
    request = rig.request(method, path, query, body)
    return rig.ask(type(request)(**{f: getattr(request, f) for f in request.__struct_fields__} | {"remote": remote}))


def said(reply: HttpReply) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(reply.body)
    return found


def test_faults_are_set_listed_and_taken_back() -> None:
    rig = Rig()
    reply = ask(rig, "POST", "/admin/faults", body=b"drop p=0.5 for=10s\ngap topic=orderbook.50.*")
    assert [row["fault"] for row in said(reply)["result"]["list"]] == ["drop", "gap"]
    assert [row["number"] for row in said(ask(rig, "GET", "/admin/faults"))["result"]["list"]] == [1, 2]
    assert said(ask(rig, "DELETE", "/admin/faults", "number=1"))["result"] == {"removed": 1}
    assert ask(rig, "DELETE", "/admin/faults", "number=1").status == 404
    assert said(ask(rig, "DELETE", "/admin/faults"))["result"] == {"removed": 1}
    assert said(ask(rig, "GET", "/admin/faults"))["result"]["list"] == []


@pytest.mark.parametrize(
    ("body", "text", "place"),
    [
        (b"drop\nnonsense", "line 2, column 1: unknown fault 'nonsense'", {"line": 2, "column": 1}),
        (b"drop\n ab\xff", "line 2, column 4: not UTF-8", {"line": 2, "column": 4}),
        (b"x" * 70_000, "line 1, column 1: longer than 65536 bytes", {"line": 1, "column": 1}),
        (b"funding symbol=NOPEUSDT", "funding: there is no symbol 'NOPEUSDT'", {}),
    ],
)
def test_a_malformed_command_gets_one_line_with_reason_and_place(body: bytes, text: str, place: dict[str, int]) -> None:
    rig = Rig()
    reply = ask(rig, "POST", "/admin/faults", body=body)
    assert reply.status == 400
    assert b"\n" not in reply.body
    assert said(reply)["retMsg"].startswith(text)
    assert said(reply)["result"] == place
    assert said(ask(rig, "GET", "/admin/faults"))["result"]["list"] == []


@pytest.mark.parametrize("path", ["/admin/faults", "/admin/truth", "/admin/ledger"])
def test_other_machines_are_sent_away(path: str) -> None:
    assert ask(Rig(), "GET", path, remote="192.0.2.7").status == 403


def test_the_truth_about_the_market_is_told_from_a_number_on() -> None:
    rig = Rig()
    assert said(ask(rig, "GET", "/admin/truth", "since=5"))["result"] == {"since": 5}
    assert ask(rig, "GET", "/admin/truth", "since=x").status == 400
    assert ask(rig, "POST", "/admin/truth").status == 400
