"""Which symbols to trade: arithmetic on one scan, no state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite

from services.scanner.parse import Day, Listed


def score(day: Day) -> float:
    """Return turnover (USDT) x |24 h change (fraction)|: where money moves and the price with it."""
    return day.turnover_usdt * abs(day.change)


def candidates(listed: Mapping[str, Listed], days: Mapping[str, Day], min_turnover_usdt: float) -> dict[str, float]:
    """Return the score of every symbol that may be chosen; one without figures is not."""
    found: dict[str, float] = {}
    for symbol, day in days.items():
        entry = listed.get(symbol)
        if entry is None or entry.is_stock or not day.turnover_usdt >= min_turnover_usdt:
            continue
        value = score(day)
        if isfinite(value):
            found[symbol] = value
    return found


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Return the symbols, highest score first, ties by name."""
    return sorted(scores, key=lambda symbol: (-scores[symbol], symbol))


def select(
    members: Sequence[str],
    held: Collection[str],
    scores: Mapping[str, float],
    symbols_max: int,
    switch_multiplier: float,
) -> list[str]:
    """Return the new members, best first.

    A member keeps its place until a challenger's score is more than ``switch_multiplier`` times its own, both taken
    from the same scan. ``held`` symbols (a position or an order is open) are kept whatever their score, even beyond
    ``symbols_max``. A member that is no longer a candidate goes.
    """
    kept = {symbol for symbol in members if symbol in scores or symbol in held} | set(held)
    known = {symbol: scores.get(symbol, 0.0) for symbol in kept} | dict(scores)
    loose = [symbol for symbol in ranked(known) if symbol in kept and symbol not in held]
    room = max(0, symbols_max - len(set(held)))
    chosen, spare = loose[:room], loose[room:]
    waiting = [symbol for symbol in ranked(scores) if symbol not in kept or symbol in spare]
    while waiting and len(chosen) < room:
        chosen.append(waiting.pop(0))
    chosen.sort(key=lambda symbol: (-known[symbol], symbol))
    while waiting and chosen and known[waiting[0]] > switch_multiplier * known[chosen[-1]]:
        chosen[-1] = waiting.pop(0)
        chosen.sort(key=lambda symbol: (-known[symbol], symbol))
    return ranked({symbol: known[symbol] for symbol in [*held, *chosen]})
