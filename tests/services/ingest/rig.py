"""The ingest core with memory, counters and a clock that moves when told."""

from __future__ import annotations

from random import Random
from typing import Any, TypeVar

import orjson

from services.ingest.core import IngestCore, settings_of
from services.ingest.wire import Connected, Frames, OpenFeed, PingFeed, Subscribe
from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Ingest
from shared.fleet import Counters
from shared.messages import Dirty, ExecutionState, Instrument, Message, Started, Tick, Universe
from shared.mirror import BookView
from tests import market_data as make
from tests.market_data import book_frame

START = 1_000 * NS_PER_S
M = TypeVar("M", bound=Message)


def rules(symbol: str, tick: str = "0.10", lot: str = "0.001") -> Instrument:
    return Instrument(symbol, tick, lot, 1, 10**6, 10**6, 5 * 10**8, 480, 5000, "Trading")


def universe(*instruments: Instrument, version: int = 1) -> Universe:
    return Universe(version, instruments, tuple(1.0 for _ in instruments))


def state(*symbols: str) -> ExecutionState:
    return ExecutionState("running", "", symbols, 0)


class Rig:
    """The core with memory, counters and a clock that moves when told."""

    def __init__(self, *symbols: str, symbols_max: int = 4, capacity: int = 4096, **changes: Any) -> None:
        self.table, self.ring = make.table(symbols_max=symbols_max), make.ring(capacity)
        self.events = make.reader(self.ring)
        self.counts = Counters()
        silences = {"silence_ms": 4_000, "book_silence_ms": 16_000, "ticker_silence_ms": 32_000}
        settings = settings_of(Ingest(**{"resync_timeout_ms": 1_000, "cross_check": False, **silences, **changes}))
        self.core = IngestCore(self.table, self.ring, settings, self.counts, Random(7))
        self.now = START
        opened = of(OpenFeed, self.say(Started("ingest", "run", 0)))
        assert [one.connection for one in opened] == list(range(2 if settings.redundant else 1))
        if symbols:
            self.say(universe(*map(rules, symbols)))
            for one in opened:
                self.say(Connected(one.connection))

    def say(self, message: Message) -> list[Message]:
        outputs: list[Message] = getattr(self.core, message.HANDLER)(message, self.now)
        return outputs

    def frame(self, data: bytes, line: int = 0) -> list[Message]:
        return self.say(Frames(line, (data,)))

    def wait(self, ms: int, *, feed_alive: bool = True) -> list[Message]:
        """Let ``ms`` pass in ticks of 50; the connection hears something meanwhile."""
        outputs: list[Message] = []
        for _ in range(ms // 50):
            self.now += 50 * NS_PER_MS
            if feed_alive:
                self.frame(b'{"success":true,"ret_msg":"pong","op":"ping"}')
            outputs += [output for output in self.say(Tick()) if not isinstance(output, PingFeed)]
        return outputs

    def live(self, symbol: str = make.SYMBOL, u: int = 5) -> None:
        frame = book_frame("snapshot", u, [("100.0", "1"), ("99.9", "2")], [("100.1", "3")], symbol=symbol)
        assert of(Dirty, self.frame(frame))
        self.events.take()

    def delta(self, u: int, symbol: str = make.SYMBOL) -> list[Message]:
        return self.frame(book_frame("delta", u, [("99.8", str(u))], [], symbol=symbol))

    def view(self, symbol: str = make.SYMBOL) -> BookView:
        symbol_id = self.table.find(symbol)
        assert symbol_id is not None
        view = self.table.reader(symbol_id).read()
        assert view is not None
        return view

    def refuse(self, outputs: list[Message]) -> list[Message]:
        """Answer the last subscription among ``outputs`` as the venue does when it wants none of it."""
        request = of(Subscribe, outputs)[-1].request
        answer = {"success": False, "ret_msg": "error:handler not found", "op": "subscribe", "req_id": request}
        return self.frame(orjson.dumps(answer))


def of(kind: type[M], outputs: list[Message]) -> list[M]:
    return [output for output in outputs if isinstance(output, kind)]
