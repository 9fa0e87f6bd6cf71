from services.signals.candles import Bar, Candles
from services.signals.lane import Lane
from services.signals.market import Market
from services.signals.strategy import Opinion, Strategy
from shared.layout import BLOCK, RPI
from shared.messages import Events
from shared.ring import records
from tests.services import feed
from tests.services.feed import Ring, S


class Spy:
    """A strategy that notes what it was shown."""

    signals = ()

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, int]] = []

    def opinion(self, market: Market) -> Opinion:
        return Opinion(0, 0.0, 0.0, (), "deadband")

    def update(self, market: Market) -> None:
        self.seen.append((market.at_ns, market.bought_lots, market.sold_lots))


def lane(made: list[Spy], **copy: int) -> Lane:
    def make(symbol: str) -> Strategy:
        made.append(Spy())
        return made[-1]

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


def test_bars_hear_every_trade_but_block_trades_and_what_time_it_is_at_the_venue() -> None:
    one, ring = lane([]), Ring()
    candles = Candles([("1m", 60_000, 10)])
    one.follow(candles)
    assert one.market.candles is candles
    series, minute = candles.series["1m"], 60 * S
    hear(one, ring.levels([(1000, 4)], recv_ns=minute // 2), ring.trade(999, 7, bought=False, recv_ns=minute - S))
    hear(one, ring.trade(1001, 3, bought=True, recv_ns=minute + 2 * S))
    hear(one, ring.trade(1001, 2, bought=False, recv_ns=minute + 3 * S, flags=RPI))
    hear(one, ring.trade(1900, 9, bought=True, recv_ns=minute + 4 * S, flags=BLOCK))
    hear(one, ring.levels([(1000, 5)], recv_ns=2 * minute + S))
    assert candles.at_ms == 121_000
    span = series.missing(candles.at_ms)
    assert span is not None
    assert series.fill([Bar(0, 998, 1000, 998, 1000, 7, -7, exact=False)], *span)
    assert series.closed[-1] == Bar(60_000, 1000, 1001, 1000, 1001, 5, 1)


def test_bars_are_blind_from_a_gap_to_the_next_snapshot() -> None:
    one, ring = lane([]), Ring()
    candles = Candles([("1m", 60_000, 10)])
    one.follow(candles)
    hear(one, ring.levels([(1000, 4)], recv_ns=59 * S), ring.gap(recv_ns=70 * S))
    hear(one, ring.trade(1001, 3, bought=True, recv_ns=150 * S))
    hear(one, ring.snapshot([(990, 1)], [(991, 2)], recv_ns=190 * S))
    hear(one, ring.levels([(990, 2)], recv_ns=302 * S))
    span = candles.series["1m"].missing(302_000)
    assert span is not None
    assert span[1] == 180_000


def test_a_frames_trades_are_shown_one_by_one_and_block_trades_are_not() -> None:
    shown: list[list[tuple[int, int]]] = []

    class Watcher(Spy):
        def update(self, market: Market) -> None:
            shown.append([(record[4], record[5]) for record in market.trades])

    one, ring = Lane(feed.copy(), lambda _: Watcher()), Ring()
    hear(one, ring.trade(1001, 3, bought=True, recv_ns=S), ring.trade(1000, 9, bought=True, recv_ns=S, flags=BLOCK))
    hear(one, ring.levels([(1000, 4)], recv_ns=2 * S))
    assert shown == [[(1001, 3)], []]
    assert one.market.trades == []


def test_the_weather_follows_the_lane_and_a_gap_is_no_return() -> None:
    one, ring = lane([]), Ring()
    for second in range(1, 5):
        hear(one, ring.levels([(999, second)], recv_ns=second * S))
    marks = one.market.weather.marks
    assert marks == 3
    hear(one, ring.gap(recv_ns=5 * S), ring.snapshot([(900, 1)], [(901, 2)], recv_ns=6 * S))
    assert one.market.weather.marks == marks
    hear(one, ring.levels([(900, 3)], recv_ns=7 * S), ring.levels([(900, 4)], recv_ns=8 * S))
    assert one.market.weather.marks == marks + 2
    assert one.market.weather.trend == 0.0
