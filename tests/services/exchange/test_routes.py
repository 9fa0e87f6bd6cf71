"""Every endpoint is there, and its budget is the venue's."""

from __future__ import annotations

import pytest

from tests.exchange_rig import Rig

BUDGETS = {
    "/v5/order/create": 10, "/v5/order/amend": 10, "/v5/order/cancel": 10, "/v5/order/cancel-all": 10,
    "/v5/order/create-batch": 10, "/v5/order/amend-batch": 10, "/v5/order/cancel-batch": 10,
    "/v5/order/realtime": 50, "/v5/order/history": 50, "/v5/execution/list": 50, "/v5/position/list": 50,
    "/v5/position/closed-pnl": 50, "/v5/position/set-leverage": 10, "/v5/position/switch-mode": 10,
    "/v5/position/trading-stop": 10, "/v5/account/wallet-balance": 50, "/v5/account/info": 50,
    "/v5/account/user-setting-config": 50, "/v5/account/fee-rate": 5, "/v5/account/query-dcp-info": 5,
    "/v5/order/disconnected-cancel-all": 5, "/v5/account/transaction-log": 25, "/v5/user/query-api": 10,
    "/v5/account/set-limit-px-action": 10,
}  # fmt: skip


@pytest.mark.parametrize("path", BUDGETS)
def test_a_budget_is_the_venues(path: str) -> None:
    routes = {path: route for (_, path), route in Rig().core._rest._routes.items()}
    assert routes[path].per_second == BUDGETS[path]


def test_market_data_is_free() -> None:
    routes = Rig().core._rest._routes
    assert not [path for (_, path), route in routes.items() if path.startswith("/v5/market/") and route.per_second]
