"""The ledger comparison sees every kind of difference."""

from pathlib import Path
from typing import Any

import pytest

from services.execution.store import Store
from shared.audit import Booked, compare, journalled

EXECUTION = {
    "exec_id": "e1", "order_id": "o1", "symbol": "BTCUSDT", "side": "Buy", "price_ticks": 600_000, "qty_lots": 5,
    "fee_e8": 1_650_000,
}  # fmt: skip
BOOKED = Booked("o1", "BTCUSDT", 1, 600_000, 5, 1_650_000)


def differences(**changed: Any) -> list[str]:
    ledger = {
        "executions": [EXECUTION],
        "orders": [{"order_link_id": "link-1"}, {"order_link_id": ""}],
        "positions": [{"symbol": "BTCUSDT", "position_lots": 5}],
        "violations": [],
    }
    ours = changed.pop("ours", {"e1": BOOKED})
    intents = changed.pop("intents", {"link-1"})
    positions = changed.pop("positions", {"BTCUSDT": 5, "ETHUSDT": 0})
    return compare(ledger | changed, ours, intents, positions)


def test_equal_ledgers_have_no_difference() -> None:
    assert differences() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ours": {}}, "execution e1 is not in our journal"),
        ({"ours": {"e1": BOOKED, "e2": BOOKED}}, "execution e2 is not at the exchange"),
        ({"ours": {"e1": BOOKED._replace(fee_e8=1)}}, "execution e1: exchange"),
        ({"intents": set()}, "order link-1 reached the exchange without being journalled"),
        ({"positions": {"BTCUSDT": 4}}, "BTCUSDT: position 5 lots at the exchange, 4 in our journal"),
        ({"positions": {"BTCUSDT": 5, "ETHUSDT": 1}}, "ETHUSDT: position 0 lots"),
        ({"violations": ["money is missing"]}, "money is missing"),
    ],
)
def test_each_difference_is_said(changed: dict[str, Any], said: str) -> None:
    (line,) = differences(**changed)
    assert line.startswith(said)


def test_a_journal_whose_executor_died_before_it_made_the_tables_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    path.touch()
    assert journalled(path) == ({}, set(), {})
    Store(path).close()
    assert journalled(path) == ({}, set(), {})
