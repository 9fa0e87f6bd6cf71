"""Requests are carried out once, each lane by itself, and every one is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import requests
from msgspec.structs import replace
from pybit.exceptions import FailedRequestError, InvalidRequestError

from services.execution import rest
from services.execution.answers import not_sent
from services.execution.calls import EXIT, LANES, READ, call_of
from services.execution.wire import OrderRequest, PriceLimitRequest, Query, Reply
from shared.config import Credentials
from shared.fleet import Histogram

DEADLINE_S = 5.0
ENTER = OrderRequest(1, "abc-e", "BTCUSDT", "0.10", "0.001", 1, 8, 600_004, 597_000, 606_000, False, 1_000, 9_000)
LEAVE = replace(
    ENTER, request_id=2, order_link_id="r-0-t1", price_ticks=0, reduce_only=True, decided_ns=0, expires_ns=0
)
OK = {"retCode": 0, "retMsg": "OK", "result": {"orderId": "id"}, "time": 5}


class FakeSession:
    """A REST client whose every call does the same."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.client = self
        self.closed = threading.Event()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**params: Any) -> Any:
            self.calls.append((name, params))
            return self._answer()

        return call

    def close(self) -> None:
        self.closed.set()


class FakeSessions:
    def __init__(self, *sessions: FakeSession) -> None:
        self._sessions = list(sessions)

    def make(self) -> FakeSession:
        return self._sessions.pop(0)


class Clock:
    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now


def fail(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


HEADERS = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "3", "X-Bapi-Limit-Reset-Timestamp": "99"}


def refused(code: int) -> Exception:
    return InvalidRequestError("POST x", "no", code, "12:00:00", HEADERS)


def failed(status: int) -> Exception:
    return FailedRequestError("POST x", "no", status, "12:00:00", {})


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (lambda: OK, "accepted", 0),
        (fail(refused(110007)), "rejected", 110007),
        (fail(refused(110072)), "accepted", 110072),
        (fail(refused(10016)), "unknown", 10016),
        (fail(refused(110001)), "already_done", 110001),
        (fail(failed(403)), "rejected", 403),
        (fail(failed(504)), "unknown", 504),
        (fail(failed(409)), "unknown", 409),
        (fail(requests.ReadTimeout()), "unknown", 0),
        (fail(requests.ConnectionError()), "unknown", 0),
        (fail(requests.exceptions.ChunkedEncodingError()), "unknown", 0),
        (fail(ConnectionResetError()), "unknown", 0),
        (fail(KeyError("retMsg")), "unknown", 0),
        (lambda: {}, "unknown", 0),
        (lambda: [], "unknown", 0),
    ],
)
def test_whatever_happens_has_an_outcome(answer: Callable[[], Any], outcome: str, code: int) -> None:
    session = FakeSession(answer)
    found = rest.ask(session, call_of(LEAVE))  # type: ignore[arg-type]
    assert found[:2] == (outcome, code)
    assert len(session.calls) == 1
    assert (orjson.loads(found[3]) == OK) if found[3] else outcome != "accepted" or code


@pytest.mark.parametrize("answer", [lambda: (OK, 0.1, HEADERS), fail(refused(10006))])
def test_the_headers_of_answers_and_refusals_tell_what_is_left(answer: Callable[[], Any]) -> None:
    assert rest.ask(FakeSession(answer), call_of(LEAVE)).allowance == (10, 3, 99)  # type: ignore[arg-type]


class Lanes:
    """The lanes over fake sessions, and what came back."""

    def __init__(self, now: int = 5_000, **answers: Callable[[], Any]) -> None:
        assert answers.keys() <= set(LANES)
        self.sessions = [FakeSession(answers.get(name, ok)) for name in LANES]
        self.replies: list[Reply] = []
        self.histogram = Histogram()
        sessions: Any = FakeSessions(*self.sessions)
        self.rest = rest.Rest(sessions, Clock(now), self.replies.append, self.histogram)

    def send(self, request: Any) -> bool:
        return self.rest.send(request, call_of(request))

    def wait(self, count: int) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while len(self.replies) < count:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def close(self) -> None:
        self.rest.close()
        for session in self.sessions:
            assert session.closed.wait(DEADLINE_S)


def ok() -> Any:
    return OK


def test_an_exit_never_waits_behind_an_entry_or_a_reading() -> None:
    release = threading.Event()

    def hang() -> Any:
        release.wait(DEADLINE_S)
        return OK

    lanes = Lanes(entry=hang, read=hang)
    assert lanes.send(ENTER)
    assert lanes.send(Query(3, "wallet", "", "", "", 0))
    assert lanes.send(LEAVE)
    lanes.wait(1)
    assert lanes.replies[0].request_id == 2
    release.set()
    lanes.wait(3)
    lanes.close()
    assert {reply.kind for reply in lanes.replies} == {"OrderRequest", "wallet"}


def test_an_entry_that_waited_too_long_in_its_lane_is_not_sent() -> None:
    lanes = Lanes(now=9_001)
    lanes.send(ENTER)
    lanes.wait(1)
    lanes.close()
    assert (lanes.replies[0].outcome, lanes.sessions[0].calls) == ("rejected", [])


def test_the_way_from_decision_to_request_is_measured_for_entries_only() -> None:
    lanes = Lanes()
    lanes.send(ENTER)
    lanes.send(LEAVE)
    lanes.wait(2)
    lanes.close()
    assert lanes.histogram.count == 1
    assert 3_800 < lanes.histogram.quantile_ns(0.5) < 4_300


def test_a_full_lane_refuses_and_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "QUEUED_MAX", 1)
    release = threading.Event()

    def hang() -> Any:
        release.wait(DEADLINE_S)
        return OK

    lanes = Lanes(entry=hang)
    sent = [lanes.send(ENTER) for _ in range(5)]
    assert sent[0]
    assert not all(sent)
    release.set()
    lanes.wait(sum(sent))
    lanes.close()
    assert not_sent(PriceLimitRequest(4), "full", 7) == Reply(4, "PriceLimitRequest", "rejected", 0, "full", b"", 7)


def test_sessions_neither_retry_nor_use_a_proxy() -> None:
    session = rest.Sessions(
        "http://127.0.0.1:1", Credentials("k", "s"), lambda: 77, timeout_s=0.5, recv_window_ms=2_500
    ).make()
    assert (session.endpoint, session.max_retries, session.timeout) == ("http://127.0.0.1:1", 1, 0.5)
    assert session.retry_codes == {0}
    assert not session.force_retry
    assert not session.client.trust_env
    assert session.return_response_headers
    assert session._prepare_headers("", 2_500)["X-BAPI-TIMESTAMP"] == "77"
    session.client.close()


def test_shut_out_by_the_venue_nothing_is_read_but_exits_are_tried() -> None:
    lanes = Lanes(read=fail(failed(403)))
    lanes.send(Query(3, "wallet", "", "", "", 0))
    lanes.wait(1)
    lanes.send(Query(4, "wallet", "", "", "", 0))
    lanes.send(ENTER)
    lanes.send(LEAVE)
    lanes.wait(4)
    lanes.close()
    said = {reply.request_id: (reply.outcome, reply.code) for reply in lanes.replies}
    assert said == {3: ("rejected", 403), 4: ("rejected", 403), 1: ("rejected", 403), 2: ("accepted", 0)}
    calls = dict(zip(LANES, (len(session.calls) for session in lanes.sessions), strict=True))
    assert calls == dict.fromkeys(LANES, 0) | {EXIT: 1, READ: 1}


def test_a_shutout_lasts_ten_minutes() -> None:
    shutout = rest.Shutout()
    shutout.hear(502, 0)
    assert not shutout.lasts(1)
    shutout.hear(403, 0)
    assert shutout.lasts(600 * 1_000_000_000 - 1)
    assert not shutout.lasts(600 * 1_000_000_000)
