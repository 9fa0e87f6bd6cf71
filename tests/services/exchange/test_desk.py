"""The desk: ids, bands, margin."""

from __future__ import annotations

from services.exchange.account import Account
from services.exchange.desk import Band, Desk
from services.exchange.orders import Event, OrderRequest
from shared.messages import BUY, SELL
from shared.scale import E8
from tests.exchange_rig import NOW, OTHER, SYMBOL, HandMarket


def desk(salt: str = "run/0") -> Desk:
    return Desk(HandMarket(), Account(1_000 * E8, 20_000, 55_000), salt)


def request(side: int = BUY, lots: int = 10, price_ticks: int = 600_000) -> OrderRequest:
    return OrderRequest(SYMBOL, side, "Limit", "GTC", price_ticks, lots, False, "", None, None)


def test_ids_look_like_uuids_and_belong_to_their_run() -> None:
    one, again, other = desk(), desk(), desk("run/1")
    ids = [one.new_id(), one.new_id()]
    assert ids == [again.new_id(), again.new_id()]
    assert len({*ids, other.new_id(), other.new_id()}) == 4
    assert [len(part) for part in ids[0].split("-")] == [8, 4, 4, 4, 12]


def test_a_new_order_knows_the_price_of_its_birth() -> None:
    place = desk()
    order = place.new_order(request(), NOW)
    assert (order.last_on_created_ticks, order.created_ms) == (600_000, NOW // 1_000_000)
    assert place.orders.find(order.order_id, "") is order


def test_the_band_is_one_percent_around_the_mark_rounded_inward() -> None:
    place = desk()
    assert place.band(SYMBOL) == Band(594_000, 606_000)
    place.market.marks_e8[OTHER] = 2_000 * E8 + 500_000  # type: ignore[attr-defined]  # 2,000.005
    assert place.band(OTHER) == Band(198_001, 202_000)


def test_margin_counts_what_rests_and_what_is_held() -> None:
    place = desk()
    order = place.new_order(request(), NOW)
    order.step(Event.REST, 0)
    resting = place.margin()
    assert resting.order_im_e8 == 60 * E8 + 33_000_000 + 29_700_000
    assert resting.available_e8 == 1_000 * E8 - resting.order_im_e8
    place.execute(order, 600_000, 10, True, NOW)
    held = place.margin()
    assert (held.order_im_e8, held.position_im_e8) == (0, 60 * E8 + 29_700_000)
    assert held.equity_e8 == 1_000 * E8 - 12_000_000
    place.market.marks_e8[SYMBOL] = 59_000 * E8  # type: ignore[attr-defined]
    assert place.margin().unrealised_e8 == -10 * E8


def test_only_the_part_that_opens_ties_up_margin() -> None:
    place = desk()
    order = place.new_order(request(), NOW)
    place.execute(order, 600_000, 10, False, NOW)
    assert place.order_margin_e8(SYMBOL, SELL, 600_000, 10) == 0
    assert place.order_margin_e8(SYMBOL, SELL, 600_000, 20) == 60 * E8 + 33_000_000 + 36_300_000
    assert place.order_margin_e8(SYMBOL, BUY, 600_000, 10) > 0


def test_every_change_is_told() -> None:
    place = desk()
    order = place.new_order(request(), NOW)
    place.execute(order, 600_000, 10, False, NOW)
    place.tell(order)
    assert [(news.topic, news.symbol) for news in place.news] == [("execution", SYMBOL), ("order", SYMBOL)]
    assert list(place.moved) == [SYMBOL]
    assert place.oracle.executed == 1
    assert place.orders.open_orders() == []


def test_the_band_follows_the_premium_of_the_last_thirty_seconds() -> None:
    place = desk()
    mark = 60_000 * E8
    place.market.marks_e8[SYMBOL] = mark - 100 * E8  # type: ignore[attr-defined]  # The mid stays at 59,999.95.
    for second in range(40):
        place.sample_premiums(NOW + second * 1_000_000_000)
        place.sample_premiums(NOW + second * 1_000_000_000 + 1)  # Once a second.
    assert list(place.premiums_e8[SYMBOL]) == [9_995_000_000] * 30
    # 59,900 x 1.01 + 99.95; a premium above the mark does not move the lower edge.
    assert place.band(SYMBOL) == Band(593_010, 605_989)
    place.premiums_e8[SYMBOL].extend([-500 * E8] * 30)
    assert place.band(SYMBOL) == Band(588_010, 604_990)
    place.premiums_e8[SYMBOL].extend([5_000 * E8] * 30)
    assert place.band(SYMBOL).max_buy_ticks == 610_980  # Never beyond Y.


def test_a_status_is_the_instruments_until_it_changes() -> None:
    place = desk()
    assert place.status(SYMBOL) == "Trading"
    place.statuses[SYMBOL] = "Delivering"
    assert (place.status(SYMBOL), place.status(OTHER)) == ("Delivering", "Trading")
