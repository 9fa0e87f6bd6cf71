"""A quote is what the mirror shows, with the depth that tells a liquid book from another."""

from __future__ import annotations

import numpy as np

from services.execution.quotes import NEAR_LEVELS, Flow, quote_of
from shared.layout import BLOCK, ROW_HEAD, TAKER_BUY, VALID, Kind, Row, meta
from shared.mirror import BookView
from shared.offset import Offset
from tests import market_data as make

DEPTH = 8
S = 1_000_000_000


def view_of(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> BookView:
    """Return a book of these (ticks, lots), out of a mirror."""
    table = make.table(depth=DEPTH)
    symbol_id = table.add(make.SYMBOL, make.BTC)
    row = np.zeros(table.row_words, np.int64)
    columns = [[ticks for ticks, _ in bids], [lots for _, lots in bids], [ticks for ticks, _ in asks],
               [lots for _, lots in asks]]  # fmt: skip
    for number, column in enumerate(columns):
        at = ROW_HEAD + number * DEPTH
        row[at : at + len(column)] = column
    row[Row.N_BIDS], row[Row.N_ASKS], row[Row.FLAGS] = len(bids), len(asks), VALID
    row[Row.RING_SEQ], row[Row.RECV_NS], row[Row.CTS_NS] = 55, 7, 3
    table.writer(symbol_id).publish(row)
    view = table.reader(symbol_id).read()
    assert view is not None
    return view


def test_a_quote_has_the_touch_and_the_near_depth_of_both_sides() -> None:
    bids = [(100 - n, 10 + n) for n in range(DEPTH)]
    quote = quote_of("BTCUSDT", view_of(bids, [(101, 5), (102, 6)]), Offset(4, 5, 6))
    assert (quote.best_bid_ticks, quote.best_ask_ticks, quote.valid) == (100, 101, True)
    assert (quote.best_bid_lots, quote.best_ask_lots) == (10, 5)
    assert quote.bid_depth_lots == sum(10 + n for n in range(NEAR_LEVELS))
    assert quote.ask_depth_lots == 11
    assert (quote.recv_ns, quote.ring_seq, quote.cts_ns) == (7, 55, 3)
    assert (quote.clock_offset_ns, quote.clock_uncertainty_ns, quote.clock_at_ns) == (4, 5, 6)


def test_an_empty_side_has_no_depth_and_an_unmeasured_clock_no_difference() -> None:
    quote = quote_of("BTCUSDT", view_of([], [(101, 5)]), None)
    assert (quote.best_bid_lots, quote.bid_depth_lots, quote.clock_at_ns) == (0, 0, 0)


def trade(ticks: int, lots: int, *, symbol_id: int = 0, flags: int = 0, kind: int = Kind.TRADE) -> tuple[int, ...]:
    """Return one record of the ring."""
    return (0, meta(kind, flags, symbol_id, 0), 0, 0, ticks, lots, 0, 0)


def test_only_what_trades_at_the_price_that_is_asked_about_is_counted_and_from_then_on() -> None:
    writer, flow, view = make.ring(), Flow(), view_of([(100, 5)], [(101, 5)])
    reader = make.reader(writer)
    writer.publish([trade(100, 9)])
    assert flow.traded_lots(reader, view, 100, S) == 0, "what traded before is not ours to count"
    writer.publish([trade(100, 2), trade(101, 50), trade(100, 50, symbol_id=1), trade(100, 50, kind=Kind.BID)])
    writer.publish([trade(100, 50, flags=BLOCK), trade(100, 3, flags=TAKER_BUY)])
    assert flow.traded_lots(reader, view, 100, S) == 5
    assert flow.traded_lots(reader, view, 100, S) == 5, "a running total, not what is new"
    assert flow.traded_lots(reader, view, 102, S) == 0


def test_a_reader_that_was_idle_or_overtaken_begins_where_the_ring_is_now() -> None:
    writer, flow, view = make.ring(), Flow(), view_of([(100, 5)], [(101, 5)])
    reader = make.reader(writer)
    flow.traded_lots(reader, view, 100, S)
    writer.publish([trade(100, 2)])
    assert flow.traded_lots(reader, view, 100, 3 * S) == 0
    for _ in range(5_000):
        writer.publish([trade(100, 1)])
    assert flow.traded_lots(reader, view, 100, 3 * S) == 0, "overtaken: trades were missed"
    writer.publish([trade(100, 4)])
    assert flow.traded_lots(reader, view, 100, 3 * S) == 4
    assert flow.traded_lots(None, view, 100, 3 * S) == 0
