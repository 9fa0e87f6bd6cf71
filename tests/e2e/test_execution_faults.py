"""A venue that answers badly, loses what it said and cuts lines: nothing is bought twice, nothing stands naked, and the
ledgers agree soon after.
"""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared.audit import compare, journalled
from shared.fleet import Word
from tests.e2e.flight import Flight, wait_for

pytestmark = pytest.mark.timeout(500)
AGREE_S = 5.0
SETTINGS = (
    "brackets.time_exit_s=2", "signals.cooldown_ms=300", "signals.enter_confidence=0.4", "supervisor.stop_s=8",
    "risk.max_daily_loss_r=1000", "risk.max_daily_loss_pct=100", "risk.max_daily_loss_usdt=10000",
    "risk.slippage_breaches=1000", "execution.rest_timeout_s=0.5", "execution.recv_window_ms=1000",
)  # fmt: skip


def faults(seconds: int, share: float) -> str:
    """So many of all requests get no answer though they were carried out, half as much of what the stream says of
    orders is lost, and every line is cut every 20 s.
    """
    return "; ".join((
        f"mute path=*order* ms=3s p={share} for={seconds}s",
        f"mute path=/v5/position/list ms=3s p={share} for={seconds}s",
        f"drop topic=order p={share / 2} for={seconds}s",
        f"storm path=* every=20s for={seconds}s",
    ))  # fmt: skip


def bought_twice(ledger: dict[str, Any]) -> list[str]:
    """Return what shows exposure that was opened twice: a name used twice, or more held than one entry's size."""
    names = Counter(row["order_link_id"] for row in ledger["orders"] if row["order_link_id"])
    found = [f"{name} is the name of {count} orders" for name, count in names.items() if count > 1]
    largest: Counter[str] = Counter()
    for row in ledger["orders"]:
        if not row["reduce_only"]:
            largest[row["symbol"]] = max(largest[row["symbol"]], row["qty_lots"])
    held: Counter[str] = Counter()
    for row in ledger["executions"]:
        held[row["symbol"]] += row["qty_lots"] * (1 if row["side"] == "Buy" else -1)
        if abs(held[row["symbol"]]) > largest[row["symbol"]]:
            found.append(f"{row['symbol']}: {held[row['symbol']]} lots after {row['exec_id']}")
    return found


def ask(port: int, what: str, text: str | None = None) -> dict[str, Any]:
    """Ask the exchange's back door."""
    data = None if text is None else text.encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/{what}", data, timeout=5) as answer:
        result: dict[str, Any] = json.load(answer)["result"]
    return result


def endure(folder: Path, seconds: int, share: float, trips: int) -> None:
    """Trade through so many seconds of faults, then look."""
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    with Flight(folder, *settings) as flight:
        page = flight.page
        flight.wait_until(lambda: page.total("round_trips") >= 1, "first round trip")
        journal, port = flight.run_dir / "orders.sqlite", page.get(Word.EXCHANGE_PORT)
        ask(port, "faults", faults(seconds, share))

        def differences() -> list[str]:
            return compare(ask(port, "ledger"), *journalled(journal))

        def over() -> bool:
            return all(row["state"] == "over" for row in ask(port, "faults")["list"])

        flight.wait_until(over, "end of the faults", seconds + 60.0)
        assert wait_for(lambda: not differences(), AGREE_S), (differences(), flight.log)
        done, ledger = ask(port, "faults")["list"], ask(port, "ledger")
        flight.interrupt()
        code, summary = flight.summary()
        log = flight.log
    assert all(row["applied"] for row in done), done
    assert bought_twice(ledger) == [], log
    assert (ledger["naked"]["naked_ms_max"], summary["naked_ms_max"]) == (0, 0), log
    assert summary["ledger_matches_exchange"] is True, (summary["ledger_differences"], log)
    assert summary["round_trips"] >= trips, log
    assert (summary["restarts"], code) == (0, 0), log


def test_a_venue_that_loses_answers_and_cuts_lines_costs_nothing_but_time(tmp_path: Path) -> None:
    endure(tmp_path, 25, 0.4, 2)


@pytest.mark.full
def test_five_minutes_of_lost_answers_and_cut_lines(tmp_path: Path) -> None:
    endure(tmp_path, 300, 0.1, 20)
