from math import nan

import pytest
from msgspec.structs import replace

from services.monitor import rows
from shared.messages import Decision, Fill, Markout, OrderNews, RoundTrip
from shared.scale import Scale

SCALE = Scale("0.01", "0.1")
S = 1_000_000_000


@pytest.mark.parametrize(
    ("value", "shown"),
    [("=1+1", "'=1+1"), ("+x", "'+x"), ("-x", "'-x"), ("@x", "'@x"), ("\tx", "'\tx"), ("a=b", "a=b"), ("", "")],
)
def test_a_text_that_looks_like_a_formula_is_defused(value: str, shown: str) -> None:
    assert rows.text(value) == shown


def test_a_decision() -> None:
    said = Decision(7, "SOLUSDT", -1, -0.5, 0.8, (-0.5, 0.25), ("obi", "umom"), 15_000, 15_001, 1, 99, 5, "cooldown",
                    "fusion", "high", (0.6, 0.4), 3, 5, "hold")  # fmt: skip
    row = rows.of_decision(said, SCALE, 3 * S)
    assert (row.file, row.at_ns) == ("decisions.csv", 3 * S)
    assert row.cells == (
        "7", "SOLUSDT", "-1", "-0.500000", "0.800000", "obi=-0.5000 umom=0.2500",
        "150.00", "150.01", "cooldown", "1", "99", "fusion", "high", "hold", "0.6000 0.4000", "3",
    )  # fmt: skip


def test_an_order_with_a_hostile_reason() -> None:
    news = OrderNews("link", "id", "intent", "SOLUSDT", 1, "entry", "Rejected", 123, 0, 15_000, "=cmd()", 5)
    assert rows.of_order(news, SCALE).cells == (
        "link", "id", "intent", "SOLUSDT", "buy", "entry", "Rejected", "12.3", "0.0", "150.00", "'=cmd()", "",
    )  # fmt: skip
    waiting = replace(news, queue_lots=57)
    assert rows.of_order(waiting, SCALE).cells[-1] == "5.7"


def test_a_fill_with_a_rebate_keeps_its_minus() -> None:
    fill = Fill("exec", "id", "link", "SOLUSDT", -1, 15_000, 1, -12_500_000, True, 1_700_000_000_123)
    row = rows.of_fill(fill, SCALE)
    assert row.at_ns == 1_700_000_000_123_000_000
    assert row.cells == ("exec", "id", "link", "SOLUSDT", "sell", "150.00", "0.1", "-0.125", "yes")


def test_a_round_trip() -> None:
    trip = RoundTrip(
        3, "SOLUSDT", 1, 123, 15_012_000_000, 15_044_000_000, 10**8, 293_600_000, S, 3 * S, "target", "i-1"
    )
    assert rows.of_trip(trip, SCALE).cells == (
        "3", "SOLUSDT", "long", "12.3", "150.12", "150.44", "1", "2.936", "2.000", "target", "i-1",
    )  # fmt: skip


def test_a_markout_leaves_out_what_is_not_known() -> None:
    said = Markout(7, "SOLUSDT", -1, "open", -0.5, (-0.5, 0.25), ("obi", "umom"), 3, "high", (100, 500),
                   (-1.25, nan), 11.5, 4 * S, 2)  # fmt: skip
    row = rows.of_markout(said)
    assert (row.file, row.at_ns) == ("markouts.csv", 4 * S)
    assert row.cells == (
        "2", "7", "SOLUSDT", "-1", "open", "-0.500000", "obi=-0.5000 umom=0.2500", "high", "3", "11.5000",
        "100ms=-1.2500 500ms=",
    )  # fmt: skip


def test_while_the_grid_is_not_known_ticks_and_lots_are_shown() -> None:
    assert (rows.price(None, 5), rows.qty(None, 7)) == ("5 ticks", "7 lots")


def test_every_row_fits_its_header() -> None:
    made = [
        rows.of_decision(Decision(1, "A", 0, 0.0, 0.0, (), (), 1, 2, 1, 1, 1, ""), None, 0),
        rows.of_order(OrderNews("", "", "", "A", 1, "", "", 1, 1, 1, "", 0), None),
        rows.of_fill(Fill("", "", "", "A", 1, 1, 1, 1, False, 0), None),
        rows.of_trip(RoundTrip(1, "A", 1, 1, 1, 1, 1, 1, 0, 0, ""), None),
        rows.of_markout(Markout(1, "A", 1, "", 0.0, (), (), 0, "", (), (), 0.0, 0, 0)),
    ]
    assert {row.file: len(row.cells) + 1 for row in made} == {name: len(each) for name, each in rows.COLUMNS.items()}
