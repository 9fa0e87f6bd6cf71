"""Ingest without a socket: every way in which a feed can go wrong, and what has to happen then."""

from __future__ import annotations

import orjson
import pytest

from services.ingest.wire import CloseFeed, Connected, Disconnected, Frames, OpenFeed, Subscribe, Unsubscribe
from shared.clock import NS_PER_S
from shared.layout import META, PRICE_TICKS, Kind, Reason, State, meta_kind
from shared.messages import Dirty, Log, Message
from shared.ring import records
from tests import market_data as make
from tests.market_data import book_frame
from tests.services.ingest.rig import START, Rig, of, rules, state, universe

TOPICS = ("orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "tickers.BTCUSDT", "allLiquidation.BTCUSDT")
AGAIN = [(Unsubscribe, ("orderbook.50.BTCUSDT",)), (Subscribe, ("orderbook.50.BTCUSDT",))]


def asked(outputs: list[Message]) -> list[tuple[type[Message], tuple[str, ...]]]:
    return [(type(output), output.topics) for output in outputs if isinstance(output, Subscribe | Unsubscribe)]


# --- subscribing ---------------------------------------------------------------------------------------------------


def test_symbols_are_subscribed_once_the_connection_is_up() -> None:
    rig = Rig()
    assert rig.say(universe(rules("BTCUSDT"))) == []
    assert asked(rig.say(Connected(0))) == [(Subscribe, TOPICS)]
    assert rig.say(universe(rules("BTCUSDT"))) == []


def test_a_symbol_that_comes_later_is_subscribed_at_once() -> None:
    rig = Rig("ETHUSDT")
    outputs = rig.say(universe(rules("ETHUSDT"), rules("BTCUSDT"), version=2))
    assert asked(outputs) == [(Subscribe, TOPICS)]


def test_a_snapshot_makes_a_book_and_wakes_the_readers() -> None:
    rig = Rig("BTCUSDT")
    outputs = rig.frame(book_frame("snapshot", 5, [("100.0", "1")], [("100.1", "3")]))
    assert outputs == [Dirty(1, 3)]
    view = rig.view()
    assert (view.valid, view.best_bid, view.best_ask, view.recv_ns) == (True, 1000, 1001, START)
    assert (rig.counts["frames"], rig.counts["events"]) == (1, 3)
    assert rig.table.entry(0).state is State.ON


def test_a_missing_snapshot_is_asked_for_again_and_again_ever_slower() -> None:
    rig = Rig("BTCUSDT")
    assert rig.wait(950) == []
    assert asked(rig.wait(50)) == AGAIN
    assert asked(rig.wait(1_950)) == []
    assert asked(rig.wait(50)) == AGAIN
    assert asked(rig.wait(3_950)) == []
    assert asked(rig.wait(50)) == AGAIN
    assert rig.counts["resyncs"] == 3


def test_a_refused_symbol_is_tried_three_times_and_then_disabled_and_said() -> None:
    rig = Rig()
    rig.say(universe(rules("BTCUSDT")))
    outputs = rig.say(Connected(0))
    for _ in range(2):
        rig.refuse(outputs)
        outputs = rig.wait(5_000)
        assert asked(outputs)[:2] == [(Unsubscribe, TOPICS[:3]), (Subscribe, TOPICS[:3])]  # Without what it can spare.
    (said,) = of(Log, rig.refuse(outputs))
    assert (said.level, said.event, said.symbol) == ("ERROR", "feed.disabled", "BTCUSDT")
    assert rig.table.entry(0).state is State.DISABLED
    assert rig.wait(60_000) == []


def test_a_refusal_of_an_old_request_means_nothing() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    rig.frame(b'{"success":false,"ret_msg":"error:already subscribed","op":"subscribe","req_id":"BTCUSDT/1"}')
    assert rig.view().valid
    assert asked(rig.wait(1_000)) == []


# --- the book is lost ----------------------------------------------------------------------------------------------


def test_a_gap_voids_the_book_at_once_and_asks_for_a_new_one_once() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    rig.wait(6_000)
    outputs = rig.delta(8)
    assert asked(outputs) == AGAIN
    assert of(Dirty, outputs)
    assert (rig.view().valid, rig.view().reason) == (False, Reason.SEQUENCE)
    assert [asked(rig.delta(u)) for u in (9, 10, 11)] == [[], [], []]
    counts = rig.counts
    assert (counts["book_gaps"], counts["ignored"], counts["resyncs"], counts["malformed"]) == (1, 3, 1, 0)
    rig.live(u=1)
    assert rig.delta(2) == [Dirty(1, rig.ring.head)]
    assert rig.view().valid


def test_a_book_that_breaks_again_and_again_is_not_asked_for_in_a_hot_loop() -> None:
    rig = Rig("BTCUSDT")
    requests = 0
    for _ in range(200):
        requests += len(of(Subscribe, rig.wait(50)))
        requests += len(of(Subscribe, rig.frame(book_frame("snapshot", 5, [("100.05", "1")], [("100.1", "3")]))))
        rig.frame(book_frame("snapshot", 5, [("100.0", "1")], [("100.1", "3")]))
        requests += len(of(Subscribe, rig.delta(9)))
    assert rig.now - START == 10 * NS_PER_S
    assert requests <= 5


def test_a_crossed_book_is_void_and_asked_for_again() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    rig.wait(6_000)
    assert asked(rig.frame(book_frame("delta", 6, [("100.1", "1")], []))) == AGAIN
    assert (rig.view().reason, rig.counts["crossed_books"], rig.counts["book_gaps"]) == (Reason.CROSSED, 1, 0)


def test_a_price_off_the_grid_voids_the_book_until_the_rules_are_new() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    rig.wait(6_000)
    outputs = rig.frame(book_frame("delta", 6, [("99.95", "1")], []))
    assert asked(outputs) == AGAIN
    assert [said.event for said in of(Log, outputs)] == ["book.off_grid"]
    assert (rig.view().reason, rig.counts["off_grid"]) == (Reason.OFF_GRID, 1)
    assert asked(rig.say(universe(rules("BTCUSDT", tick="0.05"), version=2))) == AGAIN
    rig.frame(book_frame("snapshot", 7, [("99.95", "1")], [("100.05", "1")]))
    view = rig.view()
    assert (view.valid, view.best_bid, view.scale.tick) == (True, 1999, "0.05")


def test_a_trade_off_the_grid_voids_the_book_too() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    rig.wait(6_000)
    assert asked(rig.frame(trade_frame("100.05"))) == AGAIN
    assert rig.view().reason is Reason.OFF_GRID


def test_an_unreadable_book_frame_costs_the_book_because_its_changes_are_missing() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    rig.wait(6_000)
    outputs = rig.frame(book_frame("delta", 6, [("99.8", "-1")], []))
    assert asked(outputs) == AGAIN
    assert (rig.view().reason, rig.counts["malformed"]) == (Reason.MALFORMED, 1)


def test_a_duplicate_is_counted_and_harmless() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    rig.delta(6)
    assert rig.delta(6) == []
    assert (rig.view().valid, rig.counts["duplicates"]) == (True, 1)


def test_a_delta_before_the_snapshot_is_ignored() -> None:
    rig = Rig("BTCUSDT")
    assert rig.delta(6) == []
    assert rig.counts["ignored"] == 1


def test_a_restart_of_the_venues_push_service_is_just_another_snapshot() -> None:
    rig = Rig("BTCUSDT")
    rig.live(u=900)
    rig.live(u=1)
    rig.delta(2)
    assert (rig.view().valid, rig.counts["book_gaps"]) == (True, 0)


def test_a_book_that_falls_silent_is_stale_while_its_neighbour_lives() -> None:
    rig = Rig("BTCUSDT", "ETHUSDT")
    rig.live()
    rig.live("ETHUSDT")
    outputs: list[Message] = []
    for u in range(6, 26):
        outputs += rig.wait(1_000)
        rig.delta(u, "ETHUSDT")
        if outputs:
            break
    assert asked(outputs) == AGAIN
    assert (rig.view().valid, rig.view().reason, rig.view("ETHUSDT").valid) == (False, Reason.STALE, True)
    assert rig.counts["stale_books"] == 1


def test_a_ticker_that_falls_silent_is_subscribed_again_without_touching_the_book() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    outputs: list[Message] = []
    for u in range(6, 50):
        outputs += rig.wait(1_000)
        rig.delta(u)
    assert asked(outputs)[:2] == [(Unsubscribe, TOPICS[2:3]), (Subscribe, TOPICS[2:3])]
    assert (rig.view().valid, rig.counts["resyncs"]) == (True, 0)


# --- connections ---------------------------------------------------------------------------------------------------


def test_a_lost_connection_voids_all_its_books_at_once_and_is_opened_again() -> None:
    rig = Rig("BTCUSDT", "ETHUSDT")
    rig.live()
    rig.live("ETHUSDT")
    rig.wait(6_000)
    outputs = rig.say(Disconnected(0, "reset"))
    assert of(OpenFeed, outputs) == [OpenFeed(0)]
    assert of(Dirty, outputs)
    assert {rig.view(symbol).reason for symbol in ("BTCUSDT", "ETHUSDT")} == {Reason.DISCONNECTED}
    assert [meta_kind(item[META]) for item in records(rig.events.take() or b"")] == [Kind.GAP, Kind.GAP]
    assert rig.counts["reconnects"] == 1
    assert len(of(Subscribe, rig.say(Connected(0)))) == 2
    rig.live()
    assert (rig.view().valid, rig.counts["book_gaps"]) == (True, 0)


def test_a_connection_that_cannot_be_opened_is_tried_again_with_growing_waits() -> None:
    rig = Rig("BTCUSDT")
    rig.wait(6_000)
    assert of(OpenFeed, rig.say(Disconnected(0, "reset")))
    tries = 0
    for _ in range(6):
        assert of(OpenFeed, rig.say(Disconnected(0, "refused"))) == []
        tries += len(of(OpenFeed, rig.wait(5_050, feed_alive=False)))
    assert (tries, rig.counts["reconnects"]) == (6, 1)


def test_a_silent_connection_is_cut() -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    assert of(CloseFeed, rig.wait(3_950, feed_alive=False)) == []
    assert len(of(CloseFeed, rig.wait(100, feed_alive=False))) == 1


# --- the universe changes ------------------------------------------------------------------------------------------


def test_a_symbol_is_let_go_only_after_execution_has_nothing_open_in_it() -> None:
    rig = Rig("BTCUSDT", "ETHUSDT")
    rig.live()
    only_eth = universe(rules("ETHUSDT"), version=2)
    assert asked(rig.say(only_eth)) == []  # Execution has not spoken yet.
    assert asked(rig.say(state("BTCUSDT"))) == []
    rig.delta(6)
    assert rig.view().updates == 2
    assert asked(rig.say(state())) == [(Unsubscribe, TOPICS)]
    assert (rig.view().valid, rig.view().reason) == (False, Reason.UNSUBSCRIBED)
    assert rig.table.entry(0).state is State.OFF
    assert rig.delta(7) == []
    assert (rig.counts["ignored"], rig.counts["unknown"]) == (1, 0)


def test_an_old_symbol_goes_only_when_the_new_one_has_its_book() -> None:
    rig = Rig("ETHUSDT")
    rig.say(state())
    rig.live("ETHUSDT")
    assert [kind for kind, _ in asked(rig.say(universe(rules("BTCUSDT"), version=2)))] == [Subscribe]
    rig.delta(6, "ETHUSDT")
    assert rig.view("ETHUSDT").updates == 2
    outputs = rig.frame(book_frame("snapshot", 5, [("100.0", "1")], [("100.1", "3")]))
    assert asked(outputs) == [(Unsubscribe, tuple(topic.replace("BTC", "ETH") for topic in TOPICS))]
    assert not rig.view("ETHUSDT").valid
    assert rig.view("BTCUSDT").valid


def test_a_new_symbol_that_never_comes_does_not_hold_the_old_one_for_ever() -> None:
    rig = Rig("ETHUSDT")
    rig.say(state())
    rig.live("ETHUSDT")
    rig.say(universe(rules("BTCUSDT"), version=2))
    assert of(Unsubscribe, rig.wait(9_900))[-1].topics == TOPICS[:1]  # Only the newcomer is asked for again.
    assert any("tickers.ETHUSDT" in said.topics for said in of(Unsubscribe, rig.wait(200)))


def test_fifty_symbols_change_at_once_and_none_of_the_others_misses_a_frame() -> None:
    names = [f"S{number:02d}USDT" for number in range(101)]
    rig = Rig(*names[:51], symbols_max=128, capacity=1 << 16)
    rig.say(state(names[1]))
    for name in names[:51]:
        rig.live(name)
    rig.say(universe(rules(names[0]), *map(rules, names[51:]), version=2))
    goodbyes = 0
    for u, name in enumerate(names[51:], 6):
        rig.delta(u, names[0])
        assert goodbyes == 0  # All wait until the last newcomer is there.
        goodbyes += len(
            of(Unsubscribe, rig.frame(book_frame("snapshot", 5, [("9.0", "1")], [("9.1", "1")], symbol=name)))
        )
    assert goodbyes == 49  # Execution still needs one of the fifty.
    assert (rig.view(names[0]).updates, rig.view(names[1]).valid, rig.counts["book_gaps"]) == (51, True, 0)
    assert [said.topics[0] for said in of(Unsubscribe, rig.say(state()))] == [f"orderbook.50.{names[1]}"]


def test_frames_of_one_read_are_taken_in_order_with_one_wake_up() -> None:
    rig = Rig("BTCUSDT", "ETHUSDT")
    rig.live()
    rig.live("ETHUSDT")
    deltas = [
        book_frame("delta", u, [("99.8", str(u))], [], symbol=name) for u in (6, 7) for name in ("BTCUSDT", "ETHUSDT")
    ]
    outputs = rig.say(Frames(0, (deltas[0], deltas[1], b"rubbish", trade_frame("100.1"), deltas[2], deltas[3])))
    assert of(Dirty, outputs) == [Dirty(1, rig.ring.head)]
    assert (rig.view().updates, rig.view("ETHUSDT").updates, rig.counts["malformed"]) == (3, 3, 1)


def test_a_symbol_with_an_open_position_comes_back_even_without_the_scanner() -> None:
    rig = Rig("BTCUSDT", "ETHUSDT")
    rig.say(state("BTCUSDT"))
    rig.say(universe(rules("ETHUSDT"), version=2))
    rig.say(state())
    (said,) = of(Log, rig.say(state("BTCUSDT")))
    assert said.event == "feed.no_rules"  # Its rules were let go with it; the scanner has to say them again.
    assert asked(rig.say(universe(rules("ETHUSDT"), rules("BTCUSDT"), version=3))) == [(Subscribe, TOPICS)]


def test_a_symbol_that_comes_back_has_its_old_id_and_needs_a_new_snapshot() -> None:
    rig = Rig("BTCUSDT")
    rig.say(state())
    rig.live()
    rig.say(universe(version=2))
    assert asked(rig.say(universe(rules("BTCUSDT"), version=3))) == [(Subscribe, TOPICS)]
    assert not rig.view().valid
    rig.live()
    assert (len(rig.table), rig.view().valid, rig.view().symbol_id) == (1, True, 0)


def test_more_symbols_than_there_is_room_for_are_said_and_left_out() -> None:
    rig = Rig(symbols_max=1)
    outputs = rig.say(universe(rules("BTCUSDT"), rules("ETHUSDT")))
    assert [(said.event, said.symbol) for said in of(Log, outputs)] == [("feed.no_room", "ETHUSDT")]


# --- trades, tickers, rubbish --------------------------------------------------------------------------------------


def trade_frame(price: str, symbol: str = make.SYMBOL) -> bytes:
    row = {"T": 3, "s": symbol, "S": "Buy", "v": "0.5", "p": price, "L": "PlusTick", "i": "x", "BT": False, "seq": 8}
    return orjson.dumps({"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": 4, "data": [row]})


def test_trades_and_tickers_go_into_the_ring() -> None:
    rig = Rig("BTCUSDT")
    assert of(Dirty, rig.frame(trade_frame("100.1")))
    ticker = {"topic": "tickers.BTCUSDT", "ts": 1, "data": {"symbol": "BTCUSDT", "lastPrice": "100.1"}}
    assert of(Dirty, rig.frame(orjson.dumps(ticker)))
    got = [(meta_kind(item[META]), item[PRICE_TICKS]) for item in records(rig.events.take() or b"")]
    assert got == [(Kind.TRADE, 1001), (Kind.TICKER, 1001)]


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (b"", "malformed"),
        (b"\x00\xff\xfe", "malformed"),
        (b'{"topic":"orderb', "malformed"),
        (b"[]", "unknown"),
        (b"17", "unknown"),
        (b'{"hello":1}', "unknown"),
        (b'{"topic":"kline.1.BTCUSDT","data":[]}', "unknown"),
        (b'{"topic":17}', "unknown"),
        (b'{"topic":"publicTrade.BTCUSDT","data":[]}', "malformed"),
        (b'{"topic":"tickers.BTCUSDT","ts":1,"data":{"symbol":"ETHUSDT"}}', "wrong_symbol"),
    ],
)
def test_rubbish_is_counted_said_once_and_harms_no_book(data: bytes, counter: str) -> None:
    rig = Rig("BTCUSDT")
    rig.live()
    said = [output for _ in range(5) for output in rig.frame(data)]
    assert len(of(Log, said)) == len(said) == 1
    assert rig.counts[counter] == 5
    assert rig.delta(6)
    assert rig.view().valid


def test_frames_with_spaces_are_understood_too() -> None:
    rig = Rig("BTCUSDT")
    frame = book_frame("snapshot", 5, [("100.0", "1")], [("100.1", "3")]).replace(b":", b": ")
    assert of(Dirty, rig.frame(frame))


def test_answers_and_pongs_are_quiet() -> None:
    rig = Rig("BTCUSDT")
    assert rig.frame(b'{"success":true,"ret_msg":"","conn_id":"c","req_id":"BTCUSDT/1","op":"subscribe"}') == []
    assert rig.frame(b'{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}') == []
    assert (rig.counts["unknown"], rig.counts["malformed"]) == (0, 0)


def test_a_refusal_that_names_no_request_of_ours_is_said() -> None:
    rig = Rig("BTCUSDT")
    (said,) = rig.frame(b'{"success":false,"ret_msg":"error:invalid op","op":"x"}')
    assert isinstance(said, Log)
    assert said.event == "feed.refused"
