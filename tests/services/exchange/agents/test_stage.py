"""An agent's means: orders, trades with a name, a price that others leave alone."""

from __future__ import annotations

from random import Random

from services.exchange.agents.regimes import RegimeValue
from services.exchange.agents.stage import Stage
from services.exchange.flow import CALM, MS, Flow, S
from services.exchange.matching import MatchingBook
from services.exchange.truth import EVENT, Deed, Truth
from shared.scale import Scale


def stage_of(seed: int = 1) -> Stage:
    """A stage on a calm market whose value stands still."""
    book, truth = MatchingBook(), Truth()
    value = RegimeValue("SOLUSDT", Random(seed), 14_820, 0, truth, ("quiet",))
    value.hold(10**18)
    flow = Flow(book, (Random(1), Random(seed)), 14_820, 1_600, 0, CALM, value)
    stage = Stage("SOLUSDT", book, Scale("0.010", "0.1"), flow, value, truth, -(1 << 44))
    run(stage, S)
    return stage


def run(stage: Stage, until_ns: int) -> None:
    while stage.flow.next_ns <= until_ns:
        stage.flow.act()
    stage.now = until_ns


def test_orders_rest_trade_and_go() -> None:
    stage = stage_of()
    touch, deed = stage.touch(1), Deed("ice", "", EVENT, "SOLUSDT", 1, 0)
    before = stage.book.level_lots(1, touch)
    order_id = stage.rest(1, touch, 500)
    assert stage.book.level_lots(1, touch) == before + 500
    assert stage.take(deed, -1, touch, before + 100) == before + 100
    assert (deed.low_ticks, deed.high_ticks) == (touch, touch)
    assert sum(fill.qty_lots for fill in stage.take_fills()) == before + 100
    assert stage.take_fills() == []
    assert stage.pull(order_id) == 400
    assert stage.pull(order_id) == 0


def test_the_trades_of_a_deed_are_found_on_the_tape() -> None:
    stage, deed = stage_of(), Deed("ice", "", EVENT, "SOLUSDT", 1, 0)
    stage.take(deed, 1, stage.touch(-1), 5)
    [fill] = stage.take_fills()
    stage.truth.traded("SOLUSDT", fill.taker_id, 77)
    assert deed.seqs == [77]
    stage.take(deed, 1, stage.touch(-1) - 5, 5)  # Nothing there: no trade to be named.
    assert stage.take_fills() == []


def test_worth_is_rounded_up_to_whole_lots() -> None:
    stage = stage_of()
    assert stage.lots_worth(148.2 / 10, 14_820) == 1
    assert stage.lots_worth(50_000, 14_820) == 3_374


def test_makers_and_takers_leave_a_price_alone_for_so_long() -> None:
    stage = stage_of()
    touch = stage.touch(1)
    stage.keep_off(1, touch, 2 * S, takers_too=True)
    lots = stage.book.level_lots(1, touch)
    for now in range(S, 3 * S, 50 * MS):
        run(stage, now)
        assert stage.book.level_lots(1, touch) == lots
    run(stage, 20 * S)
    assert stage.book.level_lots(1, touch) != lots


def test_the_touch_is_settled_unless_somebody_has_taken_it() -> None:
    stage, deed = stage_of(), Deed("sweep", "", EVENT, "SOLUSDT", 1, 0)
    assert stage.flow.settled()
    touch = stage.touch(-1)
    stage.take(deed, 1, touch, stage.book.level_lots(-1, touch))
    assert not stage.flow.settled()
