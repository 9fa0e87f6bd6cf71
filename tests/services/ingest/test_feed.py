"""One symbol's way through its phases; its dealings with the venue are tested through the core."""

from __future__ import annotations

from services.ingest.feed import ASK_WAIT_NS_MAX, Feed, Memory, Phase
from services.ingest.wire import Connected, Disconnected, Subscribe, Unsubscribe
from shared.clock import NS_PER_S
from shared.layout import Reason, Row, State
from shared.messages import Log, OffGrid
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


def test_the_second_line_carries_the_book_only() -> None:
    rig = Rig(redundant=True)
    rig.say(Connected(1))
    rig.say(Connected(0))
    outputs = of(Subscribe, rig.say(universe(rules("BTCUSDT"))))
    assert [(output.connection, len(output.topics)) for output in outputs] == [(0, 3), (1, 1)]


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
    assert len(again.topics) == 3
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


def test_silence_is_judged_per_topic() -> None:
    rig = Rig("BTCUSDT", trade_silence_ms=3_000, ticker_silence_ms=0)
    rig.live()
    outputs = [output for u in range(6, 12) for output in (*rig.wait(1_000), *rig.delta(u))]
    assert {output.topics for output in of(Subscribe, outputs)} == {("publicTrade.BTCUSDT",)}
    assert (rig.view().valid, rig.counts["resyncs"]) == (True, 0)


def test_a_price_off_the_grid_asks_for_the_rules_anew() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    assert of(OffGrid, rig.frame(book_frame("delta", 6, [("99.95", "1")], []))) == [OffGrid("BTCUSDT", "0.10", "0.001")]
