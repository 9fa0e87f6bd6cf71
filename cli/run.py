"""`peregrine run`: the whole fleet, until told otherwise, and a summary of what it did."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn, get_args

import click
import orjson

import supervisor
from cli import paper, promotion
from cli.audit import Audit, audit
from cli.options import config_options, effective
from cli.summary import counts, edge_lines, edges, latencies_us, summary
from shared.bybit.recordings import RecordingError, describe
from shared.config import OWN, Config, Venue
from shared.config_load import DEFAULT, ConfigError, confirm_real_money
from shared.exits import Exit
from shared.fleet import FleetPage, Word
from shared.paths import AlreadyRunningError
from shared.presets import PRESETS
from shared.shm import ShmFullError

FIGURES_A_LINE = 3
APART = ("run_id", "ended", "latency_us", "edge_bps")  # Not among the figures: shown on lines of their own.
SYMBOLS_MAX = 64  # Of a recording.
REAL = "real money"
SETTLE_S = 1.0  # After a recording's last frame, for everything to be applied and decided.


class Until:
    """When to stop by itself: after a time, at a recording's end, or never."""

    def __init__(self, seconds: float | None, until_end: bool) -> None:
        self._seconds, self._until_end = seconds, until_end
        self._ended_s: float | None = None

    def __call__(self, page: FleetPage, elapsed_s: float) -> str | None:
        """Return the reason to stop now, or None."""
        if self._seconds is not None and elapsed_s >= self._seconds:
            return f"{self._seconds:g} s are over"
        if self._until_end and page.get(Word.MARKET_ENDED):
            self._ended_s = elapsed_s if self._ended_s is None else self._ended_s
            if elapsed_s - self._ended_s >= SETTLE_S:
                return "the recording has ended"
        return None


def _fail(code: Exit, line: str) -> NoReturn:
    click.echo(f"peregrine: {line}", err=True)
    sys.exit(int(code))


def _wishes(venue: str | None, strategy: str | None, market: str | None, var: str | None) -> dict[str, object]:
    """Return what the command's own options set, by configuration path."""
    wishes: dict[str, object] = {"venue": venue, "strategy": strategy, "var_dir": var, "exchange.market": market}
    if market and market != "synthetic" and not market.startswith(paper.SCHEME):
        wishes["exchange.market"] = str(Path(market).resolve())
    return {path: value for path, value in wishes.items() if value}


def _configure(config_file: Path | None, settings: tuple[str, ...], wishes: dict[str, object]) -> Config:
    """Return the configuration in force. A recording offers what it holds: its depth, and all its symbols."""
    asked = effective(config_file, settings, wishes)
    config = asked.config
    exchange = config.exchange
    if config.venue == "paper" or (config.venue == "local" and exchange.market.startswith(paper.SCHEME)):
        var_dir = Path(config.var_dir).resolve()
        live = paper.wishes(exchange.market, exchange.instruments, exchange.latency_ms, var_dir)
        return effective(config_file, settings, wishes | live).config
    if config.venue != "local" or exchange.market == "synthetic":
        return config
    instruments = Path(config.exchange.instruments) if config.exchange.instruments else None
    recording = describe(Path(config.exchange.market), instruments)
    depth = max(depth for depths in recording.depths.values() for depth in depths)
    fitted: dict[str, object] = {
        "ingest.depth": depth, "scanner.min_turnover_usdt": 0.0, "scanner.exclude_coins": (),
    }  # fmt: skip
    wanted: dict[str, object] = {"scanner.symbols": (), "scanner.symbols_max": min(len(recording.symbols), SYMBOLS_MAX)}
    fitted |= {path: value for path, value in wanted.items() if asked.origins[path].startswith(("preset ", DEFAULT))}
    return effective(config_file, settings, wishes | fitted).config


@click.command()
@click.option("--venue", type=click.Choice(get_args(Venue)), help="Where orders go.")
@click.option("--strategy", type=click.Choice(list(PRESETS)), help="Which preset trades.")
@click.option("--market", metavar="synthetic|FILE|live:URL", help="What the local exchange plays.")
@click.option("--for", "seconds", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Stop after this long.")
@click.option("--until-end", is_flag=True, help="Stop when the recording has been played.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object, last line.")
@click.option("--var", metavar="DIR", help="Where the run leaves its files.")
@click.option("--i-understand-real-money", "armed", is_flag=True, help="Needed beside venue: mainnet.")
@config_options
def run(
    venue: str | None,
    strategy: str | None,
    market: str | None,
    seconds: float | None,
    until_end: bool,
    as_json: bool,
    config_file: Path | None,
    var: str | None,
    settings: tuple[str, ...],
    armed: bool,
) -> None:
    """Start all processes and trade until Ctrl-C, SECONDS, or the end of the recording."""
    if seconds is not None and until_end:
        raise click.UsageError("--for and --until-end exclude each other")
    try:
        config = _configure(config_file, settings, _wishes(venue, strategy, market, var))
    except RecordingError as error:
        _fail(Exit.NOT_FOUND, str(error))
    except paper.PaperError as error:
        _fail(Exit.FAILURE, str(error))
    if config.venue == "mainnet":
        _arm(config, armed)
    sys.exit(int(_fly(config, Until(seconds, until_end), as_json)))


def _arm(config: Config, armed: bool) -> None:
    """Real money takes the word on the command line, or typed when asked, and every step of the promotion."""
    if not armed and sys.stdin.isatty():
        armed = click.prompt(f"This trades real money. Type {REAL!r} to go on", default="", show_default=False) == REAL
    confirm_real_money(config, typed=armed)
    try:
        record = promotion.read(Path(config.var_dir).resolve())
    except promotion.RecordError as error:
        raise ConfigError([str(error)]) from error
    if "mainnet" not in promotion.granted(record, config.strategy):
        raise ConfigError([f"venue = 'mainnet': {config.strategy} was not promoted; see peregrine promote"])


def _fly(config: Config, until: Until, as_json: bool) -> Exit:
    """Run the fleet and print what it did; return the exit code."""
    found: dict[str, Any] = {"audit": None}

    def before_exchange_stops(fleet: supervisor.Supervisor) -> None:
        found["totals"], found["latency"] = counts(fleet.fleet), latencies_us(fleet.fleet)
        if config.venue in OWN:
            found["audit"] = audit(fleet.fleet.get(Word.EXCHANGE_PORT), fleet.state_dir)

    try:
        outcome = supervisor.Supervisor(config, until).run(before_exchange_stops)
    except AlreadyRunningError as error:
        _fail(Exit.ALREADY_RUNNING, f"another instance is running: it holds {error}")
    except ShmFullError as error:
        _fail(Exit.SHM_TOO_SMALL, str(error))
    checked: Audit | None = found["audit"]
    run_dir = Path(config.var_dir).resolve() / "runs" / outcome.run_id
    result = summary(outcome, found["totals"], found["latency"], checked, edges(run_dir))
    if as_json:
        click.echo(orjson.dumps(result).decode())
    else:
        _print(result)
    fine = (checked is None or checked.matches) and not outcome.leftovers
    code = outcome.exit or (Exit.OK if fine else Exit.FAILURE)
    _remember(config, result, code)
    return code


def _remember(config: Config, result: dict[str, Any], code: Exit) -> None:
    """Add this run to the evidence for the next step; one that sent no order shows nothing."""
    if not result["orders_sent"]:
        return
    venue, market = config.venue, config.exchange.market if config.venue in OWN else ""
    evidence = promotion.evidence_of(result, int(code), venue=venue, strategy=config.strategy, market=market)
    try:
        promotion.add(Path(config.var_dir).resolve(), evidence)
    except promotion.RecordError as error:
        click.echo(f"peregrine: this run is not recorded: {error}", err=True)


def _print(result: dict[str, Any]) -> None:
    """Write the summary for people: three figures a line, then the latencies."""
    click.echo(f"run {result['run_id']} ended: {result['ended']}")
    figures = [(name, value) for name, value in result.items() if name not in APART]
    for at in range(0, len(figures), FIGURES_A_LINE):
        line = (f"{name:<24}{value!s:<14}" for name, value in figures[at : at + FIGURES_A_LINE])
        click.echo(f"  {''.join(line).rstrip()}")
    for name, row in result["latency_us"].items():
        click.echo(f"  {name + ', us':<24}p50 {row['p50']}  p99 {row['p99']}")
    for text in edge_lines(result["edge_bps"]):
        click.echo(f"  {text}")
