"""From a book frame's bytes leaving the exchange to an order's bytes arriving there, every process real.

This process plays the public stream and the order entry on one clock; a local exchange beside it answers REST and the
private stream. Ingest, scanner, signals and execution run as the supervisor runs them. Every second frame of a symbol
leans its book and is thereby an entry decision; the order it brings is refused, so that the symbol is free again. A
bare picows client that answers each frame with a prebuilt order takes every other turn: it is the base.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec
import orjson
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.exchange_server import RULES, names
from bench.executor import Mark, marked, marks, parts_us, refusals
from bench.server import Client, FrameServer, framed
from bench.stage import Stage, await_true, quantiles_us, say
from services.exchange import main as exchange
from services.ingest import main as ingest
from services.scanner import main as scanner
from services.signals import main as signals
from shared.awake import awake
from shared.bybit.venue import Venue, venue_of
from shared.clock import NS_PER_MS
from shared.config import Config, Exchange, Execution, Ingest, Risk, Router, Scanner, Signals, Weights
from shared.fleet import FleetPage, Word
from shared.service import Context

ORDERS, WARM = 200, 20  # Each way.
SYMBOLS = names(8)  # A wish for a symbol within 250 ms of the last counts as the same one.
GOALS: dict[Literal["zmq", "spin"], float] = {"zmq": 2.5, "spin": 1.5}
BARE = "bare"  # The topic by which the bare client is known.
LEVELS = 5
DEPTH: Literal[50] = 50
MID_TICKS = 600_000
EVEN, LEANING = "1.000", "9.000"
PAUSE_S, LOST_S = 0.012, 0.1
READY_S = 60.0
NO_BALANCE = 110007
ORDER = orjson.dumps({
    "reqId": "1", "op": "order.create", "header": {"X-BAPI-TIMESTAMP": "1790000000000", "X-BAPI-RECV-WINDOW": "2500"},
    "args": [{"category": "linear", "symbol": SYMBOLS[0], "side": "Buy", "orderType": "Limit", "qty": "0.008",
              "timeInForce": "IOC", "positionIdx": 0, "orderLinkId": "bench-1-e", "reduceOnly": False,
              "price": "60000.10", "stopLoss": "59700.00", "takeProfit": "60600.00", "tpslMode": "Full"}],
})  # fmt: skip


def config(wait: Literal["zmq", "spin"]) -> Config:
    """Return a configuration in which one leaning book is a decision and nothing but the way takes time."""
    weights = Weights(obi=1.0, umom=0.0, prt=0.0, ltb=0.0, sweep=0.0, ice=0.0, vwap=0.0, regime=0.0)
    risk = Risk(
        max_positions=64, max_exposure_usdt=1e7, cooldown_s=0.0, reject_limit=1000, reject_pause_s=0.0,
        funding_min=0.0, delivery_h=0.0, max_latency_ms=0.0, max_clock_offset_ms=0.0, orders_per_s=1000,
    )  # fmt: skip
    return msgspec.structs.replace(
        Config(),
        exchange=Exchange(symbols=SYMBOLS, ip_requests=10**9, persist=False, profile="still"),
        scanner=Scanner(symbols=SYMBOLS, symbols_max=len(SYMBOLS), interval_s=3600.0),
        ingest=Ingest(depth=DEPTH, cross_check=False, ticker_silence_ms=0, silence_ms=60_000, book_silence_ms=60_000),
        signals=msgspec.structs.replace(
            Signals(), weights=weights, wait=wait, cooldown_ms=0, enter_confidence=0.5, adapt=False
        ),
        router=Router(mode="take"),
        risk=risk,
        execution=Execution(watch_ms=0, reconcile_s=3600.0),
    )


class Took(NamedTuple):
    """One frame that was answered."""

    link: str
    ns: int  # From its bytes given to the kernel to the order's bytes read,
    out_ns: int  # and when that began, CLOCK_MONOTONIC.


class Floor:
    """What this process plays: books that are evened out and leaned, and a door that times orders and refuses them."""

    def __init__(self) -> None:
        self.server = FrameServer(self._subscribed, hear=self._hear)
        self._books = {f"orderbook.{DEPTH}.{symbol}": symbol for symbol in SYMBOLS}
        self._updates = dict.fromkeys((*SYMBOLS, BARE), 0)
        self.order: tuple[str, int] | None = None  # The last that arrived: its name, and when.
        self.logged_in = False

    def _subscribed(self, _: Client, topic: str) -> list[bytes]:
        symbol = self._books.get(topic)
        return [b'{"success":true,"op":"subscribe"}', *([self.frame(symbol, "snapshot", EVEN)] if symbol else [])]

    def _hear(self, client: Client, asked: dict[str, Any]) -> bytes:
        operation, req_id = asked.get("op"), asked.get("reqId", "")
        if operation == "order.create":
            self.order = asked["args"][0]["orderLinkId"], self.server.read_ns
            if BARE in client.topics:
                return b""  # It would answer that, too.
            return orjson.dumps({"reqId": req_id, "retCode": NO_BALANCE, "retMsg": "no balance", "op": operation})
        if operation == "auth":
            self.logged_in = True
            return orjson.dumps({"reqId": req_id, "retCode": 0, "retMsg": "OK", "op": "auth", "connId": "bench"})
        return b""

    def frame(self, symbol: str, kind: str, bid_qty: str, ask_qty: str = EVEN) -> bytes:
        """Return the next frame of a book of five levels a side whose sizes are all the same on each."""
        self._updates[symbol] += 1
        number, now_ms = self._updates[symbol], time.time_ns() // NS_PER_MS
        sides = (
            ",".join(f'["{(MID_TICKS + sign * away) / 10:.2f}","{qty}"]' for away in range(first, first + LEVELS))
            for sign, first, qty in ((-1, 0, bid_qty), (1, 1, ask_qty))
        )
        return (
            f'{{"topic":"orderbook.{DEPTH}.{symbol}","type":"{kind}","ts":{now_ms},"data":{{"s":"{symbol}",'
            f'"b":[{next(sides)}],"a":[{next(sides)}],"u":{number},"seq":{number}}},"cts":{now_ms}}}'
        ).encode()

    def ready(self, *, ours: bool) -> bool:
        """Return whether those that are to be measured have come."""
        self.server.poll(0.01)
        topics = self.server.topics()
        return BARE in topics and (not ours or (self.logged_in and self._books.keys() <= topics.keys()))

    def wait(self, seconds: float) -> None:
        """Let time pass, or an order come."""
        until = time.monotonic() + seconds
        while self.order is None and (left := until - time.monotonic()) > 0:
            self.server.poll(left)

    def ask(self, client: Client, frame: bytes) -> Took | None:
        """Send a frame and wait for its order; return its name and how long it took."""
        self.order = None
        data = framed(frame)
        began_ns = time.monotonic_ns()
        client.send(data)
        self.wait(LOST_S)
        return Took(self.order[0], self.order[1] - began_ns, began_ns) if self.order is not None else None


class Answering(WSListener):
    """The bare client."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, orjson.dumps({"op": "subscribe", "args": [BARE]}))
        self._subscribed = False

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._subscribed:
            transport.send(WSMsgType.TEXT, ORDER)
        self._subscribed = True  # The first frame said so.


def _answer(port: int) -> None:
    async def run() -> None:
        transport, _ = await ws_connect(Answering, f"ws://127.0.0.1:{port}/bare")
        await transport.wait_disconnected()

    uvloop.run(run())


def _towards(port: int) -> Callable[[Context], Any]:
    """Return ingest's main with the floor as its public stream."""

    def elsewhere(config: Config, fleet: FleetPage) -> Venue:
        return venue_of(config, fleet)._replace(public_url=f"ws://127.0.0.1:{port}/public")

    async def main(ctx: Context) -> None:
        vars(ingest).update(venue_of=elsewhere)
        await ingest.main(ctx)

    return main


def measure(wait: Literal["zmq", "spin"], orders: int = ORDERS) -> dict[str, Any]:
    """Measure one way of waking the signal engine, and the bare client, in turns."""
    floor = Floor()
    port = floor.server.port
    with Stage(config(wait)) as stage:
        rows = [{"symbol": name, **RULES} for name in SYMBOLS]
        path = stage.folder / "instruments.json"
        path.write_bytes(orjson.dumps({"retCode": 0, "result": {"category": "linear", "list": rows}}))
        venue = msgspec.structs.replace(stage.config.exchange, instruments=str(path))
        stage.config = msgspec.structs.replace(stage.config, exchange=venue)
        stage.start("exchange", exchange.main)
        await_true(lambda: stage.fleet.get(Word.EXCHANGE_PORT), "exchange")
        stage.start_ingest(main=_towards(port))
        stage.start("scanner", scanner.main)
        stage.start("execution", marked(f"ws://127.0.0.1:{port}/trade"))
        stage.start("signals", signals.main)
        stage.fork(lambda: _answer(port))
        await_true(lambda: floor.ready(ours=True), "processes", READY_S)
        ours, bare, lost = _turns(floor, orders + WARM)
        found = {f"{mark.intent_id}-e": mark for mark in marks(stage.folder)}
        refused = refusals(stage.folder)
        epoch_ns = stage.clock.now() - time.monotonic_ns()
    return _summed(ours, bare, found, epoch_ns) | {"lost": lost, "refused": refused}


def _turns(floor: Floor, orders: int) -> tuple[list[Took], list[int], int]:
    """Return what both sides took, and how many decisions brought no order."""
    clients, (bare_client,) = floor.server.topics(), [floor.server.topics()[BARE]]
    ours, bare, turn, asked = list[Took](), list[int](), 0, 0
    gc.disable()
    deadline = time.monotonic() + READY_S + orders * (4 * PAUSE_S + LOST_S)
    while len(ours) < orders and time.monotonic() < deadline:
        symbol = SYMBOLS[turn % len(SYMBOLS)]
        bid, ask = ((LEANING, EVEN), (EVEN, LEANING))[turn // len(SYMBOLS) % 2]
        turn += 1
        client = clients[f"orderbook.{DEPTH}.{symbol}"]
        client.send(framed(floor.frame(symbol, "delta", EVEN)))
        _rest(floor)
        took = floor.ask(client, floor.frame(symbol, "delta", bid, ask))
        if took is not None:
            ours.append(took)
        asked += int(len(ours) > WARM)  # Before that everybody was still starting.
        _rest(floor)
        client.send(framed(floor.frame(symbol, "delta", EVEN)))
        _rest(floor)
        answered = floor.ask(bare_client, floor.frame(BARE, "delta", bid, ask))
        if answered is not None:
            bare.append(answered.ns)
        _rest(floor)
    gc.enable()
    return ours[WARM:], bare[WARM:], asked - len(ours[WARM:])


def _rest(floor: Floor) -> None:
    """Let everybody fall asleep; an order that comes now is too late for its frame."""
    until = time.monotonic() + PAUSE_S
    while (left := until - time.monotonic()) > 0:
        floor.server.poll(left)


def _summed(ours: list[Took], bare: list[int], found: dict[str, Mark], epoch_ns: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    known = [(took, found[took.link]) for took in ours if took.link in found]
    quick = [(took, mark) for took, mark in known if not mark.synced]
    for name, chosen in (
        ("us", [took.ns for took, _ in quick]),
        ("synced_us", [took.ns for took, mark in known if mark.synced]),
        ("bare_us", bare),
    ):
        if len(chosen) < WARM // 2:
            raise SystemExit(f"bench: only {len(chosen)} orders of {name}, {len(ours)} of ours in all")
        p50, p99 = quantiles_us(chosen, (0.5, 0.99))
        result[name] = {"p50": p50, "p99": p99}
    result["ratio"] = round(result["us"]["p50"] / result["bare_us"]["p50"], 2)
    before = {
        "to_ingest": [mark.book_ns - took.out_ns - epoch_ns for took, mark in quick],
        "to_decision": [mark.decided_ns - mark.book_ns for _, mark in quick],
    }
    after = [took.out_ns + took.ns + epoch_ns - mark.wire_ns for took, mark in quick]
    result["parts_us"] = {
        **{name: quantiles_us(taken, (0.5,))[0] for name, taken in before.items()},
        **parts_us([mark for _, mark in quick]),
        "to_exchange": quantiles_us(after, (0.5,))[0],
    }
    return result


def main(argv: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.tick_to_order", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object")
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--awake", action="store_true", help="no CPU sleeps, as with supervisor.awake")
    wanted = parser.parse_args(argv)
    cpus = len(os.sched_getaffinity(0))
    with awake(wanted=wanted.awake) as fault:
        found = {way: measure(way, wanted.orders) for way in GOALS if way != "spin" or cpus > 1}
    result: dict[str, Any] = {
        "bench": "tick_to_order", "cpus": cpus, "awake": wanted.awake and not fault,
        "spinners": {"zmq": 0, "spin": 1}, "goals_ratio": GOALS,
        "ratio_vs_bare_client": {way: one["ratio"] for way, one in found.items()},
        "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip
    rows = []
    for way, one in found.items():
        result |= {f"{way}_{name}": one[name] for name in ("us", "synced_us", "bare_us", "parts_us", "lost", "refused")}
        rows += [
            (f"{way}, without the journal's sync: p50; p99 us", f"{one['us']['p50']}; {one['us']['p99']}", ""),
            ("  with it", f"{one['synced_us']['p50']}; {one['synced_us']['p99']}", ""),
            ("  a bare client in the same run", f"{one['bare_us']['p50']}; {one['bare_us']['p99']}", ""),
            (f"  {', '.join(one['parts_us'])}", "; ".join(map(str, one["parts_us"].values())), "p50 us"),
            ("  ratio of the p50; decisions without an order", f"{one['ratio']}; {one['lost']}", f"goal {GOALS[way]}"),
        ]
    rows.append(("CPUs; load", f"{cpus}; {result['load']}", "one spinner: the signal engine"))
    say(rows, result, as_json=wanted.json)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
