"""The bus's bookkeeping, mostly without a socket: framing, loss, once-only, retry, pokes."""

import asyncio
from pathlib import Path

import pytest

from shared.bus import (
    PENDING_MAX,
    REMEMBERED_MAX,
    RETRY_NS,
    Bus,
    Header,
    Losses,
    Once,
    Sender,
    endpoint,
    frames,
    unframe,
)
from shared.clock import FleetClock
from shared.fleet import Counters
from shared.messages import SCHEMA, Ack, Command, Dirty, Leave, ProtocolError, Tick


def header(seq: int, epoch: int = 0, sender: str = "scanner") -> Header:
    return Header(SCHEMA, sender, epoch, seq, 1_000)


class Wire:
    """Stands in for a DEALER socket: keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []

    def send_multipart(self, parts: list[bytes], _flags: int) -> None:
        self.sent.append(parts)


def test_a_message_keeps_its_header() -> None:
    assert unframe(frames(Command("c1", "pause"), header(5))) == (header(5), Command("c1", "pause"))


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"Tick"],
        [b"Tick", b"junk", b"\x90"],
        [b"Nobody", frames(Tick(), header(1))[1], b"\x90"],
        [b"\xff", frames(Tick(), header(1))[1], b"\x90"],
        frames(Tick(), Header(SCHEMA + 1, "scanner", 0, 1, 0)),
    ],
)
def test_nonsense_is_a_protocol_error(parts: list[bytes]) -> None:
    with pytest.raises(ProtocolError):
        unframe(parts)


def test_missed_messages_are_counted_and_old_ones_refused() -> None:
    losses = Losses()
    assert [losses.hear(b"Fill", header(seq)) for seq in (4, 5, 9, 9, 8)] == [0, 0, 3, None, None]


def test_a_restarted_sender_counts_from_one_again_and_its_past_is_refused() -> None:
    losses = Losses()
    heard = [losses.hear(b"Fill", header(seq, epoch)) for seq, epoch in ((7, 0), (1, 1), (8, 0), (2, 1))]
    assert heard == [0, 0, None, 0]


def test_kinds_are_counted_apart() -> None:
    losses = Losses()
    assert losses.hear(b"Fill", header(1)) == 0
    assert losses.hear(b"Verdict", header(1)) == 0


def test_a_retried_command_is_taken_once_and_memory_is_bounded() -> None:
    once = Once()
    assert [once.first_time(header(1)), once.first_time(header(1))] == [True, False]
    for seq in range(REMEMBERED_MAX * 2):
        once.first_time(header(seq))
    assert len(once._seen) == REMEMBERED_MAX


def test_a_command_is_sent_again_until_acknowledged() -> None:
    wire = Wire()
    sender = Sender(wire)  # type: ignore[arg-type]
    assert sender.send(Command("c1", "pause"), header(1), expires_ns=10 * RETRY_NS)
    sender.retry(1_000 + RETRY_NS - 1)
    assert len(wire.sent) == 1
    sender.retry(1_000 + RETRY_NS)
    assert wire.sent[0] == wire.sent[1]
    sender.take(frames(Ack("scanner", 0, 1), header(1, sender="execution")))
    sender.retry(1_000 + 5 * RETRY_NS)
    assert len(wire.sent) == 2


def test_a_wish_in_a_hurry_goes_by_datagram_and_over_zeromq_when_that_is_not_acknowledged() -> None:
    wire, express = Wire(), list[list[bytes]]()
    leave = Leave("BTCUSDT", 1, "against", 0.9, 1_000, 10**9)
    sender = Sender(wire, lambda parts: not express.append(parts))  # type: ignore[arg-type, func-returns-value]
    assert sender.send(leave, header(1), expires_ns=10 * RETRY_NS)
    assert sender.send(leave, header(2), expires_ns=10 * RETRY_NS)
    assert (express, wire.sent) == ([frames(leave, header(1)), frames(leave, header(2))], [])
    sender.acknowledged(1)
    sender.retry(1_000 + RETRY_NS)
    assert wire.sent == [frames(leave, header(2))]
    sender.send(Command("c1", "pause"), header(3), expires_ns=10 * RETRY_NS)
    assert len(express) == 2, "a command keeps its place among the others: it always goes over ZeroMQ"


def test_a_wish_in_a_hurry_goes_over_zeromq_at_once_when_nobody_takes_datagrams() -> None:
    wire = Wire()
    sender = Sender(wire, lambda _: False)  # type: ignore[arg-type]
    leave = Leave("BTCUSDT", 1, "against", 0.9, 1_000, 10**9)
    sender.send(leave, header(1), expires_ns=10 * RETRY_NS)
    assert wire.sent == [frames(leave, header(1))]


def test_a_poke_reaches_the_one_who_waits_and_everybody_where_he_is_not(tmp_path: Path) -> None:
    heard: list[Dirty] = []

    async def run() -> None:
        ingest = Bus("ingest", 0, tmp_path, FleetClock(0), Counters())
        signals = Bus("signals", 0, tmp_path, FleetClock(0), Counters())
        signals.subscribe(["ingest"], [Dirty], heard.append)  # type: ignore[arg-type]
        ingest.poke("signals", Dirty(1, 7))
        await asyncio.sleep(0.05)
        assert heard == [Dirty(1, 7)], "a poke needs no subscription to have arrived"
        (tmp_path / "signals.post").unlink()
        async with asyncio.timeout(5):
            while len(heard) < 4:
                ingest.poke("signals", Dirty(1, len(heard)))
                await asyncio.sleep(0.01)
        ingest.close()
        signals.close()

    asyncio.run(run())


def test_a_command_dies_at_its_deadline() -> None:
    wire = Wire()
    sender = Sender(wire)  # type: ignore[arg-type]
    sender.send(Command("c1", "pause"), header(1), expires_ns=2_000)
    sender.retry(2_000)
    sender.retry(2_000 + RETRY_NS)
    assert len(wire.sent) == 1


def test_too_many_waiting_commands_are_refused() -> None:
    sender = Sender(Wire())  # type: ignore[arg-type]
    taken = [sender.send(Tick(), header(seq), expires_ns=10**9) for seq in range(PENDING_MAX + 1)]
    assert taken == [True] * PENDING_MAX + [False]


def test_a_path_the_kernel_cannot_bind_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 107"):
        endpoint(tmp_path / ("x" * 120), "ingest", "pub")
