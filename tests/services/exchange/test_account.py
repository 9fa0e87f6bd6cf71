"""Wallet and positions: worked examples, and conservation over anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.account import (
    Account,
    Money,
    Position,
    divide,
    opening_margin_e8,
    position_margin_e8,
    position_tier,
    unrealised_e8,
)
from shared.messages import BUY, SELL, Instrument
from shared.scale import E8

MONEY = Money(Instrument("BTCUSDT", "0.10", "0.001", 1, 10**6, 10**6, 5 * E8, 480, 10_000, "Trading"))


def fill(account: Account, side: int, lots: int, price_ticks: int, is_maker: bool = False) -> None:
    account.execute("BTCUSDT", side, lots, MONEY.scale.value_e8(price_ticks, lots), is_maker, 1_000)


@pytest.mark.parametrize(
    ("value", "by", "result"), [(5, 2, 3), (-5, 2, -3), (4, 2, 2), (1, 3, 0), (2, 3, 1), (0, 7, 0)]
)
def test_division_rounds_to_the_nearest(value: int, by: int, result: int) -> None:
    assert divide(value, by) == result


def test_a_taker_round_trip_costs_both_fees() -> None:
    account = Account(1_000 * E8, 20_000, 55_000)
    fill(account, BUY, 10, 600_000)  # 0.010 BTC at 60,000.0: 600 USDT, fee 0.33
    assert account.wallet_e8 == 1_000 * E8 - 33_000_000
    fill(account, SELL, 10, 601_000)  # 601 USDT, fee 0.33055
    assert account.wallet_e8 == 1_000 * E8 + 1 * E8 - 33_000_000 - 33_055_000
    assert (account.realised_e8, account.fees_e8) == (E8, 66_055_000)
    assert account.position("BTCUSDT").cum_e8 == E8 - 66_055_000


def test_a_maker_pays_less() -> None:
    account = Account(1_000 * E8, 20_000, 55_000)
    fill(account, SELL, 10, 600_000, is_maker=True)
    assert account.fees_e8 == 12_000_000  # 0.12 USDT


def test_a_fee_is_exact_at_its_last_digit() -> None:
    account = Account(1_000 * E8, 20_000, 55_000)
    fill(account, BUY, 1, 600_101)  # 60.0101 x 0.00055 = 0.033005555
    assert account.fees_e8 == 3_300_556


def test_the_average_changes_only_when_adding() -> None:
    position = Position("BTCUSDT")
    position.book(BUY, 10, MONEY.scale.value_e8(600_000, 10), 0, 1)
    position.book(BUY, 10, MONEY.scale.value_e8(601_000, 10), 0, 2)
    assert MONEY.average_e8(position.cost_e8, position.lots) == 60_050 * E8
    booked = position.book(SELL, 5, MONEY.scale.value_e8(602_000, 5), 0, 3)
    assert MONEY.average_e8(position.cost_e8, position.lots) == 60_050 * E8
    assert (booked.closed_lots, booked.pnl_e8) == (5, 75_000_000)  # 0.005 x 150


def test_an_opposite_order_beyond_the_position_turns_it_around() -> None:
    position = Position("BTCUSDT")
    position.book(BUY, 10, MONEY.scale.value_e8(600_000, 10), 100, 1)
    booked = position.book(SELL, 30, MONEY.scale.value_e8(601_000, 30), 300, 2)
    assert (position.lots, position.side) == (-20, SELL)
    assert MONEY.average_e8(position.cost_e8, 20) == 60_100 * E8
    assert (booked.closed_lots, booked.pnl_e8, booked.open_fee_e8) == (10, E8, 100)
    assert position.cur_e8 == -200  # The new position has only its own two thirds of the fee.
    assert position.cum_e8 == E8 - 400
    assert position.opened_ms == 2


def test_unrealised_profit_is_the_mark_against_the_cost() -> None:
    position = Position("BTCUSDT")
    position.book(SELL, 10, MONEY.scale.value_e8(600_000, 10), 0, 1)
    assert unrealised_e8(position, MONEY, 59_990 * E8) == 10_000_000
    assert unrealised_e8(position, MONEY, 60_010 * E8) == -10_000_000


def test_margins_are_worked_out_as_bybit_does() -> None:
    # 600 at 10x: 60 margin, 0.33 to open, 600 x 0.9 x 0.00055 to close a long at bankruptcy (1.1 for a short).
    assert opening_margin_e8(BUY, 600 * E8, 1_000, 55_000) == 60 * E8 + 33_000_000 + 29_700_000
    assert opening_margin_e8(SELL, 600 * E8, 1_000, 55_000) == 60 * E8 + 33_000_000 + 36_300_000
    position = Position("BTCUSDT")
    position.book(BUY, 10, 600 * E8, 0, 1)
    assert position_margin_e8(position, MONEY, 60_000 * E8, 55_000) == (60 * E8 + 29_700_000, 3 * E8 + 29_700_000)


FILLS = st.lists(
    st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 10**6), st.integers(1, 2 * 10**6), st.booleans()),
    max_size=40,
)


@given(fills=FILLS, maker_rate=st.integers(-10_000, 100_000), taker_rate=st.integers(0, 100_000))
def test_cash_costs_and_fees_add_up_whatever_happens(
    fills: list[tuple[int, int, int, bool]], maker_rate: int, taker_rate: int
) -> None:
    account = Account(1_000 * E8, maker_rate, taker_rate)
    lots_sum = 0
    for side, lots, price_ticks, is_maker in fills:
        fill(account, side, lots, price_ticks, is_maker)
        position = account.position("BTCUSDT")
        lots_sum += side * lots
        assert position.lots == lots_sum
        assert position.cost_e8 >= 0
        assert (position.cost_e8 == 0) == (position.lots == 0)
        assert (
            account.wallet_e8 == account.deposit_e8 + account.cash_flow_e8 + position.signed_cost_e8 - account.fees_e8
        )
        assert account.wallet_e8 == account.deposit_e8 + account.realised_e8 - account.fees_e8
        assert position.cum_e8 == account.realised_e8 - account.fees_e8


def test_funding_is_realised_and_leaves_the_position() -> None:
    account = Account(1_000 * E8, 20_000, 55_000)
    fill(account, BUY, 10, 600_000)
    before = account.position("BTCUSDT").cum_e8
    account.fund("BTCUSDT", 700, 2_000)
    account.fund("BTCUSDT", -200, 3_000)
    position = account.position("BTCUSDT")
    assert (account.funding_e8, before - position.cum_e8, position.lots, position.updated_ms) == (500, 500, 10, 3_000)


def test_what_costs_nothing_is_free() -> None:
    account = Account(1_000 * E8, 20_000, 55_000)
    account.execute("BTCUSDT", BUY, 10, 600 * E8, False, 1_000, free=True)
    assert (account.fees_e8, account.wallet_e8) == (0, 1_000 * E8)


def test_a_large_position_keeps_more_margin() -> None:
    position = Position("BTCUSDT")
    position.book(BUY, 50_000, 3_000_000 * E8, 0, 1)  # The second tier: 1 %, and 10,000 USDT less.
    kept = position_margin_e8(position, MONEY, 60_000 * E8, 0)[1]
    assert kept == 20_000 * E8
    assert position_tier(position, MONEY, 60_000 * E8).number == 2


def test_a_closing_tells_what_it_was_opened_and_closed_for() -> None:
    position = Position("BTCUSDT")
    position.book(BUY, 10, 600 * E8, 100, 1)
    booked = position.book(SELL, 15, 909 * E8, 300, 2)
    assert (booked.entry_e8, booked.exit_e8, booked.open_fee_e8, booked.close_fee_e8) == (600 * E8, 606 * E8, 100, 200)
