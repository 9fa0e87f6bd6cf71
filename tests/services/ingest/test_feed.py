"""One symbol's way through its phases; its dealings with the venue are tested through the core."""

from __future__ import annotations

from services.ingest.feed import ASK_WAIT_NS_MAX, Feed, Memory, Phase
from services.ingest.wire import Subscribe, Unsubscribe
from shared.clock import NS_PER_S
from shared.layout import State
from shared.scale import Scale
from tests import market_data as make


def feed() -> Feed:
    return Feed(make.SYMBOL, make.BTC, Memory(make.table(), make.ring(), 50), 0, NS_PER_S)


def test_requests_are_numbered_so_that_an_answer_finds_its_own() -> None:
    one = feed()
    (first,) = one.start(0)
    assert isinstance(first, Subscribe)
    assert first.request == one.request == "BTCUSDT/1"
    one.tick(NS_PER_S)
    assert one.request == "BTCUSDT/2"
    assert not one.refused("BTCUSDT/1", NS_PER_S)


def test_only_one_resynchronisation_is_under_way() -> None:
    one = feed()
    one.start(0)
    one.live(0)
    now = 10 * NS_PER_S
    assert [type(output) for output in one.resync(now)] == [Unsubscribe, Subscribe]
    assert one.phase is Phase.ASKED
    assert one.resync(now) == one.resync(now + 1) == []


def test_waits_grow_up_to_a_limit() -> None:
    one = feed()
    one.start(0)
    now, waits = 0, []
    for _ in range(8):
        waits.append(one.due_ns - now)
        now = one.due_ns
        one.tick(now)
    assert waits == [min(NS_PER_S << n, ASK_WAIT_NS_MAX) for n in range(8)]


def test_a_new_grid_is_used_at_once_and_asked_for_at_once() -> None:
    one = feed()
    one.start(0)
    assert [type(output) for output in one.rescale(Scale("0.05", "0.001"), 1)] == [Unsubscribe, Subscribe]
    assert one.scale == Scale("0.05", "0.001")


def test_a_new_grid_without_a_connection_asks_nobody() -> None:
    one = feed()
    assert one.rescale(Scale("0.05", "0.001"), 1) == []
    assert one.phase is Phase.IDLE


def test_a_released_feed_says_goodbye_only_where_it_was_known() -> None:
    table = make.table()
    one = Feed(make.SYMBOL, make.BTC, Memory(table, make.ring(), 50), 0, NS_PER_S)
    assert one.release(0) == []
    one.start(0)
    one.live(0)
    assert table.entry(0).state is State.ON
    (goodbye,) = one.release(1)
    assert isinstance(goodbye, Unsubscribe)
    assert goodbye.topics == one.topics
    assert table.entry(0).state is State.OFF
