"""The kinds of synthetic market there are."""

from __future__ import annotations

from typing import NamedTuple

from services.exchange.agents.burst import Burst
from services.exchange.agents.iceberg import Iceberg
from services.exchange.agents.spoof import Spoof
from services.exchange.agents.sweep import Sweep
from services.exchange.agents.turns import Agent
from services.exchange.flow import CALM, LIVELY, STILL, Habits


class Profile(NamedTuple):
    """What lives in each symbol's book."""

    habits: Habits
    volatilities: tuple[str, ...] = ()  # Regimes of the value; empty: pushes and calms as in the lively market.
    agents: tuple[type[Agent], ...] = ()  # Who make what detectors look for, and what only looks like it.
    leaders: bool = False  # Whether one symbol after the other becomes the one worth trading.


PROFILES = {
    "calm": Profile(CALM, ("quiet", "normal")),
    "lively": Profile(LIVELY),
    "still": Profile(STILL, ("quiet", "normal")),
    "labelled": Profile(CALM, ("quiet", "normal", "high", "extreme"), (Spoof, Iceberg, Sweep, Burst), leaders=True),
}
