"""The record of deeds: complete, numbered, bounded."""

from __future__ import annotations

from services.exchange.truth import AWAITED_MAX, DEEDS_KEPT, EVENT, Deed, Truth


def deed_of(form: str = "several") -> Deed:
    return Deed("sweep", form, EVENT, "BTCUSDT", 1, 5)


def test_a_deed_is_told_when_it_is_over_and_names_its_trades() -> None:
    truth, deed = Truth(), deed_of()
    truth.await_trade(deed, -7)
    for price in (12, 10, 11):
        deed.spans(price)
    deed.lots.append(30)
    deed.details["levels"] = 3
    assert truth.since(0) == {"next": 0, "forgotten": 0, "list": []}
    truth.tell(deed, 9)
    for seq in (100, 101):  # The same taker's second match has the same name.
        truth.traded("BTCUSDT", -7, seq)
    truth.traded("ETHUSDT", -7, 102)
    answer = truth.since(0)
    assert answer["next"] == 1
    assert answer["list"] == [
        {
            "number": 1, "kind": "sweep", "form": "several", "label": "event", "symbol": "BTCUSDT", "side": 1,
            "low_ticks": 10, "high_ticks": 12, "lots": [30], "start_ns": 5, "end_ns": 9, "seqs": [100], "levels": 3,
        }
    ]  # fmt: skip
    assert truth.since(1)["list"] == []


def test_old_deeds_are_forgotten_and_counted() -> None:
    truth = Truth()
    for _ in range(DEEDS_KEPT + 3):
        truth.tell(deed_of(), 9)
    answer = truth.since(DEEDS_KEPT)
    assert (answer["next"], answer["forgotten"], len(answer["list"])) == (DEEDS_KEPT + 3, 3, 3)


def test_trades_that_are_never_shown_are_not_awaited_for_ever() -> None:
    truth, first, last = Truth(), deed_of(), deed_of()
    truth.await_trade(first, -1)
    for number in range(AWAITED_MAX):
        truth.await_trade(last, -3 - number)
    truth.traded("BTCUSDT", -1, 50)
    truth.traded("BTCUSDT", -3, 51)
    assert (first.seqs, last.seqs) == ([], [51])
