"""Frames that are lost, late, doubled, out of order, cut short or spoilt, as clients get them."""

from __future__ import annotations

from typing import Any

import orjson

from services.exchange.core import ExchangeCore
from services.exchange.wire import SocketFrames, SocketSend, SocketText
from shared.messages import Message
from tests.exchange_rig import SYMBOL, Rig

BOOK, TICKER = f"orderbook.50.{SYMBOL}", f"tickers.{SYMBOL}"


class Line(Rig):
    """A rig that keeps what one client gets as bytes, numbered book deltas among it."""

    def __init__(self, *topics: str) -> None:
        super().__init__()
        self.got: list[bytes] = []
        self.client = self.connect()
        self.say(self.client, {"op": "subscribe", "args": list(topics or (BOOK,))})
        self.got.clear()

    def take(self, outputs: list[Message]) -> None:
        for one in outputs:
            if isinstance(one, SocketSend | SocketFrames) and one.connection == getattr(self, "client", 0):
                if hasattr(self, "got"):
                    self.got += [one.data] if isinstance(one, SocketSend) else one.frames
            else:
                super().take([one])

    def say(self, connection: int, frame: object) -> dict[str, Any]:
        self.take(self.core.on_socket_text(SocketText(connection, orjson.dumps(frame)), self.now))
        self.tick(3)
        return {}

    def deltas(self, count: int, topic: str = BOOK) -> list[int | bytes]:
        """Publish so many numbered deltas, one a millisecond, and return what came of them."""
        self.got.clear()
        for number in range(count):
            self.market.frames = [(topic, orjson.dumps({"topic": topic, "type": "delta", "n": number}))]
            self.tick()
        self.tick(20)
        return [_number(data) for data in self.got]


def _number(data: bytes) -> int | bytes:
    try:
        return int(orjson.loads(data)["n"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return data


def test_without_faults_everything_comes_in_order() -> None:
    assert Line().deltas(5) == [0, 1, 2, 3, 4]


def test_dropped_frames_do_not_come() -> None:
    line = Line()
    line.fault("drop count=2")
    assert line.deltas(5) == [2, 3, 4]


def test_late_frames_are_overtaken() -> None:
    line = Line()
    line.fault("delay ms=3ms count=1")
    assert line.deltas(5) == [1, 2, 0, 3, 4]


def test_doubled_frames_come_twice_at_once_or_later() -> None:
    line = Line()
    line.fault("duplicate count=1")
    assert line.deltas(3) == [0, 0, 1, 2]
    line.fault("duplicate ms=10ms count=1")
    assert line.deltas(3) == [0, 1, 2, 0]


def test_reordered_frames_change_places_with_the_next() -> None:
    line = Line()
    line.fault("reorder count=1")
    assert line.deltas(4) == [1, 0, 2, 3]


def test_truncated_and_corrupted_frames_are_not_what_was_said() -> None:
    for name in ("truncate", "corrupt"):
        line = Line()
        line.fault(f"{name} count=1")
        line.deltas(2)
        whole = orjson.dumps({"topic": BOOK, "type": "delta", "n": 0})
        assert line.got[0] != whole
        assert len(line.got) == 2
        assert (len(line.got[0]) < len(whole)) == (name == "truncate")
        line.got[0].decode()


def test_a_gap_is_missed_by_everybody_and_hits_deltas_only() -> None:
    line = Line()
    other = line.connect()
    line.core.on_socket_text(SocketText(other, b'{"op":"subscribe","args":["%s"]}' % BOOK.encode()), line.now)
    line.tick(3)
    before = len(line.sent[other])
    line.fault(f"gap topic={BOOK} count=2")
    assert line.deltas(5) == [2, 3, 4]
    assert [frame["n"] for frame in line.sent[other][before:]] == [2, 3, 4]


def test_only_the_topic_that_is_meant_suffers() -> None:
    line = Line(BOOK, TICKER)
    line.fault("drop topic=tickers.*")
    assert line.deltas(3) == [0, 1, 2]
    assert line.deltas(3, TICKER) == []


def test_a_frozen_line_is_open_but_dead_in_both_directions() -> None:
    line = Line()
    line.fault(f"freeze connection={line.client} for=1s")
    assert line.deltas(3) == []
    line.say(line.client, {"op": "ping"})
    assert line.got == []
    line.tick(1_000)
    assert line.deltas(3) == [0, 1, 2]
    core: ExchangeCore = line.core
    assert line.client in core._sockets.connections()


def test_private_frames_meet_faults_too() -> None:
    rig = Rig()
    client = rig.private("order", "execution")
    rig.fault("drop topic=order; duplicate topic=execution ms=50ms")
    rig.order()
    rig.tick(100)
    topics = [frame["topic"] for frame in rig.sent[client]]
    assert topics == ["execution", "execution"]
    first, second = rig.sent[client]
    assert first == second
    assert rig.ledger()["executed"] == 1


def test_what_has_been_done_is_counted() -> None:
    line = Line()
    line.fault("drop count=3")
    line.deltas(5)
    (row,) = line.get("/admin/faults")["result"]["list"]
    assert (row["applied"], row["left"], row["state"]) == (3, 0, "over")
