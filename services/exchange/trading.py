"""Everything that can be asked for about orders and positions, whoever asks: REST, the order socket, the operator.

The methods that take ``params`` read a client's request (the parsed JSON object) and raise RefusedError with Bybit's
code and text; nothing has changed then. The others are the exchange's own doings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.exchange.amendment import Amendment
from services.exchange.creation import Creation
from services.exchange.desk import Desk
from services.exchange.engine import OWNER, Engine
from services.exchange.funding import Funding
from services.exchange.liquidation import Liquidated, Liquidation
from services.exchange.matching import Fill, MatchingBook
from services.exchange.orders import Order, OrderRequest
from services.exchange.position_rules import PositionRules
from services.exchange.stops import Stops

__all__ = ["OWNER", "Liquidated", "Trading"]


class Trading:
    """The account's trading on all symbols."""

    def __init__(self, desk: Desk, stops: Stops, books: Mapping[str, MatchingBook]) -> None:
        self._desk = desk
        self._engine = Engine(desk, stops, books)
        self._creation = Creation(desk, stops, books)
        self._amendment = Amendment(desk, stops, self._engine)
        self._position_rules = PositionRules(desk, stops)
        self._funding = Funding(desk)
        self._liquidation = Liquidation(desk, self._engine)

    # --- requests -------------------------------------------------------------------------------------------------

    def create(self, params: dict[str, Any], now: int) -> Order:
        """/v5/order/create."""
        return self.submit(self._creation.read(params), now)

    def amend(self, params: dict[str, Any], now: int) -> Order:
        """/v5/order/amend."""
        return self._amendment.amend(params, now)

    def trading_stop(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """/v5/position/trading-stop."""
        return self._position_rules.trading_stop(params, now)

    def set_leverage(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """/v5/position/set-leverage."""
        return self._position_rules.set_leverage(params, now)

    def switch_mode(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """/v5/position/switch-mode."""
        return self._position_rules.switch_mode(params)

    def switch_isolated(self, params: dict[str, Any], now: int) -> dict[str, Any]:
        """/v5/position/switch-isolated."""
        return self._position_rules.switch_isolated(params)

    def submit(self, request: OrderRequest, now: int) -> Order:
        """Take an order that makes sense."""
        return self._engine.submit(request, now)

    def cancel(self, order: Order, now: int) -> bool:
        """Cancel an open order at the client's request; False if it is too late."""
        return self._engine.withdraw(order, now)

    def cancel_for(self, order: Order, cancel_type: str, reason: str, now: int) -> bool:
        """Cancel an open order for another reason (CancelByDCP, CancelByAdmin, ...)."""
        return self._engine.withdraw(order, now, cancel_type, reason)

    # --- the market and time --------------------------------------------------------------------------------------

    def take_matches(self) -> list[tuple[str, Fill]]:
        """Return the matches of the account's own takers since the last call, for the public tape."""
        return self._engine.take_matches()

    def add_matches(self, matches: list[tuple[str, Fill]]) -> None:
        """Have matches put on the public tape that were nobody's doing of the account's."""
        self._engine.add_matches(matches)

    def take_liquidated(self) -> list[Liquidated]:
        """Return the takeovers since the last call, for the public stream of liquidations."""
        return self._liquidation.take()

    def market_matched(self, symbol: str, fill: Fill, now: int) -> None:
        """Take in one match of the market's turn; ``check_triggers`` ends the turn."""
        self._engine.market_matched(symbol, fill, now)

    def check_triggers(self, now: int) -> None:
        """Do what follows from the market's turn and from time: triggers, the band's premium, funding, liquidation."""
        self._desk.sample_premiums(now)
        self._engine.check_triggers(now)
        self._funding.advance(now)
        self._liquidation.check(now)

    # --- on command -----------------------------------------------------------------------------------------------

    def fund(self, symbol: str, now: int, rate_e8: int | None = None) -> bool:
        """Settle funding now, at the present rate unless another is given; False where there is no position."""
        return self._funding.settle(symbol, now, rate_e8)

    def liquidate(self, now: int) -> bool:
        """Take over everything the account holds, whatever its margin; False where it holds nothing."""
        return self._liquidation.take_over(now)

    def deleverage(self, symbol: str, lots: int, now: int) -> bool:
        """Close up to ``lots`` of a position against somebody's bankruptcy; False where there is none."""
        return self._liquidation.deleverage(symbol, lots, now)

    def set_status(self, symbol: str, status: str, now: int) -> None:
        """Change a symbol's status: Delivering only lets positions be closed, Closed settles them."""
        self._liquidation.set_status(symbol, status, now)
