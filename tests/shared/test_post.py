"""Datagrams between processes: they come whole and in order, and whoever is not there says so at once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shared.post import BYTES_MAX, Post


def test_messages_come_in_order_with_the_way_back(tmp_path: Path) -> None:
    signals, execution = Post(tmp_path, "signals"), Post(tmp_path, "execution")
    assert all(signals.send("execution", [b"Intent", bytes([number])]) for number in range(3))
    came = list(execution.take())
    assert [parts for parts, _ in came] == [[b"Intent", bytes([number])] for number in range(3)]
    assert execution.answer(came[0][1], [b"Ack"])
    assert [parts for parts, _ in signals.take()] == [[b"Ack"]]
    signals.close()
    execution.close()


def test_nobody_there_or_no_room_is_said_at_once(tmp_path: Path) -> None:
    signals = Post(tmp_path, "signals")
    assert not signals.send("execution", [b"Intent"])
    assert not signals.answer("", [b"Ack"])
    execution = Post(tmp_path, "execution")
    sent = 0
    while signals.send("execution", [bytes(1000)]):
        sent += 1
    assert sent > 0
    assert sum(1 for _ in execution.take()) > 0
    assert not signals.send("execution", [bytes(8 << 20)])
    execution.close()
    assert not signals.send("execution", [b"Intent"])
    signals.close()


def test_the_address_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    old, signals = Post(tmp_path, "execution"), Post(tmp_path, "signals")
    signals.send("execution", [b"lost"])
    old._socket.close()  # As the kernel does: the file stays.
    assert not signals.send("execution", [b"refused"])
    new = Post(tmp_path, "execution")
    assert signals.send("execution", [b"Intent"])
    assert [parts for parts, _ in new.take()] == [[b"Intent"]]
    new.close()
    signals.close()


@given(data=some.binary(max_size=64))
@settings(max_examples=50)
def test_nonsense_has_no_parts(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        one, other = Post(Path(folder), "one"), Post(Path(folder), "other")
        one._socket.sendto(b"\xc1" + data, str(other._path))
        assert list(other.take()) == [([], "")]
        one.close()
        other.close()


def test_a_path_the_kernel_cannot_bind_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 107"):
        Post(tmp_path / ("x" * 120), "ingest")


def test_a_message_longer_than_the_buffer_is_nonsense_and_nothing_more(tmp_path: Path) -> None:
    one, other = Post(tmp_path, "one"), Post(tmp_path, "other")
    if one.send("other", [bytes(BYTES_MAX)]):
        assert list(other.take()) == [([], "")]
    one.close()
    other.close()
