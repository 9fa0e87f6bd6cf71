"""An account that does not fit is refused before the first order, and nothing about it is changed silently."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import orjson
import pytest

from services.execution.account import key_faults, margin_fault, mode_fault
from services.execution.core import ExecutionCore
from services.execution.wire import Finished, OrderRequest, PriceLimitRequest, Query, Refused, Reply
from shared.messages import Log, Message, Verdict
from tests.services.execution.rig import LIMITS, Rig

KEY = {"readOnly": 0, "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": []}, "ips": ["1.2.3.4"]}
MARGIN = {"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 5}
ONE_WAY = {"list": [{"symbol": "BTCUSDT", "positionIdx": 0}]}


def data(result: Any) -> bytes:
    return orjson.dumps({"retCode": 0, "result": result})


class AccountRig(Rig):
    """A rig whose venue also answers what is asked about the account."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(dataclasses.replace(LIMITS, checks_account=True, real_venue=True))
        self.answers: dict[str, Any] = {"key": KEY, "account": MARGIN, "mode": ONE_WAY, **answers}

    def answer_to(self, query: Query) -> Reply:
        if query.kind not in self.answers:
            return super().answer_to(query)
        answer = self.answers[query.kind]
        if answer is None:
            return Reply(query.request_id, query.kind, "unknown", 0, "ReadTimeout", b"", self.now)
        return Reply(query.request_id, query.kind, "accepted", 0, "", data(answer), self.now)


def said(rig: Rig, event: str) -> list[Message]:
    return [one for one in rig.said if isinstance(one, Log) and one.event == event]


def test_a_sound_account_trades_and_is_looked_at_once() -> None:
    rig = AccountRig().start()
    rig.wish()
    assert rig.last(Verdict).gate == ""
    rig.wait(20_000)
    asked = [query.kind for query in rig.asked]
    assert [asked.count(kind) for kind in ("key", "account", "mode")] == [1, 1, 2]  # A mode for each symbol.
    assert not said(rig, "account.key")


@pytest.mark.parametrize(
    ("kind", "answer", "word"),
    [
        ("key", KEY | {"permissions": {**KEY["permissions"], "Wallet": ["AccountTransfer", "Withdraw"]}}, "withdraw"),  # type: ignore[dict-item]
        ("key", KEY | {"readOnly": 1}, "only read"),
        ("key", KEY | {"permissions": {"ContractTrade": ["Order"]}}, "Position"),
        ("account", MARGIN | {"marginMode": "PORTFOLIO_MARGIN"}, "PORTFOLIO_MARGIN"),
        ("account", MARGIN | {"unifiedMarginStatus": 1}, "unified"),
    ],
)
def test_an_account_that_does_not_fit_ends_the_run_before_any_order(kind: str, answer: Any, word: str) -> None:
    rig = AccountRig(**{kind: answer}).start()
    rig.wait(1_000)
    rig.wish()
    assert rig.last(Verdict).gate == "symbol_tradable"
    assert rig.all(OrderRequest) == []
    (refused,) = rig.all(Refused)
    assert word in refused.reason


def test_a_refused_account_is_left_only_when_nothing_is_open_there() -> None:
    rig = AccountRig(key=None).start()
    rig.core._account._wanted = False  # A position of an earlier life, before the key was changed.
    rig.enter()
    rig.core._account._wanted = True
    rig.answers["key"] = KEY | {"readOnly": 1}
    rig.wait(6_000)
    assert rig.all(Refused) == []
    rig.leave()
    rig.wait(1_000)
    assert len(rig.all(Refused)) == 1
    assert rig.all(Finished) == []


def test_hedge_mode_keeps_a_symbol_out() -> None:
    rig = AccountRig(mode={"list": [{"positionIdx": 1}, {"positionIdx": 2}]}).start()
    rig.wish()
    assert rig.last(Verdict).gate == "symbol_tradable"
    assert "hedge" in said(rig, "account.refused")[0].text  # type: ignore[attr-defined]
    assert rig.all(Refused) == []


def test_without_an_answer_nothing_is_entered_and_it_is_asked_again() -> None:
    rig = AccountRig(key=None).start()
    rig.wish()
    assert rig.last(Verdict).gate == "symbol_tradable"
    rig.answers["key"] = KEY
    rig.wait(5_100)
    rig.wish("abc-0-2")
    assert rig.last(Verdict).gate == ""


@pytest.mark.parametrize(
    ("better", "word"),
    [
        ({"ips": ["*"]}, "address"),
        ({"deadlineDay": 13}, "13 days"),
        ({"permissions": {**KEY["permissions"], "Wallet": ["AccountTransfer"]}}, "AccountTransfer"),  # type: ignore[dict-item]
    ],
)
def test_a_key_that_could_be_better_is_advised_against(better: Any, word: str) -> None:
    rig = AccountRig(key=KEY | better).start()
    assert word in said(rig, "account.key")[0].text  # type: ignore[attr-defined]
    rig.wish()
    assert rig.last(Verdict).gate == ""


@pytest.mark.parametrize("read", [key_faults, margin_fault, mode_fault])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"result":[]}', b'{"result":{}}', b'{"result":{"list":7}}'])
def test_an_answer_of_another_shape_proves_nothing(read: Any, body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(body)


def test_a_symbol_without_a_row_has_no_known_mode() -> None:
    assert mode_fault(data({"list": []}))


def test_demo_trading_is_not_asked_what_it_does_not_answer() -> None:
    rig = AccountRig(key=None)
    limits = dataclasses.replace(rig.core._limits, demo_taker_e8=55_000)
    rig.core = ExecutionCore(limits)
    rig.start().wish()
    assert rig.last(Verdict).gate == ""
    assert not {"key", "fee_rate"} & {query.kind for query in rig.asked}
    assert rig.all(PriceLimitRequest) == []
