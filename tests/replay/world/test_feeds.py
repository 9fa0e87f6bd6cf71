from random import Random

from replay.world.clock import VirtualClock
from replay.world.feeds import Glance, IngestActor, ScannerActor, SharedMemory, SignalsActor
from replay.world.network import Network
from shared.messages import Dirty, Message, Tick, Universe
from shared.presets import config_of

START_NS = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
CONFIG = config_of("fusion", {"exchange.symbols": ("SOLUSDT",), "scanner.symbols": ("SOLUSDT",)})


def test_the_scanner_finds_ingest_reads_and_the_signal_engine_follows() -> None:
    clock, said = VirtualClock(START_NS), list[tuple[str, Message]]()
    network, memory = Network(CONFIG, clock, Random(1)), SharedMemory("feeds")

    def say(name: str, message: Message) -> None:
        said.append((name, message))
        if isinstance(message, Universe):
            for one in (ingest.actor, signals.actor):
                one.feed(message)
        elif isinstance(message, Dirty):
            signals.wake(message)

    def beat() -> None:
        for one in (ingest.actor, scanner.actor, signals.actor):
            one.feed(Tick())
        signals.look()

    ingest = IngestActor(CONFIG, clock, network, memory, say)
    signals = SignalsActor(CONFIG, clock, network, memory, 0, say)
    scanner = ScannerActor(CONFIG, clock, network, "feeds", 0, say)
    clock.every(50_000_000, beat)
    clock.run(START_NS + 5 * SECOND)
    kinds = {(name, type(message).__name__) for name, message in said}
    assert {("scanner", "Universe"), ("scanner", "ClockOffset"), ("ingest", "Dirty"), ("signals", "Decision")} <= kinds
    glance = Glance(memory)
    quote = glance("SOLUSDT")
    assert quote is not None
    assert quote.valid
    assert quote.best_bid_ticks < quote.best_ask_ticks
    assert glance("BTCUSDT") is None
