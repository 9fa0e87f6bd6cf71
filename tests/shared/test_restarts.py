"""The restart policy, without a process."""

from shared.clock import NS_PER_S
from shared.exits import Exit
from shared.restarts import PAUSE_NS_MAX, PAUSE_NS_MIN, Restarts, Verdict


def test_the_first_death_is_answered_at_once_and_the_next_ones_ever_later() -> None:
    restarts = Restarts(per_worker_max=9, total_max=99)
    pauses = [restarts.on_exit("ingest", -9, 1_000)[1] - 1_000 for _ in range(8)]
    assert pauses[:4] == [0, PAUSE_NS_MIN, 2 * PAUSE_NS_MIN, 4 * PAUSE_NS_MIN]
    assert pauses[-1] == PAUSE_NS_MAX


def test_one_death_too_many_within_a_minute_spends_the_budget() -> None:
    restarts = Restarts(per_worker_max=2, total_max=99)
    verdicts = [restarts.on_exit("ingest", 1, second * NS_PER_S)[0] for second in (0, 1, 2)]
    assert verdicts == [Verdict.RESTART, Verdict.RESTART, Verdict.SPENT]


def test_deaths_that_lie_far_apart_spend_nothing() -> None:
    restarts = Restarts(per_worker_max=2, total_max=99)
    verdicts = [restarts.on_exit("ingest", 1, minute * 61 * NS_PER_S)[0] for minute in range(5)]
    assert set(verdicts) == {Verdict.RESTART}


def test_the_budget_of_all_counts_every_worker() -> None:
    restarts = Restarts(per_worker_max=9, total_max=3)
    verdicts = [restarts.on_exit(name, 1, 0)[0] for name in ("ingest", "signals", "monitor", "scanner")]
    assert verdicts == [Verdict.RESTART] * 3 + [Verdict.SPENT]


def test_what_a_restart_cannot_mend_is_final() -> None:
    restarts = Restarts(per_worker_max=9, total_max=9)
    assert restarts.on_exit("exchange", Exit.PORT_IN_USE, 0)[0] is Verdict.FINAL
