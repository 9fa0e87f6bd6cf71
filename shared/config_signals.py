"""The part of the schema that is about signals and their fusion."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, field

from shared.config_base import Section

_OWN = re.compile(r"([a-z][a-z0-9_]*)=(0|1|0?\.[0-9]+|1\.0+)")


class Weights(Section, frozen=True):
    """Share of each signal in the fused score; only their proportions count, 0 switches a signal off."""

    obi: Annotated[float, Meta(ge=0, le=1, description="Order book imbalance.")] = 0.30
    umom: Annotated[float, Meta(ge=0, le=1, description="Micro-momentum: a fast against a slow average.")] = 0.20
    prt: Annotated[float, Meta(ge=0, le=1, description="Pull and replace: fade a wall that was not meant.")] = 0.15
    ltb: Annotated[float, Meta(ge=0, le=1, description="Large trade burst.")] = 0.12
    sweep: Annotated[float, Meta(ge=0, le=1, description="One taker order through several levels.")] = 0.08
    ice: Annotated[float, Meta(ge=0, le=1, description="Iceberg: a level that is refilled after every trade.")] = 0.05
    vwap: Annotated[float, Meta(ge=0, le=1, description="Distance from the volume-weighted average price.")] = 0.07
    regime: Annotated[float, Meta(ge=0, le=1, description="What the volatility of the moment asks for.")] = 0.03


class Signals(Section, frozen=True):
    """Events to features to scores to intents."""

    weights: Weights = field(default_factory=Weights)
    own: Annotated[
        tuple[str, ...], Meta(max_length=64, description="Weights of signals of your own, each as name=weight.")
    ] = ()
    wait: Annotated[
        Literal["zmq", "spin"],
        Meta(description="How it waits for events; `spin` looks all the time and needs a CPU of its own."),
    ] = "zmq"
    enter_confidence: Annotated[float, Meta(ge=0, le=1, description="Least confidence of an entry, 0..1.")] = 0.65
    trail_confidence: Annotated[
        float, Meta(ge=0, le=1, description="From this confidence on, the wish is to trail the stop of what is held.")
    ] = 0.85
    exit_confidence: Annotated[
        float, Meta(ge=0, le=1, description="Below this confidence in the side that is held it is left; 0: never.")
    ] = 0.40
    exit_hold_ms: Annotated[
        int, Meta(ge=0, le=3_600_000, description="No position is left by confidence before it is this old, ms.")
    ] = 5000
    exit_dwell_ms: Annotated[
        int, Meta(ge=0, le=3_600_000, description="How long without a break confidence has to be lost, ms.")
    ] = 2000
    steepness: Annotated[
        float,
        Meta(gt=0, le=100, description="Of the curve from score to confidence: 2 sigmoid(steepness |score|) - 1."),
    ] = 5.0
    adapt: Annotated[bool, Meta(description="Let the weights follow what each signal has earned.")] = True
    adapt_trades: Annotated[int, Meta(ge=2, le=1000, description="Newest round trips that an edge is the mean of.")] = (
        100
    )
    adapt_every: Annotated[int, Meta(ge=1, le=1000, description="Round trips between two changes of the weights.")] = 50
    adapt_shrink: Annotated[float, Meta(ge=0, le=10_000, description="An edge of n trades counts n / (n + this).")] = (
        50.0
    )
    adapt_sigmas: Annotated[
        float, Meta(ge=0, le=10, description="An edge changes only by what lies beyond this many standard errors.")
    ] = 2.75
    adapt_scale_bps: Annotated[
        float, Meta(gt=0, le=1000, description="Edge that doubles a weight, or takes it to nothing, basis points.")
    ] = 1.0
    adapt_floor: Annotated[float, Meta(ge=0, le=1, description="Least multiple of the configured weight.")] = 0.5
    adapt_ceiling: Annotated[float, Meta(ge=1, le=10, description="Greatest multiple of the configured weight.")] = 2.0
    deadband: Annotated[float, Meta(ge=0, lt=1, description="Scores below this mean nothing, 0..1.")] = 0.05
    intent_ttl_ms: Annotated[int, Meta(ge=1, le=10_000, description="An intent older than this is dropped, ms.")] = 250
    cooldown_ms: Annotated[
        int, Meta(ge=0, le=3_600_000, description="Least time between two intents on one symbol, ms.")
    ] = 1000
    prt_window_ms: Annotated[
        int, Meta(ge=20, le=60_000, description="A wall is pulled, and put back further out, within this time, ms.")
    ] = 500
    prt_pulled_share: Annotated[
        float, Meta(gt=0, lt=1, description="More than this share of the near size is cancelled in a trap, 0..1.")
    ] = 0.6
    prt_traded_share: Annotated[
        float, Meta(gt=0, le=1, description="Less than this share of what left was traded, 0..1.")
    ] = 0.1
    prt_replaced_share: Annotated[
        float, Meta(ge=0, le=1, description="At least this share of what was pulled stands further out, 0..1.")
    ] = 0.5
    prt_mid_ticks: Annotated[
        float, Meta(gt=0, le=1000, description="The mid moves less than this in a trap, ticks.")
    ] = 2.0
    prt_hold_ms: Annotated[int, Meta(ge=1, le=600_000, description="A trap's score fades over this time, ms.")] = 2000
    ltb_window_ms: Annotated[
        int, Meta(ge=1, le=600_000, description="The large orders of a burst come within this time, ms.")
    ] = 2000
    ltb_medians: Annotated[
        float, Meta(gt=0, le=1000, description="A large order is so many times the median order of 60 s.")
    ] = 5.0
    ltb_min_usdt: Annotated[float, Meta(ge=0, le=1e9, description="A large order is worth at least this, USDT.")] = (
        50_000.0
    )
    ltb_turnover_share: Annotated[
        float, Meta(ge=0, le=1, description="Where it is less: this share of all that was traded in 60 s; 0: never.")
    ] = 0.1
    ltb_orders: Annotated[int, Meta(ge=1, le=1000, description="Large orders that make a burst.")] = 3
    ltb_share: Annotated[
        float, Meta(gt=0, le=1, description="Least share of (bought - sold) in the size of a burst, 0..1.")
    ] = 0.8
    sweep_levels: Annotated[int, Meta(ge=2, le=1000, description="One order that takes so many levels is a sweep.")] = 3
    sweep_hold_ms: Annotated[int, Meta(ge=1, le=600_000, description="A sweep's score fades over this time, ms.")] = (
        2000
    )
    ice_refills: Annotated[
        int, Meta(ge=1, le=1000, description="A best level that fills up so often is an iceberg.")
    ] = 4
    ice_window_ms: Annotated[int, Meta(ge=1, le=600_000, description="Within this time, ms.")] = 5000
    ice_refill_ms: Annotated[
        int, Meta(ge=1, le=60_000, description="A level fills up within this time after a trade, ms.")
    ] = 300
    ice_refill_share: Annotated[
        float, Meta(gt=0, le=1, description="To at least this share of what was traded, 0..1.")
    ] = 0.8
    ice_mid_ticks: Annotated[
        float, Meta(gt=0, le=1000, description="The mid moves less than this at an iceberg, ticks.")
    ] = 1.0
    obi_levels: Annotated[int, Meta(ge=1, le=200, description="Levels a side in the imbalance.")] = 5
    obi_flow_s: Annotated[float, Meta(gt=0, le=60, description="Time constant of the order flow, s.")] = 1.0
    obi_flow_share: Annotated[float, Meta(ge=0, le=10, description="Share of the order flow beside the imbalance.")] = (
        0.6
    )
    obi_pressure_share: Annotated[float, Meta(ge=0, le=10, description="Share of the micro-pressure beside it.")] = 0.2
    obi_gain: Annotated[float, Meta(gt=0, le=10, description="Factor on imbalance, flow and pressure together.")] = 0.5
    obi_spread_penalty: Annotated[
        float, Meta(ge=0, le=1, description="Taken off the score for each tick of spread beyond the first.")
    ] = 0.15
    umom_fast_s: Annotated[float, Meta(gt=0, le=3600, description="Time constant of the fast average, s.")] = 1.0
    umom_slow_s: Annotated[float, Meta(gt=0, le=3600, description="Time constant of the slow average, s.")] = 5.0
    umom_volatility_min: Annotated[
        float, Meta(ge=0, le=100, description="No momentum in a calmer market, annualised: 1.0 is 100 % a year.")
    ] = 0.05
    umom_volatility_max: Annotated[
        float, Meta(gt=0, le=100, description="No momentum in a wilder market, annualised.")
    ] = 2.0
    umom_spread_ticks: Annotated[
        float, Meta(gt=0, le=10_000, description="No momentum across a wider spread, ticks.")
    ] = 2.5
    umom_full_deviations: Annotated[
        float, Meta(gt=0, le=100, description="Momentum in its own standard deviations that scores 1.")
    ] = 2.0
    umom_flow_ms: Annotated[int, Meta(ge=1, le=60_000, description="Trades that confirm momentum, ms back.")] = 2000
    umom_agree: Annotated[float, Meta(ge=0.5, le=1, description="Share of takers on its side that confirms.")] = 0.55
    umom_agree_factor: Annotated[float, Meta(ge=1, le=10, description="Factor on momentum confirmed.")] = 1.3
    umom_disagree: Annotated[float, Meta(ge=0, le=0.5, description="Share below which takers contradict.")] = 0.40
    umom_disagree_factor: Annotated[float, Meta(ge=0, le=1, description="Factor on momentum contradicted.")] = 0.5
    vwap_trades: Annotated[int, Meta(ge=2, le=100_000, description="Trades in the average price.")] = 500
    vwap_trades_min: Annotated[int, Meta(ge=1, le=100_000, description="Fewer trades make no average.")] = 20
    vwap_stale_s: Annotated[float, Meta(gt=0, le=86_400, description="Without a trade for this long: nothing, s.")] = (
        60.0
    )
    vwap_measure: Annotated[
        Literal["ticks", "deviations"], Meta(description="Distance of the mid from the average is counted in these.")
    ] = "ticks"
    vwap_full: Annotated[float, Meta(gt=0, le=10_000, description="So many of them score 1.")] = 5.0
    vwap_low: Annotated[
        float, Meta(ge=-1, le=1, description="Share of the way back that low volatility lets hope for.")
    ] = 1.0
    vwap_normal: Annotated[float, Meta(ge=-1, le=1, description="The same in normal volatility.")] = 0.5
    vwap_high: Annotated[float, Meta(ge=-1, le=1, description="In high volatility; below 0: further away.")] = -0.3
    vwap_extreme: Annotated[float, Meta(ge=-1, le=1, description="In extreme volatility.")] = 0.0
    regime_window_s: Annotated[int, Meta(ge=2, le=3600, description="Seconds that make the volatility.")] = 60
    regime_returns_min: Annotated[int, Meta(ge=1, le=3600, description="Fewer of them make none.")] = 10
    regime_normal_from: Annotated[float, Meta(gt=0, le=100, description="Least normal volatility, annualised.")] = 0.3
    regime_high_from: Annotated[float, Meta(gt=0, le=100, description="Least high volatility, annualised.")] = 1.2
    regime_extreme_from: Annotated[float, Meta(gt=0, le=100, description="Least extreme volatility, annualised.")] = 3.0
    regime_hysteresis: Annotated[
        float, Meta(ge=0, lt=1, description="A bound is passed when the volatility lies this share beyond it.")
    ] = 0.10
    regime_dwell_s: Annotated[
        int, Meta(ge=0, le=3600, description="Least time in a regime, except before extreme, s.")
    ] = 10
    regime_full_deviations: Annotated[
        float, Meta(gt=0, le=100, description="Move over the window in its own standard deviations that scores 1.")
    ] = 2.0


def own_weights(entries: Iterable[str]) -> dict[str, float]:
    """Return ``signals.own`` by name. Raises ValueError when one is not name=weight, or names what is there already."""
    found: dict[str, float] = {}
    for entry in entries:
        match = _OWN.fullmatch(entry)
        if match is None or match[1] in found or match[1] in Weights.__struct_fields__:
            raise ValueError(entry)
        found[match[1]] = float(match[2])
    return found
