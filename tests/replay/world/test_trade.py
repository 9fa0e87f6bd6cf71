"""Execution's own order-entry line, on the virtual clock, against the exchange's core."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from replay.world.clock import VirtualClock
from replay.world.network import Network
from replay.world.trade import TradeActor
from services.execution.calls import call_of
from services.execution.wire import CancelRequest, Reply
from shared.presets import config_of

S = 1_000_000_000
START_NS = 1_790_000_000 * S
CANCEL = CancelRequest(1, "SOLUSDT", "nobody-e")


def lay(faults: str = "") -> tuple[VirtualClock, TradeActor, list[Reply], Callable[[float], None]]:
    """Return a line to an exchange with these faults, its replies, and what lets it live for so many seconds."""
    config = config_of(
        "fusion",
        {"exchange.symbols": ("SOLUSDT",), "scanner.symbols": ("SOLUSDT",), "exchange.faults": faults,
         "execution.rest_timeout_s": 0.5},
    )  # fmt: skip
    clock, replies = VirtualClock(START_NS), list[Reply]()
    line = TradeActor(config, clock, Network(config, clock, Random(1)), replies.append, Random(2))
    return clock, line, replies, lambda seconds: clock.run(clock.now_ns + round(seconds * S))


def test_it_logs_in_and_is_answered() -> None:
    _, line, replies, live = lay()
    assert not line.send(CANCEL, call_of(CANCEL))
    live(1)
    assert line.send(CANCEL, call_of(CANCEL))
    live(1)
    assert [(reply.outcome, reply.code) for reply in replies] == [("already_done", 110001)]
    assert replies[0].limit == 10


def test_a_lost_answer_is_unknown_and_the_line_trusted_again_after_a_pong() -> None:
    _, line, replies, live = lay("mute path=order.cancel count=1")
    live(1)
    line.send(CANCEL, call_of(CANCEL))
    live(1)
    assert [reply.outcome for reply in replies] == ["unknown"]
    assert line.send(CancelRequest(2, "SOLUSDT", "nobody-e"), call_of(CANCEL))


def test_a_cut_line_comes_back_and_a_killed_one_does_not() -> None:
    _, line, _, live = lay("disconnect path=/v5/trade at=1s")
    live(1.01)
    assert not line.is_up
    live(3)
    assert line.is_up
    assert line.ups == 2
    line.kill()
    live(10)
    assert not line.is_up
