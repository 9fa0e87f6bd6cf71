"""Scanner and executor together, without a socket: who leads is traded, and who is beaten is closed before it goes."""

from __future__ import annotations

from dataclasses import replace

from services.execution.wire import OrderRequest
from services.scanner.core import ScannerCore
from services.scanner.wire import InstrumentsAnswer, RequestInstruments, TickersAnswer
from shared.config import Scanner
from shared.messages import ExecutionState, Message, RoundTrip, Started, Tick, Universe
from tests.services.execution.rig import LIMITS, NOW, Rig
from tests.services.scanner.answers import answer, instrument, ticker

S = 1_000_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")
SMALL = {"lotSizeFilter.qtyStep": "0.001", "lotSizeFilter.minOrderQty": "0.001"}
LIST = answer(*(instrument(symbol, **{"priceFilter.tickSize": "0.10"} | SMALL) for symbol in SYMBOLS))


class Pair:
    """A scanner and an executor that hear each other, and everything both have said."""

    def __init__(self) -> None:
        self.scanner = ScannerCore(Scanner(symbols_max=1, clock_s=0, exclude_coins=()))
        self.scanner.on_started(Started("scanner", "run", 0), NOW)
        self.executor = Rig(replace(LIMITS, time_exit_ns=0)).start()
        self.said: list[Message] = []

    def tell(self, said: list[Message]) -> None:
        """Carry what one says to the other until both are silent."""
        queue = list(said)
        while queue:
            message = queue.pop(0)
            self.said.append(message)
            if isinstance(message, Universe):
                queue += self.executor.feed(message)
            elif isinstance(message, ExecutionState):
                queue += self.scanner.on_execution_state(message, self.executor.now)

    def scan(self, changes: dict[str, str]) -> None:
        """Let the scan that is due see these changes of the day."""
        now = self.executor.now
        (asked,) = [each for each in self.scanner.on_tick(Tick(), now) if isinstance(each, RequestInstruments)]
        self.tell(self.scanner.on_instruments_answer(InstrumentsAnswer(asked.scan, LIST), now))
        rows = [ticker(symbol, change=change) for symbol, change in changes.items()]
        self.tell(self.scanner.on_tickers_answer(TickersAnswer(asked.scan, answer(*rows)), now))

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.tell(self.executor.wait(1_000))

    @property
    def universes(self) -> list[tuple[list[str], tuple[str, ...]]]:
        """Every universe, once: its symbols and those of them that leave."""
        said = {each.version: each for each in self.said if isinstance(each, Universe)}
        return [([rules.symbol for rules in each.instruments], each.leaving) for each in said.values()]


def test_a_leader_change_is_one_switch_and_the_old_position_is_closed_before_the_new_symbol_may_be_traded() -> None:
    pair = Pair()
    pair.scan({"BTCUSDT": "0.03", "ETHUSDT": "0.02"})
    pair.wait(1)
    pair.executor.enter()
    pair.wait(1)
    pair.executor.now += 58 * S
    assert pair.universes == [(["BTCUSDT"], ())]
    pair.scan({"BTCUSDT": "0.03", "ETHUSDT": "0.037"})
    assert pair.universes[1:] == [(["BTCUSDT"], ("BTCUSDT",))]
    (close,) = [each for each in pair.said if isinstance(each, OrderRequest) and each.reduce_only]
    pair.wait(2)
    assert len(pair.universes) == 2  # Still open: its successor waits.
    pair.tell(pair.executor.feed(pair.executor.reply(close)))
    pair.tell(pair.executor.leave(close.order_link_id))
    pair.wait(2)
    assert pair.universes[2:] == [(["ETHUSDT"], ())]
    trips = [at for at, each in enumerate(pair.said) if isinstance(each, RoundTrip)]
    switched = [at for at, each in enumerate(pair.said) if isinstance(each, Universe) and each.leaving == ()][-1]
    assert len(trips) == 1
    assert trips[0] < switched
    pair.executor.now += 60 * S
    pair.scan({"BTCUSDT": "0.044", "ETHUSDT": "0.037"})
    assert len(pair.universes) == 3  # Ahead, but not by a fifth.
