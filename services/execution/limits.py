"""The part of the configuration that execution's core works with, in its own units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from services.execution.routing import RouteLimits, route_limits
from services.execution.trailing import TrailLimits, trail_limits
from shared.clock import NS_PER_MS, NS_PER_S
from shared.config import OWN, Config, Risk
from shared.scale import E8

E6 = 1_000_000
ROUTE, TRAIL = RouteLimits(), TrailLimits()


class RiskLimits(NamedTuple):
    """What may be lost, and what makes us stop: the `risk` part of the configuration, in the core's units."""

    risk_e6: int = 5_000  # Share of the equity that one entry may lose.
    exposure_e8: int = 3_000 * E8
    clock_offset_ns: int = 300 * NS_PER_MS  # 0: no limit.
    daily_loss_r_e6: int = 10 * E6
    daily_loss_e6: int = 30_000  # Share of what the day began with.
    slippage_ticks: int = 2
    breaches: int = 3
    cooldown_ns: int = 5 * NS_PER_S
    rejects: int = 3
    reject_pause_ns: int = 60 * NS_PER_S
    funding_ns: int = 180 * NS_PER_S  # 0: funding is no reason.
    delivery_ns: int = 86_400 * NS_PER_S  # 0: delivery is no reason.
    orders_per_s: int = 10
    orders_reserve: int = 3


RISK = RiskLimits()


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
    route: RouteLimits = ROUTE
    risk: RiskLimits = RISK
    trail: TrailLimits = TRAIL
    watch_ns: int = 0  # Time between two looks at the stops of what is held; 0: never.
    checks_account: bool = False  # Look at the key and the account before anything is entered.
    real_venue: bool = False  # Somebody else's, not our own exchange.
    demo_taker_e8: int = 0  # Demo trading tells neither fees nor keys, nor takes settings: fees as they usually are.
    foreign: str = "adopt"  # What becomes of positions that are not ours: adopt, close, ignore.
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
        route=route_limits(config.router),
        risk=risk_limits(config.risk),
        trail=trail_limits(config.brackets),
        watch_ns=rest.watch_ms * NS_PER_MS,
        foreign=rest.foreign,
        checks_account=True,
        demo_taker_e8=round(config.exchange.taker_fee * E8) if config.venue == "demo" else 0,
        real_venue=config.venue not in OWN,
    )


def risk_limits(config: Risk) -> RiskLimits:
    """Return the limits of losses and breakers that ``config`` sets."""
    return RiskLimits(
        risk_e6=round(config.risk_pct * E6 / 100),
        exposure_e8=round(config.max_exposure_usdt * E8),
        clock_offset_ns=round(config.max_clock_offset_ms * NS_PER_MS),
        daily_loss_r_e6=round(config.max_daily_loss_r * E6),
        daily_loss_e6=round(config.max_daily_loss_pct * E6 / 100),
        slippage_ticks=config.max_slippage_ticks,
        breaches=config.slippage_breaches,
        cooldown_ns=round(config.cooldown_s * NS_PER_S),
        rejects=config.reject_limit,
        reject_pause_ns=round(config.reject_pause_s * NS_PER_S),
        funding_ns=round(config.funding_min * 60 * NS_PER_S),
        delivery_ns=round(config.delivery_h * 3600 * NS_PER_S),
        orders_per_s=config.orders_per_s,
        orders_reserve=config.orders_reserve,
    )
