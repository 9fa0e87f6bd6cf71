"""CPUs: what was asked for, as far as the box has it."""

from shared.pinning import choose


def test_numbers_are_taken_as_they_are() -> None:
    assert choose({"ingest": 3, "signals": "none"}, {0, 1, 2, 3}) == ({"ingest": 3}, [])


def test_a_missing_cpu_is_said_and_not_fatal() -> None:
    pinned, warnings = choose({"ingest": 7}, {0, 1})
    assert pinned == {}
    assert warnings == ["ingest wants CPU 7, which this box does not offer: left unpinned"]


def test_auto_leaves_one_cpu_for_everything_else() -> None:
    pinned, warnings = choose({"ingest": "auto", "signals": "auto"}, {0, 1})
    assert pinned == {"ingest": 1}
    assert warnings == ["2 CPUs are too few to pin signals: left unpinned"]
