"""Nothing is traded before the venue knows our leverage, and we know its fees."""

from __future__ import annotations

from services.execution.wire import LeverageRequest, PriceLimitRequest, Reply
from shared.messages import ExecutionState, Universe, Verdict
from tests.services.execution.rig import BTC, ETH, FUNDING_NS, MS, Rig, S


def test_each_new_symbol_is_prepared_once() -> None:
    rig = Rig().start()
    rig.feed(Universe(1, (BTC, ETH), (2.0, 1.0)))
    rig.wait(10_000)
    assert [request.symbol for request in rig.all(LeverageRequest)] == ["BTCUSDT", "ETHUSDT"]
    assert len(rig.all(PriceLimitRequest)) == 1


def test_a_fee_that_is_not_known_refuses_the_intent_and_is_asked_for_again() -> None:
    rig = Rig()
    rig.silent = {"fee_rate"}
    rig.start().wish()
    assert rig.last(Verdict).gate == "bracket_pays_fees"
    rig.silent = set()
    rig.wait(5_100)
    rig.wish("abc-0-2")
    assert rig.last(Verdict).gate == ""


def test_leverage_that_is_refused_keeps_the_symbol_out() -> None:
    rig = Rig()
    usual = rig.reply
    rig.reply = lambda request, *rest: usual(request, *(rest or ("rejected", 110013, "risk limit")))  # type: ignore[method-assign]
    rig.start().wish()
    assert rig.last(Verdict).gate == "symbol_tradable"


def test_leverage_that_was_set_already_is_fine() -> None:
    rig = Rig()
    usual = rig.reply
    rig.reply = lambda request, *rest: usual(request, *(rest or ("already_done", 110043, "not modified")))  # type: ignore[method-assign]
    rig.start().wish()
    assert rig.last(Verdict).gate == ""


def test_a_symbol_that_left_the_universe_takes_no_intents_but_keeps_its_position() -> None:
    rig = Rig().start()
    rig.enter()
    rig.feed(Universe(2, (ETH,), (1.0,)))
    rig.wait(1_000)
    assert rig.last(ExecutionState).open_symbols == ("BTCUSDT",)
    rig.leave()
    rig.feed(Universe(3, (), ()))
    rig.wish("abc-0-2")
    assert rig.last(Verdict).gate == "symbol_tradable"


def test_an_answer_to_nobody_is_ignored() -> None:
    rig = Rig().start()
    assert rig.feed(Reply(99_999, "fee_rate", "accepted", 0, "", b"{}", rig.now)) == []


def test_when_funding_is_next_is_asked_of_the_venue_and_asked_again() -> None:
    rig = Rig().start()
    assert [query.symbol for query in rig.asked if query.kind == "ticker"] == ["BTCUSDT", "ETHUSDT"]
    assert rig.core._desk.next_funding_ns == {"BTCUSDT": FUNDING_NS, "ETHUSDT": FUNDING_NS}
    moved = FUNDING_NS - 3_600 * S
    rig.lists["ticker"] = [{"symbol": "BTCUSDT", "nextFundingTime": str(moved // MS)}]
    rig.wait(301_000)
    assert rig.core._desk.next_funding_ns["BTCUSDT"] == moved


def test_without_a_word_on_funding_nothing_is_entered() -> None:
    rig = Rig()
    rig.silent = {"ticker"}
    rig.start().wish()
    assert rig.last(Verdict).gate == "funding_far"
    rig.silent = set()
    rig.wait(5_100)
    rig.wish("abc-0-2")
    assert rig.last(Verdict).gate == ""
