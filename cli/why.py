"""`peregrine why`: what stands between each symbol and a trade, or how its last trade went."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson

from cli.options import config_options, effective
from cli.why_text import lines
from replay.reasons import blocks, of_decision, said_of
from replay.runs import config_of, find
from replay.story import Chronicle, Standing, Wish, average_e8, chronicle, fees_usdt, split
from shared.config import Config
from shared.exits import Exit
from shared.layout import Reason
from shared.messages import Fill, ProtocolError
from shared.paths import is_live
from shared.scale import E8, Scale

NS_PER_MS = 1_000_000
SILENT_MS = 2_000  # A worker that writes nothing for so long while the other one does is in trouble.


@click.command()
@click.argument("symbol", required=False)
@click.option("--run", "run", metavar="RUN", help="A run's id or folder; the newest one if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--var", metavar="DIR", help="Where runs leave their files.")
@config_options
def why(
    symbol: str | None,
    run: str | None,
    as_json: bool,
    var: str | None,
    config_file: Path | None,
    settings: tuple[str, ...],
) -> None:
    """Say why SYMBOL (or each symbol) is not traded, which gates block with value and limit, or how its trade went.

    Reads what a run has written down, while it goes on or afterwards.
    """
    asked = effective(config_file, settings, {"var_dir": var} if var else {})
    run_dir = find(Path(asked.config.var_dir), run)
    try:
        found = told(chronicle(run_dir), config_of(run_dir), run_dir, (symbol or "").upper())
    except (ProtocolError, msgspec.DecodeError) as error:
        click.echo(f"peregrine: {run_dir}: written by another version, or damaged: {error}", err=True)
        sys.exit(int(Exit.FAILURE))
    if as_json:
        click.echo(orjson.dumps(found).decode())
        return
    for line in lines(found):
        click.echo(line)


def told(story: Chronicle, config: Config, run_dir: Path, symbol: str) -> dict[str, Any]:
    """Return everything there is to say, as plain values. An empty ``symbol`` means all of them."""
    names = [symbol] if symbol else [*story.universe, *(name for name in story.standings if name not in story.universe)]
    state = story.state
    return {
        "run_id": run_dir.name,
        "live": is_live(run_dir.name),
        "venue": config.venue,
        "strategy": config.strategy,
        "at_ns": story.end_ns,
        "execution": {"state": state.state if state else "", "reason": state.reason if state else ""},
        "silent": _silent(story),
        "symbols": [_symbol(story, config, name) for name in names],
    }


def _silent(story: Chronicle) -> dict[str, float]:
    """Return the workers whose journal ends well before the other's, and how long before, ms."""
    ages = {worker: (story.end_ns - story.heard_ns.get(worker, 0)) / NS_PER_MS for worker in ("signals", "execution")}
    return {worker: age_ms for worker, age_ms in ages.items() if age_ms > SILENT_MS}


def _symbol(story: Chronicle, config: Config, symbol: str) -> dict[str, Any]:
    standing = story.standings.get(symbol, Standing(symbol))
    return {
        "symbol": symbol,
        "in_universe": symbol in story.universe and symbol not in story.leaving,
        "book": _book(story, config, standing),
        "position": _position(standing),
        "now": _now(story, config, standing),
        "last_wish": _wish(story, standing, standing.wish),
        "last_trade": _trade(story, standing),
    }


def _ms(story: Chronicle, at_ns: int) -> float:
    return round((story.end_ns - at_ns) / NS_PER_MS, 1)


def _book(story: Chronicle, config: Config, standing: Standing) -> dict[str, Any]:
    """Return what the signal engine sees of its book: live, stale, void (and why), or none."""
    if standing.void:
        return {"state": "void", "reason": Reason(standing.void).name.lower(), "age_ms": None}
    if not standing.book_ns:
        return {"state": "none", "reason": "", "age_ms": None}
    age_ms = max(0.0, (story.heard_ns["signals"] - standing.book_ns) / NS_PER_MS)
    return {"state": "live" if age_ms <= config.ingest.stale_ms else "stale", "reason": "", "age_ms": round(age_ms, 1)}


def _position(standing: Standing) -> dict[str, Any] | None:
    held, scale = standing.position, standing.scale
    if held is None or not held.position_lots or scale is None:
        return None
    return {
        "side": "long" if held.position_lots > 0 else "short",
        "qty": scale.qty_text(abs(held.position_lots)),
        "entry": held.entry_e8 / E8,
        "stop": scale.price_text(held.stop_ticks) if held.stop_ticks else None,
        "target": scale.price_text(held.target_ticks) if held.target_ticks else None,
        "opened_ns": held.opened_ns,
    }


def _now(story: Chronicle, config: Config, standing: Standing) -> dict[str, Any]:
    """Return the last opinion, and why it wished for nothing."""
    said = standing.decision
    if said is None:
        return {"reason": "none", "text": "no opinion was said yet", "age_ms": None}
    found = of_decision(said, config, story.state)
    return {
        **found._asdict(),
        "age_ms": _ms(story, said.decided_ns),
        "direction": said.direction,
        "score": said.score,
        "confidence": said.confidence,
        "scores": dict(zip(said.signals, said.scores, strict=True)),
        "regime": said.regime,
        "execution": said_of(story.state),
    }


def _wish(story: Chronicle, standing: Standing, wish: Wish | None) -> dict[str, Any] | None:
    if wish is None:
        return None
    intent, verdict = wish.intent, wish.verdict
    price = standing.scale.price_text if standing.scale else str
    return {
        "intent_id": intent.intent_id,
        "side": "long" if intent.side > 0 else "short",
        "age_ms": _ms(story, intent.decided_ns),
        "price": price(intent.entry_ticks),
        "stop": price(intent.stop_ticks),
        "target": price(intent.target_ticks),
        "score": intent.score,
        "confidence": intent.confidence,
        "outcome": outcome(wish),
        "gates_asked": len(verdict.gates) if verdict else 0,
        "blocked_by": [one._asdict() for one in blocks(verdict)] if verdict else [],
        "orders": _orders(wish),
    }


def outcome(wish: Wish) -> str:
    """Return in a word what became of a wish: refused, lost, dropped, filled, sent or the last order's state."""
    if wish.verdict is None:
        return "lost"  # It never came to the gates, or too late.
    if wish.verdict.gate:
        return "refused"
    if wish.entries:
        return "filled"
    last = next(reversed(wish.news.values()), None)
    return last.state if last is not None else "sent" if wish.legs else "passed"


def _orders(wish: Wish) -> list[dict[str, Any]]:
    """Return the way of the entry, leg by leg."""
    found = []
    for link, leg in wish.legs.items():
        request, news = leg.request, wish.news.get(link)
        scale = Scale(request.tick, request.lot)
        found.append({
            "order_link_id": link,
            "kind": "PostOnly" if request.post else "IOC" if request.price_ticks else "market",
            "qty": scale.qty_text(request.qty_lots),
            "price": scale.price_text(request.price_ticks) if request.price_ticks else None,
            "after_ms": round((leg.sent_ns - wish.intent.decided_ns) / NS_PER_MS, 3),
            "repriced": leg.amended,
            "filled": scale.qty_text(sum(fill.qty_lots for fill in leg.fills)),
            "state": news.state if news else "sent",
            "reason": news.reason if news else "",
        })  # fmt: skip
    return found


def _trade(story: Chronicle, standing: Standing) -> dict[str, Any] | None:
    """Return the story of the last trade: decision, route, fills, cost by cause, exit."""
    wish, scale = standing.trade, standing.scale
    if wish is None or scale is None:
        return None
    trip, said, intent = wish.trip, wish.decision, wish.intent
    net = trip.net_e8 / E8 if trip else None
    return {
        "intent_id": intent.intent_id,
        "side": "long" if intent.side > 0 else "short",
        "age_ms": _ms(story, intent.decided_ns),
        "score": intent.score,
        "confidence": intent.confidence,
        "scores": dict(zip(said.signals, said.scores, strict=True)) if said else {},
        "orders": _orders(wish),
        "fills": [_fill(fill, scale) for fill in wish.entries],
        "exits": [_fill(fill, scale) for fill in wish.exits],
        "entry": average_e8(wish.entries, scale) / E8,
        "exit": average_e8(wish.exits, scale) / E8 if wish.exits else None,
        "slippage": split(wish, scale)._asdict(),
        "fees_usdt": fees_usdt([*wish.entries, *wish.exits]),
        "reason": trip.reason if trip else None,
        "held_ms": round((trip.closed_ns - trip.opened_ns) / NS_PER_MS, 1) if trip else None,
        "net_usdt": net,
        "net_r": round(trip.net_e8 / trip.risk_e8, 3) if trip and trip.risk_e8 else None,
    }


def _fill(fill: Fill, scale: Scale) -> dict[str, Any]:
    return {
        "qty": scale.qty_text(fill.qty_lots),
        "price": scale.price_text(fill.price_ticks),
        "maker": fill.is_maker,
        "fee_usdt": fill.fee_e8 / E8,
        "exec_id": fill.exec_id,
    }
