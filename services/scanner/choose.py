"""Which symbols are worth trading: arithmetic on one scan, no state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite

from services.scanner.parse import Day, Listed
from shared.config import Scanner


def score(day: Day, factor: float = 1.0) -> float:
    """Return turnover (USDT) x |24 h change (fraction)| x ``factor``: where money moves and the price with it."""
    return day.turnover_usdt * abs(day.change) * factor


def candidates(
    listed: Mapping[str, Listed], days: Mapping[str, Day], config: Scanner, members: Collection[str] = ()
) -> dict[str, float]:
    """Return the score of every symbol that may be chosen; one without figures is not.

    Of the symbols that are allowed and turn over enough, ``config.candidates_max`` with the highest turnover are
    scored, and the ``members``: one that is worth its place must not lose it to a rank that flickers.
    """
    allowed = {
        symbol: entry
        for symbol, entry in listed.items()
        if symbol in days
        and days[symbol].turnover_usdt >= config.min_turnover_usdt
        and entry.kind not in config.exclude_types
        and entry.coin not in config.exclude_coins
    }
    by_turnover = ranked({symbol: days[symbol].turnover_usdt for symbol in allowed})
    found: dict[str, float] = {}
    for rank, symbol in enumerate(by_turnover):
        if rank >= config.candidates_max and symbol not in members:
            continue
        value = score(days[symbol], config.whitelist_factor if allowed[symbol].coin in config.whitelist else 1.0)
        if isfinite(value):
            found[symbol] = value
    return found


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Return the symbols, highest score first, ties by name."""
    return sorted(scores, key=lambda symbol: (-scores[symbol], symbol))


def select(members: Sequence[str], scores: Mapping[str, float], places: int, switch_multiplier: float) -> list[str]:
    """Return who should have the ``places``, best first.

    A member keeps its place until a challenger's score is more than ``switch_multiplier`` times its own, both taken
    from the same scan. A member that is no longer a candidate goes.
    """
    order = ranked(scores)
    inside = [symbol for symbol in order if symbol in members]
    chosen = inside[: max(0, places)]
    waiting = [symbol for symbol in order if symbol not in chosen]
    while waiting and len(chosen) < places:
        chosen.append(waiting.pop(0))
    chosen.sort(key=order.index)
    while waiting and chosen and scores[waiting[0]] > switch_multiplier * scores[chosen[-1]]:
        chosen[-1] = waiting.pop(0)
        chosen.sort(key=order.index)
    return chosen
