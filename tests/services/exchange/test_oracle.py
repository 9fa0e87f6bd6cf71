"""The judge believes only what it hears, and catches an account that does not add up."""

from __future__ import annotations

import pytest

from services.exchange import oracle as oracle_module
from services.exchange.account import Account
from services.exchange.oracle import Oracle
from services.exchange.orders import (
    CONDITIONAL,
    FALLS,
    PARTIAL_STOP_LOSS,
    RISES,
    STOP_LOSS,
    TRAILING_STOP,
    Event,
    Order,
    OrderRequest,
    OrderTable,
)
from services.exchange.rows import FUNDING, Execution
from shared.messages import BUY, SELL
from shared.scale import E8
from tests.exchange_rig import SYMBOL, Rig


def execution(number: int, side: int, lots: int, symbol: str = SYMBOL) -> Execution:
    return Execution(
        exec_id=str(number), symbol=symbol, order_id="o", order_link_id="", side=side, order_type="Market", kind="",
        create_type="CreateByUser", order_price_ticks=1, order_qty_lots=lots, leaves_lots=0, price_ticks=1,
        qty_lots=lots,
        value_e8=lots, fee_e8=0, rate_e8=0, is_maker=False, closed_lots=0, pnl_e8=0, mark_e8=0, exec_ms=0, seq=number,
    )  # fmt: skip


def stop(side: int, direction: int, symbol: str = SYMBOL) -> Order:
    order = Order(1, "s", OrderRequest(symbol, side, "Market", "IOC", 0, 1, True, "", None, None), 0)
    order.kind, order.trigger_direction = STOP_LOSS, direction
    order.step(Event.ARM, 0)
    return order


def test_naked_time_runs_from_the_fill_to_the_stop() -> None:
    judge = Oracle()
    judge.heard_execution(execution(1, BUY, 5))
    judge.settle(1_000)
    assert judge.naked_ns_max(3_000) == 2_000  # It still lasts.
    judge.heard_order(stop(SELL, FALLS))
    judge.settle(4_000)
    assert judge.naked_ns_max(9_000) == 3_000
    assert judge.naked_ms_max(9_000) == 1  # Rounded up: any naked time shows.
    assert judge.episodes == 1


def test_a_position_that_gets_its_stop_in_the_same_event_was_never_naked() -> None:
    judge = Oracle()
    judge.heard_execution(execution(1, BUY, 5))
    judge.heard_order(stop(SELL, FALLS))
    judge.settle(1_000)
    assert (judge.naked_ns_max(9_000), judge.episodes) == (0, 0)


@pytest.mark.parametrize(("side", "direction"), [(BUY, RISES), (SELL, RISES), (BUY, FALLS)])
def test_a_stop_on_the_wrong_side_covers_nothing(side: int, direction: int) -> None:
    judge = Oracle()
    judge.heard_execution(execution(1, BUY, 5))
    judge.heard_order(stop(side, direction))
    judge.settle(1_000)
    assert judge.naked_ns_max(2_000) == 1_000


def test_a_stop_that_was_triggered_covers_no_more() -> None:
    judge, order = Oracle(), stop(SELL, FALLS)
    judge.heard_execution(execution(1, BUY, 5))
    judge.heard_order(order)
    judge.settle(1_000)
    order.step(Event.TRIGGER, 2)
    judge.heard_order(order)
    judge.settle(2_000)
    assert judge.naked_ns_max(2_500) == 500


def test_symbols_are_judged_apart() -> None:
    judge = Oracle()
    judge.heard_execution(execution(1, BUY, 5, "A"))
    judge.heard_execution(execution(2, SELL, 5, "B"))
    judge.heard_order(stop(SELL, FALLS, "A"))
    judge.settle(1_000)
    ledger = judge.ledger(Account(0, 0, 0), OrderTable(), 2_000)
    assert ledger["naked"]["now"] == ["B"]


def test_the_ledger_of_an_honest_account_has_no_violations() -> None:
    rig = Rig()
    rig.order(stopLoss="59900")
    rig.order("Sell", reduceOnly=True)
    ledger = rig.ledger()
    assert ledger["conserved"]
    assert (ledger["violations"], ledger["executed"]) == ([], 2)
    assert [row["side"] for row in ledger["executions"]] == ["Buy", "Sell"]
    assert ledger["wallet_e8"] == ledger["deposit_e8"] + ledger["realised_e8"] - ledger["fees_e8"]
    assert ledger["positions"] == [{"symbol": SYMBOL, "position_lots": 0, "cost_e8": 0, "realised_e8": -66_099_945}]
    assert {row["status"] for row in ledger["orders"]} == {"Filled", "Deactivated"}


def test_a_crooked_account_is_caught() -> None:
    rig = Rig()
    rig.order(stopLoss="59900")
    rig.core.desk.account.wallet_e8 += 1
    assert len(rig.ledger()["violations"]) == 2
    rig.core.desk.account.wallet_e8 -= 1
    rig.core.desk.account.position(SYMBOL).lots += 1
    assert "positions" in rig.ledger()["violations"][0]
    rig.core.desk.account.position(SYMBOL).lots -= 1
    next(rig.core.desk.orders.oldest_first()).filled_lots -= 1
    ledger = rig.ledger()
    assert not ledger["conserved"]
    assert "executions say 10" in ledger["violations"][0]


def test_what_it_keeps_is_bounded_and_what_it_sums_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle_module, "EXECUTIONS_KEPT", 3)
    judge, account = Oracle(), Account(E8, 0, 0)
    for number in range(10):
        judge.heard_execution(execution(number, BUY, 2))
        account.execute(SYMBOL, BUY, 2, 2, False, 0)
    assert [done.exec_id for done in judge.executions] == ["7", "8", "9"]
    ledger = judge.ledger(account, OrderTable(), 0)
    assert (ledger["executed"], len(ledger["executions"])) == (10, 3)
    assert ledger["conserved"]


@pytest.mark.parametrize(
    ("kind", "lots", "covered"),
    [
        (PARTIAL_STOP_LOSS, (3, 2), True),
        (PARTIAL_STOP_LOSS, (3, 1), False),
        (CONDITIONAL, (5,), True),
        (CONDITIONAL, (4,), False),
        (CONDITIONAL, (0,), True),  # Closes everything.
        (STOP_LOSS, (1,), True),  # Belongs to the whole position, whatever its size says.
        (TRAILING_STOP, (1,), True),
    ],
)
def test_stops_cover_their_size(kind: str, lots: tuple[int, ...], covered: bool) -> None:
    judge = Oracle()
    judge.heard_execution(execution(1, BUY, 5))
    for number, size in enumerate(lots):
        order = stop(SELL, FALLS)
        order.kind, order.order_id, order.qty_lots, order.trigger_ticks = kind, str(number), size, 7
        judge.heard_order(order)
    judge.settle(1_000)
    assert judge.naked_ns_max(2_000) == (0 if covered else 1_000)


def test_what_may_not_fill_or_sleeps_or_opens_covers_nothing() -> None:
    limit, asleep, opening = stop(SELL, FALLS), stop(SELL, FALLS), stop(SELL, FALLS)
    limit.kind, limit.type = PARTIAL_STOP_LOSS, "Limit"
    asleep.kind = TRAILING_STOP
    opening.kind, opening.reduce_only = CONDITIONAL, False
    for order in (limit, asleep, opening):
        judge = Oracle()
        judge.heard_execution(execution(1, BUY, 5))
        judge.heard_order(order)
        judge.settle(1_000)
        assert judge.naked_ns_max(2_000) == 1_000


def test_funding_moves_the_wallet_and_no_position(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle_module, "EXECUTIONS_KEPT", 2)
    judge, account = Oracle(), Account(E8, 0, 0)
    for number in range(4):
        judge.heard_execution(execution(number, BUY, 2)._replace(exec_type=FUNDING, fee_e8=5, order_id=f"f{number}"))
        account.fund(SYMBOL, 5, 0)
    ledger = judge.ledger(account, OrderTable(), 0)
    assert (ledger["conserved"], ledger["funding_e8"], account.wallet_e8) == (True, 20, E8 - 20)
    account.funding_e8 += 1
    assert len(judge.violations(account, OrderTable())) == 2
