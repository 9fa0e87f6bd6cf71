"""A position is left when it is no longer believed in: not at a flicker, not too early, and never because of a gate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.holds import AGAINST, FADED, HOLD, LEAVE, TRAIL, Holds
from services.signals.strategy import RIPE, Opinion
from shared.config import Signals
from shared.messages import BUY, SELL, ExecutionState, PositionNews
from tests.services.feed import MS, S

T0 = 1_000 * S
CONFIG = Signals()
HELD = CONFIG.exit_hold_ms * MS
DWELL = CONFIG.exit_dwell_ms * MS


def news(lots: int = 5, symbol: str = "SOLUSDT") -> PositionNews:
    return PositionNews(symbol, lots, 1, 1, 1, T0, 0)


def opinion(direction: int, confidence: float, reason: str = RIPE, *, fades: bool = True) -> Opinion:
    return Opinion(direction, direction * 0.5, confidence, (), reason, "", fades)


def holds(lots: int = 5, config: Signals = CONFIG) -> Holds:
    found = Holds(config)
    found.hear(news(lots), T0)
    return found


def test_without_a_position_there_is_no_stance() -> None:
    assert Holds(CONFIG).stance("SOLUSDT", opinion(BUY, 0.9), T0) == ""
    flat = holds()
    flat.hear(news(0), T0)
    assert (flat.stance("SOLUSDT", opinion(BUY, 0.9), T0), flat.side("SOLUSDT")) == ("", 0)


@pytest.mark.parametrize(
    ("confidence", "stance"), [(0.41, HOLD), (0.40, HOLD), (0.84, HOLD), (0.85, TRAIL), (0.98, TRAIL)]
)
def test_confidence_in_the_held_side_holds_or_wishes_for_a_tighter_stop(confidence: float, stance: str) -> None:
    assert holds().stance("SOLUSDT", opinion(BUY, confidence), T0 + 60 * S) == stance
    assert holds(-5).stance("SOLUSDT", opinion(SELL, confidence), T0 + 60 * S) == stance


def test_lost_confidence_is_an_exit_only_after_it_has_lasted() -> None:
    found, weak = holds(), opinion(BUY, 0.39)
    lost_ns = T0 + HELD
    assert found.stance("SOLUSDT", weak, lost_ns) == HOLD
    assert found.stance("SOLUSDT", weak, lost_ns + DWELL - 1) == HOLD
    assert found.stance("SOLUSDT", weak, lost_ns + DWELL) == LEAVE
    assert found.ask("SOLUSDT", lost_ns + DWELL) == FADED


def test_a_flicker_begins_the_wait_anew() -> None:
    found, weak = holds(), opinion(BUY, 0.2)
    at_ns = T0 + HELD
    found.stance("SOLUSDT", weak, at_ns)
    assert found.stance("SOLUSDT", opinion(BUY, 0.40), at_ns + DWELL - 1) == HOLD
    assert found.stance("SOLUSDT", weak, at_ns + DWELL) == HOLD
    found.blink("SOLUSDT")
    assert found.stance("SOLUSDT", weak, at_ns + 3 * DWELL) == HOLD
    assert found.stance("SOLUSDT", weak, at_ns + 4 * DWELL) == LEAVE


def test_nothing_is_left_before_it_is_old_enough() -> None:
    for last in (opinion(BUY, 0.0), opinion(SELL, 0.99)):
        found = holds()
        found.stance("SOLUSDT", last, T0)
        assert found.stance("SOLUSDT", last, T0 + HELD - 1) == HOLD
        assert found.stance("SOLUSDT", last, T0 + HELD) == LEAVE


def test_an_opposite_opinion_strong_enough_for_an_entry_does_not_wait() -> None:
    found = holds()
    assert found.stance("SOLUSDT", opinion(SELL, 0.64), T0 + HELD) == HOLD
    assert found.stance("SOLUSDT", opinion(SELL, 0.65), T0 + HELD + 1) == LEAVE
    assert found.ask("SOLUSDT", T0 + HELD + 1) == AGAINST


def test_the_wish_is_said_again_only_after_a_while() -> None:
    found = holds()
    assert found.ask("SOLUSDT", T0) == found.ask("SOLUSDT", T0 + S) == ""  # No reason was found yet.
    found.stance("SOLUSDT", opinion(SELL, 0.9), T0 + HELD)
    assert [bool(found.ask("SOLUSDT", T0 + HELD + at * 100 * MS)) for at in (0, 1, 9, 10)] == [True, False, False, True]


def test_a_strategy_that_leaves_by_its_stops_alone_is_never_told_to_leave() -> None:
    found = holds()
    for at in range(60):
        assert found.stance("SOLUSDT", opinion(0, 0.0, fades=False), T0 + at * S) == HOLD
    switched_off = holds(config=Signals(exit_confidence=0.0))
    assert all(switched_off.stance("SOLUSDT", opinion(SELL, 0.99), T0 + at * S) == HOLD for at in range(60))


def test_a_turned_position_is_another_one() -> None:
    found = holds()
    found.stance("SOLUSDT", opinion(BUY, 0.0), T0)
    found.hear(news(-5), T0 + 60 * S)
    assert found.side("SOLUSDT") == SELL
    assert found.stance("SOLUSDT", opinion(BUY, 0.99), T0 + 60 * S + HELD - 1) == HOLD


def test_what_execution_no_longer_holds_is_forgotten_and_the_rest_is_kept() -> None:
    found = holds()
    found.hear(news(3, "BTCUSDT"), T0)
    found.keep(ExecutionState("running", "", ("BTCUSDT",), 0))
    assert (found.side("SOLUSDT"), found.side("BTCUSDT")) == (0, BUY)


@given(
    st.sampled_from(["open", "cooldown", "execution", "universe", "regime", "bracket", "deadband"]), st.integers(0, 90)
)
def test_a_gate_is_never_a_reason_to_leave(gate: str, seconds: int) -> None:
    """The origin's "already in position" gate took confidence to 0 and so closed every position on the next tick."""
    found = holds()
    assert found.stance("SOLUSDT", opinion(BUY, 0.7, gate), T0 + seconds * S) == HOLD


def test_that_it_is_very_sure_is_said_again_after_half_the_time_it_counts() -> None:
    found = holds()
    assert [found.sure("SOLUSDT", T0 + ms * MS) for ms in (0, 499, 500, 999, 1_000)] == [True, False, True, False, True]
