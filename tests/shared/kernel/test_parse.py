"""What a good order book frame is, case by case."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.outcome import Outcome
from shared.kernel.parse import BookFrame, BookSpec, Grid, parse_book, steps
from shared.scale import OffGridError, Scale
from tests import market_data as make

SPEC = BookSpec.of(make.SYMBOL, 50, make.BTC)
GOOD = orjson.loads(make.book_frame("delta", 7, [("100.10", "0.5")], [("100.2", "0")]))


def changed(**parts: object) -> bytes:
    """Return the good frame with some values replaced, in the frame or in its data."""
    data = GOOD["data"] | {key: value for key, value in parts.items() if key in GOOD["data"]}
    rest = {key: value for key, value in parts.items() if key not in GOOD["data"]}
    return orjson.dumps(GOOD | {"data": data} | rest)


def test_a_good_frame_comes_out_in_integers() -> None:
    parsed = parse_book(orjson.dumps(GOOD), SPEC)
    assert parsed == BookFrame(False, 7, 1007, 1_790_000_000_004, 1_790_000_000_000, [(1001, 500)], [(1002, 0)])


def test_the_matching_time_may_be_missing_and_unknown_keys_may_be_there() -> None:
    frame = {key: value for key, value in GOOD.items() if key != "cts"} | {"new": [1, {"x": None}]}
    parsed = parse_book(orjson.dumps(frame), SPEC)
    assert isinstance(parsed, BookFrame)
    assert parsed.cts_ms == parsed.ts_ms


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ({"topic": "orderbook.50.ETHUSDT"}, Outcome.WRONG_SYMBOL),
        ({"topic": "orderbook.200.BTCUSDT"}, Outcome.WRONG_SYMBOL),
        ({"s": "ETHUSDT"}, Outcome.WRONG_SYMBOL),
        ({"type": "update"}, Outcome.MALFORMED),
        ({"type": None}, Outcome.MALFORMED),
        ({"u": "7"}, Outcome.MALFORMED),
        ({"u": 7.0}, Outcome.MALFORMED),
        ({"u": -1}, Outcome.MALFORMED),
        ({"u": True}, Outcome.MALFORMED),
        ({"u": 10**18}, Outcome.MALFORMED),
        ({"seq": None}, Outcome.MALFORMED),
        ({"ts": "1790000000000"}, Outcome.MALFORMED),
        ({"cts": 10**13}, Outcome.MALFORMED),
        ({"b": None}, Outcome.MALFORMED),
        ({"b": {"100.1": "1"}}, Outcome.MALFORMED),
        ({"b": [["100.1"]]}, Outcome.MALFORMED),
        ({"b": [["100.1", "1", "1"]]}, Outcome.MALFORMED),
        ({"b": [[100.1, "1"]]}, Outcome.MALFORMED),
        ({"b": [["0", "1"]]}, Outcome.MALFORMED),
        ({"b": [["100.1", "1"]] * 101}, Outcome.MALFORMED),
        ({"b": [["100.15", "1"]]}, Outcome.OFF_GRID),
        ({"b": [["100.1", "0.0005"]]}, Outcome.OFF_GRID),
        ({"b": [["100.15", "1"]], "a": [["x", "1"]]}, Outcome.MALFORMED),
        ({"b": [["100.15", "1"]], "u": "x"}, Outcome.MALFORMED),
        ({"type": "snapshot", "b": [["100.1", "1"], ["100.2", "1"]]}, Outcome.MALFORMED),
        ({"type": "snapshot", "b": [["100.1", "1"], ["100.1", "1"]]}, Outcome.MALFORMED),
        ({"type": "snapshot", "b": [["100.1", "0"]], "a": [["100.2", "1"]]}, Outcome.MALFORMED),
        ({"type": "snapshot", "a": [[make.price(900 + n), "1"] for n in range(51)]}, Outcome.MALFORMED),
    ],
)  # fmt: skip
def test_what_is_not_a_good_frame_has_its_name(parts: dict[str, object], outcome: Outcome) -> None:
    assert parse_book(changed(**parts), SPEC) == outcome


@pytest.mark.parametrize("key", ["topic", "type", "ts", "data"])
def test_no_key_of_the_frame_may_be_missing(key: str) -> None:
    frame = {name: value for name, value in GOOD.items() if name != key}
    assert parse_book(orjson.dumps(frame), SPEC) == Outcome.MALFORMED


@pytest.mark.parametrize("frame", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 5000, b'{"topic":NaN}'])
def test_rubbish_is_malformed(frame: bytes) -> None:
    assert parse_book(frame, SPEC) == Outcome.MALFORMED


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1e3", "NaN", "Infinity", ".5", "1.", " 1", "1_0", "\u0661", "1" * 19, "9" * 17, "1,5", None],
)
def test_only_plain_decimal_text_is_a_number(text: str | None) -> None:
    assert parse_book(changed(b=[["100.1", text]]), SPEC) == Outcome.MALFORMED


@given(
    st.integers(0, 10**12), st.sampled_from(["0.10", "0.001", "1", "100", "0.05", "0.0000001", "25"]), st.integers(0, 3)
)
def test_steps_agree_with_exact_decimals(count: int, step: str, zeros: int) -> None:
    scale = Scale(step, "1")
    text = scale.price_text(count)
    text += "0" * zeros if "." in text else ""
    assert steps(text, Grid(*scale.tick_grid)) == scale.price_ticks(text) == count


@given(st.decimals(0, 10**6, places=6, allow_nan=False), st.sampled_from(["0.10", "0.001", "1", "100", "0.05"]))
def test_what_is_off_the_grid_is_off_it_exactly(value: object, step: str) -> None:
    scale = Scale(step, "1")
    try:
        expected: int | None = scale.price_ticks(f"{value:f}")
    except OffGridError:
        expected = None
    assert steps(f"{value:f}", Grid(*scale.tick_grid)) == expected
