"""Every REST endpoint of the exchange and its budget per second."""

from __future__ import annotations

from services.exchange.dcp import Dcp
from services.exchange.desk import Desk
from services.exchange.endpoints import Route
from services.exchange.limits import Limits
from services.exchange.order_entry import OrderEntry
from services.exchange.rest_account import AccountRest
from services.exchange.rest_market import MarketRest
from services.exchange.rest_orders import OrderRest
from services.exchange.rest_records import RecordRest
from services.exchange.status import SystemStatus
from services.exchange.stops import Stops
from services.exchange.streams import Streams
from services.exchange.trading import Trading

Routes = dict[tuple[str, str], Route]


def routes_of(
    desk: Desk, stops: Stops, trading: Trading, dcp: Dcp, streams: Streams, status: SystemStatus, limits: Limits
) -> Routes:
    """Return (method, path) -> endpoint."""
    orders, account, records = OrderRest(desk), AccountRest(desk, stops, dcp), RecordRest(desk)
    entry = OrderEntry(desk, trading).routes(limits.order_per_s)
    return {
        **_market(MarketRest(desk, streams)),
        ("GET", "/v5/system/status"): Route(status.rest),
        **{("POST", path): route for path, route in entry.items()},
        ("GET", "/v5/order/realtime"): Route(orders.realtime, 50),
        ("GET", "/v5/order/history"): Route(orders.history, 50),
        ("GET", "/v5/execution/list"): Route(orders.executions, 50),
        ("GET", "/v5/position/list"): Route(account.positions, 50),
        ("GET", "/v5/position/closed-pnl"): Route(records.closed_pnl, 50),
        ("POST", "/v5/position/trading-stop"): Route(trading.trading_stop, 10),
        ("POST", "/v5/position/set-leverage"): Route(trading.set_leverage, 10),
        ("POST", "/v5/position/switch-mode"): Route(trading.switch_mode, 10),
        ("POST", "/v5/position/switch-isolated"): Route(trading.switch_isolated, 10),
        ("GET", "/v5/account/wallet-balance"): Route(account.wallet, 50),
        ("GET", "/v5/account/info"): Route(account.info, 50),
        ("GET", "/v5/account/fee-rate"): Route(account.fee_rate, 5),
        ("GET", "/v5/account/transaction-log"): Route(records.transaction_log, 25),
        ("GET", "/v5/account/user-setting-config"): Route(account.settings, 50),
        ("GET", "/v5/account/query-dcp-info"): Route(account.dcp_info, 5),
        ("POST", "/v5/order/disconnected-cancel-all"): Route(account.set_dcp, 5),
        ("POST", "/v5/account/set-limit-px-action"): Route(account.set_limit_action, 10),
        # The venue names no budget for these two: an ordinary one.
        ("POST", "/v5/account/set-margin-mode"): Route(account.set_margin_mode, 10),
        ("GET", "/v5/asset/coin/query-info"): Route(account.coins, 10),
        ("GET", "/v5/user/query-api"): Route(account.key, 10),
    }


def _market(market: MarketRest) -> Routes:
    """The endpoints that anybody may ask: only the limit per address holds for them."""
    return {
        ("GET", "/v5/market/time"): Route(market.time),
        ("GET", "/v5/market/instruments-info"): Route(market.instruments),
        ("GET", "/v5/market/tickers"): Route(market.tickers),
        ("GET", "/v5/market/orderbook"): Route(market.orderbook),
        ("GET", "/v5/market/kline"): Route(market.kline),
        ("GET", "/v5/market/mark-price-kline"): Route(market.mark_kline),
        ("GET", "/v5/market/index-price-kline"): Route(market.index_kline),
        ("GET", "/v5/market/premium-index-price-kline"): Route(market.premium_kline),
        ("GET", "/v5/market/recent-trade"): Route(market.recent_trades),
        ("GET", "/v5/market/funding/history"): Route(market.funding_history),
        ("GET", "/v5/market/risk-limit"): Route(market.risk_limit),
        ("GET", "/v5/market/price-limit"): Route(market.price_limit),
        ("GET", "/v5/market/open-interest"): Route(market.open_interest),
        ("GET", "/v5/market/account-ratio"): Route(market.account_ratio),
        ("GET", "/v5/market/insurance"): Route(market.insurance),
    }
