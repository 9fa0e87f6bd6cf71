"""The monitor's longer words: the heartbeat line, the state snapshot, the final books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.monitor.wire import Vitals
from shared.clock import NS_PER_MS
from shared.layout import Row
from shared.messages import ExecutionState, PositionNews, WeightsNews
from shared.mirror import BookView
from shared.offset import Offset
from shared.scale import e8_text

_SHOWN = (
    "frames",
    "events",
    "decisions",
    "intents",
    "orders_sent",
    "fills",
    "round_trips",
    "book_gaps",
    "disagreements",
    "restarts",
)


def heartbeat(vitals: Vitals, state: ExecutionState | None, realised_e8: int, now: int) -> str:
    """Return one line that says whether everything lives and what it has done."""
    workers = " ".join(
        f"{worker.name}:{worker.life.lower()}" + (f"/{(now - worker.beat_ns) // NS_PER_MS}ms" if worker.beat_ns else "")
        for worker in vitals.workers
        if worker.pid or worker.beat_ns  # The rest was never started.
    )
    counts = " ".join(f"{name}={vitals.counters.get(name, 0)}" for name in _SHOWN)
    spoken = "silent" if state is None else state.state
    return f"{workers} | execution {spoken} | {counts} | realised {e8_text(realised_e8)} USDT"


def state_json(
    vitals: Vitals | None,
    state: ExecutionState | None,
    positions: Mapping[str, PositionNews],
    symbols: Mapping[str, float],
    refused: Mapping[str, int],
    alerts: list[str],
    clock: Offset | None,
    now: int,
) -> bytes:
    """Return the state snapshot as JSON. ``symbols``: the universe with its scores; ``clock``: the venue's."""
    found: dict[str, Any] = {
        "at_ns": now,
        "universe": dict(symbols),
        "execution": None if state is None else msgspec.structs.asdict(state),
        "positions": {name: msgspec.structs.asdict(news) for name, news in positions.items()},
        "refused": dict(refused),
        "alerts": alerts,
        "venue_clock": None if clock is None else clock.at(now)._asdict(),
        "workers": {} if vitals is None else {each.name: msgspec.structs.asdict(each) for each in vitals.workers},
        "counters": {} if vitals is None else vitals.counters,
        "latency_us": {}
        if vitals is None
        else {each.name: {"p50": each.p50_us, "p99": each.p99_us} for each in vitals.latencies},
    }
    return _json(found)


def books_json(books: Mapping[str, BookView]) -> bytes:
    """Return every symbol's whole book as JSON, prices and sizes as decimal text, best first."""
    return _json({symbol: _book(view) for symbol, view in sorted(books.items())})


def edge_json(edges: Mapping[str, Any], weights: WeightsNews | None) -> bytes:
    """Return what every signal was worth at every horizon, and the weights that were learned, as JSON."""
    return _json({"signals": dict(edges), "weights": None if weights is None else msgspec.structs.asdict(weights)})


def _book(view: BookView) -> dict[str, Any]:
    price, qty = view.scale.price_text, view.scale.qty_text
    bids = zip(view.bid_ticks.tolist(), view.bid_lots.tolist(), strict=True)
    asks = zip(view.ask_ticks.tolist(), view.ask_lots.tolist(), strict=True)
    return {
        "u": view.word(Row.U),
        "valid": view.valid,
        "reason": "" if view.valid else view.reason.name,
        "updates": view.updates,
        "bids": [[price(ticks), qty(lots)] for ticks, lots in bids],
        "asks": [[price(ticks), qty(lots)] for ticks, lots in asks],
    }


def _json(found: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"
