"""Figures and durations as people read them."""

from cli.why_text import _number, span


def test_durations_are_short() -> None:
    assert [span(ms) for ms in (7, 1_500, 150_000, 9_000_000)] == ["7 ms", "1.5 s", "2 min", "2.5 h"]


def test_a_figure_that_nobody_knows_is_said_to_be_unknown() -> None:
    assert [_number(value) for value in (float("nan"), float("inf"), None, 0.05, 64_938.5)] == [
        "unknown", "unknown", "unknown", "0.05", "64938.5",
    ]  # fmt: skip
