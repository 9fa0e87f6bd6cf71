"""One unified account in USDT: wallet, one-way positions, fees and margin. Money is an integer at 1e-8.

A position keeps what it cost instead of an average price, so that nothing is lost to rounding:
wallet = deposit + cash flow + signed cost of what is open - fees - funding, to the last digit and at any time.
"""

from __future__ import annotations

from typing import NamedTuple

from services.exchange.rules import Rules, Tier, usual
from shared.messages import BUY, SELL, Instrument
from shared.scale import E8, Scale

LEVERAGE_E2 = 1_000  # Ten times, until the client says otherwise.


class Money:
    """One instrument's arithmetic."""

    __slots__ = ("_per_lot", "_shift", "instrument", "rules", "scale")

    def __init__(self, instrument: Instrument, rules: Rules | None = None) -> None:
        self.instrument, self.rules = instrument, rules or usual(instrument)
        self.scale = Scale(instrument.tick, instrument.lot)
        decimals, self._per_lot = self.scale.lot_grid
        self._shift: int = 10**decimals

    def value_e8(self, price_e8: int, lots: int) -> int:
        """Return the value of ``lots`` at a price that need not be on the grid, rounded towards zero."""
        return price_e8 * lots * self._per_lot // self._shift

    def average_e8(self, value_e8: int, lots: int) -> int:
        """Return the price at which ``lots`` are worth ``value_e8``; 0 for no lots."""
        return divide(value_e8 * self._shift, lots * self._per_lot) if lots else 0


def divide(value: int, by: int) -> int:
    """Return value / by rounded to the nearest integer, halves away from zero. ``by`` > 0."""
    size = (2 * abs(value) + by) // (2 * by)
    return -size if value < 0 else size


class Booked(NamedTuple):
    """What one execution did to its position."""

    closed_lots: int
    pnl_e8: int  # Price profit of the closed part, without fees.
    open_fee_e8: int  # What opening the closed part had cost.
    fee_e8: int
    entry_e8: int = 0  # What the closed part had been opened for,
    exit_e8: int = 0  # and was closed for.
    close_fee_e8: int = 0  # The part of the fee that is for closing.


class Position:
    """What the account holds in one symbol."""

    __slots__ = (
        "cost_e8", "created_ms", "cum_e8", "cur_e8", "leverage_e2", "lots", "open_fee_e8", "opened_ms", "seq",
        "symbol", "updated_ms",
    )  # fmt: skip

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.lots = 0  # Signed.
        self.cost_e8 = 0  # What the open part was bought or sold for, never negative.
        self.open_fee_e8 = 0  # Fees paid for opening what is open.
        self.leverage_e2 = LEVERAGE_E2
        self.cur_e8 = 0  # Realised since it was last opened, fees taken off.
        self.cum_e8 = 0  # Realised ever, fees taken off.
        self.created_ms = self.updated_ms = self.opened_ms = 0
        self.seq = 0

    @property
    def side(self) -> int:
        """+1 long, -1 short, 0 flat."""
        return (self.lots > 0) - (self.lots < 0)

    @property
    def signed_cost_e8(self) -> int:
        """Cost of a long, minus the proceeds of a short."""
        return self.side * self.cost_e8

    def book(self, side: int, lots: int, value_e8: int, fee_e8: int, now_ms: int) -> Booked:
        """Take one execution in: close what it closes, then open what is left of it."""
        held = abs(self.lots)
        closed = min(lots, held) if side == -self.side else 0
        closed_value, closing_fee = value_e8 * closed // lots, fee_e8 * closed // lots
        pnl = open_fee = released = 0
        if closed:
            released, open_fee = self.cost_e8 * closed // held, self.open_fee_e8 * closed // held
            pnl = self.side * (closed_value - released)
            self.cost_e8 -= released
            self.open_fee_e8 -= open_fee
            self.lots += side * closed
        self.cum_e8 += pnl - fee_e8
        self.cur_e8 += pnl - fee_e8
        if closed < lots:
            if not self.lots:  # From flat, or through it: only the new position's share of the fee is its own.
                self.cur_e8, self.opened_ms = closing_fee - fee_e8, now_ms
            self.lots += side * (lots - closed)
            self.cost_e8 += value_e8 - closed_value
            self.open_fee_e8 += fee_e8 - closing_fee
        self.created_ms, self.updated_ms = self.created_ms or now_ms, now_ms
        return Booked(closed, pnl, open_fee, fee_e8, released, closed_value, closing_fee)

    def fund(self, amount_e8: int, now_ms: int) -> None:
        """Pay funding (receive it where negative)."""
        self.cum_e8 -= amount_e8
        self.cur_e8 -= amount_e8
        self.updated_ms = now_ms


class Account:
    """The wallet and its positions. Rates are fractions at 1e-8 (0.055 % is 55,000)."""

    def __init__(self, deposit_e8: int, maker_rate_e8: int, taker_rate_e8: int) -> None:
        self.deposit_e8 = self.wallet_e8 = deposit_e8
        self.maker_rate_e8, self.taker_rate_e8 = maker_rate_e8, taker_rate_e8
        self.cash_flow_e8 = 0  # Received for everything sold minus paid for everything bought.
        self.fees_e8 = 0
        self.funding_e8 = 0  # Paid, minus received.
        self.realised_e8 = 0  # Price profit of everything closed, without fees.
        self.positions: dict[str, Position] = {}

    def position(self, symbol: str) -> Position:
        """Return the position of that symbol, flat if it was never held."""
        found = self.positions.get(symbol)
        if found is None:
            found = self.positions[symbol] = Position(symbol)
        return found

    def rate_e8(self, is_maker: bool) -> int:
        """Return the fee rate."""
        return self.maker_rate_e8 if is_maker else self.taker_rate_e8

    def execute(
        self, symbol: str, side: int, lots: int, value_e8: int, is_maker: bool, now_ms: int, free: bool = False
    ) -> Booked:
        """Book one execution and its fee, unless it is ``free``."""
        fee = 0 if free else divide(value_e8 * self.rate_e8(is_maker), E8)
        booked = self.position(symbol).book(side, lots, value_e8, fee, now_ms)
        self.cash_flow_e8 -= side * value_e8
        self.fees_e8 += fee
        self.realised_e8 += booked.pnl_e8
        self.wallet_e8 += booked.pnl_e8 - fee
        return booked

    def fund(self, symbol: str, amount_e8: int, now_ms: int) -> None:
        """Pay funding for a position (receive it where negative); the position stays as it is."""
        self.position(symbol).fund(amount_e8, now_ms)
        self.funding_e8 += amount_e8
        self.wallet_e8 -= amount_e8


class Margin(NamedTuple):
    """The account's margin at the present mark prices, USDT at 1e-8."""

    unrealised_e8: int
    position_im_e8: int
    position_mm_e8: int
    order_im_e8: int
    equity_e8: int
    available_e8: int


def unrealised_e8(position: Position, money: Money, mark_e8: int) -> int:
    """Return the position's price profit at the mark."""
    return position.side * (money.value_e8(mark_e8, abs(position.lots)) - position.cost_e8)


def opening_margin_e8(side: int, value_e8: int, leverage_e2: int, taker_rate_e8: int) -> int:
    """Return the initial margin of an order that opens: value / leverage, the fee now and the fee at bankruptcy."""
    at_bankruptcy = leverage_e2 - 100 if side == BUY else leverage_e2 + 100
    fees = value_e8 * taker_rate_e8 * (leverage_e2 + at_bankruptcy) // (leverage_e2 * E8)
    return value_e8 * 100 // leverage_e2 + fees


def position_margin_e8(position: Position, money: Money, mark_e8: int, taker_rate_e8: int) -> tuple[int, int]:
    """Return (initial, maintenance) margin of a position, the fee of closing at bankruptcy included."""
    value = money.value_e8(mark_e8, abs(position.lots))
    lever = position.leverage_e2
    at_bankruptcy = lever + 100 if position.side == SELL else lever - 100
    fee = position.cost_e8 * taker_rate_e8 * at_bankruptcy // (lever * E8)
    tier = money.rules.tier(value)
    kept = value * tier.maintenance_e8 // E8 - tier.deduction_e8
    return value * 100 // lever + fee, kept + fee


def position_tier(position: Position, money: Money, mark_e8: int) -> Tier:
    """Return the risk tier that the position's value at the mark is in."""
    return money.rules.tier(money.value_e8(mark_e8, abs(position.lots)))
