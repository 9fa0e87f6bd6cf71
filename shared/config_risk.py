"""The `risk` part of the configuration: what the gates allow, how large an entry is, and what stops all trading."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from shared.config_base import Section


class Risk(Section, frozen=True):
    """What the gates allow."""

    position_size_usdt: Annotated[
        float, Meta(gt=0, le=1e7, description="Value of one entry, USDT; the venue's least order if that is more.")
    ] = 500.0
    max_position_usdt: Annotated[float, Meta(gt=0, le=1e7, description="Largest value of one position, USDT.")] = 1000.0
    max_positions: Annotated[int, Meta(ge=1, le=64, description="Positions open at the same time.")] = 3
    risk_pct: Annotated[
        float,
        Meta(gt=0, le=10, description="What an entry may lose at its stop, costs included, percent of the equity."),
    ] = 0.5
    max_exposure_usdt: Annotated[
        float,
        Meta(gt=0, le=1e8, description="Value of all positions if every order filled, unanswered ones too, USDT."),
    ] = 3000.0
    leverage: Annotated[int, Meta(ge=1, le=100, description="Leverage set at the venue.")] = 5
    max_spread_bps: Annotated[float, Meta(gt=0, le=1000, description="Widest spread of an entry, basis points.")] = 20.0
    max_spread_ticks: Annotated[
        int, Meta(ge=0, le=10_000, description="Widest spread of an entry, ticks; 0 switches it off.")
    ] = 0
    max_latency_ms: Annotated[
        float,
        Meta(ge=0, le=60_000, description="No entry on data that was longer on its way, ms; 0 switches it off."),
    ] = 80.0
    max_clock_offset_ms: Annotated[
        float,
        Meta(ge=0, le=60_000, description="No entry while the venue's clock is this far off, ms; 0 switches it off."),
    ] = 300.0
    max_daily_loss_usdt: Annotated[
        float,
        Meta(gt=0, le=1e9, description="Lost since 00:00 UTC: kill, and no entry until a `reset`, USDT."),
    ] = 100.0
    max_daily_loss_r: Annotated[
        float, Meta(gt=0, le=1000, description="The same in R: each loss in what that trade was to lose at its stop.")
    ] = 10.0
    max_daily_loss_pct: Annotated[
        float, Meta(gt=0, le=100, description="The same in percent of what the day began with.")
    ] = 3.0
    max_slippage_ticks: Annotated[
        int,
        Meta(
            ge=0, le=10_000, description="An entry filled farther beyond the touch it was sent at is a breach, ticks."
        ),
    ] = 2
    slippage_breaches: Annotated[
        int, Meta(ge=1, le=1000, description="So many breaches since 00:00 UTC: kill, and no entry until a `reset`.")
    ] = 3
    cooldown_s: Annotated[
        float, Meta(ge=0, le=86_400, description="No entry in a symbol for this long after a loss in it, s.")
    ] = 5.0
    reject_limit: Annotated[
        int, Meta(ge=1, le=1000, description="So many entries refused by the venue in a row: a pause.")
    ] = 3
    reject_pause_s: Annotated[
        float, Meta(ge=0, le=86_400, description="How long that pause lasts, unless a `reset` ends it, s.")
    ] = 60.0
    funding_min: Annotated[
        float,
        Meta(ge=0, le=60, description="Flat for this long before and after each funding, minutes; 0 switches it off."),
    ] = 3.0
    delivery_h: Annotated[
        float,
        Meta(ge=0, le=720, description="No entry this long before a symbol's last day ends, h; 0 switches it off."),
    ] = 24.0
    orders_per_s: Annotated[
        int, Meta(ge=1, le=1000, description="Order requests of all sorts that are sent a second at most.")
    ] = 10
    orders_reserve: Annotated[
        int, Meta(ge=0, le=999, description="Of these, kept from entries for cancels, stops and exits.")
    ] = 3
    on_stop: Annotated[
        Literal["flatten", "keep"], Meta(description="What happens to open positions when the run ends.")
    ] = "flatten"
