"""One symbol's way through its phases; its dealings with the venue are tested through the core."""

from __future__ import annotations

import orjson
import pytest

from services.ingest.core import WATCHED_MAX
from services.ingest.feed import ASK_WAIT_NS_MAX, Feed, Memory, Phase
from services.ingest.wire import Connected, Disconnected, Subscribe, Unsubscribe
from shared.clock import NS_PER_S
from shared.layout import AUX1, META, PRICE_TICKS, SIZE_LOTS, TAKER_BUY, Reason, Row, State, meta_flags, meta_kind
from shared.layout import Kind as Entry
from shared.messages import Log, Message, OffGrid
from shared.ring import records
from shared.scale import Scale
from tests import market_data as make
from tests.market_data import book_frame
from tests.services.ingest.rig import Rig, of, rules, universe


def feed() -> Feed:
    return Feed(make.SYMBOL, make.BTC, Memory(make.table(), make.ring(), 50), (0,), NS_PER_S)


def test_requests_are_numbered_so_that_an_answer_finds_its_own() -> None:
    one = feed()
    (first,) = one.start(0, 0)
    assert isinstance(first, Subscribe)
    assert first.request == one.request == "BTCUSDT/1"
    one.tick(NS_PER_S)
    assert one.request == "BTCUSDT/2"
    assert not one.refused("BTCUSDT/1", NS_PER_S)


def test_only_one_resynchronisation_is_under_way() -> None:
    one = feed()
    one.start(0, 0)
    one.live(0)
    now = 10 * NS_PER_S
    assert [type(output) for output in one.resync(now)] == [Unsubscribe, Subscribe]
    assert one.phase is Phase.ASKED
    assert one.resync(now) == one.resync(now + 1) == []


def test_waits_grow_up_to_a_limit() -> None:
    one = feed()
    one.start(0, 0)
    now, waits = 0, []
    for _ in range(8):
        waits.append(one.due_ns - now)
        now = one.due_ns
        one.tick(now)
    assert waits == [min(NS_PER_S << n, ASK_WAIT_NS_MAX) for n in range(8)]


def test_a_new_grid_is_used_at_once_and_asked_for_at_once() -> None:
    one = feed()
    one.start(0, 0)
    assert [type(output) for output in one.rescale(Scale("0.05", "0.001"), 1)] == [Unsubscribe, Subscribe]
    assert one.scale == Scale("0.05", "0.001")


def test_a_new_grid_without_a_connection_asks_nobody() -> None:
    one = feed()
    assert one.rescale(Scale("0.05", "0.001"), 1) == []
    assert one.phase is Phase.IDLE


def test_a_released_feed_says_goodbye_only_where_it_was_known() -> None:
    table = make.table()
    one = Feed(make.SYMBOL, make.BTC, Memory(table, make.ring(), 50), (0,), NS_PER_S)
    assert one.release(0) == []
    one.start(0, 0)
    one.live(0)
    assert table.entry(0).state is State.ON
    (goodbye,) = one.release(1)
    assert isinstance(goodbye, Unsubscribe)
    assert goodbye.topics == tuple(one.topics.values())
    assert table.entry(0).state is State.OFF


# --- one book on two lines ------------------------------------------------------------------------------------------


def twins() -> Rig:
    rig = Rig("BTCUSDT", redundant=True)
    rig.live()
    return rig


def delta(u: int) -> bytes:
    return book_frame("delta", u, [("99.8", str(u))], [])


def test_the_second_line_carries_what_two_copies_of_can_be_told_apart() -> None:
    rig = Rig(redundant=True)
    rig.say(Connected(1))
    rig.say(Connected(0))
    outputs = of(Subscribe, rig.say(universe(rules("BTCUSDT"))))
    assert [(output.connection, len(output.topics)) for output in outputs] == [(0, 4), (1, 3)]


def test_each_update_is_applied_once_from_whichever_line_is_first() -> None:
    rig = twins()
    for u, order in ((6, (0, 1)), (7, (1, 0)), (8, (1, 0))):
        for line in order:
            rig.frame(delta(u), line)
    assert (rig.view().valid, rig.view().updates, rig.counts["duplicates"], rig.counts["book_gaps"]) == (True, 4, 3, 0)


def test_the_loss_of_one_line_costs_nothing_and_the_loss_of_both_costs_the_book() -> None:
    rig = twins()
    rig.say(Disconnected(0, "reset"))
    rig.frame(delta(6), 1)
    assert (rig.view().valid, rig.view().updates) == (True, 2)
    (again,) = of(Subscribe, rig.say(Connected(0)))
    assert len(again.topics) == 4
    rig.frame(book_frame("snapshot", 6, [("100.0", "1")], [("100.1", "3")]), 0)
    rig.frame(delta(7), 0)
    assert (rig.view().valid, rig.view().updates) == (True, 3)
    rig.say(Disconnected(1, "reset"))
    assert rig.view().valid
    rig.say(Disconnected(0, "reset"))
    assert rig.view().reason is Reason.DISCONNECTED


def test_a_gap_asks_for_the_book_again_on_both_lines() -> None:
    rig = twins()
    rig.wait(6_000)
    outputs = of(Subscribe, rig.frame(delta(9), 1))
    assert [output.connection for output in outputs] == [0, 1]
    rig.live(u=20)
    rig.frame(delta(21), 1)
    assert (rig.view().valid, rig.view().word(Row.U)) == (True, 21)


def trade(number: int) -> bytes:
    row = {"T": 3, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "100.1", "L": "PlusTick", "i": f"{number}", "seq": 8}
    return orjson.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 4, "data": [row]})


def ticker(ts_ms: int, price: str) -> bytes:
    data = {"symbol": "BTCUSDT", "lastPrice": price}
    return orjson.dumps({"topic": "tickers.BTCUSDT", "type": "delta", "data": data, "cs": 7, "ts": ts_ms})


def test_trades_and_tickers_of_two_lines_stand_in_the_ring_once() -> None:
    rig = twins()
    for number, order in ((1, (0, 1)), (2, (1, 0)), (3, (1, 0))):
        for line in order:
            rig.frame(trade(number), line)
            rig.frame(ticker(number, f"100.{number}"), line)
    kinds = [meta_kind(record[META]) for record in records(rig.events.take() or b"")]
    assert kinds == [Entry.TRADE, Entry.TICKER] * 3
    assert rig.counts["duplicates"] == 6


def test_trades_and_tickers_go_on_when_the_first_line_is_lost() -> None:
    rig = twins()
    rig.frame(trade(1), 0)
    rig.frame(ticker(1, "100.1"), 0)
    rig.say(Disconnected(0, "reset"))
    rig.events.take()
    for line, number in ((1, 1), (1, 2)):
        rig.frame(trade(number), line)
        rig.frame(ticker(number, f"100.{number}"), line)
    kinds = [meta_kind(record[META]) for record in records(rig.events.take() or b"")]
    assert kinds == [Entry.TRADE, Entry.TICKER]


def test_a_ticker_that_falls_silent_is_asked_for_on_both_lines_and_its_snapshot_is_welcome() -> None:
    rig = twins()
    rig.frame(ticker(10**9, "100.1"))  # From then on everything looks old.
    outputs: list[Message] = []
    for u in range(6, 40):
        outputs += rig.wait(1_000)
        rig.delta(u)
        rig.frame(ticker(5, "100.1"), 1)
    asked = [(output.connection, output.topics) for output in of(Subscribe, outputs)]
    assert asked == [(0, ("tickers.BTCUSDT",)), (1, ("tickers.BTCUSDT",))]
    rig.events.take()
    rig.frame(ticker(6, "100.3"), 1)
    (record,) = records(rig.events.take() or b"")
    assert (meta_kind(record[META]), record[PRICE_TICKS]) == (Entry.TICKER, 1003)


# --- forced orders --------------------------------------------------------------------------------------------------


def test_liquidations_go_into_the_ring_with_the_forced_orders_side() -> None:
    rig = Rig("BTCUSDT")
    row = {"T": 3, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "98.7"}
    rig.frame(orjson.dumps({"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": 4, "data": [row]}))
    (record,) = records(rig.events.take() or b"")
    assert (meta_kind(record[META]), record[SIZE_LOTS], record[AUX1]) == (Entry.LIQUIDATION, 500, 98_70000000)
    assert not meta_flags(record[META]) & TAKER_BUY  # A long is closed by selling.


def test_a_liquidation_off_the_grid_is_counted_and_asks_for_the_rules() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    row = {"T": 3, "s": "BTCUSDT", "S": "Buy", "v": "0.0005", "p": "98.7"}
    outputs = rig.frame(orjson.dumps({"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": 4, "data": [row]}))
    assert of(OffGrid, outputs)
    assert rig.counts["off_grid"] == 1


# --- beside the venue's own best levels -----------------------------------------------------------------------------


def touch(u: int, bid: str) -> bytes:
    return book_frame("snapshot", u, [(bid, "1")], [("100.1", "3")], depth=1)


def test_the_cross_check_is_asked_for_by_itself_so_that_a_refusal_costs_nothing_else() -> None:
    rig = Rig(cross_check=True)
    rig.say(Connected(0))
    asked = [output.topics for output in of(Subscribe, rig.say(universe(rules("BTCUSDT"))))]
    assert asked[1:] == [("orderbook.1.BTCUSDT",)]
    rig.live()
    (said,) = of(Log, rig.frame(b'{"success":false,"ret_msg":"no","op":"subscribe","req_id":"BTCUSDT/touch"}'))
    assert (said.event, rig.view().valid) == ("feed.refused", True)


def test_a_book_that_disagrees_is_void_at_once_and_asked_for_again() -> None:
    rig = Rig("BTCUSDT", cross_check=True)
    rig.live()
    rig.wait(6_000)
    rig.frame(touch(5, "100.0"))
    assert rig.view().valid
    outputs = rig.frame(touch(5, "99.9"))
    assert len(of(Subscribe, outputs)) == 1
    assert (rig.view().valid, rig.view().reason) == (False, Reason.DISAGREES)
    assert (rig.counts["disagreements"], rig.counts["resyncs"]) == (1, 1)


def test_a_disagreement_is_also_found_when_the_book_comes_second() -> None:
    rig = Rig("BTCUSDT", cross_check=True)
    rig.live()
    rig.wait(6_000)
    rig.frame(touch(6, "99.9"))
    assert rig.view().valid
    rig.delta(6)
    assert rig.view().reason is Reason.DISAGREES


# --- silence, and rules that no longer fit --------------------------------------------------------------------------


TOPICS = {"trade": "publicTrade.BTCUSDT", "ticker": "tickers.BTCUSDT", "book": "orderbook.1.BTCUSDT"}


@pytest.mark.parametrize("silent", TOPICS)
def test_silence_is_judged_per_topic_and_the_book_lives_on(silent: str) -> None:
    """``book_silence_ms`` is also that of orderbook.1: the venue repeats both when nothing happens."""
    limits = {"trade_silence_ms": 0, "ticker_silence_ms": 0, "book_silence_ms": 3_600_000} | {
        f"{silent}_silence_ms": 3_000
    }
    rig = Rig("BTCUSDT", cross_check=True, **limits)
    rig.live()
    outputs = [output for u in range(6, 12) for output in (*rig.wait(1_000), *rig.delta(u))]
    asked = [(output.topics, output.request) for output in of(Subscribe, outputs)]
    name = "touch" if silent == "book" else silent
    assert asked == [((TOPICS[silent],), f"BTCUSDT/{name}")] * 2
    assert [output.topics for output in of(Unsubscribe, outputs)] == [(TOPICS[silent],)] * 2
    assert (rig.view().valid, rig.counts["resyncs"]) == (True, 0)


def test_a_topic_that_speaks_is_left_alone() -> None:
    rig = Rig("BTCUSDT", trade_silence_ms=3_000, ticker_silence_ms=3_000)
    rig.live()
    outputs = []
    for u in range(6, 12):
        outputs += rig.wait(1_000)
        rig.delta(u)
        rig.frame(trade(u))
        rig.frame(ticker(u, "100.1"))
    assert of(Subscribe, outputs) == []


def test_of_many_symbols_each_has_its_turn_to_be_looked_at() -> None:
    names = [f"A{number}USDT" for number in range(WATCHED_MAX + 6)]
    rig = Rig(*names, symbols_max=128, capacity=1 << 16)
    asked_again = [len(of(Subscribe, rig.wait(50))) for _ in range(22)]
    assert sum(asked_again[:19]) == 0
    assert max(asked_again) <= WATCHED_MAX
    assert sum(asked_again) == len(names)


def test_a_price_off_the_grid_asks_for_the_rules_anew() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    assert of(OffGrid, rig.frame(book_frame("delta", 6, [("99.95", "1")], []))) == [OffGrid("BTCUSDT", "0.10", "0.001")]
