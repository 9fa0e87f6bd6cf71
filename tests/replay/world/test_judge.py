"""The judge sees each law broken: it is shown a breach by hand."""

from pathlib import Path

from replay.world.judge import Judge
from replay.world.trial import Trial
from services.execution.limits import limits_of
from services.execution.wire import OrderRequest
from shared.messages import ExecutionState, Intent, Verdict

NOW = 1_790_000_000_000_000_000
ORDER = OrderRequest(1, "i-e", "SOLUSDT", "0.010", "0.1", 1, 10, 15_000, 14_900, 15_100, False, NOW, NOW + 1)


def bench(folder: Path) -> tuple[Trial, Judge]:
    trial = Trial(1, folder)
    judge = Judge(limits_of(trial.scenario.config), lambda: trial.network.core)
    judge.look(NOW)
    judge.hear(NOW, "execution", ExecutionState("running", "", (), 0))
    judge.journalled.add("i-e")
    return trial, judge


def laws(judge: Judge) -> list[str]:
    return [finding.partition(":")[0] for finding in judge.findings]


def test_a_proper_entry_breaks_no_law(tmp_path: Path) -> None:
    _, judge = bench(tmp_path)
    judge.hear(NOW, "execution", ORDER)
    assert judge.findings == []


def test_an_entry_before_its_row_twice_or_while_paused_is_seen(tmp_path: Path) -> None:
    _, judge = bench(tmp_path)
    judge.journalled.clear()
    judge.hear(NOW, "execution", ORDER)
    judge.hear(NOW, "execution", ExecutionState("paused", "", (), 0))
    judge.journalled.add("i-e")
    judge.hear(NOW, "execution", ORDER)
    assert laws(judge) == ["record", "once", "closed"]


def test_an_intent_let_through_on_bad_data_or_with_a_flaw_is_seen(tmp_path: Path) -> None:
    _, judge = bench(tmp_path)
    intent = Intent("i", "SOLUSDT", 1, 15_000, 14_900, 15_100, 0.5, 0.9, 1, 0, NOW, NOW, NOW + 1)
    judge.wished(intent, "late")
    judge.hear(NOW, "execution", Verdict("i", "SOLUSDT", "", 10.0, 15_000.0, NOW))
    assert laws(judge) == ["closed", "data"]


def test_what_is_left_open_at_the_end_is_seen(tmp_path: Path) -> None:
    trial, judge = bench(tmp_path)
    trial.network.core.desk.account.position("SOLUSDT").lots = 3
    judge.flat(NOW)
    assert laws(judge) == ["protection"]
