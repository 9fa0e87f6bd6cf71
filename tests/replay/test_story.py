"""What journals say of each symbol."""

from math import isnan
from pathlib import Path

import pytest

from replay.story import Chronicle, chronicle, fee_bps, split
from shared.journal import INPUT, OUTPUT, Entry
from shared.layout import Kind, Reason
from shared.messages import BUY, SELL, RoundTrip
from shared.scale import Scale
from tests.replay import journals
from tests.replay.journals import MS, NOW, decision, fill, intent, news, quote, request, ring, traded, verdict, write

SCALE = Scale("0.10", "0.001")


def heard(execution: list[tuple[bytes, int, object]]) -> Chronicle:
    found = Chronicle()
    found.hear("signals", Entry(OUTPUT, NOW, intent()))
    found.hear("signals", Entry(OUTPUT, NOW, decision("enter")))
    for kind, now, message in execution:
        found.hear("execution", Entry(kind, now, message))  # type: ignore[arg-type]
    return found


def test_a_trade_is_told_from_decision_to_exit() -> None:
    trade = heard(list(traded())).of("BTCUSDT").trade
    assert trade is not None
    assert trade.decision is not None
    assert trade.decision.scores == (0.5, 0.0)
    assert [(leg.sent_ns - NOW, leg.mid2_ticks) for leg in trade.legs.values()] == [(MS, 1_200_004)]
    assert [one.price_ticks for one in trade.entries] == [600_003]
    assert [one.price_ticks for one in trade.exits] == [600_050]
    assert trade.trip is not None
    assert trade.trip.reason == "target"


def test_its_cost_is_split_by_cause() -> None:
    trade = heard(list(traded())).of("BTCUSDT").trade
    assert trade is not None
    found, tick_bps = split(trade, SCALE), 10_000 / 600_001
    assert found.delay_bps == pytest.approx(tick_bps)  # The mid rose a tick from 600_001 to 600_002,
    assert found.execution_bps == pytest.approx(tick_bps)  # and the fill was a tick above that.
    assert found.exit_execution_bps == pytest.approx(10_000 / 600_050)
    assert found.entry_fee_bps == pytest.approx(0.33 / 600.003 * 10_000)
    assert found.exit_fee_bps == pytest.approx(0.33 / 600.050 * 10_000)


def test_what_is_not_known_of_a_cost_is_not_a_number() -> None:
    found = Chronicle()
    for kind, now, message in (
        (INPUT, NOW, intent()), (OUTPUT, NOW + MS, request("run-0-1-e")),
        (OUTPUT, NOW + 2 * MS, fill("run-0-1-e", BUY, 600_003)),
    ):  # fmt: skip
        found.hear("execution", Entry(kind, now, message))
    trade = found.of("BTCUSDT").trade
    assert trade is not None
    costs = split(trade, SCALE)
    assert isnan(costs.delay_bps)
    assert isnan(costs.execution_bps)
    assert isnan(costs.exit_fee_bps)
    assert isnan(fee_bps([], SCALE))


def test_a_book_looked_at_long_after_an_order_left_is_not_the_one_it_met() -> None:
    found = heard([
        (INPUT, NOW, quote(600_000, 600_002)), (OUTPUT, NOW + MS, request("run-0-1-e")),
        (INPUT, NOW + 50 * MS, quote(700_000, 700_002)),
    ])  # fmt: skip
    wish = found.of("BTCUSDT").wish
    assert wish is not None
    assert wish.legs["run-0-1-e"].mid2_ticks == 1_200_002


def test_both_legs_of_a_route_belong_to_one_wish() -> None:
    found = heard([
        (OUTPUT, NOW, verdict()),
        (OUTPUT, NOW + MS, request("run-0-1-e", post=True)), (OUTPUT, NOW + MS, news("run-0-1-e", "cancelled")),
        (OUTPUT, NOW + 9 * MS, request("run-0-1-e2")), (OUTPUT, NOW + 9 * MS, fill("run-0-1-e2", BUY, 600_002)),
    ])  # fmt: skip
    wish = found.of("BTCUSDT").wish
    assert wish is not None
    assert [(name, leg.request.post, len(leg.fills)) for name, leg in wish.legs.items()] == [
        ("run-0-1-e", True, 0), ("run-0-1-e2", False, 1),
    ]  # fmt: skip
    assert wish is found.of("BTCUSDT").trade


def test_a_round_trip_of_another_intent_does_not_end_this_trade() -> None:
    other = RoundTrip(1, "BTCUSDT", BUY, 10, 0, 0, 0, 0, NOW, NOW, "time", "elsewhere")
    found = heard([*traded()[:8], (OUTPUT, NOW, other), (OUTPUT, NOW, fill("", SELL, 600_010))])
    trade = found.of("BTCUSDT").trade
    assert trade is not None
    assert trade.trip is None
    assert len(trade.exits) == 1


def test_a_void_book_is_known_by_the_newest_records_of_the_ring(tmp_path: Path) -> None:
    gap = (INPUT, NOW, ring((Kind.BID, NOW, 0), (Kind.GAP, NOW + MS, Reason.SEQUENCE)))
    run_dir = write(tmp_path, [gap], [])
    standing = chronicle(run_dir).of("BTCUSDT")
    assert (standing.void, standing.book_ns) == (Reason.SEQUENCE, NOW)


def test_a_snapshot_makes_it_whole_again(tmp_path: Path) -> None:
    records = ring((Kind.GAP, NOW, Reason.STALE), (Kind.SNAPSHOT, NOW + MS, 7), (Kind.ASK, NOW + 2 * MS, 0))
    standing = chronicle(write(tmp_path, [(INPUT, NOW, records)], [])).of("BTCUSDT")
    assert (standing.void, standing.book_ns) == (0, NOW + 2 * MS)


def test_wishes_are_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.story.WISHES_MAX", 2)
    found = Chronicle()
    for number in range(4):
        found.hear("signals", Entry(OUTPUT, NOW, intent(name=f"run-0-{number}")))
    found.hear("execution", Entry(OUTPUT, NOW, journals.verdict(name="run-0-0")))
    assert len(found._wishes) == 2
    wish = found.of("BTCUSDT").wish
    assert wish is not None
    assert (wish.intent.intent_id, wish.verdict) == ("run-0-3", None)
