"""A small run on disk, as signals and execution write it: what a test needs to ask it why."""

from __future__ import annotations

from pathlib import Path

import msgspec

from services.execution.wire import OrderRequest, Quote
from shared.config import Config
from shared.journal import INPUT, OUTPUT, Journal
from shared.layout import AUX1, EVENT_WORDS, LAST, META, RECV_NS, Kind, meta
from shared.messages import (
    BUY,
    SELL,
    BookCopy,
    Check,
    Decision,
    Events,
    ExecutionState,
    Fill,
    Instrument,
    Intent,
    Message,
    OrderNews,
    PositionNews,
    RoundTrip,
    Tick,
    Universe,
    Verdict,
)

NOW = 1_790_000_000_000_000_000
MS = 1_000_000
RUN = "20261121-120000-abcd"
RULES = Instrument("BTCUSDT", "0.10", "0.001", 1, 10**6, 10**6, 0, 480, 5000, "Trading")


def decision(reason: str, at_ns: int = NOW, **changes: object) -> Decision:
    """Return a decision on BTCUSDT with a mid of 600_001 ticks."""
    said = Decision(
        1, "BTCUSDT", BUY, 0.4, 0.7, (0.5, 0.0), ("obi", "umom"), 600_000, 600_002, 1, 1, at_ns, reason,
        strategy="fusion", regime="normal", decided_ns=at_ns,
    )  # fmt: skip
    return msgspec.structs.replace(said, **changes)


def intent(at_ns: int = NOW, name: str = "run-0-1") -> Intent:
    """Return the wish of such a decision."""
    return Intent(
        name, "BTCUSDT", BUY, 600_002, 597_000, 606_000, 0.4, 0.7, 1, 1, at_ns, at_ns, at_ns + 250 * MS
    )  # fmt: skip


def verdict(*failed: tuple[str, float, float], name: str = "run-0-1") -> Verdict:
    """Return the gates' answer: these failed, two others passed."""
    gates = ("state_running", *(gate for gate, _, _ in failed), "order_rate")
    checks = (Check(True, 1.0, 1.0), *(Check(False, value, limit) for _, value, limit in failed), Check(True, 9.0, 1.0))
    gate, value, limit = failed[0] if failed else ("", 5.0, 600_002.0)
    return Verdict(name, "BTCUSDT", gate, value, limit, NOW, gates, checks)


def quote(bid: int, ask: int) -> Quote:
    return Quote("BTCUSDT", bid, ask, NOW, True, 1, 1)


def request(link: str, side: int = BUY, *, reduce_only: bool = False, post: bool = False) -> OrderRequest:
    price = 0 if reduce_only else 600_002
    return OrderRequest(1, link, "BTCUSDT", "0.10", "0.001", side, 10, price, 0, 0, reduce_only, NOW, 0, post)


def fill(link: str, side: int, price_ticks: int, qty_lots: int = 10, fee_e8: int = 33_000_000) -> Fill:
    return Fill(f"x-{link}-{price_ticks}", "id", link, "BTCUSDT", side, price_ticks, qty_lots, fee_e8, False, 0)


def news(link: str, state: str, name: str = "run-0-1", reason: str = "") -> OrderNews:
    return OrderNews(link, "id", name, "BTCUSDT", BUY, "entry", state, 10, 10, 600_002, reason, NOW)


def ring(*records: tuple[Kind, int, int], first: int = 0) -> Events:
    """Return ring records of symbol 0: (kind, when received, aux1)."""
    data = b""
    for number, (kind, at_ns, aux1) in enumerate(records):
        words = [0] * EVENT_WORDS
        words[0], words[META], words[RECV_NS], words[AUX1] = first + number, meta(kind, LAST, 0, 0), at_ns, aux1
        data += b"".join(word.to_bytes(8, "little", signed=True) for word in words)
    return Events(1, first, data)


def round_trip() -> RoundTrip:
    return RoundTrip(
        1, "BTCUSDT", BUY, 10, 6_000_030_000_000, 6_000_500_000_000, 66_000_000, -60_000_000, NOW + 2 * MS,
        NOW + 5_002 * MS, "target", "run-0-1", 30_000_000,
    )  # fmt: skip


def traded() -> list[tuple[bytes, int, Message]]:
    """Return what execution writes of one trade: sent 1 ms after the decision, filled a tick above, closed higher."""
    held = PositionNews("BTCUSDT", 10, 6_000_030_000_000, 597_000, 606_000, NOW + 2 * MS, 0)
    flat = PositionNews("BTCUSDT", 0, 0, 0, 0, 0, -60_000_000)
    return [
        (INPUT, NOW, quote(600_000, 600_002)),
        (INPUT, NOW, intent()),
        (OUTPUT, NOW, verdict()),
        (OUTPUT, NOW + MS, request("run-0-1-e")),
        (OUTPUT, NOW + MS, news("run-0-1-e", "sent")),
        (INPUT, NOW + MS, quote(600_001, 600_003)),
        (OUTPUT, NOW + 2 * MS, fill("run-0-1-e", BUY, 600_003)),
        (OUTPUT, NOW + 2 * MS, news("run-0-1-e", "filled")),
        (OUTPUT, NOW + 2 * MS, held),
        (OUTPUT, NOW + 5_000 * MS, request("run-0-x1", SELL, reduce_only=True)),
        (INPUT, NOW + 5_000 * MS, quote(600_049, 600_053)),
        (OUTPUT, NOW + 5_002 * MS, fill("run-0-x1", SELL, 600_050)),
        (OUTPUT, NOW + 5_002 * MS, flat),
        (OUTPUT, NOW + 5_002 * MS, round_trip()),
    ]


def write(
    var: Path,
    signals: list[tuple[bytes, int, Message]],
    execution: list[tuple[bytes, int, Message]],
    *,
    state: ExecutionState | None = None,
    end_ns: int = NOW + 6_000 * MS,
    config: Config | None = None,
) -> Path:
    """Write a run of these records into ``var`` and return its folder."""
    run_dir = var / "runs" / RUN
    (run_dir / "journal").mkdir(parents=True)
    (run_dir / "config.json").write_bytes(msgspec.json.encode(config or Config()))
    universe = (INPUT, NOW, Universe(1, (RULES,), (1.0,)))
    copy = (INPUT, NOW, BookCopy(1, 0, "BTCUSDT", "0.10", "0.001", 0, b""))
    said = (OUTPUT, NOW, state or ExecutionState("running", "", (), 0))
    for worker, records in (("signals", [universe, copy, *signals]), ("execution", [universe, said, *execution])):
        journal = Journal(run_dir / "journal", worker, 0)
        for record in [*records, (INPUT, end_ns, Tick())]:
            journal.append(*record)
        journal.close()
    return run_dir
