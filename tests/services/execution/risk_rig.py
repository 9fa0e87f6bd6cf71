"""Gains and losses for the breakers, over the rig."""

from __future__ import annotations

import dataclasses
from typing import Any

from shared.messages import Command, RoundTrip, Verdict
from shared.scale import E8
from tests.services.execution.rig import LIMITS, Rig


def limited(**changes: Any) -> Rig:
    return Rig(dataclasses.replace(LIMITS, risk=LIMITS.risk._replace(**changes)))


def say(rig: Rig, verb: str) -> None:
    rig.feed(Command(f"{verb}-{rig.now}", verb))


def gate(rig: Rig, name: str, **changes: Any) -> str:
    rig.wish(name, **changes)
    return rig.last(Verdict).gate


def lose(rig: Rig, name: str, price: str = "59000.00") -> RoundTrip:
    """Buy 0.008 BTC at 60000.1 and have the venue close it at ``price``."""
    rig.wait(300)
    link = rig.enter(name).order_link_id
    rig.leave("", f"out-{link}", execPrice=price, orderLinkId="", orderId=f"stop-{link}", stopOrderType="StopLoss")
    return rig.last(RoundTrip)


def latched() -> Rig:
    rig = Rig(dataclasses.replace(LIMITS, max_daily_loss_e8=8 * E8)).start()
    lose(rig, "abc-0-1")
    rig.wait(50)
    assert rig.state == "latched"
    return rig
