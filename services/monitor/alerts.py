"""What is out of the ordinary in a market: said once when it begins and once when it is over."""

from __future__ import annotations

from typing import NamedTuple

from services.monitor.figures import Figures
from shared.clock import NS_PER_S
from shared.messages import Log

CALM_NS = 5 * NS_PER_S  # Over means: not seen for this long. What flickers is one alert, not twenty.


class Limits(NamedTuple):
    """Thresholds. ``liquidity_usdt`` above 0 takes the place of ``liquidity_btc``."""

    spread_pct: float
    latency_ms: float
    liquidity_btc: float  # In other coins: what is worth as much.
    liquidity_usdt: float


class Finding(NamedTuple):
    """One rule's answer about one symbol; ``text`` says what is wrong."""

    kind: str
    wrong: bool
    text: str


def findings(found: Figures, limits: Limits, btc_mid: float) -> list[Finding]:
    """Return what each rule says. ``btc_mid`` is Bitcoin's price in USDT, 0 while it is not known."""
    latency = None if found.latency_ms is None else found.latency_ms - found.latency_error_ms  # What is sure.
    out = [
        Finding(
            "spread",
            found.spread_pct > limits.spread_pct,
            f"wide spread: {found.spread_pct:.2f}% > {limits.spread_pct:g}%",
        ),
        Finding(
            "latency",
            latency is not None and latency > limits.latency_ms,
            f"high latency: {latency} ms > {limits.latency_ms:g} ms",
        ),
    ]
    if limits.liquidity_usdt > 0:
        low, text = (
            found.liquidity_usdt < limits.liquidity_usdt,
            f"{found.liquidity_usdt:.0f} USDT < {limits.liquidity_usdt:g} USDT",
        )
    elif btc_mid > 0:
        worth = found.liquidity_usdt / btc_mid
        low, text = worth < limits.liquidity_btc, f"worth {worth:.2f} BTC < {limits.liquidity_btc:g} BTC"
    else:
        return out
    return [*out, Finding("liquidity", low, f"low liquidity: {text}")]


class Alerts:
    """Remembers which alerts are on."""

    def __init__(self) -> None:
        self._seen_ns: dict[tuple[str, str], int] = {}  # (symbol, kind) -> when it was last wrong.

    def hear(self, symbol: str, finding: Finding, now: int) -> Log | None:
        """Return what there is to say about one finding, if anything."""
        key = symbol, finding.kind
        since = self._seen_ns.get(key)
        if finding.wrong:
            self._seen_ns[key] = now
            return (
                None
                if since is not None
                else Log("WARNING", f"alert.{finding.kind}", f"{symbol}: {finding.text}", symbol)
            )
        if since is None or now - since < CALM_NS:
            return None
        del self._seen_ns[key]
        return Log("WARNING", f"alert.{finding.kind}.over", f"{symbol}: {finding.kind} is back to normal", symbol)

    def keep(self, symbols: set[str]) -> None:
        """Forget the symbols that are gone."""
        self._seen_ns = {key: ns for key, ns in self._seen_ns.items() if key[0] in symbols}

    @property
    def on(self) -> list[str]:
        """The alerts that are on, as symbol:kind."""
        return sorted(f"{symbol}:{kind}" for symbol, kind in self._seen_ns)
