"""`peregrine exchange`: the local exchange alone, for other bots to point at."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from pathlib import Path

import click
import msgspec
import setproctitle
import uvloop

from cli.options import config_options, effective
from services.exchange import main as exchange
from services.exchange.profile import PROFILES
from shared import log
from shared.clock import FleetClock, measure_epoch_ns
from shared.config import Config
from shared.exits import Exit
from shared.fleet import SIZE, FleetPage, Word
from shared.service import Context

PORT = 8899
POLL_S = 0.02

GUIDE = """\
local exchange on {http}   (Ctrl-C ends it)
  public   {ws}/v5/public/linear
  private  {ws}/v5/private
  trade    {ws}/v5/trade
  key {key}, secret {secret}; worthless anywhere else
  {http}/admin/ledger  every order, execution and balance
  {http}/admin/faults  POST a line as "http status=502 path=/v5/order/create count=3"; GET lists, DELETE takes back
  {http}/admin/truth   what the market does and why

pybit   session = HTTP(api_key="{key}", api_secret="{secret}"); session.endpoint = "{http}"
        pybit.unified_trading.PUBLIC_WSS = "{ws}/v5/public/{{CHANNEL_TYPE}}"
        pybit.unified_trading.PRIVATE_WSS = "{ws}/v5/private"
        pybit._websocket_trading.TRADE_WSS = "{ws}/v5/trade"
ccxt    bybit = ccxt.bybit({{"apiKey": "{key}", "secret": "{secret}", "options": {{"defaultType": "swap"}}}})
        for name in ("spot", "futures", "v2", "public", "private"): bybit.urls["api"][name] = "{http}"
files   {folder}
"""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help=f"TCP port on 127.0.0.1; 0 takes a free one.  [{PORT}]")
@click.option("--market", metavar="synthetic|FILE", help="What it plays.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the synthetic market.")
@click.option("--symbols", metavar="LIST", help="Symbols of the synthetic market, with commas between.")
@click.option("--profile", type=click.Choice(list(PROFILES)), help="What the synthetic market is like.")
@click.option("--faults", metavar="TEXT|@FILE", help="What goes wrong, for example 'drop topic=orderbook.* p=0.01'.")
@click.option("--var", metavar="DIR", help="Where it leaves its files.")
@config_options
def command(
    port: int | None,
    market: str | None,
    seed: int | None,
    symbols: str | None,
    profile: str | None,
    faults: str | None,
    var: str | None,
    config_file: Path | None,
    settings: tuple[str, ...],
) -> None:
    """Run the local exchange alone, until Ctrl-C."""
    if market and market != "synthetic":
        market = str(Path(market).resolve())
    wishes: dict[str, object] = {
        "exchange.port": port, "exchange.market": market, "exchange.seed": seed, "exchange.symbols": symbols,
        "exchange.profile": profile, "exchange.faults": faults, "var_dir": var,
    }  # fmt: skip
    wishes = {path: value for path, value in wishes.items() if value is not None}
    config = effective(config_file, settings, wishes).config
    if port is None and not config.exchange.port:
        changed = msgspec.structs.replace(config.exchange, port=PORT)
        config = msgspec.structs.replace(config, exchange=changed)
    sys.exit(int(_run(config)))


def _run(config: Config) -> Exit:
    """Be the exchange, in this process."""
    run_id = time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(2)
    folder = Path(config.var_dir).resolve() / "runs" / run_id
    folder.mkdir(parents=True, mode=0o700)
    (folder / "config.json").write_bytes(msgspec.json.format(msgspec.json.encode(config)))
    log.set_up("exchange", run_id, Path(config.log.dir) if config.log.dir else folder / "log", config.log.level.upper())
    setproctitle.setproctitle("peregrine: exchange")
    page = FleetPage(bytearray(SIZE))
    page.create()
    context = Context(
        name="exchange", config=config, clock=FleetClock(measure_epoch_ns()), run_id=run_id, epoch=0, run_dir=folder,
        var_dir=folder, state_dir=folder, fleet=page, seed=config.exchange.seed,
    )  # fmt: skip
    # Ctrl-C is told to the service in the one way in which it can be told to stop.
    signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    try:
        uvloop.run(_serve(context))
    except SystemExit as ended:
        return Exit(int(ended.code or 0))
    return Exit.OK


async def _serve(context: Context) -> None:
    """Run the exchange, and say where it is once it listens."""
    saying = asyncio.ensure_future(_say_where(context))
    try:
        await exchange.main(context)
    finally:
        saying.cancel()


async def _say_where(context: Context) -> None:
    while not (port := context.fleet.get(Word.EXCHANGE_PORT)):
        await asyncio.sleep(POLL_S)
    settings, address = context.config.exchange, f"{exchange.HOST}:{port}"
    text = GUIDE.format(
        http=f"http://{address}", ws=f"ws://{address}", key=settings.api_key, secret=settings.api_secret,
        folder=context.var_dir,
    )  # fmt: skip
    click.echo(text, nl=False)
