"""What the day has earned and lost, what is at stake, and the breakers that end it.

Theory of operation. Everything is counted from what execution itself says (fills, round trips, order news, requests
that leave) and from its books, so a restart counts the same again from the journal. The day runs from 00:00 UTC; its
result is what was realised in it plus what the open positions show at the book last seen. Its peak is the most it had
realised, so a start never looks like a drawdown, and a transfer is neither won nor lost.

A breaker that trips says kill: everything is closed and nothing is opened until a person says `reset`, whatever the
hour and however often we start again. Losses and breaches then count anew from that moment; drawdown tiers go on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from services.execution.bucket import Bucket
from services.execution.case import UNKNOWN_E8, Standing
from services.execution.desk import Desk
from services.execution.limits import E6
from services.execution.orders import ENTRY, Order, State
from services.execution.positions import DAY_MS, Holding
from services.execution.wire import (
    AmendRequest,
    BreachRow,
    CancelAllRequest,
    CancelRequest,
    OrderRequest,
    Quote,
    Recovered,
    StopRequest,
)
from shared.clock import NS_PER_MS
from shared.messages import BUY, Fill, Message, OrderNews, RoundTrip
from shared.scale import E8

COUNTED = (OrderRequest, AmendRequest, CancelRequest, CancelAllRequest, StopRequest)
WOULD_TAKE = "EC_PostOnlyWillTakeLiquidity"  # The book moved: no fault of the order.
SENT_MAX = 512
SYMBOLS_MAX = 2_048
DAILY_LOSS, SLIPPAGE = "daily loss", "slippage"


class Risk:
    """Figures of the day, and what trips on them. ``hear`` is told everything that is said."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._limits = desk.limits.risk
        self._bucket = Bucket(self._limits.orders_per_s)
        self.day = 0
        self.rearmed_ns = 0
        self.rejects, self._rejected_ns, self._rejected = 0, 0, ""
        self.breaches = 0
        self._peak_e8 = 0
        self._base_e8 = 0  # Realised in the day before the breakers were re-armed in it.
        self._r_e6 = 0  # Of the round trips since.
        self._lost_ns: dict[str, int] = {}
        self._entered: dict[tuple[str, int], int] = {}
        self._sent: OrderedDict[str, Quote] = OrderedDict()  # The book that an entry was sent into.
        self._handlers: dict[type[Message], Callable[[Any], None]] = {
            OrderRequest: self._left, Fill: self._filled, OrderNews: self._told, RoundTrip: self._ended,
        }  # fmt: skip
        desk.listener = self.hear

    def recover(self, found: Recovered) -> None:
        """Begin where the journal ends."""
        self.day, self.rearmed_ns = found.day, found.word.rearmed_ns
        self._peak_e8, self._r_e6, self.breaches = found.day_peak_e8, found.armed_r_e6, found.breaches
        self._base_e8 = found.day_realised_e8 - found.armed_realised_e8
        self._lost_ns = dict(found.losses)

    def rearm(self, now: int) -> bool:
        """A person has looked: losses and breaches count anew from here. False when there was nothing to re-arm."""
        self._roll(now)
        had = self.rejects >= self._limits.rejects or bool(self.tripped(now))
        self.rearmed_ns = now
        self._base_e8 = self._desk.ledger.day_realised_e8(now // NS_PER_MS)
        self._r_e6 = self.breaches = self.rejects = self._rejected_ns = 0
        return had

    # --- heard --------------------------------------------------------------------------------------------------

    def hear(self, message: Message) -> None:
        """Take note of what is said."""
        handler = self._handlers.get(type(message))
        if handler is not None:
            handler(message)

    def spend(self, said: Sequence[Message], now: int) -> None:
        """Count the requests among what leaves now."""
        requests = sum([isinstance(message, COUNTED) for message in said]) if said else 0
        if requests:
            self._bucket.spend(requests, now)

    def entered(self, symbol: str, side: int, now: int) -> None:
        """An intent has passed."""
        self._entered[symbol, side] = now
        if len(self._entered) > SYMBOLS_MAX:
            del self._entered[next(iter(self._entered))]

    def _left(self, request: OrderRequest) -> None:
        quote = self._desk.quotes.get(request.symbol)
        if not request.reduce_only and quote is not None:
            self._sent[request.order_link_id] = quote
            if len(self._sent) > SENT_MAX:
                self._sent.popitem(last=False)

    def _filled(self, fill: Fill) -> None:
        """Compare an entry's fill with the book that it was sent into: what the spread itself costs is no slippage."""
        quote = self._sent.get(fill.order_link_id)
        if quote is None or fill.is_maker:
            return
        touch = quote.best_ask_ticks if fill.side == BUY else quote.best_bid_ticks
        beyond = (fill.price_ticks - touch) * fill.side
        if beyond <= self._limits.slippage_ticks:
            return
        del self._sent[fill.order_link_id]  # One order is one breach.
        self.breaches += 1
        at_ns = fill.exec_ms * NS_PER_MS
        limit = self._limits.slippage_ticks
        self._desk.keep(BreachRow(SLIPPAGE, fill.symbol, fill.order_link_id, beyond, limit, at_ns))
        self._desk.log(
            "WARNING", "breach.slippage", f"{fill.order_link_id}: {beyond} ticks beyond the touch", fill.symbol
        )

    def _told(self, news: OrderNews) -> None:
        if news.role != ENTRY:
            return
        if news.state in (State.LIVE, State.PARTLY_FILLED, State.FILLED):
            self.rejects = self._rejected_ns = 0
        elif news.state == State.REJECTED and news.order_link_id != self._rejected and _refused(news.reason):
            self._rejected, self._rejected_ns = news.order_link_id, news.at_ns
            self.rejects += 1
            if self.rejects == self._limits.rejects:
                text = f"{self.rejects} entries in a row: a pause of {self._limits.reject_pause_ns // 10**9} s"
                self._desk.log("WARNING", "breaker.rejects", text)

    def _ended(self, trip: RoundTrip) -> None:
        if trip.net_e8 < 0:
            self._lost_ns.pop(trip.symbol, None)
            self._lost_ns[trip.symbol] = trip.closed_ns
            if len(self._lost_ns) > SYMBOLS_MAX:
                del self._lost_ns[next(iter(self._lost_ns))]
        if trip.risk_e8 > 0:  # What others opened has no R; it counts in USDT and percent alone.
            self._r_e6 += trip.net_e8 * E6 // trip.risk_e8

    # --- the day ------------------------------------------------------------------------------------------------

    def _roll(self, now: int) -> int:
        """Begin a new day when it is one; return what was realised in it. What is latched stays latched."""
        now_ms = now // NS_PER_MS
        if now_ms // DAY_MS > self.day:
            self.day, self._peak_e8, self._base_e8, self._r_e6, self.breaches = now_ms // DAY_MS, 0, 0, 0, 0
        realised_e8 = self._desk.ledger.day_realised_e8(now_ms)
        if realised_e8 > self._peak_e8:
            self._peak_e8 = realised_e8
        return realised_e8

    def _opening_e8(self, realised_e8: int) -> int:
        """Return what the day began with: what is there, less what was realised since."""
        wallet_e8 = self._desk.wallet_e8
        return wallet_e8 - realised_e8 if wallet_e8 >= 0 else UNKNOWN_E8

    def result_e8(self, now: int) -> int:
        """Return what the day has brought since it was last armed, open positions at the book last seen."""
        return self._results(self._desk.ledger.day_realised_e8(now // NS_PER_MS))[0]

    def result_r_e6(self) -> int:
        """Return the same in millionths of R."""
        return self._results(0)[1]

    def _results(self, realised_e8: int) -> tuple[int, int]:
        """Return what the day has brought since it was last armed: at 1e-8, and in millionths of R."""
        result_e8, result_e6 = realised_e8 - self._base_e8, self._r_e6
        for held in self._desk.ledger.open():
            open_e8 = self._open_e8(held)
            result_e8 += open_e8
            if held.risk_e8 > 0:
                result_e6 += open_e8 * E6 // held.risk_e8
        return result_e8, result_e6

    def _open_e8(self, held: Holding) -> int:
        """Return what a position would bring at the far touch of the book last seen, before fees; 0 without one."""
        quote = self._desk.quotes.get(held.symbol)
        if quote is None or not 0 < quote.best_bid_ticks < quote.best_ask_ticks:
            return 0
        price = quote.best_bid_ticks if held.position_lots > 0 else quote.best_ask_ticks
        return _way_e8(held, price)

    def drawdown_e6(self, now: int) -> int:
        """Return how far the equity is below the day's peak, millionths of the peak; E6 while nothing is known."""
        opening_e8 = self._opening_e8(self._desk.ledger.day_realised_e8(now // NS_PER_MS))
        if opening_e8 + self._peak_e8 <= 0:
            return E6
        below_e8 = self._peak_e8 - (self.result_e8(now) + self._base_e8)
        return max(0, -(-below_e8 * E6 // (opening_e8 + self._peak_e8)))

    def tripped(self, now: int) -> str:
        """Return the breaker that has tripped, if any: the first loss limit that is reached wins."""
        realised_e8, limits = self._roll(now), self._limits
        result_e8, result_r_e6 = self._results(realised_e8)
        lost_e8, opening_e8 = -result_e8, self._opening_e8(realised_e8)
        if lost_e8 >= self._desk.limits.max_daily_loss_e8:
            return f"{DAILY_LOSS}: {lost_e8 / E8:.2f} USDT"
        if -result_r_e6 >= limits.daily_loss_r_e6:
            return f"{DAILY_LOSS}: {-result_r_e6 / E6:.1f} R"
        if opening_e8 > 0 and lost_e8 * E6 >= limits.daily_loss_e6 * opening_e8:
            return f"{DAILY_LOSS}: {lost_e8 * 100 / opening_e8:.2f} %"
        return f"{SLIPPAGE}: {self.breaches} breaches" if self.breaches >= limits.breaches else ""

    # --- what is at stake ---------------------------------------------------------------------------------------

    def standing(self, symbol: str, side: int, now: int) -> Standing:
        """Return how the account stands as seen from one symbol."""
        realised_e8, desk = self._roll(now), self._desk
        result_e8, result_r_e6 = self._results(realised_e8)
        held, orders = desk.ledger.open(), [one for one in self._entries() if one.symbol != symbol]
        others = [one for one in held if one.symbol != symbol]
        stakes = [self._stake_e8(one) for one in others] + [_stake_e8(one) for one in orders]
        return Standing(
            equity_e8=desk.equity_e8,
            opening_e8=self._opening_e8(realised_e8),
            result_e8=result_e8,
            result_r_e6=result_r_e6,
            open_loss_e8=sum(stakes),
            open_count=len({one.symbol for one in others} | {one.symbol for one in orders}),
            drawdown_e6=self.drawdown_e6(now),
            exposure_e8=sum(one.cost_e8 for one in others) + sum(self._order_value_e8(one) for one in orders),
            own_e8=sum(one.cost_e8 for one in held if one.symbol == symbol),
            breaches=self.breaches,
            rejects=self.rejects,
            rejected_ns=self._rejected_ns,
            lost_ns=self._lost_ns.get(symbol, 0),
            entered_ns=self._entered.get((symbol, side), 0),
            tokens=min(self._bucket.left(now), desk.allowances.left(now))
            - sum(one.state is State.CREATED for one in desk.orders.open()),
            next_funding_ns=desk.next_funding_ns.get(symbol, 0),
        )

    def _entries(self) -> Iterator[Order]:
        return (one for one in self._desk.orders.open() if one.role == ENTRY)

    def _stake_e8(self, held: Holding) -> int:
        """Return what a position loses from the book last seen to its stop, the fee of leaving included."""
        view, limits = self._desk.views.get(held.symbol), self._desk.limits
        stop = (view.stop_ticks if view else 0) or held.stop_ticks
        if not stop:  # Exits will set one at this distance.
            side = 1 if held.position_lots > 0 else -1
            stop = held.entry_e8 * (E6 - side * limits.stop_share_e6) // (E6 * held.scale.tick_e8)
        fee_e8 = held.scale.value_e8(stop, abs(held.position_lots)) * self._desk.taker_e8.get(held.symbol, 0) // E8
        return max(0, self._open_e8(held) - _way_e8(held, stop) + fee_e8)

    def _order_value_e8(self, order: Order) -> int:
        scale = self._desk.scales[order.symbol]
        return scale.value_e8(order.price_ticks, max(0, order.qty_lots - order.booked_lots))


def _refused(reason: str) -> bool:
    """Whether an entry's reject was the venue's doing: not ours, and not the market's."""
    return reason != WOULD_TAKE and not reason.startswith("0 ")


def _way_e8(held: Holding, price_ticks: int) -> int:
    """Return what a position brings from its entry to a price, before fees."""
    way_e8 = held.scale.value_e8(price_ticks, abs(held.position_lots)) - held.cost_e8
    return way_e8 if held.position_lots > 0 else -way_e8


def _stake_e8(order: Order) -> int:
    """Return what the rest of an entry would lose at its stop."""
    return order.risk_e8 * max(0, order.qty_lots - order.booked_lots) // max(1, order.qty_lots)
