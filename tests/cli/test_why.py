"""`peregrine why` in the terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner

from cli.main import app
from cli.why import why
from shared import paths
from shared.exits import Exit
from shared.journal import INPUT, OUTPUT
from shared.layout import Kind, Reason
from shared.messages import BUY, ExecutionState, Message
from tests.replay.journals import MS, NOW, RUN, decision, intent, news, request, ring, traded, verdict, write

END = NOW + 6_000 * MS
LIVE = (INPUT, END, ring((Kind.BID, END - 10 * MS, 0)))
WISHED: list[tuple[bytes, int, Message]] = [(OUTPUT, NOW, intent()), (OUTPUT, NOW, decision("enter")), LIVE]
REFUSED: list[tuple[bytes, int, Message]] = [
    (INPUT, NOW, intent()), (OUTPUT, NOW, verdict(("spread_bps", 7.5, 5.0), ("kill_switch", 0.0, 1.0))),
]  # fmt: skip


def said(var: Path, *args: str) -> str:
    result = CliRunner().invoke(why, ["--var", str(var), *args])
    assert result.exit_code == 0, result.output
    return result.output


def told(var: Path, *args: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(said(var, "--json", *args))
    return found


def headline(var: Path) -> str:
    return said(var).splitlines()[2]


def test_a_refused_wish_names_every_gate_that_blocks_with_value_and_limit(tmp_path: Path) -> None:
    write(tmp_path, WISHED, REFUSED)
    assert headline(tmp_path) == "BTCUSDT     REFUSED: gate spread_bps 7.5, limit 5"
    text = said(tmp_path)
    assert "refused by 2 of 4 gates" in text
    assert "kill_switch           no" in text
    (symbol,) = told(tmp_path)["symbols"]
    assert [(one["gate"], one["value"], one["limit"]) for one in symbol["last_wish"]["blocked_by"]] == [
        ("spread_bps", 7.5, 5.0), ("kill_switch", 0.0, 1.0),
    ]  # fmt: skip


def test_the_story_of_a_trade_has_decision_scores_route_fills_costs_fees_and_exit(tmp_path: Path) -> None:
    write(tmp_path, WISHED, list(traded()))
    trade = told(tmp_path)["symbols"][0]["last_trade"]
    assert (trade["side"], trade["scores"], trade["reason"], trade["net_r"]) == (
        "long", {"obi": 0.5, "umom": 0.0}, "target", -2.0,
    )  # fmt: skip
    (leg,) = trade["orders"]
    assert (leg["kind"], leg["price"], leg["after_ms"], leg["state"]) == ("IOC", "60000.20", 1.0, "filled")
    assert [(one["price"], one["fee_usdt"]) for one in trade["fills"]] == [("60000.30", 0.33)]
    assert set(trade["slippage"]) == {
        "delay_bps", "execution_bps", "entry_fee_bps", "exit_execution_bps", "exit_fee_bps",
    }  # fmt: skip
    text = said(tmp_path, "btcusdt")
    for part in ("last trade  long 60000.3 -> 60005", "obi +0.50", "IOC 0.010 @ 60000.20", "target, after 5.0 s"):
        assert part in text
    assert "last wish" not in text  # It is the trade.


def test_an_open_trade_is_the_headline(tmp_path: Path) -> None:
    write(tmp_path, WISHED, list(traded()[:9]))
    assert headline(tmp_path).startswith("BTCUSDT     IN A TRADE: long 0.010 @ 60000.3, stop 59700.00, target 60600")
    assert "still open" in said(tmp_path)


def test_reasons_before_execution_are_answers_too(tmp_path: Path) -> None:
    for number, (reason, part) in enumerate((
        ("deadband", "WAITS: the signals say too little (|score| 0.4 of 0.05)"),
        ("confidence", "WAITS: the signals are not sure enough (confidence 0.7 of 0.65)"),
        ("cooldown", "WAITS: the last wish is too young (ms 1000)"),
        ("universe", "WAITS: not in the universe"),
        ("warmup", "WAITS: not enough has been seen yet"),
    )):  # fmt: skip
        var = tmp_path / str(number)
        write(var, [(OUTPUT, NOW, decision(reason)), LIVE], [])
        assert part in headline(var)


def test_a_paused_execution_a_stale_and_a_void_book_come_first(tmp_path: Path) -> None:
    opinion = (OUTPUT, NOW, decision("deadband"))
    write(tmp_path / "paused", [opinion, LIVE], [], state=ExecutionState("paused", "pause", (), 0))
    assert headline(tmp_path / "paused").endswith("NO ENTRIES: execution is paused")
    write(tmp_path / "stale", [opinion, (INPUT, NOW, ring((Kind.BID, NOW, 0)))], [])
    assert headline(tmp_path / "stale").endswith("NO ENTRIES: its book is stale, 6.0 s old")
    write(tmp_path / "void", [opinion, (INPUT, NOW, ring((Kind.GAP, NOW, Reason.SEQUENCE)))], [])
    assert headline(tmp_path / "void").endswith("NO ENTRIES: its book is void (sequence)")
    write(tmp_path / "none", [], [])
    assert headline(tmp_path / "none").endswith("NO ENTRIES: its book is none")


def test_a_symbol_that_nobody_chose_is_said_to_be_outside(tmp_path: Path) -> None:
    write(tmp_path, [LIVE], [])
    assert "NOT TRADED: not in the universe" in said(tmp_path, "DOGEUSDT")


def test_what_became_of_a_wish_is_one_word(tmp_path: Path) -> None:
    sent = [*traded()[:5]]
    ways: tuple[tuple[str, list[tuple[bytes, int, Message]]], ...] = (
        ("lost", []),
        ("passed", sent[:3]),
        ("sent", [*sent[:3], (OUTPUT, NOW, request("run-0-1-e", BUY))]),
        ("cancelled", [*sent, (OUTPUT, NOW, news("run-0-1-e", "cancelled"))]),
        ("dropped", [*sent[:3], (OUTPUT, NOW, news("run-0-1-e", "dropped", reason="expired"))]),
    )
    for outcome, execution in ways:
        write(tmp_path / outcome, WISHED, execution)
        assert told(tmp_path / outcome)["symbols"][0]["last_wish"]["outcome"] == outcome


def test_a_worker_that_fell_silent_is_named(tmp_path: Path) -> None:
    run_dir = write(tmp_path, [LIVE], [])
    (run_dir / "journal" / "execution.0000.0000.journal").unlink()
    assert "!! execution has written nothing" in said(tmp_path)


def test_a_run_that_goes_on_is_known_by_its_lock(tmp_path: Path) -> None:
    write(tmp_path, [LIVE], [])
    assert told(tmp_path)["live"] is False
    run_dir, handle = paths.make_run_dir(RUN)
    try:
        assert told(tmp_path)["live"] is True
    finally:
        os.close(handle)
        (run_dir / "live").unlink()
        run_dir.rmdir()


def test_a_torn_end_of_a_growing_journal_is_no_trouble(tmp_path: Path) -> None:
    run_dir = write(tmp_path, WISHED, REFUSED)
    path = run_dir / "journal" / "execution.0000.0000.journal"
    path.write_bytes(path.read_bytes()[:-7])
    assert "refused by 2 of 4 gates" in said(tmp_path)


def test_it_takes_a_run_by_id_or_folder_and_says_when_there_is_none(tmp_path: Path) -> None:
    run_dir = write(tmp_path, [LIVE], [])
    assert told(tmp_path, "--run", RUN)["run_id"] == told(tmp_path / "x", "--run", str(run_dir))["run_id"] == RUN
    failed = CliRunner().invoke(app, ["why", "--var", str(tmp_path), "--run", "nowhere"])
    assert isinstance(failed.exception, FileNotFoundError)


def test_a_damaged_journal_ends_with_an_error(tmp_path: Path) -> None:
    run_dir = write(tmp_path, WISHED, REFUSED)
    path = run_dir / "journal" / "execution.0000.0000.journal"
    path.write_bytes(path.read_bytes().replace(b"spread_bps", b"spread_bqs"))
    result = CliRunner().invoke(why, ["--var", str(tmp_path)])
    assert result.exit_code == Exit.FAILURE
    assert "damaged" in result.stderr
