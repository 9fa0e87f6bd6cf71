"""REST about positions, the account and the key."""

from __future__ import annotations

from typing import Any

from services.exchange.acceptance import (
    DECIMAL,
    RefusedError,
    check_bracket,
    invalid,
    leg_of,
    linear,
    one_way,
    symbol_of,
    text_of,
)
from services.exchange.auth import Refusal
from services.exchange.desk import NS_PER_MS, Desk
from services.exchange.orders import AT_REQUEST, BY_USER, STOP_LOSS, TAKE_PROFIT, Leg
from services.exchange.query import limit_of, scope_of
from services.exchange.rows import UID, Row, position_rest_row, wallet_row
from services.exchange.stops import Stops
from shared.scale import E8, e8_text, to_e8

NOT_MODIFIED = Refusal(34040, "not modified")
LEVERAGE_NOT_MODIFIED = Refusal(110043, "leverage not modified")
ZERO_POSITION = Refusal(10001, "can not set tp/sl/ts for zero position")
ACCOUNT_TYPE = Refusal(10001, "accountType only support UNIFIED.")


class AccountRest:
    """Handlers of /v5/position/*, /v5/account/* and /v5/user/*."""

    def __init__(self, desk: Desk, stops: Stops) -> None:
        self._desk, self._stops = desk, stops

    # --- positions ------------------------------------------------------------------------------------------------

    def positions(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """GET /v5/position/list: one symbol even when flat, or everything that is open."""
        linear(params)
        symbols = scope_of(params, self._desk, needed=True)
        if not text_of(params, "symbol"):
            symbols = tuple(symbol for symbol in symbols if self._desk.account.position(symbol).lots)
        rows = [self._row(symbol) for symbol in symbols[: limit_of(params, 20, 200)]]
        return {"category": "linear", "list": rows, "nextPageCursor": ""}

    def _row(self, symbol: str) -> Row:
        desk = self._desk
        return position_rest_row(
            desk.account.position(symbol), desk.money[symbol], desk.market.mark_e8(symbol),
            desk.account.taker_rate_e8, self._stops.protection(symbol),
        )  # fmt: skip

    def trading_stop(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/position/trading-stop: set, move or ("0") remove the legs of the position's bracket."""
        linear(params)
        symbol = symbol_of(params, self._desk)
        one_way(params)
        if text_of(params, "tpslMode") not in ("", "Full"):
            raise invalid("tpslMode")
        if text_of(params, "trailingStop") not in ("", "0"):
            raise invalid("trailingStop")
        position = self._desk.account.position(symbol)
        if not position.lots:
            raise RefusedError(ZERO_POSITION)
        wanted = {
            kind: leg_of(self._desk, symbol, params, name, prefix)
            for kind, name, prefix in ((TAKE_PROFIT, "takeProfit", "tp"), (STOP_LOSS, "stopLoss", "sl"))
            if text_of(params, name)
        }
        changes = {kind: leg for kind, leg in wanted.items() if not self._in_force(symbol, kind, leg)}
        if not changes:
            raise RefusedError(NOT_MODIFIED)
        legs = changes.get(TAKE_PROFIT), changes.get(STOP_LOSS)
        check_bracket(self._desk, symbol, position.side, self._desk.market.last_ticks(symbol), legs)
        for kind, leg in changes.items():
            old = self._stops.leg(symbol, kind)
            if leg is not None:
                self._stops.set_leg(symbol, kind, leg, now)
            elif old is not None:
                self._stops.drop_leg(old, BY_USER, AT_REQUEST, now)
        return {}

    def _in_force(self, symbol: str, kind: str, leg: Leg | None) -> bool:
        order = self._stops.leg(symbol, kind)
        if order is None or leg is None:
            return order is None and leg is None
        return (order.trigger_ticks, order.trigger_by) == leg

    def set_leverage(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """POST /v5/position/set-leverage."""
        linear(params)
        symbol = symbol_of(params, self._desk)
        leverage = self._leverage(symbol, params, "buyLeverage")
        if self._leverage(symbol, params, "sellLeverage") != leverage:
            raise invalid("sellLeverage")
        position = self._desk.account.position(symbol)
        if position.leverage_e2 == leverage:
            raise RefusedError(LEVERAGE_NOT_MODIFIED)
        position.leverage_e2, position.updated_ms = leverage, now // NS_PER_MS
        self._desk.moved[symbol] = None
        return {}

    def _leverage(self, symbol: str, params: dict[str, Any], name: str) -> int:
        text, most = text_of(params, name), self._desk.money[symbol].instrument.max_leverage_e2
        leverage, rest = divmod(to_e8(text), E8 // 100) if DECIMAL.fullmatch(text) else (0, 0)
        if rest or not 100 <= leverage <= most:
            raise invalid(name)
        return leverage

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
            "marginMode": "REGULAR_MARGIN", "updatedTime": str(now // NS_PER_MS), "unifiedMarginStatus": 5,
            "dcpStatus": "OFF", "timeWindow": 0, "smpGroup": 0, "isMasterTrader": False, "spotHedgingStatus": "OFF",
        }  # fmt: skip

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
