"""REST about positions, the account and the key."""

from __future__ import annotations

from typing import Any

from services.exchange.acceptance import RefusedError, invalid, linear, text_of
from services.exchange.auth import Refusal, whole
from services.exchange.dcp import Dcp
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.query import elsewhere, limit_of, scope_of
from services.exchange.rows import UID, Row, position_rest_row, wallet_row
from services.exchange.stops import Stops
from shared.scale import e8_text

ACCOUNT_TYPE = Refusal(10001, "accountType only support UNIFIED.")
NO_MARGIN_MODE = Refusal(3400045, "Set margin mode failed")
CROSS, MARGIN_MODES = "REGULAR_MARGIN", ("ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN")
PRODUCTS = ("OPTIONS", "DERIVATIVES", "SPOT")


class AccountRest:
    """Handlers of /v5/position/*, /v5/account/* and /v5/user/*."""

    def __init__(self, desk: Desk, stops: Stops, dcp: Dcp) -> None:
        self._desk, self._stops, self._dcp = desk, stops, dcp

    # --- positions ------------------------------------------------------------------------------------------------

    def positions(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/position/list: one symbol even when flat, or everything that is open."""
        if (nothing := elsewhere(params)) is not None:
            return nothing
        linear(params)
        symbols = sorted(scope_of(params, self._desk, needed=True))
        if not text_of(params, "symbol"):
            symbols = [symbol for symbol in symbols if self._desk.account.position(symbol).lots]
        limit, cursor = limit_of(params, 20, 200), text_of(params, "cursor")
        symbols = [symbol for symbol in symbols if symbol > cursor]
        more = symbols[limit - 1] if len(symbols) > limit else ""
        return {"category": "linear", "list": [self._row(symbol) for symbol in symbols[:limit]], "nextPageCursor": more}

    def _row(self, symbol: str) -> Row:
        desk = self._desk
        return position_rest_row(
            desk.account.position(symbol), desk.money[symbol], desk.market.mark_e8(symbol),
            desk.account.taker_rate_e8, self._stops.protection(symbol),
        )  # fmt: skip

    # --- account --------------------------------------------------------------------------------------------------

    def wallet(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/account/wallet-balance."""
        if text_of(params, "accountType") != "UNIFIED":
            raise RefusedError(ACCOUNT_TYPE)
        row = wallet_row(self._desk.account, self._desk.margin())
        coins = text_of(params, "coin")
        if coins and "USDT" not in coins.split(","):
            row["coin"] = []
        return {"list": [row]}

    def info(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/account/info."""
        return {
            "marginMode": CROSS, "updatedTime": str(now // NS_PER_MS), "unifiedMarginStatus": 5,
            "dcpStatus": "ON" if self._dcp.window_ms else "OFF", "timeWindow": self._dcp.window_ms // 1_000,
            "smpGroup": 0, "isMasterTrader": False, "spotHedgingStatus": "OFF",
        }  # fmt: skip

    def set_margin_mode(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/account/set-margin-mode: cross margin is what there is, and stays."""
        mode = text_of(params, "setMarginMode")
        if mode not in MARGIN_MODES:
            raise invalid("setMarginMode")
        if mode != CROSS:
            raise RefusedError(NO_MARGIN_MODE)
        return {"reasons": []}

    def settings(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/account/user-setting-config: lpaPerp false means that a limit beyond the band is moved to it."""
        return {
            "lpaSpot": True, "lpaPerp": not self._desk.reprice, "deltaEnable": False, "smsef": False, "fmsef": False,
        }  # fmt: skip

    def dcp_info(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/account/query-dcp-info."""
        seconds = self._dcp.window_ms // 1_000
        row = {"product": "DERIVATIVES", "dcpStatus": "ON" if seconds else "OFF", "timeWindow": str(seconds or 10)}
        return {"dcpInfos": [row]}

    def set_dcp(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/order/disconnected-cancel-all: for options, unless the product is named."""
        product, window = text_of(params, "product") or "OPTIONS", params.get("timeWindow")
        if product not in PRODUCTS:
            raise invalid("product")
        seconds = None if isinstance(window, bool) else whole(str(window))
        if seconds is None or not 3 <= seconds <= 300:
            raise invalid("timeWindow")
        if product == "DERIVATIVES":
            self._dcp.window_ms = seconds * 1_000
        return {}

    def coins(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/asset/coin/query-info: nothing can be deposited or withdrawn here."""
        return {"rows": []}

    def fee_rate(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/account/fee-rate."""
        linear(params)
        symbols = scope_of(params, self._desk, needed=False)
        taker, maker = e8_text(self._desk.account.taker_rate_e8), e8_text(self._desk.account.maker_rate_e8)
        rows = [{"symbol": symbol, "takerFeeRate": taker, "makerFeeRate": maker} for symbol in symbols]
        return {"category": "linear", "list": rows}

    def set_limit_action(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/account/set-limit-px-action: move a limit beyond the band, or refuse it."""
        linear(params)
        modify = params.get("modifyEnable")
        if not isinstance(modify, bool):
            raise invalid("modifyEnable")
        self._desk.reprice = modify
        return {}

    def key(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/user/query-api."""
        return {
            "id": "1", "note": "peregrine local exchange", "apiKey": "", "readOnly": 0, "secret": "",
            "permissions": {"ContractTrade": ["Order", "Position"], "Spot": [], "Wallet": [], "Options": []},
            "ips": ["*"], "type": 1, "deadlineDay": 0, "expiredAt": "", "createdAt": "", "unified": 0, "uta": 1,
            "userID": int(UID), "inviterID": 0, "vipLevel": "No VIP", "mktMakerLevel": "0", "affiliateID": 0,
            "rsaPublicKey": "", "isMaster": True, "parentUid": "0", "kycLevel": "LEVEL_DEFAULT", "kycRegion": "",
        }  # fmt: skip
