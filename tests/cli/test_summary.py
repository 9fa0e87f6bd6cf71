"""The summary holds every promised key."""

from pathlib import Path

import orjson

from cli.audit import Audit
from cli.summary import counts, edge_lines, edges, latencies_us, summary
from shared.exits import Exit
from shared.fleet import SIZE, FleetPage
from supervisor import Outcome

PROMISED = {
    "uptime_s", "frames", "events", "book_gaps", "crossed_books", "decisions", "intents", "orders_sent", "fills",
    "round_trips", "rejects", "restarts", "naked_ms_max", "ledger_matches_exchange", "pss_mb", "latency_us", "edge_bps",
}  # fmt: skip


def test_the_summary_says_what_was_counted() -> None:
    page = FleetPage(bytearray(SIZE))
    page.counters("ingest").add("frames", 7)
    page.histogram("frame_to_book").observe(10_000)
    outcome = Outcome(Exit.OK, "45 s are over", "run-1", 45.0, 120.04)
    found = summary(outcome, counts(page), latencies_us(page), Audit((), 0))
    assert set(found) >= PROMISED
    assert (found["frames"], found["pss_mb"], found["naked_ms_max"]) == (7, 120.0, 0)
    assert found["ledger_matches_exchange"] is True
    assert abs(found["latency_us"]["frame_to_book"]["p50"] - 10) < 1
    assert found["latency_us"]["decision_to_sent"] == {"p50": None, "p99": None}


def test_without_a_local_exchange_its_measurements_are_left_open() -> None:
    outcome = Outcome(Exit.OK, "SIGINT", "run-1", 1.0, 1.0)
    found = summary(outcome, {}, {}, None)
    assert found["ledger_matches_exchange"] is None
    assert found["naked_ms_max"] is None


def test_the_edge_of_each_signal_is_named(tmp_path: Path) -> None:
    assert edges(tmp_path) == {}
    row = {"decisions": 40, "edge_bps": 1.25, "low_bps": -0.5, "high_bps": 3.0, "cost_bps": 11.0, "net_bps": -9.75}
    short = {"decisions": 1, "edge_bps": 1.0, "low_bps": None, "high_bps": None, "cost_bps": 11.0, "net_bps": -10.0}
    signals = {"obi": {"1000": row, "5000": row}, "umom": {"5000": short}, "ice": {"1000": row}}
    (tmp_path / "edge.json").write_bytes(orjson.dumps({"signals": signals, "weights": None}))
    found = edges(tmp_path)
    outcome = Outcome(Exit.OK, "SIGINT", "run-1", 1.0, 1.0)
    assert summary(outcome, {}, {}, None, found)["edge_bps"] == signals
    obi, umom = edge_lines(found)
    assert " ".join(obi.split()) == "edge obi at 5 s, bps +1.25 (-0.50 .. +3.00) net -9.75 of 40"
    assert " ".join(umom.split()) == "edge umom at 5 s, bps +1.00 net -10.00 of 1"
    (tmp_path / "edge.json").write_bytes(b"{")
    assert edges(tmp_path) == {}
