"""Each preset flies through the same cores on a virtual clock, its constants unchanged, and trades."""

from __future__ import annotations

from math import log, sqrt
from pathlib import Path

import pytest

from replay.world.fleet import START_NS, Fleet
from shared.clock import NS_PER_S
from shared.messages import Decision, Leave, Message
from shared.presets import config_of

HOURS, TRIPS = 6, 3
YEAR_S = 365 * 86_400


class Watch:
    """Notes what was decided, and what the mid did from minute to minute."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()
        self.leaves = 0

    def hear(self, now: int, name: str, message: Message) -> None:
        if isinstance(message, Decision):
            self.reasons.add(message.reason)
        self.leaves += isinstance(message, Leave)


def fly(
    strategy: str, seconds: int, folder: Path, *, until_trips: int = 0, **values: object
) -> tuple[Fleet, Watch, float]:
    """Return the fleet after so many simulated seconds, or a whole hour that ends with so many round trips, stopped in
    order; and the first symbol's volatility a year.
    """
    watch = Watch()
    fleet = Fleet(config_of(strategy, values), folder, hear=watch.hear)
    symbol = fleet.config.exchange.symbols[0]
    squares, last = 0.0, 0
    for spent in range(0, seconds, 60):
        if spent and spent % 3_600 == 0 and 0 < until_trips <= len(fleet.trips):
            seconds = spent
            break
        fleet.run(min(60, seconds))
        bid, ask = fleet.network.core.desk.market.touch_ticks(symbol)
        squares += log((bid + ask) / last) ** 2 if last else 0.0
        last = bid + ask
    assert fleet.stop()
    return fleet, watch, sqrt(squares * YEAR_S / seconds)


def judge(fleet: Fleet) -> None:
    """The account adds up, and no position was ever without a stop."""
    desk = fleet.network.core.desk
    assert not fleet.oracle.violations(desk.account, desk.orders)
    assert fleet.oracle.naked_ns_max(fleet.clock.now()) == 0


def test_fusion_makes_three_round_trips_in_a_minute(tmp_path: Path) -> None:
    fleet, watch, _ = fly("fusion", 60, tmp_path)
    assert len(fleet.trips) >= 3
    assert {"deadband", "confidence", "enter"} <= watch.reasons
    judge(fleet)
    fleet.close()


def test_orderflow_reports_and_sends_no_order(tmp_path: Path) -> None:
    fleet, watch, _ = fly("orderflow", 20, tmp_path)
    assert watch.reasons
    assert (fleet.trips, fleet.oracle.executed) == ([], 0)
    fleet.close()


@pytest.mark.full
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("strategy", ["predator", "indicator"])
def test_it_trades_in_six_simulated_hours(strategy: str, tmp_path: Path) -> None:
    fleet, watch, volatility = fly(strategy, HOURS * 3_600, tmp_path, until_trips=TRIPS, **{"exchange.seed": 1})
    reasons = sorted({trip.reason for trip in fleet.trips})
    spent_h = (fleet.clock.now() - START_NS) / NS_PER_S / 3_600
    print(f"\n{strategy}: {len(fleet.trips)} round trips in {spent_h:.1f} simulated hours;")
    print(f"ended by {reasons}, {watch.leaves} wishes to leave; volatility {volatility:.0%} a year")
    assert len(fleet.trips) >= TRIPS
    judge(fleet)
    fleet.close()
