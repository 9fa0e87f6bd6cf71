"""The agents keep a book worth trading in, and their leaning means something."""

from __future__ import annotations

from random import Random

from services.exchange.flow import BUY, NEAR_TICKS, SELL, SPAN_TICKS, Flow, Value
from services.exchange.matching import AGENTS, MatchingBook

S = 1_000_000_000


def flow_of(seed: int = 1, start_ticks: int = 650_000) -> tuple[MatchingBook, Flow]:
    book = MatchingBook()
    return book, Flow(book, (Random(seed), Random(seed + 1)), start_ticks, 200, now=0)


def run(flow: Flow, until_ns: int) -> None:
    while flow.next_ns <= until_ns:
        flow.act()


def test_the_book_is_deep_close_and_never_crossed() -> None:
    book, flow = flow_of()
    wide = 0
    for tenth in range(600):
        run(flow, tenth * S // 10)
        bid, ask = book.best_bid(), book.best_ask()
        assert bid is not None
        assert ask is not None
        assert bid < ask
        wide += ask - bid > 2
        for side, touch in ((BUY, bid), (SELL, ask)):
            levels = book.depth(side, 300)
            assert len(levels) >= 180
            near = [price for price, _ in levels if abs(price - touch) < NEAR_TICKS]
            assert len(near) >= 0.6 * NEAR_TICKS
    assert wide < 12  # Of 600.


def test_the_book_does_not_grow_with_time() -> None:
    book, flow = flow_of()
    run(flow, 120 * S)
    assert len(book.depth(BUY, 10**6)) + len(book.depth(SELL, 10**6)) <= 2 * (SPAN_TICKS + 2)


def test_imbalance_leads_the_price() -> None:
    book, flow = flow_of(seed=5)
    mids, leans = list[float](), list[float]()
    for half in range(600):
        run(flow, half * S // 2)
        bids, asks = (sum(lots for _, lots in book.depth(side, 5)) for side in (BUY, SELL))
        leans.append((bids - asks) / (bids + asks))
        mids.append((book.depth(BUY, 1)[0][0] + book.depth(SELL, 1)[0][0]) / 2)
    strong = [(lean, mids[i + 4] - mids[i]) for i, lean in enumerate(leans[:-4]) if abs(lean) > 0.4]
    right = sum(lean * move > 0 for lean, move in strong)
    assert len(strong) > 100
    assert right > 0.65 * len(strong)


def test_the_price_moves_enough_to_pay_for_a_trade() -> None:
    value = Value(Random(3), 650_000, 0)
    prices = list[int]()
    for step in range(600 * 40):
        value.move(step * S // 40)
        prices.append(value.uticks)
    moves = [abs(prices[i + 400] - prices[i]) / prices[i] for i in range(0, len(prices) - 400, 40)]
    assert sum(0.0005 < move < 0.0035 for move in moves) > 0.4 * len(moves)


def test_the_value_stays_at_home_in_the_long_run() -> None:
    value = Value(Random(4), 650_000, 0)
    home = value.uticks
    for step in range(6 * 3600 * 5):
        value.move(step * S // 5)
        assert abs(value.uticks / home - 1) < 0.08


def test_an_order_in_the_way_of_the_price_is_filled() -> None:
    book, flow = flow_of()
    book.submit(1, 7, SELL, 650_040, 3, "GTC")
    filled_at = 0
    while not filled_at and flow.next_ns < 600 * S:
        fills = [fill for fill in flow.act() if fill.maker_owner == 7]
        if fills:
            assert (fills[0].taker_owner, fills[0].price_ticks) == (AGENTS, 650_040)
            filled_at = flow.next_ns
    assert filled_at


def test_a_swept_book_is_refilled() -> None:
    book, flow = flow_of()
    book.submit(1, 7, BUY, 650_000 + 10 * SPAN_TICKS, 10**9, "IOC")
    assert book.best_ask() is None
    run(flow, S)
    assert len(book.depth(SELL, 300)) > 150


def test_a_better_price_than_the_makers_is_taken() -> None:
    book, flow = flow_of()
    book.submit(1, 7, BUY, 650_000 + 20 * SPAN_TICKS, 10**9, "IOC")
    book.submit(2, 7, BUY, 650_000 + 100, 50, "GTC")
    run(flow, S)
    assert book.order(2) is None


def test_whatever_somebody_else_does_beside_the_touch_is_put_in_order_at_once() -> None:
    book, flow = flow_of(seed=2)
    for second in range(1, 60):
        run(flow, second * S)
        for side in (BUY, SELL):
            price = book.depth(side, 5)[second % 5][0]
            book.cancel(flow._id(side, price))
        flow.act()
        flow.act()  # The first may have left a wide spread.
        for side in (BUY, SELL):
            touch = flow._touch(side)
            assert all(book.level_lots(side, touch - side * away) for away in range(1, 5))
