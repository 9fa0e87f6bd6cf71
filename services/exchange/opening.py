"""From configuration to an exchange that can open: its account, its market, its schedule of faults. Reads files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

from services.exchange.core import Build
from services.exchange.faults import FaultError, parse
from services.exchange.grid import regridded
from services.exchange.limits import Limits
from services.exchange.live import SCHEME, LiveMarket
from services.exchange.playback import PlaybackMarket
from services.exchange.profile import PROFILES
from services.exchange.public import PublicStreams
from services.exchange.stops import Timing
from services.exchange.synthetic import SyntheticMarket
from services.exchange.universe import universe
from services.exchange.venue import Settings, Venue
from shared import log
from shared.bybit.recordings import RecordingError, describe, load_instruments, read
from shared.clock import NS_PER_MS
from shared.config import Exchange
from shared.exits import Exit
from shared.messages import Instrument
from shared.scale import E8, Scale

LISTED = universe(100)  # The symbols built in, by name.
START_TICKS_ELSEWHERE = 20_000  # Opening price of a synthetic market whose symbol is not built in.


def settings_of(config: Exchange) -> Settings:
    """Return the account and the rules of the house."""
    return Settings(
        api_key=config.api_key,
        api_secret=config.api_secret,
        deposit_e8=round(config.balance_usdt * E8),
        maker_rate_e8=round(config.maker_fee * E8),
        taker_rate_e8=round(config.taker_fee * E8),
        timing=Timing(config.stop_timing, config.stop_delay_ms * NS_PER_MS),
        limits=Limits(order_per_s=config.order_per_s, ip_requests=config.ip_requests),
        keep=config.persist,
        faults=_latency(config.latency_ms) + schedule(config.faults),
    )


def _latency(ms: int) -> str:
    """Return the fault that is no fault: every signed request is on its way for so long, and judged when it arrives."""
    return f"hold path=/v5/[!m]* ms={ms}ms; hold path=order.* ms={ms}ms;" if ms else ""


def schedule(text: str) -> str:
    """Return the schedule of faults that the configuration means, once it makes sense."""
    where = "exchange.faults"
    try:
        if text.startswith("@"):
            where = text[1:]
            text = Path(where).read_text()
        list(parse(text))
    except FaultError as error:
        log.say("ERROR", "exchange.faults", f"{where}: {error}")
        raise SystemExit(Exit.BAD_CONFIG) from None
    except (OSError, UnicodeDecodeError):
        log.say("ERROR", "exchange.faults", f"{where}: cannot be read as text")
        raise SystemExit(Exit.NOT_FOUND) from None
    return text


def market_builder(config: Exchange, seed: int) -> Build:
    """Read the files that the market needs, now; return what makes it at the time of its opening."""
    try:
        if config.market == "synthetic":
            return _synthetic(config, seed)
        if config.market.startswith(SCHEME):
            return _live(config)
        return _playback(config)
    except RecordingError as error:
        log.say("ERROR", "exchange.market", str(error))
        raise SystemExit(Exit.NOT_FOUND) from None


def _synthetic(config: Exchange, seed: int) -> Build:
    known = {symbol: one.rules for symbol, one in LISTED.items()}
    if config.instruments:
        known |= load_instruments(config.instruments).instruments
    missing = [symbol for symbol in config.symbols if symbol not in known]
    if missing:
        log.say("ERROR", "exchange.symbols", f"no rules for {', '.join(missing)}: give exchange.instruments a file")
        raise SystemExit(Exit.BAD_CONFIG)
    rules = [known[symbol] for symbol in config.symbols]
    starts = [_start_ticks(one) for one in rules]

    def build(now: int, last_prices_ticks: Mapping[str, int] = {}, grids: Mapping[str, tuple[str, str]] = {}) -> Venue:
        present = [regridded(one, *grids.get(one.symbol, (one.tick, one.lot))) for one in rules]
        opening = [last_prices_ticks.get(one.symbol) or start for one, start in zip(rules, starts, strict=True)]
        market = SyntheticMarket(Random(seed), present, opening, now, PROFILES[config.profile])
        public = PublicStreams(market, now)
        return Venue(public, market.books, market.advance, market.truth.since, market.jump, public.regrid, market.fits)

    return build


def _start_ticks(rules: Instrument) -> int:
    """Return the opening price of a symbol, whose grid may be another than that of the symbol built in."""
    listed = LISTED.get(rules.symbol)
    if listed is None:
        return START_TICKS_ELSEWHERE
    price_e8 = listed.start_ticks * Scale(listed.rules.tick, listed.rules.lot).tick_e8
    return price_e8 // Scale(rules.tick, rules.lot).tick_e8 or START_TICKS_ELSEWHERE


def _live(config: Exchange) -> Build:
    known = load_instruments(config.instruments).instruments if config.instruments else {}
    missing = [symbol for symbol in config.symbols if symbol not in known]
    if missing:
        log.say("ERROR", "exchange.symbols", f"no rules for {', '.join(missing)}: give exchange.instruments a file")
        raise SystemExit(Exit.BAD_CONFIG)
    rules = [known[symbol] for symbol in config.symbols]

    def build(now: int, last_prices_ticks: Mapping[str, int] = {}, grids: Mapping[str, tuple[str, str]] = {}) -> Venue:
        market = LiveMarket(rules)
        return Venue(market, market.books, market.play)

    return build


def _playback(config: Exchange) -> Build:
    recording = describe(config.market, config.instruments or None)

    def build(now: int, last_prices_ticks: Mapping[str, int] = {}, grids: Mapping[str, tuple[str, str]] = {}) -> Venue:
        market = PlaybackMarket(lambda: read(config.market), recording.instruments)
        return Venue(market, market.books, market.play)

    return build
