"""The `brackets` part of the configuration: stop, target, and what becomes of them while a position is open."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from shared.config_base import Section


class Brackets(Section, frozen=True):
    """Stop, target and time exit of every position."""

    policy: Annotated[
        Literal["pct", "ticks", "atr"],
        Meta(description="What distances are measured by: percent of the entry, ticks, or the average range of a bar."),
    ] = "pct"
    stop_pct: Annotated[float, Meta(gt=0, le=50, description="Stop distance from the entry, percent.")] = 0.5
    target_pct: Annotated[float, Meta(gt=0, le=100, description="Target distance from the entry, percent.")] = 1.0
    base_stop_ticks: Annotated[int, Meta(ge=1, le=1_000_000, description="Stop distance of `ticks`, ticks.")] = 3
    tp_ticks_multiplier: Annotated[
        float, Meta(gt=0, le=100, description="Target distance of `ticks`, in distances of its stop.")
    ] = 1.5
    atr_stop: Annotated[float, Meta(gt=0, le=100, description="Stop distance of `atr`, in average ranges.")] = 2.0
    atr_target: Annotated[float, Meta(gt=0, le=100, description="Target distance of `atr`, in average ranges.")] = 4.0
    atr_min_pct: Annotated[
        float, Meta(gt=0, le=50, description="Nearest stop of `atr`, percent of the entry; its target moves with it.")
    ] = 0.5
    atr_max_pct: Annotated[float, Meta(gt=0, le=50, description="Farthest stop of `atr`, percent of the entry.")] = 5.0
    atr_bar_s: Annotated[float, Meta(ge=1, le=86_400, description="Length of the bars whose range is averaged, s.")] = (
        60.0
    )
    atr_period: Annotated[int, Meta(ge=1, le=1000, description="Bars in that average.")] = 14
    time_exit_s: Annotated[
        float, Meta(ge=0, le=86_400, description="A position older than this is closed, s; 0 switches it off.")
    ] = 10.0
    trail_from: Annotated[
        float,
        Meta(ge=0, le=100, description="The stop follows the price from this gain on, in distances of the first stop; "
             "0 switches it off."),
    ] = 0.5  # fmt: skip
    trail_distance: Annotated[
        float, Meta(gt=0, le=100, description="How far behind the best price it stays, in distances of the first stop.")
    ] = 0.5
    trail_tight: Annotated[
        float, Meta(gt=0, le=1, description="Share of that distance while the signals are very sure of the position.")
    ] = 0.5
    trail_step_ticks: Annotated[int, Meta(ge=1, le=10_000, description="The stop is moved by no less than this.")] = 1
    trail_interval_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="Least time between two such moves of any stops, ms.")
    ] = 200
    break_even_from: Annotated[
        float,
        Meta(ge=0, le=100, description="From this gain on the stop pays for the fees, in distances of the first stop; "
             "0 switches it off."),
    ] = 0.0  # fmt: skip
    partial_from: Annotated[
        float,
        Meta(ge=0, lt=1, description="Where a part of the position is closed by a resting order, share of the way to "
             "the target; 0 switches it off."),
    ] = 0.0  # fmt: skip
    partial_share: Annotated[float, Meta(gt=0, lt=1, description="How much of the position that part is.")] = 0.5
