"""The part of the schema that is about bars and the indicators on them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from shared.config_base import Section

Interval = Literal["1m", "5m", "1h"]


class Candles(Section, frozen=True):
    """Bars, for strategies that need them: made from trades, back-filled from the venue."""

    interval: Annotated[Interval, Meta(description="Bars that are traded on; decided is at the close of each.")] = "1m"
    lookback_1m: Annotated[int, Meta(ge=150, le=20_000, description="Finished bars of 1 min that are kept.")] = 2000
    lookback_5m: Annotated[int, Meta(ge=150, le=20_000, description="Finished bars of 5 min that are kept.")] = 1000
    lookback_1h: Annotated[int, Meta(ge=150, le=20_000, description="Finished bars of 1 h that are kept.")] = 200


class Indicators(Section, frozen=True):
    """Periods are in bars."""

    luxfvgtrend_length: Annotated[
        int, Meta(ge=1, le=1000, description="Bars whose mean body a displacement is measured by.")
    ] = 14
    luxfvgtrend_mult: Annotated[
        float, Meta(ge=0, le=100, description="So many mean bodies make a displacement; 0: every gap counts.")
    ] = 2.0
    tva_volume_ma_period: Annotated[int, Meta(ge=1, le=1000, description="Bars of the mean volume.")] = 20
    tva_leg_bars: Annotated[int, Meta(ge=2, le=1000, description="Bars of the line whose slope is the leg.")] = 14
    tva_smooth_bars: Annotated[int, Meta(ge=1, le=1000, description="Rising and declining are means of so many.")] = 3
    cvd_length: Annotated[int, Meta(ge=1, le=1000, description="Bars in the sum of deltas.")] = 20
    vfi_period: Annotated[int, Meta(ge=1, le=1000, description="Bars in the sum of flows.")] = 130
    vfi_coef: Annotated[
        float, Meta(ge=0, le=10, description="Moves below this many deviations do not flow; 0.1 for intraday bars.")
    ] = 0.2
    vfi_cap: Annotated[
        float, Meta(gt=0, le=100, description="Volume counts up to so many mean volumes; 3.5 for intraday bars.")
    ] = 2.5
    vfi_stdev_bars: Annotated[int, Meta(ge=2, le=1000, description="Bars in the deviation of moves.")] = 30
    vfi_ema_bars: Annotated[int, Meta(ge=1, le=1000, description="Bars of the smoothing; 1 smooths nothing.")] = 3
    atr_period: Annotated[int, Meta(ge=1, le=1000, description="Bars of Wilder's average true range.")] = 14
