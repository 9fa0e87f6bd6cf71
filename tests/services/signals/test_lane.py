from services.signals.lane import Lane
from services.signals.market import Market, Signal
from shared.layout import BLOCK
from shared.messages import Events
from shared.ring import records
from tests.services import feed
from tests.services.feed import Ring, S


class Spy:
    """A signal that notes what it was shown."""

    def __init__(self) -> None:
        self.score, self.fresh_until_ns = 0.0, 0
        self.seen: list[tuple[int, int, int]] = []

    def update(self, market: Market) -> None:
        self.seen.append((market.at_ns, market.bought_lots, market.sold_lots))


def lane(made: list[Spy], **copy: int) -> Lane:
    def make() -> list[Signal]:
        made.append(Spy())
        return [made[-1]]

    return Lane(feed.copy(**copy), make)  # type: ignore[arg-type]


def hear(one: Lane, *events: Events) -> list[bool]:
    return [one.hear(record) for each in events for record in records(each.data)]


def test_a_frame_is_judged_once_at_its_last_record() -> None:
    made: list[Spy] = []
    one, ring = lane(made), Ring()
    assert hear(one, ring.levels([(1000, 4), (999, 5)], [(1001, 6)], recv_ns=5 * S)) == [False, False, True]
    assert made[0].seen == [(5 * S, 0, 0)]
    assert (one.book.best_bid, one.book.bids.lots_at_best, one.book.asks.lots_at_best) == (1000, 4, 6)


def test_records_that_the_copy_already_holds_are_passed_over() -> None:
    made: list[Spy] = []
    one, ring = lane(made, ring_seq=2), Ring()
    assert hear(one, ring.levels([(1000, 4), (999, 5)], recv_ns=S)) == [False, False]
    assert hear(one, ring.trade(1001, 3, bought=True, recv_ns=S)) == [False]
    assert made[0].seen == [(S, 3, 0)]
    assert one.book.bids.lots_at_best == 10


def test_trades_are_shown_with_their_side_and_are_no_occasion_to_decide() -> None:
    made: list[Spy] = []
    one, ring = lane(made), Ring()
    trades = ring.trade(1001, 3, bought=True, recv_ns=S), ring.trade(1000, 2, bought=False, recv_ns=2 * S)
    assert hear(one, *trades, ring.trade(1000, 9, bought=True, recv_ns=3 * S, flags=BLOCK)) == [False] * 3
    assert made[0].seen == [(S, 3, 0), (2 * S, 0, 2)]


def test_after_a_gap_it_is_silent_until_a_snapshot_and_the_signals_begin_anew() -> None:
    made: list[Spy] = []
    one, ring = lane(made), Ring()
    assert hear(one, ring.gap(recv_ns=S)) == [False]
    assert hear(one, ring.levels([(1000, 4)], [(1001, 4)], recv_ns=2 * S)) == [False, False]
    assert not one.ready
    assert hear(one, ring.snapshot([(990, 1)], [(991, 2)], recv_ns=3 * S)) == [False, False, True]
    assert len(made) == 2
    assert made[0].seen == []
    assert made[1].seen == [(3 * S, 0, 0)]


def test_a_void_copy_waits_for_a_snapshot() -> None:
    one, ring = lane([], valid=False), Ring()
    assert not any(hear(one, ring.levels([(1000, 4)], [(1001, 4)], recv_ns=S)))
    assert hear(one, ring.snapshot([(990, 1)], [(991, 2)], recv_ns=2 * S))[-1]


def test_a_book_on_another_grid_waits_for_its_copy() -> None:
    one, ring = lane([], scale_id=1), Ring()
    assert not any(hear(one, ring.snapshot([(990, 1)], [(991, 2)], recv_ns=S)))


def test_an_empty_or_crossed_book_is_not_judged() -> None:
    one, ring = lane([]), Ring()
    assert hear(one, ring.levels([(1000, 0)], recv_ns=S)) == [False]
    assert hear(one, ring.levels([(1001, 5)], recv_ns=S)) == [False]
    assert hear(one, ring.levels([(1001, 0), (1000, 5)], recv_ns=S)) == [False, True]
