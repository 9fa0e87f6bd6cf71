from pathlib import Path
from random import Random

import pytest

from replay.world.clock import VirtualClock
from replay.world.executor import ENDPOINTS, ExecutionActor, read
from replay.world.network import Network
from services.exchange.wire import HttpReply
from services.execution import outcomes
from shared.messages import ExecutionState, Message, Tick, Universe
from shared.presets import config_of

START_NS = 1_790_000_000_000_000_000
CONFIG = config_of("fusion", {"exchange.symbols": ("SOLUSDT",), "scanner.symbols": ("SOLUSDT",)})


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"retCode":0,"retMsg":"OK"}', outcomes.ACCEPTED),
        (200, b'{"retCode":110007,"retMsg":"no money"}', outcomes.REJECTED),
        (200, b'{"retCode":10016,"retMsg":"server error"}', outcomes.UNKNOWN),
        (200, b"<html>", outcomes.UNKNOWN),
        (502, b"", outcomes.UNKNOWN),
        (0, b"", outcomes.UNKNOWN),
        (403, b"", outcomes.REJECTED),
    ],
)
def test_an_answer_means_what_it_means_to_the_rest_client(status: int, body: bytes, outcome: str) -> None:
    assert read(HttpReply(1, status, (), body))[0] == outcome


def test_execution_logs_in_compares_and_runs(tmp_path: Path) -> None:
    clock, said = VirtualClock(START_NS), list[Message]()
    network = Network(CONFIG, clock, Random(1))
    actor = ExecutionActor(
        CONFIG, clock, network, lambda _: None, ("run", 0), lambda _, message: said.append(message),
        tmp_path / "orders.sqlite", Random(2),
    )  # fmt: skip
    rules = tuple(network.core.desk.market.instruments.values())
    actor.actor.feed(Universe(1, rules, (0.0,) * len(rules)))
    clock.every(50_000_000, lambda: actor.actor.feed(Tick()))
    clock.run(START_NS + 3_000_000_000)
    states = [message.state for message in said if isinstance(message, ExecutionState)]
    assert (states[0], states[-1]) == ("reconciling", "running")
    assert network.core.counts.requests > len(ENDPOINTS) // 2
    actor.kill()
