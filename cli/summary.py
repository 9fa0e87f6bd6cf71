"""What a run was, in numbers: from the fleet page, the supervisor's outcome and the ledger's audit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from cli.audit import Audit
from shared.fleet import FleetPage
from supervisor import Outcome

COUNTED = (
    "frames", "events", "book_gaps", "crossed_books", "decisions", "intents", "orders_sent", "fills", "round_trips",
    "rejects", "restarts", "corrections", "malformed", "resyncs", "reconnects", "bus_lost",
)  # fmt: skip
EDGE_MS = 5_000  # The horizon that people are shown first.
LATENCIES = ("frame_to_book", "book_to_decision", "decision_to_sent")


def _us(ns: float) -> float | None:
    return None if math.isnan(ns) else round(ns / 1000, 1)


def latencies_us(page: FleetPage) -> dict[str, dict[str, float | None]]:
    """Return p50 and p99 of each stage in us; None where nothing was counted."""
    return {
        name: {
            "p50": _us(page.histogram(name).quantile_ns(0.50)),
            "p99": _us(page.histogram(name).quantile_ns(0.99)),
        }
        for name in LATENCIES
    }


def counts(page: FleetPage) -> dict[str, int]:
    """Return the totals that the fleet counted, over all restarts."""
    return {name: page.total(name) for name in COUNTED}


def edges(run_dir: Path) -> dict[str, Any]:
    """Return what each signal was worth, as the monitor left it; empty when it left nothing."""
    try:
        found = orjson.loads((run_dir / "edge.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return dict(found["signals"])


def edge_lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield a line for people for each signal at the headline's horizon."""
    for name, horizons in found.items():
        row = horizons.get(str(EDGE_MS))
        if row is None:
            continue
        between = "" if row["low_bps"] is None else f"  ({row['low_bps']:+.2f} .. {row['high_bps']:+.2f})"
        yield (
            f"{'edge ' + name + f' at {EDGE_MS // 1000} s, bps':<28}{row['edge_bps']:+.2f}{between}"
            f"  net {row['net_bps']:+.2f}  of {row['decisions']}"
        )


def summary(
    outcome: Outcome,
    totals: dict[str, int],
    latency: dict[str, Any],
    audit: Audit | None,
    edge: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the run's summary: flat but for latency_us and edge_bps, keys as documented in docs/operations.md."""
    return {
        "run_id": outcome.run_id,
        "ended": outcome.reason,
        "uptime_s": round(outcome.uptime_s, 3),
        **totals,
        "naked_ms_max": audit.naked_ms_max if audit else None,
        "ledger_matches_exchange": audit.matches if audit else None,
        "ledger_differences": list(audit.differences) if audit else [],
        "leftovers": outcome.leftovers,
        "pss_mb": round(outcome.pss_mb, 1),
        "latency_us": latency,
        "edge_bps": edge or {},
    }
