"""What the exchange does on command, and what the venue's clients see of it: restarts, funding, liquidation, faults."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from tests.contract.client import LINEAR, SYMBOL, Answer, Json, Lines, Rest, until

FAULTS = "/admin/faults"
BOOK = f"orderbook.50.{SYMBOL}"


def command(rest: Rest, text: str) -> Json:
    answer = rest.send("POST", FAULTS, text.encode())
    assert answer.code == 0, answer.body
    return answer.result


@pytest.fixture
def calm(flat: Rest) -> Rest:
    """A client of an exchange without faults."""
    flat.send("DELETE", FAULTS)
    return flat


@pytest.mark.parametrize("depth", [50, 200])
def test_a_restart_of_the_streams_is_a_snapshot_with_u_1(lines: Lines, calm: Rest, depth: int) -> None:
    """v5/websocket/public/orderbook: u = 1 means that the push service restarted; ids count on from there."""
    line = lines.open()
    line.subscribe(f"orderbook.{depth}.{SYMBOL}")
    line.frames(3)
    command(calm, "restart_streams")
    line = lines.open() if line.closed else line
    frame = line.await_frame(lambda frame: frame.get("data", {}).get("u") == 1)
    assert frame["type"] == "snapshot"
    assert [one["data"]["u"] for one in line.frames(3)] == [2, 3, 4]


def test_funding_is_an_execution(lines: Lines, calm: Rest) -> None:
    """v5/websocket/private/execution: Funding, UNKNOWN order type, size x mark x rate; positive is paid."""
    calm.order(qty="1.000")
    line = lines.private("execution", "wallet")
    command(calm, "funding")
    row = line.rows("execution", lambda row: row["execType"] == "Funding")
    assert (row["orderType"], row["orderQty"], row["execQty"]) == ("UNKNOWN", "0", "1.000")
    expected = Decimal(row["execQty"]) * Decimal(row["markPrice"]) * Decimal(row["feeRate"])
    assert abs(Decimal(row["execFee"]) - expected) < Decimal("0.01")
    assert calm.get("/v5/execution/list", **LINEAR, execType="Funding").rows[0]["execId"] == row["execId"]


def test_funding_in_the_transaction_log_has_the_opposite_sign(calm: Rest) -> None:
    """v5/account/transaction-log: SETTLEMENT; funding is positive when received."""
    calm.order(qty="1.000")
    before = len(calm.get("/v5/execution/list", **LINEAR, execType="Funding").rows)
    command(calm, "funding")
    until("funding", lambda: len(calm.get("/v5/execution/list", **LINEAR, execType="Funding").rows) > before)
    paid = calm.get("/v5/execution/list", **LINEAR, execType="Funding").rows[0]
    (row, *_) = calm.get("/v5/account/transaction-log", category="linear", type="SETTLEMENT").rows
    assert Decimal(row["funding"]) == -Decimal(paid["execFee"])


def test_funding_is_no_fast_execution(lines: Lines, calm: Rest) -> None:
    """v5/websocket/private/fast-execution: trades only."""
    calm.order(qty="1.000")
    line = lines.private("execution", "execution.fast")
    command(calm, "funding")
    line.rows("execution", lambda row: row["execType"] == "Funding")
    assert all(frame["topic"] != "execution.fast" for frame in line.during(0.3))


def test_a_gap_is_a_missing_u(lines: Lines, calm: Rest) -> None:
    """v5/websocket/public/orderbook: u must rise by one; after unsubscribe and subscribe the book is whole again."""
    line = lines.open()
    line.subscribe(BOOK)
    first = line.hear()
    command(calm, f"gap topic={BOOK}")
    frames = [first, *line.frames(100)]
    steps = {new["data"]["u"] - old["data"]["u"] for old, new in pairwise(frames)}
    assert max(steps) == 2
    assert line.ask({"op": "unsubscribe", "args": [BOOK]})["success"]
    line.subscribe(BOOK)
    assert line.topic(BOOK)["type"] == "snapshot"


def test_a_disconnect_and_what_is_left_after_it(lines: Lines, calm: Rest) -> None:
    """v5/ws/connect: reconnect, and everything stands as it did."""
    order_id = calm.order(price=f"{calm.last() * 0.995:.1f}0").result["orderId"]
    line = lines.private("order")
    command(calm, "disconnect")
    line.received_close()
    assert lines.private("order")
    assert calm.find(order_id)["orderStatus"] == "New"


@pytest.mark.parametrize("status", [429, 502, 504, 403])
def test_http_errors(calm: Rest, status: int) -> None:
    """v5/guide: 403, 429; gateways' 502 and 504."""
    command(calm, f"http status={status} path=/v5/market/time count=1 body=empty")
    assert calm.public("/v5/market/time").status == status
    assert calm.public("/v5/market/time").status == 200


def test_a_request_that_was_carried_out_and_answered_with_an_error(calm: Rest) -> None:
    """v5/error 10016: the outcome is unknown; the order is found by its orderLinkId."""
    command(calm, "code code=10016 path=/v5/order/create accepted=yes count=1")
    price = f"{calm.last() * 0.995:.1f}0"
    assert calm.order(price=price, orderLinkId="unknown-1").code == 10016
    (row,) = calm.get("/v5/order/realtime", **LINEAR, orderLinkId="unknown-1").rows
    assert row["orderStatus"] == "New"


def test_a_clock_that_is_off(calm: Rest) -> None:
    """v5/error 10002: the server's clock is not the client's."""
    command(calm, "skew ms=-5s for=60s")
    query = "category=linear&symbol=BTCUSDT"
    assert calm.signed("GET", "/v5/position/list", query).code == 10002
    calm.send("DELETE", FAULTS)
    assert calm.signed("GET", "/v5/position/list", query).code == 0


def test_a_liquidation_is_told_to_everybody(lines: Lines, calm: Rest) -> None:
    """v5/websocket/public/all-liquidation: S is the side of the position, p its bankruptcy price."""
    topic = f"allLiquidation.{SYMBOL}"
    calm.order(qty="0.500")
    line, mine = lines.open(), lines.private("execution")
    line.subscribe(topic)
    command(calm, f"liquidate symbol={SYMBOL}")
    row = mine.rows("execution", lambda row: row["execType"] == "BustTrade")
    frame = line.topic(topic)
    assert frame["type"] == "snapshot"
    assert list(frame["data"][0]) == ["T", "s", "S", "v", "p"]
    assert any((one["S"], one["v"]) == ("Buy", row["execQty"]) for one in frame["data"])
    assert calm.position()["size"] == "0"


@pytest.mark.parametrize(
    ("text", "column"), [("drop p=2", 8), ("nonsense", 1), ("drop topic=x\njump", 1), ("http status=x", 13)]
)
def test_a_command_that_makes_no_sense_gets_one_line_with_the_position(rest: Rest, text: str, column: int) -> None:
    """/admin/faults: the reason, the line and the column; nothing is set."""
    before = rest.public(FAULTS).rows
    answer: Answer = rest.send("POST", FAULTS, text.encode())
    assert answer.status == 400
    assert "\n" not in answer.text
    assert answer.body["result"]["line"] == text.count("\n") + 1
    assert answer.body["result"]["column"] == column
    assert rest.public(FAULTS).rows == before


def test_faults_are_listed_and_taken_back(calm: Rest) -> None:
    """/admin/faults: GET, POST, DELETE."""
    (row,) = command(calm, "delay topic=tickers.* ms=50ms for=60s")["list"]
    assert row in calm.public(FAULTS).rows or len(calm.public(FAULTS).rows) == 1
    assert calm.send("DELETE", FAULTS).result == {"removed": 1}
    assert calm.public(FAULTS).rows == []


def test_the_ledger_adds_up(calm: Rest) -> None:
    """/admin/ledger: cash, fees and positions are conserved to the last decimal."""
    calm.order(qty="0.100")
    calm.order("Sell", "0.100", reduceOnly=True)
    ledger = calm.public("/admin/ledger").result
    assert ledger["conserved"]


def test_the_truth_has_a_place(rest: Rest) -> None:
    """/admin/truth: what the market did and what it is called."""
    assert rest.public("/admin/truth").code == 0
