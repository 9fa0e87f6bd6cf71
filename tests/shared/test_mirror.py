"""Books in shared memory: never torn, never older, readable when the writer dies in the middle of a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from shared import layout, shm
from shared.layout import REASON_SHIFT, ROW_HEAD, VALID, Reason, Row, State
from shared.mirror import BookTable, BookView, MirrorWriter, TableFullError, format_books
from shared.scale import Scale
from tests import market_data as make

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 20.0


def uniform(table: BookTable, number: int) -> np.ndarray:
    """Return a row in which every level says ``number``."""
    row = np.full(table.row_words, number, np.int64)
    row[:ROW_HEAD] = 0
    row[Row.N_BIDS] = row[Row.N_ASKS] = table.depth
    row[Row.FLAGS], row[Row.U] = VALID, number
    return row


def small() -> tuple[BookTable, int, MirrorWriter]:
    table = make.table(depth=4)
    symbol_id = table.add(make.SYMBOL, make.BTC)
    return table, symbol_id, table.writer(symbol_id)


def test_ids_count_up_and_a_symbol_keeps_its_own() -> None:
    table = make.table()
    assert [table.add("BTCUSDT", make.BTC), table.add("ETHUSDT", make.ETH), table.add("BTCUSDT", make.BTC)] == [0, 1, 0]
    assert [entry.symbol for entry in table.entries()] == ["BTCUSDT", "ETHUSDT"]
    assert (table.find("ETHUSDT"), table.find("XRPUSDT"), len(table)) == (1, None, 2)
    assert [table.find(name) for name in ("", "ETHUSD", "ETHUSDTT", "\u0395", "X" * 33)] == [None] * 5


def test_a_changed_grid_gets_a_new_number_and_the_old_one_stays_readable() -> None:
    table = make.table()
    symbol_id = table.add("BTCUSDT", make.BTC)
    old = table.entry(symbol_id).scale_id
    table.add("BTCUSDT", Scale("0.01", "0.001"))
    new = table.entry(symbol_id).scale_id
    assert new != old
    other = BookTable(table.buffer)
    assert (other.scale(old), other.scale(new)) == (make.BTC, Scale("0.01", "0.001"))


def test_a_full_table_says_so() -> None:
    table = make.table(symbols_max=1)
    table.add("BTCUSDT", make.BTC)
    with pytest.raises(TableFullError, match="ETHUSDT"):
        table.add("ETHUSDT", make.ETH)


def test_states_are_seen_by_others() -> None:
    table, symbol_id, _ = small()
    assert table.entry(symbol_id).state == State.OFF
    table.set_state(symbol_id, State.ON)
    assert BookTable(table.buffer).entry(symbol_id).state == State.ON


def test_memory_of_another_kind_is_refused() -> None:
    with pytest.raises(AssertionError):
        BookTable(bytearray(layout.books_bytes(4, 50)))
    with pytest.raises(AssertionError):
        format_books(bytearray(1 << 20), symbols_max=1, depth=1001, generation=1)


def test_there_is_no_book_before_the_first_write() -> None:
    table, symbol_id, _ = small()
    assert table.reader(symbol_id).read() is None


def test_a_reader_sees_what_was_written_and_keeps_it() -> None:
    table, symbol_id, writer = small()
    reader = table.reader(symbol_id)
    row = np.zeros(table.row_words, np.int64)
    row[ROW_HEAD : ROW_HEAD + 2] = [100, 99]
    row[ROW_HEAD + 4 : ROW_HEAD + 6] = [7, 8]
    row[ROW_HEAD + 8], row[ROW_HEAD + 12] = 101, 9
    row[Row.N_BIDS], row[Row.N_ASKS], row[Row.FLAGS] = 2, 1, VALID
    row[Row.RING_SEQ], row[Row.RECV_NS], row[Row.WRITE_NS], row[Row.CTS_NS], row[Row.UPDATES] = 55, 1, 2, 3, 4
    writer.publish(row)
    view = reader.read()
    assert view is not None
    assert (view.bid_ticks.tolist(), view.bid_lots.tolist()) == ([100, 99], [7, 8])
    assert (view.ask_ticks.tolist(), view.ask_lots.tolist()) == ([101], [9])
    assert (view.best_bid, view.best_ask, view.valid, view.reason) == (100, 101, True, Reason.NONE)
    assert (view.ring_seq, view.recv_ns, view.write_ns, view.cts_ns, view.updates) == (55, 1, 2, 3, 4)
    assert (view.symbol, view.scale, view.generation, view.symbol_id) == (make.SYMBOL, make.BTC, 1, symbol_id)
    row[Row.FLAGS] = Reason.CROSSED << REASON_SHIFT
    writer.publish(row)
    assert view.valid
    newer = reader.read()
    assert newer is not None
    assert (newer.valid, newer.reason, newer.version > view.version) == (False, Reason.CROSSED, True)
    assert reader.read() is newer


def test_a_kept_row_is_the_same_book_again_and_a_damaged_one_is_refused() -> None:
    table, symbol_id, writer = small()
    writer.publish(uniform(table, 5))
    view = table.reader(symbol_id).read()
    assert view is not None
    again = BookView.from_row(view.row, view.symbol, view.scale)
    assert (again.bid_ticks.tolist(), again.word(Row.U)) == ([5, 5, 5, 5], 5)
    for damaged in (view.row[:-8], view.row[:-1], b"", b"\1" + view.row[1:]):
        with pytest.raises(ValueError, match="row"):
            BookView.from_row(damaged, view.symbol, view.scale)


def test_a_write_that_was_never_finished_leaves_the_book_before_it() -> None:
    table, symbol_id, writer = small()
    for number in (1, 2, 3):
        writer.publish(uniform(table, number))
    reader = table.reader(symbol_id)
    older = writer.first if int(table.words[writer.first]) == 4 else writer.first + table.row_words
    table.words[older] = 7
    table.words[older + ROW_HEAD : older + ROW_HEAD + 3] = 666
    view = reader.read()
    assert view is not None
    assert (view.word(Row.U), set(view.bid_ticks.tolist())) == (3, {3})


def test_words_that_do_not_add_up_are_no_book() -> None:
    table, symbol_id, writer = small()
    writer.publish(uniform(table, 1))
    newest = writer.first + table.row_words
    table.words[newest + ROW_HEAD] = 999  # Version even and unchanged, yet not what was written.
    assert table.reader(symbol_id).read() is None


def test_a_reader_never_goes_back_in_time() -> None:
    table, symbol_id, writer = small()
    reader = table.reader(symbol_id)
    writer.publish(uniform(table, 1))
    writer.publish(uniform(table, 2))
    seen = reader.read()
    table.words[writer.first] = 0  # As if the newest had never been.
    assert reader.read() is seen


WRITER = """
import sys
from shared import shm
from shared.layout import ROW_HEAD, VALID, Row
from shared.mirror import BookTable
import numpy as np
segment = shm.attach(sys.argv[1])
table = BookTable(segment.buffer)
writer = table.writer(0)
row = np.zeros(table.row_words, np.int64)
row[Row.N_BIDS] = row[Row.N_ASKS] = table.depth
row[Row.FLAGS] = VALID
number = 0
while True:
    number += 1
    row[ROW_HEAD:] = number
    row[Row.U] = number
    writer.publish(row)
"""


def books_with_writer(kernel: str) -> tuple[shm.RunLock, BookTable, subprocess.Popen[bytes]]:
    run_id = f"test{uuid.uuid4().hex[:8]}"
    lock = shm.RunLock(run_id)  # Or another run's sweep would take the segment for a leftover.
    name = shm.segment_name(run_id, "books", 1)
    segment = shm.create(name, layout.books_bytes(1, 50))
    format_books(segment.buffer, symbols_max=1, depth=50, generation=1)
    table = BookTable(segment.buffer)
    table.add(make.SYMBOL, make.BTC)
    env = os.environ | {"PEREGRINE_KERNEL": kernel, "PYTHONPATH": str(ROOT)}
    return lock, table, subprocess.Popen([sys.executable, "-c", WRITER, name], env=env, cwd=ROOT)


@pytest.mark.parametrize("kernel", ["plain", "auto"])
def test_no_book_is_ever_torn_while_a_process_writes_flat_out(kernel: str) -> None:
    lock, table, writer = books_with_writer(kernel)
    reader = table.reader(0)
    distinct, last = 0, 0
    deadline = time.monotonic() + DEADLINE_S
    try:
        while distinct < 2_000:
            assert writer.poll() is None, "the writer died"
            assert time.monotonic() < deadline, f"only {distinct} books in {DEADLINE_S} s"
            view = reader.read()
            if view is None:
                continue
            number = view.word(Row.U)
            levels = np.concatenate([view.bid_ticks, view.bid_lots, view.ask_ticks, view.ask_lots])
            assert len(levels) == 200
            assert (levels == number).all()
            assert number >= last
            distinct, last = distinct + (number > last), number
    finally:
        writer.kill()
        writer.wait()
        lock.release()


def test_a_writer_killed_at_any_instant_leaves_a_readable_book() -> None:
    for _ in range(6):
        lock, table, writer = books_with_writer("auto")
        watching = table.reader(0)
        deadline = time.monotonic() + DEADLINE_S
        while watching.read() is None:
            assert writer.poll() is None
            assert time.monotonic() < deadline
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        view = table.reader(0).read()
        lock.release()
        assert view is not None
        assert set(view.ask_lots.tolist()) == {view.word(Row.U)}
