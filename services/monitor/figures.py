"""What one book says to people: price texts, spread, imbalance, liquidity, latency, and the line that shows them."""

from __future__ import annotations

from typing import NamedTuple

from shared.clock import NS_PER_MS
from shared.messages import Decision
from shared.mirror import BookView
from shared.offset import Offset, age_of
from shared.scale import Scale

LEVELS = 10
QUOTE = "USDT"


class Figures(NamedTuple):
    """One symbol at one moment. Only a book with both sides has them."""

    symbol: str
    bid_ticks: int
    ask_ticks: int
    spread_pct: float
    imbalance: float  # Best ten levels, -1..1.
    liquidity: float  # Best ten levels of both sides, base coin.
    liquidity_usdt: float
    mid: float
    latency_ms: int | None  # From the matching to our socket; None when it is unknown.
    updates: int
    latency_error_ms: int = 0  # Give or take this much.


def figures(view: BookView, clock: Offset | None = None) -> Figures | None:
    """Return the figures of a book, None when a side is empty or it is crossed. ``clock``: how far the venue's is from
    ours; while that is not known the latency holds the difference too.
    """
    bid, ask = view.best_bid, view.best_ask
    if not 0 < bid < ask:
        return None
    bids, asks = int(view.bid_lots[:LEVELS].sum()), int(view.ask_lots[:LEVELS].sum())
    lots, lot, tick = bids + asks, view.scale.lot_size, view.scale.tick_size
    mid = (bid + ask) / 2 * tick
    late = age_of(view.cts_ns, view.recv_ns, clock or Offset(0, 0, view.recv_ns))
    return Figures(
        symbol=view.symbol,
        bid_ticks=bid,
        ask_ticks=ask,
        spread_pct=200.0 * (ask - bid) / (bid + ask),
        imbalance=(bids - asks) / lots if lots else 0.0,
        liquidity=lots * lot,
        liquidity_usdt=lots * lot * mid,
        mid=mid,
        latency_ms=round(late.age_ns / NS_PER_MS) if view.cts_ns else None,
        updates=view.updates,
        latency_error_ms=round(late.uncertainty_ns / NS_PER_MS),
    )


def mid_text(scale: Scale, bid_ticks: int, ask_ticks: int) -> str:
    """Return the mid with the instrument's decimals, a half rounded up."""
    decimals, step = scale.tick_grid
    value = ((bid_ticks + ask_ticks) * step + 1) // 2
    return fixed_text(value, decimals)


def fixed_text(value: int, decimals: int) -> str:
    """Return ``value`` x 10^-decimals as plain text with exactly that many decimals."""
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def e8_rounded(value_e8: int, decimals: int) -> str:
    """Return a figure at 1e-8 with ``decimals`` (at most 8) of them, a half rounded away from zero."""
    unit = 10 ** (8 - decimals)
    whole = (abs(value_e8) + unit // 2) // unit
    return fixed_text(-whole if value_e8 < 0 else whole, decimals)


def base_coin(symbol: str) -> str:
    """Return the coin that is traded."""
    return symbol.removesuffix(QUOTE)


def line(found: Figures, scale: Scale) -> str:
    """Return the line that shows one symbol."""
    error = f"±{found.latency_error_ms}" if found.latency_error_ms else ""
    latency = "n/a" if found.latency_ms is None else f"{found.latency_ms}{error}ms"
    return (
        f"📊 {found.symbol} | Bid: ${scale.price_text(found.bid_ticks)} | Ask: ${scale.price_text(found.ask_ticks)}"
        f" | Mid: ${mid_text(scale, found.bid_ticks, found.ask_ticks)} | Spread: {found.spread_pct:.4f}%"
        f" | Imbalance: {found.imbalance:.3f} | Liquidity: {found.liquidity:.2f} {base_coin(found.symbol)}"
        f" | Latency: {latency} | Updates: {found.updates}"
    )


def flow_line(said: Decision) -> str:
    """Return the line that shows what the order-flow strategy makes of one symbol: its bias, score and their parts."""
    parts = dict(zip(said.signals, said.scores, strict=False))
    bias = parts.pop("bias", 0.0)
    side = "long" if bias > 0 else "short" if bias < 0 else "none"
    scores = " ".join(f"{name} {score:+.3f}" for name, score in parts.items())
    return (
        f"🧭 {said.symbol} | Bias: {side} | Regime: {said.regime or 'n/a'} | Score: {said.score:+.3f}"
        f" | Confidence: {said.confidence:.2f} | {scores}"
    )
