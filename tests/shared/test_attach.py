import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from shared import layout, shm
from shared.attach import DataPlane, Spinner
from shared.config import Ingest
from shared.fleet import SIZE, FleetPage, Word
from shared.layout import ROW_HEAD, VALID, Kind, Row, meta
from shared.messages import BookCopy, Events, Lapped, Message
from shared.mirror import BookTable
from shared.ring import RingWriter
from shared.scale import Scale
from shared.segments import DataSegments

SCALE = Scale("0.01", "0.1")


class Writer:
    """Ingest as a reader sees it: one segment generation after another."""

    def __init__(self, run_id: str) -> None:
        self.run_id, self.fleet = run_id, FleetPage(bytearray(SIZE))
        self.data = DataSegments(run_id, Ingest(depth=50, symbols_max=4, ring_records=4096))
        self.held: list[shm.Segment] = []

    def renew(self) -> None:
        generation = self.data.renew()
        self.held = [shm.attach(shm.segment_name(self.run_id, role, generation)) for role in ("books", "ring")]
        self.books, self.ring = BookTable(self.held[0].buffer), RingWriter(self.held[1].buffer)
        self.fleet.put(Word.DATA_GENERATION, generation)

    def write(self, symbol: str, bid: int, lots: int, scale: Scale = SCALE) -> None:
        symbol_id = self.books.add(symbol, scale)
        writer = self.books.writer(symbol_id)
        head = self.ring.publish([[0, meta(Kind.BID, 0, symbol_id, writer.scale_id), 0, 0, bid, lots, 0, 0]])
        row = np.zeros(self.books.row_words, np.int64)
        row[Row.RING_SEQ], row[Row.FLAGS], row[Row.N_BIDS] = head, VALID, 1
        row[ROW_HEAD], row[ROW_HEAD + layout.slots_a_side(50)] = bid, lots
        writer.publish(row)

    def close(self) -> None:
        for role in ("books", "ring"):
            shm.unlink(shm.segment_name(self.run_id, role, self.fleet.get(Word.DATA_GENERATION)))


@pytest.fixture
def writer(request: pytest.FixtureRequest) -> Iterator[Writer]:
    made = Writer(f"test{abs(hash(request.node.nodeid)):x}")
    yield made
    made.close()


def test_nothing_is_there_before_the_first_generation(writer: Writer) -> None:
    plane = DataPlane(writer.run_id, writer.fleet)
    assert list(plane.news()) == []
    assert (plane.generation, plane.symbols(), plane.view("SOLUSDT"), plane.copy("SOLUSDT")) == (0, [], None, None)


def test_a_reader_joins_with_copies_and_goes_on_with_events(writer: Writer) -> None:
    writer.renew()
    writer.write("SOLUSDT", 1000, 5)
    plane = DataPlane(writer.run_id, writer.fleet)
    lapped, copy = plane.news()
    assert lapped == Lapped(1)
    assert isinstance(copy, BookCopy)
    assert (copy.symbol, copy.symbol_id, copy.tick, copy.lot, copy.ring_seq) == ("SOLUSDT", 0, "0.01", "0.1", 1)
    writer.write("SOLUSDT", 1001, 6)
    (events,) = plane.news(look=False)
    assert isinstance(events, Events)
    assert (events.generation, events.first, len(events.data)) == (1, 1, layout.EVENT_BYTES)
    assert list(plane.news()) == []


def test_a_new_symbol_is_noticed_when_looked_for(writer: Writer) -> None:
    writer.renew()
    plane = DataPlane(writer.run_id, writer.fleet)
    assert list(plane.news()) == [Lapped(1)]
    writer.write("ETHUSDT", 1000, 5)
    assert [type(each) for each in plane.news(look=False)] == [Events]
    (copy,) = plane.news()
    assert isinstance(copy, BookCopy)
    assert (copy.symbol, copy.ring_seq) == ("ETHUSDT", 1)
    assert plane.symbols() == ["ETHUSDT"]


def test_a_symbol_without_a_book_yet_is_told_later(writer: Writer) -> None:
    writer.renew()
    writer.books.add("ETHUSDT", SCALE)
    plane = DataPlane(writer.run_id, writer.fleet)
    assert list(plane.news()) == [Lapped(1)]
    writer.write("ETHUSDT", 1000, 5)
    assert [type(each) for each in plane.news()] == [Events, BookCopy]


def test_a_symbol_on_a_new_grid_is_told_again(writer: Writer) -> None:
    writer.renew()
    writer.write("SOLUSDT", 1000, 5)
    plane = DataPlane(writer.run_id, writer.fleet)
    list(plane.news())
    writer.books.add("SOLUSDT", Scale("0.1", "0.1"))
    assert list(plane.news()) == []
    writer.write("SOLUSDT", 100, 5, Scale("0.1", "0.1"))
    _, copy = plane.news()
    assert isinstance(copy, BookCopy)
    assert copy.tick == "0.1"


def test_a_new_generation_is_attached_and_all_before_is_void(writer: Writer) -> None:
    writer.renew()
    writer.write("SOLUSDT", 1000, 5)
    plane = DataPlane(writer.run_id, writer.fleet)
    list(plane.news())
    writer.renew()
    writer.write("ETHUSDT", 2000, 5)
    lapped, copy = plane.news()
    assert lapped == Lapped(2)
    assert isinstance(copy, BookCopy)
    assert (copy.symbol, copy.generation) == ("ETHUSDT", 2)
    view = plane.view("ETHUSDT")
    assert view is not None
    assert view.best_bid == 2000
    assert plane.view("SOLUSDT") is None


def test_a_generation_that_is_gone_already_is_waited_out(writer: Writer) -> None:
    writer.renew()
    plane = DataPlane(writer.run_id, writer.fleet)
    writer.fleet.put(Word.DATA_GENERATION, 5)
    assert list(plane.news()) == []
    writer.fleet.put(Word.DATA_GENERATION, 1)
    assert list(plane.news()) == [Lapped(1)]


def test_an_overtaken_reader_joins_again_at_once(writer: Writer) -> None:
    writer.renew()
    writer.write("SOLUSDT", 1000, 5)
    plane = DataPlane(writer.run_id, writer.fleet)
    list(plane.news())
    word = meta(Kind.TICKER, 0, 0, 0)
    for _ in range(5):
        writer.ring.publish([[0, word, 0, 0, 0, 0, 0, 0]] * 1000)
    writer.write("SOLUSDT", 1001, 7)
    assert [type(each) for each in plane.news(look=False)] == [Lapped, BookCopy]
    assert plane.laps == 1
    writer.write("SOLUSDT", 1002, 7)
    assert [type(each) for each in plane.news(look=False)] == [Events]


def test_a_spinner_drains_at_once_and_lets_the_loop_have_its_turn(writer: Writer) -> None:
    async def spin() -> None:
        plane = DataPlane(writer.run_id, writer.fleet)
        heard: list[Message] = []
        spinner = Spinner(plane, lambda: heard.extend(plane.news(look=False)))
        await asyncio.sleep(0)  # Nothing to look at yet.
        writer.renew()
        writer.write("SOLUSDT", 1000, 5)
        heard += plane.news()
        for lots in (6, 7):
            writer.write("SOLUSDT", 1000, lots)
            async with asyncio.timeout(10):
                while sum(isinstance(each, Events) for each in heard) < lots - 5:
                    await asyncio.sleep(0)
        spinner.stop()
        turns = len(heard)
        writer.write("SOLUSDT", 1000, 8)
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(heard) == turns

    asyncio.run(spin())
