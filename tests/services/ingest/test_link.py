"""When a connection is opened again, pinged and given up."""

from __future__ import annotations

from random import Random

from services.ingest.link import PING_NS, Link, LinkState
from services.ingest.wire import CloseFeed, OpenFeed, PingFeed
from shared.clock import NS_PER_MS, NS_PER_S

SILENCE_NS = 4 * NS_PER_S


def link() -> Link:
    return Link(0, SILENCE_NS, Random(1))


def opened(now: int = 0) -> Link:
    one = link()
    assert one.tick(now) == [OpenFeed(0)]
    one.connected(now)
    return one


def test_a_link_opens_at_once_and_only_once() -> None:
    one = link()
    assert one.tick(0) == [OpenFeed(0)]
    assert one.tick(1) == []
    assert one.state is LinkState.OPENING


def test_the_first_reconnect_is_at_once_and_then_ever_slower() -> None:
    one = opened()
    assert one.disconnected(10 * NS_PER_S) == [OpenFeed(0)]
    now, waits = 10 * NS_PER_S, []
    for _ in range(8):
        assert one.disconnected(now) == []
        start = now
        while not one.tick(now):
            now += 10 * NS_PER_MS
        waits.append((now - start) / NS_PER_S)
    for wait, most in zip(waits, [0.25, 0.5, 1, 2, 4, 5, 5, 5], strict=True):
        assert most / 2 <= wait <= most + 0.01


def test_a_connection_that_held_starts_the_back_off_anew() -> None:
    one = opened()
    one.disconnected(0)
    one.connected(NS_PER_S)
    assert one.disconnected(NS_PER_S + 1) == []
    one.connected(2 * NS_PER_S)
    assert one.disconnected(60 * NS_PER_S) == [OpenFeed(0)]


def test_a_busy_link_is_pinged_now_and_then() -> None:
    one = opened()
    pings = 0
    for now in range(0, 31 * NS_PER_S, 100 * NS_PER_MS):
        one.heard(now)
        pings += one.tick(now) == [PingFeed(0)]
    assert pings == 31 * NS_PER_S // PING_NS


def test_a_silent_link_is_asked_once_and_then_cut() -> None:
    one = opened()
    said = [(now, output) for now in range(0, 6 * NS_PER_S, 100 * NS_PER_MS) for output in one.tick(now)]
    assert [(now // NS_PER_MS, type(output)) for now, output in said] == [(2000, PingFeed), (4000, CloseFeed)]
    assert one.state is LinkState.CLOSING


def test_a_pong_keeps_a_quiet_link_alive() -> None:
    one = opened()
    for now in range(0, 60 * NS_PER_S, 100 * NS_PER_MS):
        for output in one.tick(now):
            assert isinstance(output, PingFeed)
            one.heard(now)
    assert one.is_open
