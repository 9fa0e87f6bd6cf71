"""Why nothing is traded, in words: what the signal engine calls its reasons, the gates their names, and where the
figures behind them stand."""

from __future__ import annotations

from typing import NamedTuple

from services.execution.gates import GATES
from services.signals.strategies.predator import FULL
from shared.config import Config
from shared.messages import Decision, ExecutionState, Verdict

BPS = 10_000
GATE_TEXTS = {gate.__name__: (gate.__doc__ or "").partition("\n")[0].rstrip(".") for gate in GATES}
"""What each gate asks for, by its name."""


class Why(NamedTuple):
    """One reason. ``value`` and ``limit`` are None where there are none, ``unit`` says what they are."""

    reason: str
    text: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""


class Block(NamedTuple):
    """One gate that did not pass."""

    gate: str
    value: float
    limit: float
    text: str


_PLAIN = {
    "regime": "the price moves too wildly to be read (extreme volatility)",
    "bias": "the opinion is against the trend",
    "report": "this preset only reports: orderflow.trade is off",
    "warmup": "not enough has been seen yet",
    "stale": "the last trade is too old to mean anything",
    "bar": "the last bar's entry is over: waits for the next close",
    "universe": "not in the universe (any more), or on another price grid",
    "open": "a position or an order is open already",
    "bracket": "no bracket fits here that pays its fees",
    "enter": "an entry was wished for",
}


def of_decision(decision: Decision, config: Config, state: ExecutionState | None) -> Why:
    """Return why a decision wished for nothing, or that it did."""
    reason, signals = decision.reason, config.signals
    if reason == "deadband":
        return Why(reason, "the signals say too little", abs(decision.score), signals.deadband, "|score|")
    if reason == "confidence":
        least = signals.enter_confidence
        return Why(reason, "the signals are not sure enough", decision.confidence, least, "confidence")
    if reason == "cooldown":
        return Why(reason, "the last wish is too young", None, float(signals.cooldown_ms), "ms")
    if reason == "momentum":
        threshold = config.predator.threshold_pct
        return Why(reason, "too little momentum", abs(decision.score) * FULL * threshold, threshold, "%")
    if reason == "spread":
        return Why(reason, "the spread is too wide", spread_bps(decision), config.risk.max_spread_bps, "bps")
    if reason == "execution":
        return Why(reason, f"execution takes no entries: {said_of(state)}")
    return Why(reason, _PLAIN.get(reason, reason))


def said_of(state: ExecutionState | None) -> str:
    """Return execution's state in words."""
    if state is None:
        return "it has said nothing yet"
    return f"{state.state} ({state.reason})" if state.reason else state.state


def spread_bps(decision: Decision) -> float:
    """Return the spread that a decision was taken at, basis points of the mid; nan without a book."""
    bid, ask = decision.best_bid_ticks, decision.best_ask_ticks
    return (ask - bid) * 2 * BPS / (bid + ask) if 0 < bid <= ask else float("nan")


def blocks(verdict: Verdict) -> list[Block]:
    """Return every gate that did not pass, the one that gave the verdict its name first."""
    asked = zip(verdict.gates, verdict.checks, strict=True)
    found = [Block(name, one.value, one.limit, GATE_TEXTS.get(name, "")) for name, one in asked if not one.passed]
    if not found and verdict.gate:
        found = [Block(verdict.gate, verdict.value, verdict.limit, GATE_TEXTS.get(verdict.gate, ""))]
    return found
