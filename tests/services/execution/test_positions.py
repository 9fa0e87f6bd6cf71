"""Positions and money come from executions alone, each once, and add up exactly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.execution.positions import EXEC_IDS_MAX, Holding, Ledger, holding_of
from shared.messages import BUY, SELL, Fill, RoundTrip
from shared.scale import Scale

SCALE = Scale("0.10", "0.001")  # A tick of one lot is 10,000 at 1e-8.
DAY = 20_000
MS0 = DAY * 86_400_000


def fill(
    exec_id: str, side: int, price: int, lots: int, fee: int = 0, ms: int = MS0 + 1, symbol: str = "BTCUSDT"
) -> Fill:
    return Fill(exec_id, "id", "link", symbol, side, price, lots, fee, False, ms)


def book(ledger: Ledger, one: Fill, exec_type: str = "Trade", reason: str = "stop") -> RoundTrip | None:
    booked = ledger.book(one, exec_type, SCALE, one.exec_ms * 1_000_000, reason)
    assert booked is not None
    return booked[1]


def test_a_round_trip_nets_everything_that_was_paid() -> None:
    ledger = Ledger()
    assert book(ledger, fill("1", BUY, 600_000, 3, 900)) is None
    assert book(ledger, fill("2", BUY, 600_003, 1, 300)) is None
    assert book(ledger, fill("3", SELL, 600_100, 2, 700)) is None
    trip = book(ledger, fill("4", SELL, 600_200, 2, 600, ms=MS0 + 9), reason="target")
    assert trip is not None
    gain = (2 * 600_100 + 2 * 600_200) - (3 * 600_000 + 600_003)
    assert (trip.net_e8, trip.fees_e8) == (gain * 10_000 - 2_500, 2_500)
    assert (trip.number, trip.side, trip.qty_lots, trip.reason) == (1, BUY, 4, "target")
    assert (trip.entry_e8, trip.exit_e8) == (6_000_007_500_000, 6_001_500_000_000)
    assert (trip.opened_ns, trip.closed_ns) == ((MS0 + 1) * 1_000_000, (MS0 + 9) * 1_000_000)
    held = ledger.holdings["BTCUSDT"]
    assert (held.position_lots, held.entry_e8, held.realised_e8) == (0, 0, trip.net_e8)
    assert ledger.day_realised_e8(MS0) == trip.net_e8


def test_an_execution_is_booked_once() -> None:
    ledger = Ledger()
    book(ledger, fill("1", BUY, 600_000, 3))
    assert ledger.book(fill("1", BUY, 600_000, 3), "Trade", SCALE, 0, "") is None
    assert ledger.lots("BTCUSDT") == 3


def test_funding_and_unknown_kinds_cost_money_and_move_nothing() -> None:
    ledger = Ledger()
    book(ledger, fill("1", SELL, 600_000, 3))
    book(ledger, fill("2", BUY, 0, 3, 500), "Funding")
    book(ledger, fill("3", BUY, 600_000, 3, 1), "SomethingNew")
    assert ledger.lots("BTCUSDT") == -3
    assert ledger.holdings["BTCUSDT"].realised_e8 == -501
    trip = book(ledger, fill("4", BUY, 600_000, 3), "BustTrade")
    assert trip is not None
    assert (trip.side, trip.net_e8, trip.fees_e8) == (SELL, -501, 501)


def test_costs_while_flat_belong_to_no_round_trip() -> None:
    ledger = Ledger()
    book(ledger, fill("1", BUY, 0, 3, 500), "Funding")
    book(ledger, fill("2", BUY, 600_000, 1))
    trip = book(ledger, fill("3", SELL, 600_000, 1))
    assert trip is not None
    assert trip.net_e8 == 0
    assert ledger.holdings["BTCUSDT"].realised_e8 == -500


def test_a_fill_through_zero_ends_one_round_trip_and_begins_another() -> None:
    ledger = Ledger()
    book(ledger, fill("1", BUY, 600_000, 3))
    trip = book(ledger, fill("2", SELL, 600_010, 5))
    assert trip is not None
    assert trip.net_e8 == 3 * 10 * 10_000
    held = ledger.holdings["BTCUSDT"]
    assert (held.position_lots, held.entry_e8, held.trip_side) == (-2, 6_000_100_000_000, SELL)


def test_the_result_of_a_day_ends_with_the_day() -> None:
    ledger = Ledger()
    book(ledger, fill("1", BUY, 600_000, 1, 100))
    book(ledger, fill("2", SELL, 600_000, 1, 50, ms=MS0 + 86_400_000))
    assert ledger.day_realised_e8(MS0 + 86_400_000) == -50
    assert ledger.day_realised_e8(MS0 + 2 * 86_400_000) == 0
    book(ledger, fill("3", BUY, 600_000, 1, 7, ms=MS0 + 5))
    assert ledger.day_realised_e8(MS0 + 86_400_000) == -50


def test_a_holding_comes_back_from_its_row_and_goes_on() -> None:
    ledger, again = Ledger(), Ledger()
    book(ledger, fill("1", BUY, 600_000, 3, 900))
    again.recall(("1",), (ledger.holdings["BTCUSDT"].row(),), 5, DAY, -900)
    assert holding_of(ledger.holdings["BTCUSDT"].row()).row() == again.holdings["BTCUSDT"].row()
    assert again.book(fill("1", BUY, 600_000, 3, 900), "Trade", SCALE, 0, "") is None
    trip = book(again, fill("2", SELL, 600_001, 3, 900))
    assert trip is not None
    assert (trip.number, trip.net_e8) == (6, 3 * 10_000 - 1_800)


def test_executions_older_than_our_memory_are_old_news() -> None:
    ledger = Ledger()
    for number in range(EXEC_IDS_MAX + 2):
        book(ledger, fill(str(number), BUY if number % 2 else SELL, 600_000, 1, ms=MS0 + number))
    assert ledger.known("0", MS0)
    assert ledger.known("never seen", MS0)
    assert not ledger.known("new", MS0 + EXEC_IDS_MAX + 2)


def test_adopting_a_position_changes_no_money() -> None:
    ledger = Ledger()
    book(ledger, fill("1", BUY, 600_000, 3, 900))
    ledger.adopt("BTCUSDT", SCALE, -2, 6_000_050_000_000, 5)
    held = ledger.holdings["BTCUSDT"]
    assert (held.position_lots, held.entry_e8, held.realised_e8) == (-2, 6_000_050_000_000, -900)
    trip = book(ledger, fill("2", BUY, 600_004, 2))
    assert trip is not None
    assert trip.net_e8 == 2 * 1 * 10_000
    ledger.adopt("BTCUSDT", SCALE, 0, 0, 6)
    assert ledger.holdings["BTCUSDT"].realised_e8 == -900 + 20_000


FILLS = st.lists(
    st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 10**7), st.integers(1, 10**6), st.integers(-(10**6), 10**6)),
    max_size=30,
)


@given(FILLS)
def test_position_and_money_are_the_sums_of_the_executions(rows: list[tuple[int, int, int, int]]) -> None:
    ledger, net_e8 = Ledger(), 0
    for number, (side, price, lots, fee) in enumerate(rows):
        trip = book(ledger, fill(str(number), side, price, lots, fee, ms=MS0 + number))
        net_e8 += trip.net_e8 if trip else 0
    held = ledger.holdings.get("BTCUSDT")
    assert ledger.lots("BTCUSDT") == sum(side * lots for side, _, lots, _ in rows)
    cash_e8 = -sum(side * price * lots * 10_000 + fee for side, price, lots, fee in rows)
    if held is not None:
        assert held.cash_e8 == cash_e8
        assert held.cash_e8 == net_e8 + held.trip_cash_e8
        if not held.position_lots:
            assert held.realised_e8 == net_e8
            assert ledger.day_realised_e8(MS0) == net_e8


def test_what_is_taken_over_has_changed_no_later_than_the_last_execution() -> None:
    ledger = Ledger()
    row = Holding("BTCUSDT", Scale("0.10", "0.001"), position_lots=8).row()
    ledger.recall((), (row,), 0, 0, 0, 1_790_000_000_123)
    assert ledger.holdings["BTCUSDT"].changed_ns == 1_790_000_000_123_000_000
