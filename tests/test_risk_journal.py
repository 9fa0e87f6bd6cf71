"""The day's figures after a restart: counted again from the order journal, and the same."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from services.execution.store import Store
from services.execution.wire import BreachRow, Recovered, WordRow
from shared.messages import BUY, SELL, OrderNews, Tick
from shared.scale import E8
from tests.services.execution.rig import MS, NOTHING, NOW, RUN, Rig, S
from tests.services.execution.risk_rig import gate, latched, limited, lose, say

DAY = 86_400 * S


def test_the_day_is_rebuilt_from_the_journal(tmp_path: Path) -> None:
    store = Store(tmp_path / "orders.sqlite")
    rig = limited(cooldown_ns=0, daily_loss_r_e6=10**12).start()
    written = 0

    def flush() -> None:
        nonlocal written
        for commit in rig.commits[written:]:
            assert store.write(commit) == ""
        written = len(rig.commits)

    lose(rig, "abc-0-1", "60500.00")
    rig.wait(300)
    link = rig.enter("abc-0-2", price="60000.40").order_link_id
    rig.leave("", f"out-{link}", orderId="s", execPrice="59500.00", orderLinkId="", stopOrderType="StopLoss")
    rig.wait(100)
    flush()
    risk = rig.core._risk
    found = store.recover(rig.now)
    assert found.day_realised_e8 == found.armed_realised_e8 == rig.core._desk.ledger.day_realised_e8(rig.now // MS)
    assert (found.armed_r_e6, found.breaches, found.day_peak_e8) == (risk.result_r_e6(), 1, risk._peak_e8)
    assert [symbol for symbol, _ in found.losses] == ["BTCUSDT"]
    again = limited(cooldown_ns=0, daily_loss_r_e6=10**12)
    again.now = rig.now
    again.start(found, epoch=1)
    assert again.core._risk.standing("BTCUSDT", BUY, rig.now) == rig.core._risk.standing(
        "BTCUSDT", BUY, rig.now
    )._replace(tokens=10, entered_ns=0)
    store.close()


def test_what_was_lost_before_a_reset_does_not_count_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "orders.sqlite")
    rig = latched()
    say(rig, "reset")
    rig.wait(200)
    for commit in rig.commits:
        assert store.write(commit) == ""
    found = store.recover(rig.now + S)
    assert found.word.rearmed_ns > 0
    assert found.day_realised_e8 < -8 * E8
    assert (found.armed_realised_e8, found.armed_r_e6, found.breaches) == (0, 0, 0)
    store.close()


def test_yesterday_s_breaches_do_not_count(tmp_path: Path) -> None:
    store = Store(tmp_path / "orders.sqlite")
    rig = Rig().start()
    rig.core._desk.keep(BreachRow("slippage", "BTCUSDT", "a-e", 3, 2, rig.now))
    rig.feed(Tick())
    for commit in rig.commits:
        store.write(commit)
    assert store.recover(rig.now).breaches == 1
    assert store.recover(rig.now + DAY).breaches == 0
    store.close()


def test_a_new_day_begins_with_nothing_lost() -> None:
    rig = Rig().start(replace(NOTHING, armed_r_e6=-9_900_000, breaches=2))
    assert rig.core._risk.result_r_e6() == -9_900_000
    rig.now += DAY
    rig.feed(Tick())
    assert (rig.core._risk.result_r_e6(), rig.core._risk.breaches) == (0, 0)


def test_news_of_an_exit_is_no_news_of_an_entry() -> None:
    rig = Rig().start()
    news = OrderNews("x-t1", "", "", "BTCUSDT", SELL, "exit", "rejected", 8, 0, 0, "110017 flat", NOW)
    rig.core._risk.hear(news)
    assert rig.core._risk.rejects == 0


def test_recovery_remembers_when_each_symbol_lost() -> None:
    found = Recovered((), (), (), (), 0, NOTHING.day, 0, 0, WordRow("", "", RUN, 0), losses=(("BTCUSDT", NOW - S),))
    rig = Rig().start(found)
    assert gate(rig, "abc-0-1") == "cooldown_after_loss"
