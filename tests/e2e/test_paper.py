"""Paper trading over another exchange's live public stream: the market is theirs, the account and the matching ours."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from replay.runs import tell_again
from shared.fleet import Word
from tests import exchange_process
from tests.e2e.flight import Flight

pytestmark = pytest.mark.timeout(180)


def test_orders_meet_the_live_market_and_a_lost_stream_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "venue").mkdir()
    with exchange_process.running(tmp_path / "venue", exchange_process.config(seed=7)) as live:
        market = f"live:ws://127.0.0.1:{live.port}/v5/public/linear"
        settings = ("--venue", "paper", "--market", market, "--set", "brackets.time_exit_s=4")
        with Flight(tmp_path, *settings) as flight:
            page = flight.page
            assert page.get(Word.EXCHANGE_PORT) != live.port
            flight.wait_until(lambda: page.total("round_trips") >= 2, "round trips")
            with urllib.request.urlopen(f"{live.url}/admin/faults", b"disconnect path=/v5/public/linear") as done:
                assert done.status == 200
            trips = page.total("round_trips")
            flight.wait_until(lambda: page.total("round_trips") >= trips + 2, "round trips after the loss")
            flight.interrupt()
            code, summary = flight.summary()
            log = flight.log
    assert (code, summary["naked_ms_max"], summary["ledger_matches_exchange"]) == (0, 0, True), log
    assert summary["restarts"] == 0, log
    told = {one.worker: one for one in tell_again(next((tmp_path / "var" / "runs").iterdir()))}
    assert told["exchange"].outputs > 0
