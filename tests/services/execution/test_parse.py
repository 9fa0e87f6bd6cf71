"""Frames and answers become typed integers; what is broken is named and nothing else is lost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution import parse
from services.execution.orders import Event
from shared.messages import BUY, SELL, ProtocolError
from shared.scale import Scale
from tests.services.execution.rig import MS, NOW, execution_row, order_row, position_row

SCALES = {"BTCUSDT": Scale("0.10", "0.001")}


def frame(topic: str, *rows: Any) -> parse.Parsed:
    return parse.private(orjson.dumps({"topic": topic, "id": "x", "creationTime": 1, "data": rows}), SCALES)


def answer(kind: str, *rows: Any, **more: Any) -> parse.Parsed:
    return parse.answer(kind, orjson.dumps({"retCode": 0, "result": {"list": rows} | more, "time": 5}), SCALES)


def test_an_order_in_integers() -> None:
    (order,) = frame("order.linear", order_row("a-e", "PartiallyFilled", "0.003")).orders
    assert order == parse.OrderUpdate("BTCUSDT", "id-a-e", "a-e", BUY, Event.PART_FILL, 8, 3, 600_004, "", "")


def test_a_stop_of_a_position_is_known_by_its_kind_and_carries_its_trigger() -> None:
    row = order_row("", "Untriggered", stopOrderType="StopLoss", triggerPrice="59700.00", price="0", side="Sell")
    (order,) = frame("order", row).orders
    assert (order.leg, order.price_ticks, order.event, order.side) == ("stop", 597_000, Event.NEW, SELL)


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("New", Event.NEW),
        ("Filled", Event.FILL),
        ("Cancelled", Event.CANCEL),
        ("Deactivated", Event.CANCEL),
        ("Rejected", Event.REJECT),
    ],
)
def test_statuses_are_events(status: str, event: Event) -> None:
    assert frame("order", order_row("a-e", status)).orders[0].event is event


def test_only_reasons_that_say_something_are_kept() -> None:
    assert frame("order", order_row("a", "Cancelled")).orders[0].why == ""
    row = order_row("a", "Cancelled", rejectReason="EC_PerCancelRequest")
    assert frame("order", row).orders[0].why == "EC_PerCancelRequest"


def test_an_execution_in_integers() -> None:
    (one,) = frame("execution", execution_row("x", "a-e", "0.008", NOW, stopOrderType="TakeProfit")).executions
    assert (one.fill.price_ticks, one.fill.qty_lots, one.fill.fee_e8) == (600_001, 8, 26_400_000)
    assert (one.fill.exec_ms, one.exec_type, one.leg) == (NOW // MS, "Trade", "target")


def test_the_price_of_a_funding_need_not_be_on_the_grid() -> None:
    row = execution_row("x", "", "0.008", NOW, execType="Funding", execPrice="60000.12345")
    assert frame("execution", row).executions[0].fill.price_ticks == 0


def test_a_position_is_signed_and_its_average_has_two_names() -> None:
    (on_the_stream,) = frame("position", position_row("0.008", side="Sell")).positions
    row = position_row("0.008", side="Sell")
    row["avgPrice"] = row.pop("entryPrice")
    (on_request,) = answer("positions", row).positions
    assert on_the_stream == on_request == parse.PositionUpdate("BTCUSDT", -8, 6_000_010_000_000, 597_000, 0)


def test_a_flat_position_has_no_side() -> None:
    assert frame("position", position_row("0", "", entryPrice="0")).positions[0].position_lots == 0


def test_wallet_fees_and_grids() -> None:
    assert frame("wallet", {"totalAvailableBalance": "4938.6"}).available_e8 == 493_860_000_000
    assert frame("wallet", {"totalAvailableBalance": ""}).available_e8 == 0
    fees = answer("fee_rate", {"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"})
    assert fees.fee_rates == [parse.FeeRate("BTCUSDT", 55_000)]
    rules = {"symbol": "XUSDT", "priceFilter": {"tickSize": "0.01"}, "lotSizeFilter": {"qtyStep": "1"}}
    assert answer("instrument", rules).grids == [parse.Grid("XUSDT", "0.01", "1")]


def test_an_answer_gives_its_cursor_its_clock_and_the_order_s_id() -> None:
    parsed = answer("open_orders", nextPageCursor="p2", orderId="o1")
    assert (parsed.cursor, parsed.server_ms, parsed.order_id) == ("p2", 5, "o1")
    assert parse.answer("OrderRequest", b'{"retCode":0,"result":{},"time":7}', {}).server_ms == 7


def test_symbols_without_a_grid_are_named_and_left_out() -> None:
    parsed = frame("order", order_row("a", "New", symbol="XUSDT"), order_row("b", "New"))
    assert parsed.unscaled == {"XUSDT"}
    assert [order.order_link_id for order in parsed.orders] == ["b"]


@pytest.mark.parametrize(
    ("topic", "row"),
    [
        ("order", {"symbol": "BTCUSDT"}),
        ("order", order_row("a", "Dancing")),
        ("order", order_row("a", "New", side="Both")),
        ("order", order_row("a", "New", qty="1e60")),
        ("order", order_row("a", "New", qty=5)),
        ("execution", execution_row("", "a", "0.008", NOW)),
        ("execution", execution_row("x", "a", "0", NOW)),
        ("execution", execution_row("x", "a", "-0.008", NOW)),
        ("execution", execution_row("x", "a", "0.008", NOW, execTime="yesterday")),
        ("execution", execution_row("x", "a", "0.008", NOW, execFee="NaN")),
        ("execution", execution_row("x", "a", "NaN", NOW)),
        ("execution", execution_row("x", "a", "Infinity", NOW)),
        ("position", position_row("0.008", side="")),
        ("wallet", {}),
        ("wallet", 5),
    ],
)
def test_a_broken_row_is_named(topic: str, row: Any) -> None:
    parsed = frame(topic, row)
    assert len(parsed.broken) == 1
    assert not (parsed.orders or parsed.executions or parsed.positions)
    assert parsed.available_e8 is None


@pytest.mark.parametrize(
    ("topic", "row"),
    [
        ("order", order_row("a", "New", qty="0.0005")),
        ("order", order_row("a", "New", price="1.05")),
        ("position", position_row("0.008", "59700.05")),
        ("execution", execution_row("x", "a", "0.0085", NOW)),
    ],
)
def test_a_row_between_two_steps_names_the_symbol_whose_grid_is_to_be_learnt_anew(topic: str, row: Any) -> None:
    parsed = frame(topic, row)
    assert parsed.unscaled == {"BTCUSDT"}
    assert not (parsed.broken or parsed.orders or parsed.executions or parsed.positions)


def test_an_execution_of_an_older_grid_that_was_booked_already_is_nobody_s_business() -> None:
    data = orjson.dumps({"topic": "execution", "data": [execution_row("x", "a", "0.0085", NOW)]})
    parsed = parse.private(data, SCALES, lambda exec_id, exec_ms: (exec_id, exec_ms) == ("x", NOW // 1_000_000))
    assert not (parsed.broken or parsed.unscaled or parsed.executions)


@pytest.mark.parametrize("data", [b"", b"{", b"null", b"[1]", b'{"topic":1}', b'{"topic":"order","data":5}'])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse.private(data, SCALES)


def test_topics_nobody_knows_are_ignored() -> None:
    assert parse.private(b'{"topic":"greeks","data":[{}]}', SCALES) == parse.Parsed(topic="greeks")
    assert parse.private(b'{"success":true,"op":"pong"}', SCALES) == parse.Parsed()


@given(st.binary(max_size=300))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (lambda: parse.private(data, SCALES), lambda: parse.answer("positions", data, SCALES)):
        try:
            read()
        except ProtocolError:
            continue


_TEXTS = st.one_of(
    st.text(max_size=8),
    st.integers(-(2**63), 2**63 - 1),
    st.none(),
    st.floats(),
    st.sampled_from(["NaN", "1e99999", "-0"]),
)


@given(st.sampled_from(["order", "execution", "position", "wallet"]), st.data())
def test_a_row_with_any_field_changed_is_read_or_named(topic: str, data: st.DataObject) -> None:
    rows = {
        "order": order_row("a", "New"),
        "execution": execution_row("x", "a", "0.008", NOW),
        "position": position_row("0.008"),
        "wallet": {"totalAvailableBalance": "1"},
    }
    row = dict(rows[topic])
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(_TEXTS)
    parsed = frame(topic, row)
    read = len(parsed.orders) + len(parsed.executions) + len(parsed.positions) + (parsed.available_e8 is not None)
    assert read + len(parsed.broken) + len(parsed.unscaled) == 1
