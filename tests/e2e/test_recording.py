"""A real recording through the whole fleet: every frame applied, and the final book is the true one."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.flight import ROOT, fly

RECORDING = ROOT.parent / "shared" / "data" / "bybit-linear-20260809-btc-eth.ndjson.gz"
pytestmark = [
    pytest.mark.timeout(150),
    pytest.mark.skipif(not RECORDING.exists(), reason=f"no recording at {RECORDING.name} beside the project"),
]


def rebuild() -> tuple[dict[str, dict[str, dict[Decimal, Decimal]]], dict[str, int]]:
    """Apply the file's frames the obvious way."""
    books: dict[str, dict[str, dict[Decimal, Decimal]]] = {}
    counts: dict[str, int] = {}
    with gzip.open(RECORDING) as file:
        for line in file:
            frame: dict[str, Any] = json.loads(line.split(b" ", 1)[1])
            if not frame["topic"].startswith("orderbook.200."):
                continue
            data = frame["data"]
            counts[data["s"]] = counts.get(data["s"], 0) + 1
            book = books.setdefault(data["s"], {"b": {}, "a": {}})
            for side in ("b", "a"):
                if frame["type"] == "snapshot":
                    book[side].clear()
                for price, size in data[side]:
                    if Decimal(size) == 0:
                        book[side].pop(Decimal(price), None)
                    else:
                        book[side][Decimal(price)] = Decimal(size)
    return books, counts


def test_every_frame_is_applied_and_the_final_book_is_the_files(tmp_path: Path) -> None:
    # It was recorded far from the venue, and little happens in it: with the defaults nothing would be traded.
    eager = (
        "--set",
        "risk.max_latency_ms=0",
        "--set",
        "signals.enter_confidence=0.35",
        "--set",
        "signals.exit_confidence=0.2",
    )
    code, summary, log = fly(tmp_path, "--market", str(RECORDING), "--until-end", *eager)
    assert code == 0, log
    assert (summary["book_gaps"], summary["crossed_books"]) == (0, 0), log
    assert summary["decisions"] > 0, log
    assert summary["round_trips"] > 0, log
    assert (summary["naked_ms_max"], summary["ledger_matches_exchange"]) == (0, True), log
    run_dir = next((tmp_path / "var" / "runs").iterdir())
    found = json.loads((run_dir / "books.json").read_text())
    books, counts = rebuild()
    assert set(found) == set(books)
    for symbol, book in books.items():
        assert found[symbol]["valid"]
        assert found[symbol]["updates"] == counts[symbol]
        for side, key, best_first in (("bids", "b", True), ("asks", "a", False)):
            levels = [(Decimal(price), Decimal(size)) for price, size in found[symbol][side]]
            assert levels == sorted(book[key].items(), reverse=best_first)
