"""What `peregrine why` prints: a headline per symbol that can be read at a glance, what is behind it indented below."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

Told = dict[str, Any]
GATES_SHOWN = 12
SCORES_SHOWN = 8
NAME_WIDTH = 22


def lines(found: Told) -> Iterator[str]:
    """Yield the lines for people."""
    state, reason = found["execution"]["state"], found["execution"]["reason"]
    says = f"{state or 'silent'}{f' ({reason})' if reason else ''}"
    kind = "goes on" if found["live"] else "is over"
    yield f"run {found['run_id']} {kind} · {found['strategy']} on {found['venue']} · execution {says}"
    for worker, age_ms in found["silent"].items():
        yield f"!! {worker} has written nothing for the last {span(age_ms)}"
    if not found["symbols"]:
        yield "no symbol was chosen yet: the scanner has said no universe"
    for symbol in found["symbols"]:
        yield ""
        yield from _symbol(symbol, found)


def _symbol(one: Told, found: Told) -> Iterator[str]:
    yield f"{one['symbol']:<12}{_headline(one, found)}"
    now = one["now"]
    if now["age_ms"] is not None:
        yield f"  opinion     {_opinion(now)}  (said {span(now['age_ms'])} ago)"
        yield from _scores(now["scores"])
    wish, trade = one["last_wish"], one["last_trade"]
    if wish is not None and (trade is None or wish["intent_id"] != trade["intent_id"]):
        yield from _wish(wish)
    if trade is not None:
        yield from _trade(trade)


def _headline(one: Told, found: Told) -> str:
    """Return the answer in one line: the first of these that is so."""
    held, now, wish, book = one["position"], one["now"], one["last_wish"], one["book"]
    if held is not None:
        bracket = f"stop {held['stop'] or 'NONE'}, target {held['target'] or 'none'}"
        return f"IN A TRADE: {held['side']} {held['qty']} @ {_number(held['entry'])}, {bracket}"
    if not one["in_universe"]:
        return "NOT TRADED: not in the universe"
    state, stopped = found["execution"]["state"], found["execution"]["reason"] == "stop" and not found["live"]
    if state != "running" and not stopped:
        return f"NO ENTRIES: execution is {state or 'silent'}"
    if book["state"] != "live":
        since = f", {span(book['age_ms'])} old" if book["age_ms"] is not None else ""
        because = f" ({book['reason']})" if book["reason"] else ""
        return f"NO ENTRIES: its book is {book['state']}{because}{since}"
    if wish is not None and now["reason"] in ("enter", "cooldown"):
        if wish["outcome"] == "refused":
            first = wish["blocked_by"][0]
            return f"REFUSED: gate {first['gate']} {_pair(first)}"
        return f"WISHED FOR: {wish['side']} @ {wish['price']}, {wish['outcome']}"
    return f"WAITS: {now['text']}{_figures(now)}"


def _figures(now: Told) -> str:
    value, limit = now.get("value"), now.get("limit")
    if limit is None:
        return ""
    shown = f"{_number(value)} of " if value is not None else ""
    return f" ({now['unit']} {shown}{_number(limit)})"


def _opinion(now: Told) -> str:
    side = {1: "long", -1: "short"}.get(now["direction"], "none")
    regime = f", volatility {now['regime']}" if now["regime"] else ""
    return f"{side}, score {now['score']:+.3f}, confidence {now['confidence']:.2f}{regime}: {now['reason']}"


def _scores(scores: dict[str, float]) -> Iterator[str]:
    """Yield the scores that say something, strongest first."""
    loud = sorted((item for item in scores.items() if item[1]), key=lambda item: -abs(item[1]))[:SCORES_SHOWN]
    if loud:
        yield f"  scores      {'  '.join(f'{name} {value:+.2f}' for name, value in loud)}"


def _wish(wish: Told) -> Iterator[str]:
    head = f"  last wish   {wish['side']} @ {wish['price']}, {span(wish['age_ms'])} ago: {wish['outcome']}"
    blocked = wish["blocked_by"]
    if blocked:
        head += f" by {len(blocked)} of {wish['gates_asked'] or len(blocked)} gates"
    elif wish["outcome"] == "lost":
        head += ": it did not reach the gates in time"
    yield head
    for one in blocked[:GATES_SHOWN]:
        yield f"    x {one['gate']:<{NAME_WIDTH}}{_pair(one):<32}{one['text']}"
    if len(blocked) > GATES_SHOWN:
        yield f"    and {len(blocked) - GATES_SHOWN} more"
    yield from _route(wish["orders"])


def _pair(block: Told) -> str:
    """Return a gate's value and limit; a gate that asks yes or no has said no."""
    if (block["value"], block["limit"]) == (0.0, 1.0):
        return "no"
    return f"{_number(block['value'])}, limit {_number(block['limit'])}"


def _route(orders: list[Told]) -> Iterator[str]:
    for number, leg in enumerate(orders):
        price = f" @ {leg['price']}" if leg["price"] else ""
        moved = f", repriced {leg['repriced']}x" if leg["repriced"] else ""
        why = f" ({leg['reason']})" if leg["reason"] else ""
        yield (
            f"  {'route' if number == 0 else '':<12}{leg['kind']} {leg['qty']}{price}, sent {leg['after_ms']:.2f} ms"
            f" after the decision{moved}: {leg['state']}{why}, filled {leg['filled']}"
        )


def _trade(trade: Told) -> Iterator[str]:
    ended = trade["reason"] is not None
    result = f"{trade['net_usdt']:+.4f} USDT" if ended else "still open"
    if ended and trade["net_r"] is not None:
        result += f" ({trade['net_r']:+.2f} R)"
    out = f" -> {_number(trade['exit'])}" if trade["exit"] is not None else ""
    yield (
        f"  last trade  {trade['side']} {_number(trade['entry'])}{out}: {result}, decided {span(trade['age_ms'])} ago"
        f" with score {trade['score']:+.3f}, confidence {trade['confidence']:.2f}"
    )
    yield from _scores(trade["scores"])
    yield from _route(trade["orders"])
    yield from _fills("filled", trade["fills"])
    cost = trade["slippage"]
    yield (
        f"  cost        in: delay {_bps(cost['delay_bps'])}, execution {_bps(cost['execution_bps'])},"
        f" fee {_bps(cost['entry_fee_bps'])} · out: execution {_bps(cost['exit_execution_bps'])},"
        f" fee {_bps(cost['exit_fee_bps'])} · fees {trade['fees_usdt']:.4f} USDT"
    )
    yield from _fills("closed", trade["exits"])
    if ended:
        yield f"  exit        {trade['reason']}, after {span(trade['held_ms'])}"


def _fills(name: str, fills: list[Told]) -> Iterator[str]:
    for number, fill in enumerate(fills):
        role = "maker" if fill["maker"] else "taker"
        yield f"  {name if number == 0 else '':<12}{fill['qty']} @ {fill['price']} {role}, fee {fill['fee_usdt']:.4f}"


def _bps(value: float | None) -> str:
    return f"{value:+.2f} bps" if value is not None and isfinite(value) else "?"


def _number(value: float | None) -> str:
    """Return a figure as short as it can be read; one that nobody knows is said to be so."""
    if value is None or not isfinite(value):
        return "unknown"
    return f"{value:.10g}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) < 100 else f"{value:.7g}"


def span(ms: float) -> str:
    """Return a duration for people."""
    if ms < 1_000:
        return f"{ms:.0f} ms"
    if ms < 120_000:
        return f"{ms / 1_000:.1f} s"
    return f"{ms / 60_000:.0f} min" if ms < 7_200_000 else f"{ms / 3_600_000:.1f} h"
