"""From messages to lines of CSV. Texts that a spreadsheet would run as a formula are defused; numbers stay numbers."""

from __future__ import annotations

from services.monitor.wire import Row
from shared.clock import NS_PER_MS
from shared.messages import BUY, Decision, Fill, Markout, OrderNews, RoundTrip
from shared.scale import Scale, e8_text

COLUMNS = {
    "decisions.csv": (
        "time", "decision", "symbol", "direction", "score", "confidence", "signals", "bid", "ask", "reason",
        "generation", "ring_seq", "strategy", "regime", "stance", "weights", "weights_version",
    ),
    "orders.csv": (
        "time", "order_link_id", "order_id", "intent_id", "symbol", "side", "role", "state", "qty", "filled", "price",
        "reason", "queue",
    ),
    "fills.csv": (
        "time", "exec_id", "order_id", "order_link_id", "symbol", "side", "price", "qty", "fee_usdt", "maker",
    ),
    "trades.csv": (
        "time", "number", "symbol", "side", "qty", "entry", "exit", "fees_usdt", "net_usdt", "held_s", "reason",
        "intent_id",
    ),
    "markouts.csv": (
        "time", "epoch", "decision", "symbol", "direction", "reason", "score", "signals", "regime", "weights_version",
        "cost_bps", "moved_bps",
    ),
}  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text(value: str) -> str:
    """Return ``value`` so that no spreadsheet takes it for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def price(scale: Scale | None, ticks: int) -> str:
    """Return a price in the quote coin, or in ticks while the grid is not known."""
    return f"{ticks} ticks" if scale is None else scale.price_text(ticks)


def qty(scale: Scale | None, lots: int) -> str:
    """Return a size in the base coin, or in lots while the grid is not known."""
    return f"{lots} lots" if scale is None else scale.qty_text(lots)


def _side(side: int) -> str:
    return "buy" if side == BUY else "sell"


def _signals(said: Decision | Markout) -> str:
    return " ".join(f"{name}={score:.4f}" for name, score in zip(said.signals, said.scores, strict=False))


def of_decision(said: Decision, scale: Scale | None, now: int) -> Row:
    """Return the line of a decision."""
    cells = (
        str(said.decision),
        text(said.symbol),
        str(said.direction),
        f"{said.score:.6f}",
        f"{said.confidence:.6f}",
        text(_signals(said)),
        price(scale, said.best_bid_ticks),
        price(scale, said.best_ask_ticks),
        text(said.reason),
        str(said.generation),
        str(said.ring_seq),
        text(said.strategy),
        text(said.regime),
        text(said.stance),
        " ".join(f"{share:.4f}" for share in said.weights),
        str(said.weights_version),
    )
    return Row("decisions.csv", now, cells)


def of_order(news: OrderNews, scale: Scale | None) -> Row:
    """Return the line of one change of an order."""
    cells = (
        text(news.order_link_id),
        text(news.order_id),
        text(news.intent_id),
        text(news.symbol),
        _side(news.side),
        text(news.role),
        text(news.state),
        qty(scale, news.qty_lots),
        qty(scale, news.filled_lots),
        price(scale, news.price_ticks),
        text(news.reason),
        qty(scale, news.queue_lots) if news.queue_lots >= 0 else "",
    )
    return Row("orders.csv", news.at_ns, cells)


def of_fill(fill: Fill, scale: Scale | None) -> Row:
    """Return the line of one execution."""
    cells = (
        text(fill.exec_id),
        text(fill.order_id),
        text(fill.order_link_id),
        text(fill.symbol),
        _side(fill.side),
        price(scale, fill.price_ticks),
        qty(scale, fill.qty_lots),
        e8_text(fill.fee_e8),
        "yes" if fill.is_maker else "no",
    )
    return Row("fills.csv", fill.exec_ms * NS_PER_MS, cells)


def of_trip(trip: RoundTrip, scale: Scale | None) -> Row:
    """Return the line of one round trip."""
    cells = (
        str(trip.number),
        text(trip.symbol),
        "long" if trip.side == BUY else "short",
        qty(scale, trip.qty_lots),
        e8_text(trip.entry_e8),
        e8_text(trip.exit_e8),
        e8_text(trip.fees_e8),
        e8_text(trip.net_e8),
        f"{(trip.closed_ns - trip.opened_ns) / 1e9:.3f}",
        text(trip.reason),
        text(trip.intent_id),
    )
    return Row("trades.csv", trip.closed_ns, cells)


def of_markout(said: Markout) -> Row:
    """Return the line of what became of one decision; the time is the decision's. No figure where there was no book."""
    moved = (
        f"{horizon}ms={'' if bps != bps else f'{bps:.4f}'}"
        for horizon, bps in zip(said.horizons_ms, said.moved_bps, strict=False)
    )
    cells = (
        str(said.epoch),
        str(said.decision),
        text(said.symbol),
        str(said.direction),
        text(said.reason),
        f"{said.score:.6f}",
        text(_signals(said)),
        text(said.regime),
        str(said.weights_version),
        f"{said.cost_bps:.4f}",
        text(" ".join(moved)),
    )
    return Row("markouts.csv", said.decided_ns, cells)
