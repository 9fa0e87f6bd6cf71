"""Readings and mass cancels are tried again after 2, 4 and 8 s; orders never."""

from __future__ import annotations

import pytest

from services.execution.retries import HELD_MAX, Retries
from services.execution.wire import CancelAllRequest, CancelRequest, Query, Reply, StopRequest
from shared.messages import Message
from tests.services.execution.test_trade_line import ENTER

S = 1_000_000_000
CANCEL_ALL = CancelAllRequest(5)
WALLET = Query(6, "wallet", "", "", "", 0)


def reply(request_id: int, code: int) -> Reply:
    return Reply(request_id, "any", "unknown", code, "", b"", 0)


def tries(retries: Retries, request: Message, code: int) -> list[int]:
    """Return the seconds at which a request leaves again when it always gets this answer."""
    request_id: int = request.request_id  # type: ignore[attr-defined]
    retries.note([request])
    left: list[int] = []
    if not retries.takes(reply(request_id, code), 0):
        return left
    for second in range(1, 60):
        for again in retries.due(second * S):
            assert again == request
            left.append(second)
            retries.note([again])
            if not retries.takes(reply(request_id, code), second * S):
                return left
    return left


@pytest.mark.parametrize("request_", [CANCEL_ALL, WALLET])
@pytest.mark.parametrize("code", [502, 504])
def test_a_gateways_error_is_tried_again_after_2_4_and_8_seconds(request_: Message, code: int) -> None:
    assert tries(Retries(), request_, code) == [2, 6, 14]


@pytest.mark.parametrize("code", [0, 400, 403, 404, 429, 500, 503, 10016, 110001])
def test_our_own_mistakes_and_other_answers_are_not_repeated(code: int) -> None:
    assert tries(Retries(), WALLET, code) == []


@pytest.mark.parametrize("request_", [ENTER, StopRequest(7, "BTCUSDT", "0.10", 1), CancelRequest(8, "BTCUSDT", "a")])
def test_an_order_that_met_a_502_is_never_sent_a_second_time(request_: Message) -> None:
    assert tries(Retries(), request_, 502) == []


def test_what_succeeds_later_is_heard_once_and_forgotten() -> None:
    retries = Retries()
    retries.note([WALLET])
    assert retries.takes(reply(6, 502), 0)
    assert retries.due(2 * S) == [WALLET]
    assert retries.due(3 * S) == []
    assert not retries.takes(reply(6, 0), 3 * S)
    assert not retries.takes(reply(6, 502), 4 * S)


def test_only_so_much_is_remembered() -> None:
    retries = Retries()
    retries.note([Query(number, "wallet", "", "", "", 0) for number in range(HELD_MAX + 5)])
    taken = [retries.takes(reply(number, 502), 0) for number in range(HELD_MAX + 5)]
    assert taken.count(True) == HELD_MAX
