"""Headers are believed when they make sense, and an answer is the same whichever way it came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution.answers import UNTOLD, Allowance, Answer, allowance_of, not_sent, reply_to, trade_answer
from services.execution.wire import CancelRequest

CANCEL = CancelRequest(7, "BTCUSDT", "abc-e")


def test_headers_tell_the_budget() -> None:
    headers = {"X-Bapi-Limit": "20", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": "1790000000301"}
    assert allowance_of(headers) == Allowance(20, 0, 1_790_000_000_301)


@pytest.mark.parametrize("headers", [None, {}, {"X-Bapi-Limit": "many", "X-Bapi-Limit-Status": "-3"}, {"Timenow": "5"}])
def test_headers_without_sense_tell_nothing(headers: dict[str, str] | None) -> None:
    assert allowance_of(headers) == UNTOLD


def test_a_reply_names_the_request_and_cuts_long_texts() -> None:
    reply = reply_to(CANCEL, Answer("unknown", 10016, "x" * 1_000), 5)
    assert (reply.request_id, reply.kind, len(reply.text), reply.at_ns) == (7, "CancelRequest", 300, 5)
    assert not_sent(CANCEL, "why", 5).outcome == "rejected"


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.sampled_from(["reqId", "retCode", "retMsg", "data", "header", "op"]), JSON))
def test_no_frame_of_the_socket_breaks_anything_and_only_zero_is_success(frame: dict[str, Any]) -> None:
    _, answer = trade_answer(frame)
    code = frame.get("retCode")
    if answer.outcome == "accepted":
        assert code == 110072 or (code == 0 and not isinstance(code, bool))
