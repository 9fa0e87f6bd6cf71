"""The venue's answer about bars: taken whole or refused whole."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.candles import Bar
from services.signals.klines import parse
from shared.messages import ProtocolError
from shared.scale import Scale

M = 60_000
SCALE = Scale("0.10", "0.001")
ROW = [str(2 * M), "100.0", "100.5", "99.9", "100.4", "1.200", "120.3"]
OLD = [str(M), "100.1", "100.1", "100.0", "100.0", "0.000", "0"]


def answer(*rows: Any, **more: Any) -> bytes:
    return orjson.dumps({"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": rows}, **more})


def test_bars_come_oldest_first_in_ticks_and_lots() -> None:
    assert parse(answer(ROW, OLD), SCALE, M) == [
        Bar(M, 1001, 1001, 1000, 1000, 0, 0, exact=False),
        Bar(2 * M, 1000, 1005, 999, 1004, 1200, 800, exact=False),
    ]
    assert parse(answer(), SCALE, M) == []


def changed(at: int, text: str) -> list[str]:
    return [*ROW[:at], text, *ROW[at + 1 :]]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"retCode": 0}',
        b'\xff{"retCode": 0}',
        answer(retCode=10_006, retMsg="Too many visits!"),
        answer(ROW[:6]),
        answer([1, *ROW[1:]]),
        answer(OLD, ROW),
        answer(ROW, ROW),
        answer(*[ROW] * 1_001),
        answer(changed(0, str(M + 1))),
        answer(changed(0, "-60000")),
        answer(changed(0, "١٢٠٠٠٠")),
        answer(changed(0, "0")),
        answer(changed(1, "100.01")),
        answer(changed(1, "nan")),
        answer(changed(2, "100.3")),
        answer(changed(3, "100.1")),
        answer(changed(3, "0")),
        answer(changed(5, "-1")),
        answer(changed(5, "1.2001")),
    ],
)
def test_anything_strange_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(data, SCALE, M)


@given(
    st.binary(max_size=80) | st.lists(st.lists(st.text(max_size=8), max_size=8), max_size=3).map(lambda r: answer(*r))
)
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        parse(data, SCALE, M)
    except ProtocolError:
        return
