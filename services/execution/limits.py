"""The part of the configuration that execution's core works with, in its own units."""

from __future__ import annotations

from dataclasses import dataclass

from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import Config
from shared.scale import E8

E6 = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be done, how much of it, and how long to wait. Immutable for the life of a core."""

    position_size_e8: int
    max_position_e8: int
    max_positions: int
    leverage: int
    max_spread_bps: float
    max_spread_ticks: int  # 0: no limit.
    max_daily_loss_e8: int
    flatten_on_stop: bool
    stop_share_e6: int  # Distance of a stop that has to be set by hand, share of the entry price.
    time_exit_ns: int  # 0: never.
    stale_ns: int
    max_latency_ns: int  # Of data on its way from the venue; 0: no limit.
    clock_measured: bool  # Somebody measures the venue's clock: without that no age by its stamps can be told.
    recv_window_ns: int
    rest_timeout_ns: int
    reconcile_ns: int
    tolerance_ticks: int = 3  # How far beyond the far touch an entry may reach.
    collar_bps: float = 50.0  # How far from our own mid, and from the price decided at, an order may lie.


def limits_of(config: Config) -> Limits:
    """Return the limits that ``config`` sets."""
    risk, rest = config.risk, config.execution
    return Limits(
        position_size_e8=round(risk.position_size_usdt * E8),
        max_position_e8=round(risk.max_position_usdt * E8),
        max_positions=risk.max_positions,
        leverage=risk.leverage,
        max_spread_bps=risk.max_spread_bps,
        max_spread_ticks=risk.max_spread_ticks,
        max_daily_loss_e8=round(risk.max_daily_loss_usdt * E8),
        flatten_on_stop=risk.on_stop == "flatten",
        stop_share_e6=round(config.brackets.stop_pct * E6 / 100),
        time_exit_ns=round(config.brackets.time_exit_s * NS_PER_S),
        stale_ns=config.ingest.stale_ms * NS_PER_MS,
        max_latency_ns=round(risk.max_latency_ms * NS_PER_MS),
        clock_measured=config.scanner.clock_s > 0,
        recv_window_ns=rest.recv_window_ms * NS_PER_MS,
        rest_timeout_ns=round(rest.rest_timeout_s * NS_PER_S),
        reconcile_ns=round(rest.reconcile_s * NS_PER_S),
    )
