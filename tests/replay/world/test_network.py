from random import Random

import orjson

from replay.world.clock import VirtualClock
from replay.world.network import DELAY_NS, Line, Network
from services.exchange.sockets import PUBLIC_PATH
from services.exchange.wire import HttpReply, HttpRequest
from shared.presets import config_of

START_NS = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
CONFIG = config_of("fusion", {"exchange.symbols": ("SOLUSDT",), "scanner.symbols": ("SOLUSDT",)})


class Client:
    """Listens to one symbol's trades and book."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.frames: list[bytes] = []
        self.ends: list[str] = []
        network.open(PUBLIC_PATH, self.opened, self.hear, self.ends.append)

    def opened(self, line: Line) -> None:
        self.line = line
        self.network.send(line, orjson.dumps({"op": "subscribe", "args": ["orderbook.50.SOLUSDT"]}))

    def hear(self, frames: tuple[bytes, ...]) -> None:
        self.frames += frames


def network() -> tuple[VirtualClock, Network]:
    clock = VirtualClock(START_NS)
    return clock, Network(CONFIG, clock, Random(1))


def test_a_request_is_answered_after_both_ways() -> None:
    clock, net = network()
    answers: list[tuple[int, HttpReply]] = []
    net.request(
        lambda number: HttpRequest(number, "GET", "/v5/market/time", "", (), b"", "127.0.0.1"),
        lambda reply: answers.append((clock.now(), reply)),
    )
    clock.run(START_NS + SECOND)
    ((at_ns, reply),) = answers
    assert reply.status == 200
    assert 2 * DELAY_NS[0] <= at_ns - START_NS <= 2 * DELAY_NS[1]


def test_frames_keep_their_order_on_a_line() -> None:
    clock, net = network()
    client = Client(net)
    clock.run(START_NS + 2 * SECOND)
    updates = [frame["data"]["u"] for frame in map(orjson.loads, client.frames) if "topic" in frame]
    assert len(updates) > 50
    assert updates == sorted(updates)


def test_a_line_that_was_closed_says_nothing_more() -> None:
    clock, net = network()
    client = Client(net)
    clock.run(START_NS + SECOND)
    net.close(client.line, "enough")
    heard = len(client.frames)
    clock.run(START_NS + 2 * SECOND)
    assert (len(client.frames), client.ends) == (heard, ["enough"])


def test_a_restart_of_the_exchange_cuts_every_line() -> None:
    clock, net = network()
    clients = [Client(net), Client(net)]
    clock.run(START_NS + SECOND)
    net.restart()
    clock.run(START_NS + 2 * SECOND)
    assert [len(client.ends) for client in clients] == [1, 1]
    assert net.core.desk.oracle.executed == 0
