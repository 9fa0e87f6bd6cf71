"""What an order finds in a market that is thinner than it looked."""

from __future__ import annotations

import pytest

from tests.exchange_rig import OTHER, SYMBOL, Rig


@pytest.mark.parametrize(("share", "filled"), [("0.5", "0.010"), ("0.25", "0.005"), ("1", "0.020")])
def test_an_order_finds_a_share_of_its_size(share: str, filled: str) -> None:
    rig = Rig()
    rig.fault(f"thin share={share} symbol={SYMBOL}")
    order = rig.find(rig.order(qty="0.020")["result"]["orderId"])
    assert order["cumExecQty"] == filled
    assert rig.ledger()["conserved"]


def test_the_rest_of_a_limit_order_stays_in_the_book() -> None:
    rig = Rig()
    rig.fault("thin share=0.5 count=1")
    order = rig.find(rig.order(qty="0.020", price="60010")["result"]["orderId"])
    assert (order["orderStatus"], order["leavesQty"]) == ("PartiallyFilled", "0.010")
    bid, ask = rig.market.touch_ticks(SYMBOL)
    assert bid == 600_100
    assert not ask or bid < ask


def test_a_stop_that_finds_nothing_within_its_limit_leaves_the_position_open() -> None:
    rig = Rig()
    rig.order(qty="0.020", stopLoss="59990")
    rig.fault("thin share=0")
    rig.market.quote(SYMBOL, 1, 599_900, 10)
    rig.market.hit(SYMBOL, -1, 599_900, 2_000_000)
    rig.tick(5)
    assert rig.position()["size"] == "0.020"
    assert rig.ledger()["naked"]["now"] == [SYMBOL]


def test_other_symbols_are_as_deep_as_before() -> None:
    rig = Rig()
    rig.fault(f"thin share=0 symbol={OTHER}")
    order = rig.find(rig.order(qty="0.020")["result"]["orderId"])
    assert order["orderStatus"] == "Filled"
