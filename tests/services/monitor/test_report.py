import json

from services.monitor.report import books_json, heartbeat, state_json
from services.monitor.wire import Latency, Vitals, Worker
from shared.messages import ExecutionState, PositionNews
from shared.mirror import BookView
from shared.offset import DRIFT_PPM, Offset
from shared.scale import Scale
from tests.services import feed

S = 1_000_000_000
VITALS = Vitals(
    generation=1,
    workers=(
        Worker("ingest", 7, 2, "RUNNING", 9 * S),
        Worker("execution", 0, 0, "DOWN", 8 * S),
        Worker("exchange", 0, 0, "DOWN", 0),
    ),
    counters={"frames": 12, "decisions": 3},
    latencies=(Latency("frame_to_book", 20.0, 90.0),),
)


def test_the_heartbeat_names_who_lives_and_what_was_done() -> None:
    text = heartbeat(VITALS, ExecutionState("paused", "spread", (), 0), 150_000_000, 10 * S)
    assert "ingest:running/1000ms" in text
    assert "execution:down/2000ms |" in text
    assert "exchange" not in text
    assert "execution paused" in text
    assert "frames=12" in text
    assert "realised 1.5 USDT" in text
    assert "execution silent" in heartbeat(VITALS, None, 0, 10 * S)


def test_the_snapshot_holds_everything_known() -> None:
    position = PositionNews("SOLUSDT", -3, 15_000_000_000, 1, 2, S, 5)
    data = state_json(
        VITALS,
        ExecutionState("running", "", ("SOLUSDT",), 1),
        {"SOLUSDT": position},
        {"SOLUSDT": 1.5},
        {"spread": 4},
        ["SOLUSDT:spread"],
        Offset(5, 7, 9 * S),
        10 * S,
    )
    found = json.loads(data)
    assert found["positions"]["SOLUSDT"]["position_lots"] == -3
    assert found["universe"] == {"SOLUSDT": 1.5}
    assert found["refused"] == {"spread": 4}
    assert found["workers"]["ingest"]["epoch"] == 2
    assert found["latency_us"]["frame_to_book"] == {"p50": 20.0, "p99": 90.0}
    assert found["venue_clock"] == {"offset_ns": 5, "uncertainty_ns": 7 + S * DRIFT_PPM // 10**6, "at_ns": 10 * S}
    empty = json.loads(state_json(None, None, {}, {}, {}, [], None, 0))
    assert (empty["execution"], empty["venue_clock"]) == (None, None)


def test_the_books_are_whole_and_exact() -> None:
    row = feed.row([(1000, 5), (999, 6)], [(1001, 7)], updates=9)
    void = feed.row([], [], valid=False)
    scale = Scale("0.10", "0.001")
    found = json.loads(books_json({"B": BookView.from_row(void, "B", scale), "A": BookView.from_row(row, "A", scale)}))
    assert list(found) == ["A", "B"]
    assert found["A"] == {
        "u": 77,
        "valid": True,
        "reason": "",
        "updates": 9,
        "bids": [["100.00", "0.005"], ["99.90", "0.006"]],
        "asks": [["100.10", "0.007"]],
    }
    assert found["B"]["valid"] is False
