"""The venue's word about its own maintenance."""

from __future__ import annotations

from typing import Any

from services.exchange.sockets import STATUS_PATH
from services.exchange.wire import SocketClose, SocketOpened
from tests.exchange_rig import MS, Rig

KEYS = [
    "id", "title", "state", "begin", "end", "href", "serviceTypes", "product", "uidSuffix", "maintainType", "env",
]  # fmt: skip


def listener(rig: Rig) -> int:
    line = 77
    rig.take(rig.core.on_socket_opened(SocketOpened(line, STATUS_PATH), rig.now))
    rig.sent[line] = []
    assert rig.say(line, {"req_id": 1, "op": "subscribe", "args": ["system.status"]})["success"]
    rig.sent[line].clear()
    return line


def rows(rig: Rig, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rig.get("/v5/system/status", **params)["result"]["list"]
    return found


def test_a_planned_maintenance_is_announced_lasts_and_is_over() -> None:
    rig = Rig()
    line, private = listener(rig), rig.private("order")
    assert rows(rig) == []
    begin = rig.now // MS + 300
    rig.fault("maintenance at=300ms for=200ms")
    rig.tick(2)
    [row] = rows(rig)
    assert list(row) == KEYS
    assert (row["state"], int(row["end"]) - int(row["begin"]), row["maintainType"]) == ("scheduled", 200, 1)
    assert abs(int(row["begin"]) - begin) < 5
    rig.tick(320)
    assert rows(rig, state="ongoing")[0]["id"] == row["id"]
    assert rig.get("/v5/market/time")["retCode"] == 10016
    assert [one.connection for one in rig.others if isinstance(one, SocketClose)] == [private]
    rig.tick(220)
    assert rows(rig, id=row["id"])[0]["state"] == "completed"
    assert rig.get("/v5/market/time")["retCode"] == 0
    told = [one["state"] for frame in rig.sent[line] for one in frame["data"]]
    assert told == ["scheduled", "ongoing", "completed"]
    assert [list(frame) for frame in rig.sent[line]] == [["topic", "ts", "data"]] * 3


def test_one_that_is_taken_back_is_canceled_or_completed_there_and_then() -> None:
    rig = Rig()
    line = listener(rig)
    rig.fault("maintenance at=10m")
    rig.tick(2)
    assert rig.ask(rig.request("DELETE", "/admin/faults")).status == 200
    rig.tick(2)
    rig.fault("maintenance")
    rig.tick(2)
    assert rig.ask(rig.request("DELETE", "/admin/faults")).status == 200
    rig.tick(2)
    assert [one["state"] for frame in rig.sent[line] for one in frame["data"]] == [
        "scheduled", "canceled", "ongoing", "completed",
    ]  # fmt: skip
    newest, oldest = rows(rig)
    assert (oldest["state"], oldest["maintainType"]) == ("canceled", 1)
    assert (newest["title"], newest["maintainType"]) == ("Temporary maintenance", 2)
    assert int(newest["end"]) <= rig.now // MS


def test_the_status_socket_has_this_topic_only_and_answers_as_the_public_one() -> None:
    rig = Rig()
    line = listener(rig)
    assert rig.say(line, {"op": "ping", "req_id": "p"})["ret_msg"] == "pong"
    refused = rig.say(line, {"op": "subscribe", "args": ["tickers.BTCUSDT"]})
    assert refused["ret_msg"] == "error:handler not found,topic:tickers.BTCUSDT"
    assert rig.say(line, {"op": "unsubscribe", "args": ["system.status"]})["success"]
    rig.fault("maintenance for=10ms")
    rig.tick(20)
    assert [frame for frame in rig.sent[line] if "topic" in frame] == []
    public = rig.connect()
    assert not rig.say(public, {"op": "subscribe", "args": ["system.status"]})["success"]


def test_whoever_comes_during_a_maintenance_may_hear_of_it() -> None:
    rig = Rig()
    rig.fault("maintenance for=100ms")
    rig.tick(2)
    line = listener(rig)
    rig.tick(150)
    assert [one["state"] for frame in rig.sent[line] for one in frame["data"]] == ["completed"]


def test_the_records_are_bounded() -> None:
    rig = Rig()
    for number in range(110):
        rig.fault(f"maintenance at={number + 1}m")
    rig.tick(2)
    assert len(rows(rig)) == 100
