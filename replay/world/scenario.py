"""What happens in a trial, drawn from its seed: intents good and bad, faults of the venue, and blows to our own."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Brackets, Config, Exchange, Execution, Risk, Router, Scanner

SECONDS = 32.0
CALM_FROM_S = 22.0  # From here on nothing goes wrong any more: what then does not heal is a finding.
SYMBOLS = ("SOLUSDT", "SUIUSDT")
INTENTS = (8, 14)
FAULTS = (3, 7)
AGAIN_SHARE = 0.2

# Faults of the venue, in its own words; {at} and {span} are drawn. "*order?create" is create by REST and by socket.
VENUE = (
    "lose path=*order?create p=0.5 at={at} for={span}",
    "mute path=*order?create p=0.5 at={at} for={span}",
    "late path=*order?create ms=400ms at={at} for={span}",
    "hold path=*order?create ms=900ms p=0.5 at={at} for={span}",
    "ghost path=*order?create count=1 at={at}",
    "http path=/v5/order/create status=502 accepted=yes p=0.5 at={at} for={span}",
    "http path=/v5/order/create status=504 accepted=no p=0.5 at={at} for={span}",
    "http path=/v5/* status=429 p=0.3 at={at} for={span}",
    "http path=/v5/position/list status=502 p=0.5 at={at} for={span}",
    "code path=*order?create code=10016 accepted=yes p=0.5 at={at} for={span}",
    "code path=*order?create code=10006 p=0.5 at={at} for={span}",
    "lose path=*order?cancel p=0.5 at={at} for={span}",
    "mute path=*order?amend p=0.5 at={at} for={span}",
    "hold path=*order?cancel ms=700ms p=0.5 at={at} for={span}",
    "code path=*order?amend code=10016 accepted=yes p=0.5 at={at} for={span}",
    "lose path=/v5/position/trading-stop p=0.5 at={at} for={span}",
    "mute path=/v5/position/trading-stop p=0.5 at={at} for={span}",
    "hold path=/v5/position/trading-stop ms=900ms p=0.5 at={at} for={span}",
    "code path=/v5/position/trading-stop code=10016 accepted=yes p=0.5 at={at} for={span}",
    "jump symbol=SOLUSDT percent=0.3 at={at} count=1",
    "jump symbol=SOLUSDT percent=-0.3 at={at} count=1",
    "stale path=/v5/order/realtime ms=1500ms at={at} for={span}",
    "stale path=/v5/position/list ms=1500ms at={at} for={span}",
    "stale path=/v5/execution/list ms=1500ms at={at} for={span}",
    "drop topic=execution p=0.3 at={at} for={span}",
    "drop topic=order p=0.5 at={at} for={span}",
    "drop topic=position p=0.5 at={at} for={span}",
    "delay topic=execution ms=700ms p=0.5 at={at} for={span}",
    "duplicate topic=execution ms=300ms p=0.5 at={at} for={span}",
    "duplicate topic=order ms=900ms p=0.5 at={at} for={span}",
    "reorder topic=order p=0.5 at={at} for={span}",
    "truncate topic=execution p=0.3 at={at} for={span}",
    "truncate topic=order p=0.3 at={at} for={span}",
    "freeze connection=* at={at} for={span}",
    "disconnect path=/v5/private at={at}",
    "disconnect path=/v5/trade at={at}",
    "storm path=/v5/trade every=600ms at={at} for={span}",
    "code path=order.* code=10019 accepted=yes p=0.5 at={at} for={span}",
    "mute path=*order?cancel p=0.5 at={at} for={span}",
    "storm path=/v5/private every=700ms at={at} for={span}",
    "thin share=0.4 p=0.7 at={at} for={span}",
    "thin share=0 p=0.5 at={at} for={span}",
    "jump symbol=SOLUSDT percent=-0.8 at={at} count=1",
    "jump symbol=SUIUSDT percent=0.9 at={at} count=1",
    "funding symbol=* at={at} count=1",
    "adl symbol=SOLUSDT share=0.5 at={at} count=1",
    "maintenance at={at} for={span}",
    "skew ms=-700ms at={at} for={span}",
    "skew ms=700ms at={at} for={span}",
)
# Blows to our own side.
KILL, KILL_TWICE, RESTART_VENUE, CUT, DISK_FULL = "kill", "kill_twice", "restart_venue", "cut", "disk_full"
OURS = (KILL, KILL_TWICE, RESTART_VENUE, CUT, DISK_FULL)


class Wish(NamedTuple):
    """One intent to come. ``flaw`` names what is wrong with it or the book behind it; empty: nothing."""

    at_ns: int
    symbol: str
    side: int
    stop_e4: int  # Distance, hundredths of a percent.
    target_e4: int
    flaw: str


class Blow(NamedTuple):
    """Something that is done to our own processes, at a time and for a while."""

    at_ns: int
    kind: str
    span_ns: int


class Scenario(NamedTuple):
    """A whole trial."""

    config: Config
    wishes: tuple[Wish, ...]
    blows: tuple[Blow, ...]
    faults: tuple[str, ...]
    again: bool = False  # Begin once more after the end, and see that nothing changes.


FLAWS = (*("",) * 16, "stale", "void", "crossed", "generation", "repeat", "late", "no_stop", "nan", "no_book")


def scenario(seed: int) -> Scenario:
    """Return the trial of a seed."""
    rng = Random(f"trial/{seed}")
    lines = [line.format(at=_seconds(rng, 2.0, 16.0), span=_seconds(rng, 0.3, 5.0)) for line in _some(rng, VENUE)]
    blows = tuple(
        Blow(_ns(rng, 2.0, 18.0), rng.choice(OURS), _ns(rng, 0.2, 3.0)) for _ in range(rng.choice((0, 1, 1, 2, 3)))
    )
    while len(lines) + len(blows) < FAULTS[0]:
        lines.append(rng.choice(VENUE).format(at=_seconds(rng, 2.0, 16.0), span=_seconds(rng, 0.3, 5.0)))
    symbols = SYMBOLS[: rng.choice((1, 1, 2))]
    wishes = sorted(_wish(rng, symbols) for _ in range(rng.randint(*INTENTS)))
    config = _config(rng, symbols, seed, lines)
    return Scenario(config, tuple(wishes), blows, tuple(lines), again=rng.random() < AGAIN_SHARE)


def without_faults(seed: int) -> Scenario:
    """Return the trial of a seed with its intents alone: nothing goes wrong, so nothing may have to be corrected."""
    rng = Random(f"trial/{seed}")
    symbols = SYMBOLS[: rng.choice((1, 2))]
    wishes = sorted(_wish(rng, symbols) for _ in range(rng.randint(*INTENTS)))
    return Scenario(_config(rng, symbols, seed, []), tuple(wishes), (), (), again=True)


def _config(rng: Random, symbols: tuple[str, ...], seed: int, faults: list[str]) -> Config:
    return Config(
        exchange=Exchange(
            symbols=symbols, seed=seed, profile="still", faults="\n".join(faults), faults_seed=seed,
            stop_timing=rng.choice(("first_fill", "completion")),
        ),
        scanner=Scanner(symbols=symbols),
        brackets=Brackets(
            time_exit_s=rng.choice((1.0, 3.0, 8.0)), trail_from=rng.choice((0.0, 0.02)), trail_distance=0.03,
            partial_from=rng.choice((0.0, 0.02)),
        ),
        risk=Risk(
            max_positions=rng.choice((1, 2)), max_daily_loss_usdt=rng.choice((1.0, 100.0, 100.0)),
            cooldown_s=rng.choice((0.0, 1.0, 5.0)),
        ),
        router=Router(
            mode=rng.choice(("smart", "take", "post", "post")), liquid_usdt=rng.choice((5_000.0, 1e8)),
            post_timeout_ms=rng.choice((100, 300, 600, 2000)), max_reprice_attempts=rng.choice((0, 1, 3)),
            signal_ttl_ms=rng.choice((500, 2500, 6000)),
        ),
        execution=Execution(
            transport="ws" if seed % 4 else "rest",
            rest_timeout_s=rng.choice((0.5, 1.0, 2.0)), recv_window_ms=rng.choice((1000, 2500)),
            reconcile_s=rng.choice((2.0, 5.0, 30.0)),
        ),
    )  # fmt: skip


def _wish(rng: Random, symbols: tuple[str, ...]) -> Wish:
    return Wish(
        _ns(rng, 1.5, 27.0), rng.choice(symbols), rng.choice((1, -1)), rng.randint(10, 100), rng.randint(20, 200),
        rng.choice(FLAWS),
    )  # fmt: skip


def _some(rng: Random, lines: tuple[str, ...]) -> list[str]:
    return rng.sample(lines, rng.randint(*FAULTS) - 1)


def _ns(rng: Random, low_s: float, high_s: float) -> int:
    return round(rng.uniform(low_s, high_s) * 1000) * NS_PER_MS


def _seconds(rng: Random, low_s: float, high_s: float) -> str:
    return f"{round(rng.uniform(low_s, high_s) * 1000)}ms"


def seconds(value_ns: int) -> float:
    """Return a time in seconds."""
    return value_ns / NS_PER_S
