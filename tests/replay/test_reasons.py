"""Every reason has words, and its figures."""

import pytest

from replay.reasons import GATE_TEXTS, blocks, of_decision, said_of, spread_bps
from services.execution.gates import GATES
from shared.config import Config
from shared.messages import ExecutionState, Verdict
from tests.replay.journals import NOW, decision, verdict

REASONS = (
    "deadband", "confidence", "regime", "bias", "report", "warmup", "stale", "bar", "momentum", "spread", "universe",
    "execution", "open", "cooldown", "bracket", "enter",
)  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_the_engine_has_words(reason: str) -> None:
    found = of_decision(decision(reason), Config(), None)
    assert found.reason == reason
    assert len(found.text.split()) > 2


def test_a_threshold_is_said_with_what_was_reached() -> None:
    config = Config()
    weak = of_decision(decision("deadband", score=-0.02), config, None)
    assert (weak.value, weak.limit) == (0.02, config.signals.deadband)
    unsure = of_decision(decision("confidence", confidence=0.5), config, None)
    assert (unsure.value, unsure.limit) == (0.5, config.signals.enter_confidence)
    wide = of_decision(decision("spread"), config, None)
    assert (wide.value, wide.limit) == (pytest.approx(2 / 600_001 * 10_000), config.risk.max_spread_bps)
    slow = of_decision(decision("momentum", score=0.25), config, None)
    assert (slow.value, slow.limit) == (pytest.approx(0.05), config.predator.threshold_pct)


def test_a_spread_without_a_book_is_not_a_number() -> None:
    assert str(spread_bps(decision("spread", best_bid_ticks=0))) == "nan"


def test_execution_is_quoted() -> None:
    paused = ExecutionState("paused", "pause", (), 0)
    assert "paused (pause)" in of_decision(decision("execution"), Config(), paused).text
    assert said_of(ExecutionState("reconciling", "", (), 0)) == "reconciling"
    assert said_of(None) == "it has said nothing yet"


def test_all_gates_that_block_are_named_with_value_limit_and_meaning() -> None:
    found = blocks(verdict(("spread_bps", 7.5, 5.0), ("max_positions", 4.0, 3.0)))
    assert [(one.gate, one.value, one.limit) for one in found] == [
        ("spread_bps", 7.5, 5.0),
        ("max_positions", 4.0, 3.0),
    ]
    assert all(one.text for one in found)
    assert blocks(verdict()) == []


def test_an_older_verdict_names_one_gate() -> None:
    (found,) = blocks(Verdict("run-0-1", "BTCUSDT", "gone_by_now", 1.0, 2.0, NOW))
    assert (found.gate, found.text) == ("gone_by_now", "")


def test_every_gate_has_words() -> None:
    assert [gate.__name__ for gate in GATES if not GATE_TEXTS[gate.__name__]] == []
