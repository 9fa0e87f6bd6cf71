"""The schema of the configuration: every parameter with its unit, default and range, and nothing that reads it.

One frozen struct per section. `shared/config_load.py` fills them; services hand their own section to their core.
Secrets are not here: they are read after the fork, and only where they are needed (`read_credentials`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from shared.config_base import Section
from shared.config_brackets import Brackets as Brackets
from shared.config_candles import Candles, Indicators
from shared.config_risk import Risk as Risk
from shared.config_signals import Signals as Signals
from shared.config_signals import Weights as Weights

Level = Literal["trace", "debug", "info", "warning", "error"]
Venue = Literal["local", "paper", "testnet", "demo", "mainnet"]
OWN = ("local", "paper")  # Venues that are our own exchange, in this run.
Strategy = Literal["fusion", "predator", "orderflow", "indicator"]
Cpu = int | Literal["auto", "none"]
Symbol = Annotated[str, Meta(pattern=r"^[^a-z\s]{1,30}USDT$")]
Symbols = tuple[Symbol, ...]
Coins = tuple[Annotated[str, Meta(min_length=1, max_length=32)], ...]
FOUR = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "SUIUSDT")
STABLECOINS = (
    "USDT", "USDC", "USDE", "USD1", "USDS", "USDD", "USDP", "TUSD", "FDUSD", "PYUSD", "RLUSD", "BUSD", "GUSD", "DAI",
    "FRAX", "EURC",
)  # fmt: skip


class Log(Section, frozen=True):
    """Logging."""

    level: Annotated[Level, Meta(description="The least severe level that is written.")] = "info"
    dir: Annotated[str, Meta(description="Folder for log files; empty: `log` inside the run's own folder.")] = ""


class Exchange(Section, frozen=True):
    """The local exchange (used when `venue` is `local`)."""

    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port on 127.0.0.1; 0 takes a free one.")] = 0
    market: Annotated[
        str,
        Meta(
            min_length=1,
            description="`synthetic`, the path of a recording (.ndjson, .gz or .zst), or `live:` and the address of a "
            "public WebSocket whose market it is.",
        ),
    ] = "synthetic"
    latency_ms: Annotated[
        int, Meta(ge=0, le=10_000, description="How long a request to the exchange is on its way, ms.")
    ] = 0
    instruments: Annotated[
        str, Meta(description="Path of an instruments-info JSON file; empty: built-in rules or the recording's own.")
    ] = ""
    seed: Annotated[int, Meta(ge=0, description="Seed of the synthetic market.")] = 1
    profile: Annotated[
        Literal["calm", "lively", "still", "labelled"],
        Meta(
            description="What the synthetic market is like: `still` is `calm` at a fifth of its pace, "
            "`labelled` also tells what it does at /admin/truth."
        ),
    ] = "lively"
    symbols: Annotated[Symbols, Meta(min_length=1, max_length=64, description="Symbols of the synthetic market.")] = (
        FOUR
    )
    maker_fee: Annotated[float, Meta(ge=-0.01, le=0.01, description="Fraction of the value of a maker fill.")] = 0.0002
    taker_fee: Annotated[float, Meta(ge=0, le=0.01, description="Fraction of the value of a taker fill.")] = 0.00055
    balance_usdt: Annotated[float, Meta(gt=0, le=1e9, description="Opening wallet balance, USDT.")] = 10_000.0
    api_key: Annotated[str, Meta(min_length=1, description="The only key it accepts; worthless elsewhere.")] = "local"
    api_secret: Annotated[str, Meta(min_length=1, description="Secret of that key; worthless elsewhere.")] = (
        "local-secret"
    )
    stop_timing: Annotated[
        Literal["first_fill", "completion"],
        Meta(description="When an attached Full stop comes to life: with the first fill or the last."),
    ] = "first_fill"
    stop_delay_ms: Annotated[
        int, Meta(ge=0, le=60_000, description="Fault: how much later than that it comes to life, ms.")
    ] = 0
    order_per_s: Annotated[
        int, Meta(ge=1, le=100_000, description="Requests a second to each endpoint that creates or cancels orders.")
    ] = 10
    ip_requests: Annotated[
        int, Meta(ge=1, le=10**9, description="HTTP requests of one address within 5 s; more: shut out for 10 min.")
    ] = 600
    faults: Annotated[
        str,
        Meta(description="Faults to inject, as text (docs/faults.md), or `@` and the path of a file; empty: none."),
    ] = ""
    faults_seed: Annotated[int, Meta(ge=0, description="Seed of the faults that are drawn by lot.")] = 1
    persist: Annotated[
        bool, Meta(description="Write the account down, so that a restart within the run finds it as it was.")
    ] = True
    persist_spare_mb: Annotated[
        int,
        Meta(ge=1, le=4096, description="The account's file is written anew when this much in it is outdated, MiB."),
    ] = 32


class Ingest(Section, frozen=True):
    """Public WebSocket to shared memory."""

    depth: Annotated[
        Literal[1, 50, 200, 1000], Meta(description="Order book depth to subscribe to, levels a side.")
    ] = 50
    symbols_max: Annotated[int, Meta(ge=1, le=600, description="Symbols the book table has room for.")] = 64
    ring_records: Annotated[
        int, Meta(ge=4096, le=2**24, description="Capacity of the event ring, records; a power of two.")
    ] = 262_144
    stale_ms: Annotated[
        int, Meta(ge=10, le=60_000, description="A book older than this is stale: no decision, no entry, ms.")
    ] = 500
    silence_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="A socket that says nothing for this long is replaced, ms.")
    ] = 3500
    book_silence_ms: Annotated[
        int, Meta(ge=100, le=3_600_000, description="A book that says nothing for this long is asked for again, ms.")
    ] = 14_000
    ticker_silence_ms: Annotated[
        int, Meta(ge=0, le=3_600_000, description="The same of a ticker, ms; 0: it may be silent for ever.")
    ] = 28_000
    trade_silence_ms: Annotated[
        int, Meta(ge=0, le=3_600_000, description="The same of trades, ms; 0: they may be silent for ever.")
    ] = 0
    cross_check: Annotated[
        bool, Meta(description="Also subscribe to orderbook.1; a book that disagrees with it is void at once.")
    ] = True
    redundant: Annotated[
        bool, Meta(description="Books, trades and tickers on two connections; whichever is first is heard.")
    ] = False
    resync_timeout_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="A resubscription without a snapshot is repeated after this, ms.")
    ] = 3000


class Scanner(Section, frozen=True):
    """Which symbols are worth trading."""

    interval_s: Annotated[float, Meta(ge=1, le=86_400, description="Time between scans, s; the first is at once.")] = (
        60.0
    )
    clock_s: Annotated[
        float, Meta(ge=0, le=3600, description="Time between two looks at the venue's clock, s; 0 switches it off.")
    ] = 10.0
    symbols_max: Annotated[int, Meta(ge=1, le=64, description="Symbols traded at the same time.")] = 4
    symbols: Annotated[
        Symbols, Meta(max_length=64, description="Trade exactly these; empty: scan all and choose.")
    ] = ()
    min_turnover_usdt: Annotated[
        float, Meta(ge=0, le=1e15, description="Least 24 h turnover of a candidate, USDT.")
    ] = 10_000_000.0
    candidates_max: Annotated[
        int, Meta(ge=1, le=1000, description="Scored are so many, those with the highest turnover.")
    ] = 50
    whitelist: Annotated[
        Coins, Meta(max_length=64, description="Base coins that are preferred; 1000PEPE counts as PEPE.")
    ] = ("SUI", "WIF", "VIRTUAL", "RENDER", "SEI", "PEPE")
    whitelist_factor: Annotated[float, Meta(ge=1, le=100, description="What their score is multiplied by.")] = 1.3
    exclude_coins: Annotated[
        Coins, Meta(max_length=64, description="Base coins that are never chosen: stablecoins and the two giants.")
    ] = ("BTC", "ETH", *STABLECOINS)
    exclude_types: Annotated[
        Coins, Meta(max_length=16, description="Kinds of contract (the venue's symbolType) that are never chosen.")
    ] = ("stock",)
    switch_multiplier: Annotated[
        float,
        Meta(ge=1, le=100, description="A challenger replaces a symbol when its score is this many times higher."),
    ] = 1.2


class Predator(Section, frozen=True):
    """The strategy `predator`: momentum against the volume-weighted average of the last trades."""

    ticks: Annotated[int, Meta(ge=2, le=10_000, description="Trades in the average.")] = 20
    threshold_pct: Annotated[
        float, Meta(gt=0, le=50, description="Least distance of the last trade from the average, percent.")
    ] = 0.1


class Orderflow(Section, frozen=True):
    """The strategy `orderflow`: scores what book and tape say, and reports it."""

    trade: Annotated[bool, Meta(description="Also trade on the score; false: report only.")] = False
    report_s: Annotated[float, Meta(ge=0.1, le=3600, description="Time between two reports of a symbol, s.")] = 1.0
    levels: Annotated[int, Meta(ge=1, le=200, description="Levels a side in its imbalance.")] = 10
    flow_s: Annotated[float, Meta(gt=0, le=3600, description="Time constant of its taker flow, s.")] = 5.0
    bias_from: Annotated[float, Meta(ge=0, le=10, description="A trend of so many standard deviations is a bias.")] = (
        1.0
    )


class Router(Section, frozen=True):
    """How an entry reaches the book."""

    mode: Annotated[
        Literal["smart", "take", "post"],
        Meta(
            description="`take`: IOC at the far touch. `post`: PostOnly at the near touch, repriced, then IOC. "
            "`smart`: `take` where the book is narrow and liquid, `post` elsewhere."
        ),
    ] = "smart"
    narrow_bps: Annotated[
        float, Meta(ge=0, le=1000, description="A book is narrow when its spread is below this, basis points.")
    ] = 10.0
    liquid_usdt: Annotated[
        float,
        Meta(ge=0, le=1e9, description="A book is liquid when five levels of either side are worth this, USDT."),
    ] = 5_000.0
    post_timeout_ms: Annotated[
        int, Meta(ge=50, le=60_000, description="How long an entry rests at one price before it is taken off, ms.")
    ] = 600
    reprice_trigger_ticks: Annotated[
        int, Meta(ge=1, le=1000, description="The touch is this far away before a resting entry follows it, ticks.")
    ] = 1
    max_reprice_attempts: Annotated[
        int, Meta(ge=0, le=20, description="How often a resting entry follows the touch; then it is taken off.")
    ] = 3
    chase_max_bps: Annotated[
        float, Meta(ge=0, le=1000, description="How far it follows in all from its first price, basis points.")
    ] = 10.0
    ioc_pmin: Annotated[
        float, Meta(ge=0, le=1, description="Least confidence for taking what did not fill while it rested, 0..1.")
    ] = 0.65
    signal_ttl_ms: Annotated[
        int, Meta(ge=0, le=60_000, description="No such taking once the decision is older than this, ms.")
    ] = 2500
    exit_slip_bps: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="How far the first market order of an exit goes, basis points; 0: to the venue's own limit, "
            "as every later one does.",
        ),
    ] = 30


class Execution(Section, frozen=True):
    """Talking to the venue."""

    transport: Annotated[
        Literal["ws", "rest"],
        Meta(description="How orders go to the venue: by its order-entry socket, REST while that is down; or by REST."),
    ] = "ws"
    recv_window_ms: Annotated[
        int, Meta(ge=500, le=60_000, description="How late a signed request may arrive at the venue, ms.")
    ] = 2500
    rest_timeout_s: Annotated[float, Meta(ge=0.1, le=60, description="A REST call without answer is UNKNOWN, s.")] = 2.0
    reconcile_s: Annotated[
        float, Meta(ge=1, le=3600, description="Time between comparisons with the venue's orders and positions, s.")
    ] = 30.0
    watch_ms: Annotated[
        int, Meta(ge=0, le=60_000, description="How often the stop of what is held is read, ms; 0 switches it off.")
    ] = 300
    rehearse_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="How often the last intent is judged again for nothing, ms, so that the next one finds its way "
            "in the CPU's caches; 0 switches it off.",
        ),
    ] = 5
    foreign: Annotated[
        Literal["adopt", "close", "ignore"],
        Meta(
            description="A position that no entry of ours opened: `adopt` treats it as ours and gives it a stop, "
            "`close` closes it, `ignore` leaves it alone until everything is to be flat."
        ),
    ] = "adopt"


class Monitor(Section, frozen=True):
    """What people see."""

    line_s: Annotated[float, Meta(ge=0.1, le=3600, description="Time between two market lines of a symbol, s.")] = 5.0
    csv: Annotated[bool, Meta(description="Write decisions, orders and trades as CSV.")] = True
    alert_spread_pct: Annotated[float, Meta(gt=0, le=100, description="A wider spread is an alert, percent.")] = 0.8
    alert_latency_ms: Annotated[float, Meta(gt=0, le=60_000, description="Older data is an alert, ms.")] = 150.0
    alert_liquidity_btc: Annotated[
        float, Meta(ge=0, le=1e6, description="Less in ten levels a side, or as much in another coin, is an alert.")
    ] = 5.0
    alert_liquidity_usdt: Annotated[
        float, Meta(ge=0, le=1e10, description="The same in USDT; above 0 it takes the place of the figure in BTC.")
    ] = 0.0


class Pin(Section, frozen=True):
    """CPU of each process: a number, `auto` (one each, as far as they go) or `none`."""

    exchange: Annotated[Cpu, Meta(description="CPU of the local exchange.")] = "none"
    ingest: Annotated[Cpu, Meta(description="CPU of ingest.")] = "none"
    scanner: Annotated[Cpu, Meta(description="CPU of the scanner.")] = "none"
    signals: Annotated[Cpu, Meta(description="CPU of the signal engine.")] = "none"
    execution: Annotated[Cpu, Meta(description="CPU of execution.")] = "none"
    monitor: Annotated[Cpu, Meta(description="CPU of the monitor.")] = "none"


class Supervisor(Section, frozen=True):
    """Keeping the processes alive."""

    heartbeat_limit_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="A worker silent for longer hangs and is killed, ms.")
    ] = 1000
    grace_s: Annotated[float, Meta(ge=0, le=120, description="A starting worker need not beat for this long, s.")] = (
        10.0
    )
    stop_s: Annotated[float, Meta(ge=0.5, le=60, description="Time for the whole fleet to stop in order, s.")] = 5.0
    restarts_per_worker: Annotated[
        int, Meta(ge=0, le=1000, description="Restarts of one worker within 60 s; one more is too many.")
    ] = 5
    restarts_total: Annotated[
        int, Meta(ge=0, le=1000, description="Restarts of all workers within 300 s; one more is too many.")
    ] = 10
    awake: Annotated[
        bool, Meta(description="Keep the box's CPUs from sleeping: quicker wake-ups, warmer CPUs. Needs root's device.")
    ] = False
    pin: Pin = field(default_factory=Pin)


class Config(Section, frozen=True):
    """Everything that can be set."""

    venue: Annotated[
        Venue,
        Meta(
            description="Where orders go: our own exchange (`local`), the same over the real market (`paper`), Bybit's "
            "`testnet` or `demo`. `mainnet` is real money and also needs a typed word, see docs/operations.md."
        ),
    ] = "local"
    strategy: Annotated[Strategy, Meta(description="Which preset trades.")] = "fusion"
    var_dir: Annotated[str, Meta(min_length=1, description="Folder for everything that a run leaves behind.")] = "var"
    log: Log = field(default_factory=Log)
    exchange: Exchange = field(default_factory=Exchange)
    ingest: Ingest = field(default_factory=Ingest)
    scanner: Scanner = field(default_factory=Scanner)
    signals: Signals = field(default_factory=Signals)
    predator: Predator = field(default_factory=Predator)
    orderflow: Orderflow = field(default_factory=Orderflow)
    candles: Candles = field(default_factory=Candles)
    indicators: Indicators = field(default_factory=Indicators)
    brackets: Brackets = field(default_factory=Brackets)
    risk: Risk = field(default_factory=Risk)
    router: Router = field(default_factory=Router)
    execution: Execution = field(default_factory=Execution)
    monitor: Monitor = field(default_factory=Monitor)
    supervisor: Supervisor = field(default_factory=Supervisor)


class Credentials(msgspec.Struct, frozen=True):
    """The key pair of one venue. Never printed."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Credentials(***)"
