"""The order journal outlives whatever kills its writer, and has one holder at a time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from msgspec.structs import astuple, replace

from services.execution.store import HeldError, SchemaError, Store
from services.execution.wire import (
    Commit,
    CorrectionRow,
    ExecutionRow,
    IntentRow,
    OrderRequest,
    OrderRow,
    PositionRow,
    Recovered,
    WordRow,
)
from shared.messages import Fill, RoundTrip
from tests.services.execution.rig import MS, NOW, RUN, Rig, S

ROOT = Path(__file__).resolve().parents[3]
INTENT = IntentRow("abc-0-1", "BTCUSDT", 1, NOW, NOW)
ORDER = OrderRow("abc-0-1-e", "", "abc-0-1", "BTCUSDT", "0.10", "0.001", 1, "entry", "", "created", 8, 600_004, 597_000,
                 606_000, 0, 0, 0, NOW)  # fmt: skip
POSITION = PositionRow("BTCUSDT", "0.10", "0.001", 8, 6, 5, 7, NOW, -9, 1, 8, 2, 8, 0, 0, 3, -9)
TRIP = RoundTrip(4, "BTCUSDT", 1, 8, 1, 2, 3, 4, 5, 6, "stop")


def execution(exec_id: str, ms: int = NOW // MS, realised: int = -7) -> ExecutionRow:
    return ExecutionRow(Fill(exec_id, "id", "abc-0-1-e", "BTCUSDT", 1, 600_001, 8, 7, False, ms), "Trade", realised)


def rows(commit_id: int = 1, **changes: object) -> Commit:
    usual: dict[str, tuple[object, ...]] = dict.fromkeys(Commit.__struct_fields__[1:], ())
    return Commit(commit_id, **usual | changes)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "orders.sqlite"


def test_what_was_written_is_recovered(path: Path) -> None:
    store = Store(path)
    word = WordRow("latched", "kill", RUN, NOW)
    all_rows = rows(intents=(INTENT,), orders=(ORDER,), executions=(execution("x1"),), positions=(POSITION,),
                    trips=(TRIP,), corrections=(CorrectionRow("order", "BTCUSDT", "t", NOW),),
                    words=(word,))  # fmt: skip
    assert store.write(all_rows) == ""
    store.close()
    store = Store(path)
    assert store.recover(NOW) == Recovered(
        (ORDER,),
        ("abc-0-1",),
        ("x1",),
        (POSITION,),
        4,
        NOW // (86_400 * S),
        -7,
        NOW // MS,
        word,
        armed_realised_e8=-7,
    )
    store.close()


def test_an_empty_journal_recovers_nothing(path: Path) -> None:
    store = Store(path)
    found = store.recover(NOW)
    assert (found.orders, found.positions, found.round_trips, found.last_exec_ms) == ((), (), 0, 0)
    assert found.word == WordRow("", "", "", 0)
    store.close()


def test_settled_orders_are_not_recovered_and_unsettled_ends_are(path: Path) -> None:
    store = Store(path)
    for link, state, cum, booked in [("a-e", "filled", 8, 8), ("b-e", "cancelled", 3, 0), ("c-e", "unknown", 0, 0)]:
        row = replace(ORDER, order_link_id=link, state=state, cum_lots=cum, booked_lots=booked)
        assert store.write(rows(orders=(row,))) == ""
    assert [order.order_link_id for order in store.recover(NOW).orders] == ["b-e", "c-e"]
    store.close()


def test_an_intent_is_written_once_for_ever_and_nothing_beside_it_is_written_then(path: Path) -> None:
    store = Store(path)
    assert store.write(rows(intents=(INTENT,))) == ""
    assert "UNIQUE" in store.write(rows(intents=(INTENT,), orders=(ORDER,)))
    assert store.recover(NOW).orders == ()
    assert store.write(rows(orders=(ORDER,))) == ""
    store.close()


def test_an_execution_is_kept_once(path: Path) -> None:
    store = Store(path)
    store.write(rows(executions=(execution("x1"), execution("x1", realised=5))))
    assert store.recover(NOW).day_realised_e8 == -7
    store.close()


def test_only_today_counts_for_the_day(path: Path) -> None:
    store = Store(path)
    day_ms = NOW // MS // 86_400_000 * 86_400_000
    store.write(rows(executions=(execution("x1", day_ms - 1), execution("x2", day_ms, -1))))
    assert store.recover(NOW).day_realised_e8 == -1
    store.close()


def test_there_is_one_executor(path: Path) -> None:
    store = Store(path)
    with pytest.raises(HeldError):
        Store(path)
    store.close()
    Store(path).close()


def test_the_file_is_ours_alone_and_synced(path: Path) -> None:
    store = Store(path)
    store.write(rows(intents=(INTENT,)))
    assert path.stat().st_mode & 0o777 == 0o600
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0
    store.close()


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    Store(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(SchemaError):
        Store(path)


def test_a_number_that_does_not_fit_is_reported_and_rolled_back(path: Path) -> None:
    store = Store(path)
    assert "OverflowError" in store.write(rows(intents=(INTENT,), executions=(execution("x1", realised=1 << 70),)))
    assert store.recover(NOW).intent_ids == ()
    store.close()


def test_a_full_disk_is_reported_and_later_writes_work(path: Path) -> None:
    store = Store(path)
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    many = tuple(execution(f"x{number}") for number in range(2_000))
    assert "full" in store.write(rows(executions=many))
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert store.write(rows(executions=many)) == ""
    store.close()


def test_commits_keep_their_order_on_the_journal_s_thread(path: Path) -> None:
    store = Store(path)
    told: Queue[Any] = Queue()
    for number in range(20):
        store.submit(rows(words=(WordRow(str(number), "", "", number),)), told.put)
    assert [told.get(timeout=5.0) for _ in range(20)] == [""] * 20
    assert store.recover(NOW).word.word == "19"
    store.close()


KILLED = """
import sys, time
from pathlib import Path
from services.execution.store import Store
from tests.services.execution.test_store import INTENT, ORDER, rows
store = Store(Path(sys.argv[1]))
assert store.write(rows(intents=(INTENT,), orders=(ORDER,))) == ""
print("committed", flush=True)
sys.stdin.read()
"""


def test_kill_between_commit_and_send_leaves_an_order_to_ask_about(path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "committed\n"
    with pytest.raises(HeldError):
        Store(path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    process.stdin.close()
    store = Store(path)  # The lock died with its holder.
    found = store.recover(NOW)
    store.close()
    assert found.orders == (ORDER,)
    rig = Rig().start(found, epoch=1)
    rig.wait(500)
    assert next(query.order_link_id for query in rig.asked if query.kind == "order") == "abc-0-1-e"
    rig.wish("abc-0-1")
    assert not rig.all(OrderRequest)


def test_a_journal_of_the_version_before_is_brought_up_to_date(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        added = {"positions": ("intent_id", "risk_e8", "first_stop_ticks"), "round_trips": ("intent_id", "risk_e8")}
        for table, columns in added.items():
            for column in columns:
                db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        marks = ", ".join("?" * (len(PositionRow.__struct_fields__) - 3))
        db.execute(f"INSERT INTO positions VALUES ({marks})", astuple(POSITION)[:-3])
        db.execute("PRAGMA user_version = 1")
    store = Store(path)
    assert store.recover(NOW).positions == (POSITION,)
    newer = replace(POSITION, intent_id="abc-0-1")
    assert store.write(rows(positions=(newer,), trips=(TRIP,))) == ""
    assert store.recover(NOW).positions == (newer,)
    store.close()
    Store(path).close()


def test_a_run_of_the_core_is_recovered_as_it_was(path: Path) -> None:
    rig = Rig().start()
    rig.enter("abc-0-1")
    store = Store(path)
    for commit in rig.commits:
        assert store.write(commit) == ""
    found = store.recover(rig.now)
    assert found.orders == ()
    assert found.exec_ids == ("exec-abc-0-1-e",)
    assert found.positions[0].position_lots == 8
    assert found.positions[0].intent_id == "abc-0-1"
    assert found.positions[0].stop_ticks == 597_000
    assert found.day_realised_e8 == -26_400_000
    store.close()
