"""What no single value can tell: parameters that contradict each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import tanh

from shared.config import Config, Signals, Weights
from shared.config_signals import own_weights

FRAMES_HELD = 16  # Of the largest frames, the least that the ring has to hold.


def contradictions(config: Config, cpus: int = 0) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (the paths involved, what is wrong with them), one per contradiction. ``cpus``: 0 asks the box."""
    yield from _books(config)
    yield from _symbols(config)
    yield from _scores(config)
    yield from _brackets(config)
    yield from _orders(config)
    yield from _spinners(config, cpus or len(os.sched_getaffinity(0)))


def _books(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    records = config.ingest.ring_records
    if records & (records - 1):
        below = 1 << (records.bit_length() - 1)
        yield (
            ("ingest.ring_records",),
            f"ingest.ring_records = {records}: expected a power of two; nearest: {below} and {below * 2}",
        )
    levels, depth = config.signals.obi_levels, config.ingest.depth
    if records < FRAMES_HELD * depth:
        yield (
            ("ingest.ring_records", "ingest.depth"),
            f"ingest.ring_records = {records}: expected at least {FRAMES_HELD} x ingest.depth = {FRAMES_HELD * depth}",
        )
    if levels > depth:
        yield (
            ("signals.obi_levels", "ingest.depth"),
            f"signals.obi_levels = {levels}: expected at most ingest.depth = {depth}",
        )


def _symbols(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    for path, symbols in (("scanner.symbols", config.scanner.symbols), ("exchange.symbols", config.exchange.symbols)):
        twice = next((symbol for symbol in symbols if symbols.count(symbol) > 1), "")
        if twice:
            yield (path,), f"{path} = {list(symbols)}: {twice} is named twice"
    most, named = config.scanner.symbols_max, len(config.scanner.symbols)
    if named > most:
        yield (
            ("scanner.symbols", "scanner.symbols_max"),
            f"scanner.symbols: {named} symbols, expected at most scanner.symbols_max = {most}",
        )
    if most > config.ingest.symbols_max:
        yield (
            ("scanner.symbols_max", "ingest.symbols_max"),
            f"scanner.symbols_max = {most}: expected at most ingest.symbols_max = {config.ingest.symbols_max}",
        )


def _scores(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    fast, slow = config.signals.umom_fast_s, config.signals.umom_slow_s
    if fast >= slow:
        yield (
            ("signals.umom_fast_s", "signals.umom_slow_s"),
            f"signals.umom_fast_s = {fast}: expected less than signals.umom_slow_s = {slow}",
        )
    yield from _confidences(config.signals)
    yield from _weights(config.signals)
    ordered = (
        ("umom_volatility_min", "umom_volatility_max"),
        ("regime_normal_from", "regime_high_from"),
        ("regime_high_from", "regime_extreme_from"),
    )
    for low, high in ordered:
        least, most = getattr(config.signals, low), getattr(config.signals, high)
        if least >= most:
            yield (
                (f"signals.{low}", f"signals.{high}"),
                f"signals.{low} = {least}: expected less than signals.{high} = {most}",
            )


def _weights(signals: Signals) -> Iterator[tuple[tuple[str, ...], str]]:
    names = Weights.__struct_fields__
    try:
        own = own_weights(signals.own)
    except ValueError as error:
        yield ("signals.own",), f"signals.own: {str(error)!r}: expected a new name and a weight of 0 to 1, as name=0.05"
        return
    if sum(getattr(signals.weights, name) for name in names) + sum(own.values()) <= 0:
        yield (
            tuple(f"signals.weights.{name}" for name in names),
            "signals.weights: all are 0, expected at least one above 0",
        )


def _brackets(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    nearest, farthest = config.brackets.atr_min_pct, config.brackets.atr_max_pct
    if nearest > farthest:
        yield (
            ("brackets.atr_min_pct", "brackets.atr_max_pct"),
            f"brackets.atr_min_pct = {nearest}: expected at most brackets.atr_max_pct = {farthest}",
        )


def _confidences(signals: Signals) -> Iterator[tuple[tuple[str, ...], str]]:
    """A threshold that no score reaches, or an entry that is an exit at once."""
    most = tanh(signals.steepness / 2)  # 2 sigmoid(x) - 1 of the largest score.
    for name in ("enter_confidence", "trail_confidence"):
        if getattr(signals, name) > most:
            yield (
                (f"signals.{name}", "signals.steepness"),
                f"signals.{name} = {getattr(signals, name)}: expected at most {most:.4f}, that of a score of 1",
            )
    if signals.exit_confidence > signals.enter_confidence:
        yield (
            ("signals.exit_confidence", "signals.enter_confidence"),
            f"signals.exit_confidence = {signals.exit_confidence}: expected at most signals.enter_confidence ="
            f" {signals.enter_confidence}",
        )


def _orders(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    risk = config.risk
    if risk.orders_reserve >= risk.orders_per_s:
        yield (
            ("risk.orders_reserve", "risk.orders_per_s"),
            f"risk.orders_reserve = {risk.orders_reserve}: expected less than risk.orders_per_s = {risk.orders_per_s}",
        )


def _spinners(config: Config, cpus: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """A spinner takes a whole CPU, and one has to be left for everybody else."""
    spinning = [name for name in ("signals",) if getattr(config, name).wait == "spin"]
    if len(spinning) > cpus - 1:
        paths = tuple(f"{name}.wait" for name in spinning)
        yield paths, f"{paths[0]} = spin: expected at least {len(spinning) + 1} CPUs, this box offers {cpus}"
    pins = config.supervisor.pin
    for name in spinning:
        cpu = getattr(pins, name)
        others = [other for other in pins.__struct_fields__ if other != name and getattr(pins, other) == cpu]
        if isinstance(cpu, int) and others:
            other = f"supervisor.pin.{others[0]}"
            yield (
                (f"supervisor.pin.{name}", other),
                f"{other} = {cpu}: {name} spins on that CPU, expected another one",
            )
