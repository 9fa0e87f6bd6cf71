import json
from math import nan

from services.monitor.alerts import Limits
from services.monitor.core import GATES_MAX, MonitorCore
from services.monitor.wire import (
    BooksCopied,
    Document,
    MarketLine,
    Reported,
    RequestBooks,
    RequestVitals,
    Row,
    Vitals,
)
from shared.config import Monitor
from shared.layout import Reason
from shared.messages import (
    ClockOffset,
    Decision,
    ExecutionState,
    Fill,
    Instrument,
    Log,
    Markout,
    Message,
    OrderNews,
    PositionNews,
    RoundTrip,
    Started,
    StopRequested,
    Tick,
    Universe,
    Verdict,
    WeightsNews,
)
from tests.services import feed
from tests.services.feed import S

T0 = 1_000 * S
VITALS = Vitals(1, (), {"frames": 3}, ())
WIDE = {"bids": [(1000, 10_000_000)], "asks": [(1011, 10_000_000)]}


def trip(number: int) -> RoundTrip:
    return RoundTrip(number, "SOLUSDT", -1, 123, 15_044_000_000, 15_012_000_000, 0, -12_300_000, T0, T0 + S, "stop")


CLOCK = ClockOffset(offset_ns=3 * S, uncertainty_ns=2_000_000, at_ns=T0)


class Watching:
    """A core, its clock, and a shell that copies the given books when asked."""

    def __init__(self, **config: object) -> None:
        self.core, self.now = MonitorCore(Monitor(**config), Limits(0.8, 150.0, 5.0, 0.0)), T0  # type: ignore[arg-type]
        self.core.on_started(Started("monitor", "run", 0), T0)
        self.core.on_universe(
            Universe(1, (Instrument("SOLUSDT", "0.01", "0.1", 1, 9, 9, 1, 480, 1, "Trading"),), (2.0,)), T0
        )
        self.books = [feed.copy(recv_ns=T0, updates=4)]

    def tick(self, after_s: float) -> list[Message]:
        self.now += int(after_s * S)
        out = self.core.on_tick(Tick(), self.now)
        return [each for request in out for each in self.answer(request)]

    def answer(self, request: Message) -> list[Message]:
        if isinstance(request, RequestVitals):
            return self.core.on_vitals(VITALS, self.now)
        assert isinstance(request, RequestBooks)
        out = [each for book in self.books for each in self.core.on_book_copy(book, self.now)]
        return out + self.core.on_books_copied(BooksCopied(request.final), self.now)


def events(outputs: list[Message]) -> list[str]:
    return [each.event for each in outputs if isinstance(each, Log)]


def test_a_line_comes_every_five_seconds_and_books_are_sampled_every_second() -> None:
    watching = Watching()
    (line,) = watching.tick(0)
    assert isinstance(line, MarketLine)
    assert line.text.startswith("📊 SOLUSDT | Bid: $10.00 | Ask: $10.01 | Mid: $10.01 |")
    assert line.text.endswith("| Latency: n/a | Updates: 4")
    assert watching.core.on_tick(Tick(), watching.now + S // 2) == []
    assert [watching.tick(1) for _ in range(4)] == [[], [], [], []]
    assert watching.tick(1) == [line]


def test_the_newest_word_of_the_order_flow_stands_below_its_market_line_once() -> None:
    watching = Watching()
    for number in (1, 2):
        said = Decision(number, "SOLUSDT", 0, number / 10, 0.5, (), (), 1000, 1001, 1, 1, 1, "report", "orderflow")
        watching.core.on_decision(said, T0)
    watching.core.on_decision(Decision(3, "SOLUSDT", 0, 0.9, 0.5, (), (), 1, 2, 1, 1, 1, "deadband", "fusion"), T0)
    market, flow = [each.text for each in watching.tick(0) if isinstance(each, MarketLine)]
    assert market.startswith("📊 SOLUSDT")
    assert flow.startswith("🧭 SOLUSDT | Bias: none | Regime: n/a | Score: +0.200")
    assert len([each for each in watching.tick(5) if isinstance(each, MarketLine)]) == 1


def test_a_short_period_of_lines_shortens_the_sampling() -> None:
    watching = Watching(line_s=0.25)
    watching.tick(0)
    assert [type(each) for each in watching.tick(0.25)] == [MarketLine]


def test_no_books_no_lines_until_there_are_some() -> None:
    watching = Watching()
    books, watching.books = watching.books, []
    assert watching.tick(0) == []
    watching.books = books
    assert [type(each) for each in watching.tick(1)] == [MarketLine]


def test_alerts_are_said_once_when_they_begin_and_once_when_over() -> None:
    watching = Watching(line_s=100)
    plain, watching.books = watching.books, [feed.copy(**WIDE)]  # type: ignore[arg-type]
    assert events(watching.tick(0)) == ["alert.spread"]
    assert [events(watching.tick(1)) for _ in range(3)] == [[], [], []]
    watching.books = plain
    assert [events(watching.tick(1)) for _ in range(6)] == [[], [], [], [], ["alert.spread.over"], []]


def test_a_void_book_is_an_alert_and_has_no_line() -> None:
    watching = Watching()
    watching.books = [feed.copy(valid=False)]
    assert events(watching.tick(0)) == ["alert.void"]
    assert not any(isinstance(each, MarketLine) for each in watching.tick(5))


def test_a_book_that_nobody_wants_any_more_is_no_alert() -> None:
    watching = Watching()
    watching.books = [feed.copy(valid=False, reason=Reason.UNSUBSCRIBED)]
    assert watching.tick(0) == []


def test_liquidity_is_measured_in_bitcoin_once_its_price_is_known() -> None:
    watching = Watching(line_s=100)
    assert events(watching.tick(0)) == []
    bitcoin = feed.copy("BTCUSDT", [(10_000, 900)], [(10_001, 900)], tick="0.1", lot="0.01", symbol_id=1)
    watching.books = [bitcoin, feed.copy()]
    said = watching.tick(1)
    assert [(each.event, each.symbol) for each in said if isinstance(each, Log)] == [("alert.liquidity", "SOLUSDT")]


def test_heartbeat_every_minute_and_snapshot_every_five() -> None:
    watching = Watching(line_s=1000)
    watching.books = []
    said = {second: watching.tick(1) for second in range(1, 601)}
    beats = [second for second, out in said.items() if "heartbeat" in events(out)]
    documents = [second for second, out in said.items() if any(isinstance(each, Document) for each in out)]
    assert beats == list(range(60, 601, 60))
    assert documents == [300, 600]


def test_what_trading_says_becomes_rows() -> None:
    core = Watching().core
    out = [
        *core.on_decision(Decision(1, "SOLUSDT", 0, 0.0, 0.0, (), (), 1000, 1001, 1, 1, 1, "deadband"), T0),
        *core.on_order_news(OrderNews("l", "o", "i", "SOLUSDT", 1, "entry", "New", 5, 0, 1000, "", T0), T0),
        *core.on_fill(Fill("e", "o", "l", "SOLUSDT", 1, 1000, 5, 1, False, 1), T0),
        *core.on_round_trip(trip(1), T0),
    ]
    out += core.on_markout(Markout(1, "SOLUSDT", 1, "", 0.5, (), (), 0, "", (100,), (1.0,), 11.0, T0, 0), T0)
    files = [each.file for each in out if isinstance(each, Row)]
    assert files == ["decisions.csv", "orders.csv", "fills.csv", "trades.csv", "markouts.csv"]
    assert (
        Row(
            "decisions.csv",
            T0,
            (
                "1",
                "SOLUSDT",
                "0",
                "0.000000",
                "0.000000",
                "",
                "10.00",
                "10.01",
                "deadband",
                "1",
                "1",
                "",
                "",
                "",
                "",
                "0",
            ),
        )
        in out
    )


def test_without_csv_there_are_no_rows_but_round_trips_are_still_said() -> None:
    core = Watching(csv=False).core
    assert core.on_fill(Fill("e", "o", "l", "SOLUSDT", 1, 1000, 5, 1, False, 1), T0) == []
    assert events(core.on_round_trip(trip(1), T0)) == ["trip.closed"]


def test_what_signals_were_worth_is_left_as_a_document_and_new_weights_are_said() -> None:
    core = Watching().core
    for at in range(4):
        moved = (1.0 + at, nan)
        core.on_markout(
            Markout(at, "SOLUSDT", 1, "enter", 0.5, (-0.5,), ("obi",), 0, "", (100, 500), moved, 11.0, at * S, 0), T0
        )
    news = WeightsNews(2, ("obi",), (1.0,), (0.5,), (-3.0,), (80,), T0, (-2.0,))
    (said,) = core.on_weights_news(news, T0)
    assert isinstance(said, Log)
    assert said.text == "version 2: obi x0.50 (-3.00 bps, 80)"
    document = core.on_books_copied(BooksCopied(True), T0)[-2]
    assert isinstance(document, Document)
    found = json.loads(document.data)
    assert set(found["signals"]) == {"obi", "fused", "taken"}
    assert found["signals"]["obi"]["100"]["edge_bps"] == -2.5
    assert found["signals"]["taken"] == found["signals"]["fused"]
    assert found["weights"]["multipliers"] == [0.5]


def test_a_closed_round_trip_is_said_once() -> None:
    core = Watching().core
    said = core.on_round_trip(trip(1), T0)[0]
    assert isinstance(said, Log)
    assert said.text == "closed SHORT SOLUSDT 12.3 @ 150.44 -> 150.12 stop -0.12 USDT"
    assert core.on_round_trip(trip(1), T0) == []


def test_round_trips_that_were_not_heard_are_noticed() -> None:
    core = Watching().core
    core.on_round_trip(trip(4), T0)
    assert events(core.on_round_trip(trip(7), T0)) == ["trips.missed", "trip.closed"]


def test_a_change_of_executions_state_is_said() -> None:
    core = Watching().core
    paused = ExecutionState("paused", "by hand", (), 0)
    said = core.on_execution_state(paused, T0)[0]
    assert isinstance(said, Log)
    assert said.text == "execution is paused (by hand)"
    assert core.on_execution_state(paused, T0) == []
    assert events(core.on_execution_state(ExecutionState("running", "", (), 0), T0)) == ["execution.state"]


def test_refusals_are_counted_by_gate_and_bounded() -> None:
    core = Watching().core
    for number in range(GATES_MAX + 9):
        core.on_verdict(Verdict("i", "SOLUSDT", f"gate{number}", 1.0, 1.0, T0), T0)
    core.on_verdict(Verdict("i", "SOLUSDT", "gate0", 1.0, 1.0, T0), T0)
    core.on_verdict(Verdict("i", "SOLUSDT", "", 1.0, 1.0, T0), T0)
    assert len(core._refused) == GATES_MAX
    assert core._refused["gate0"] == 2


def test_the_end_says_everything_once_more() -> None:
    watching = Watching()
    watching.tick(0)
    watching.core.on_position_news(PositionNews("SOLUSDT", 3, 1, 1, 1, T0, 250_000_000), T0)
    out = [
        each
        for request in watching.core.on_stop_requested(StopRequested(), watching.now)
        for each in watching.answer(request)
    ]
    beat, state, edge, line, books, last_edge, finished = out
    assert isinstance(edge, Document)
    assert (edge.name, edge) == ("edge.json", last_edge)
    assert isinstance(beat, Log)
    assert "realised 2.5 USDT" in beat.text
    assert isinstance(state, Document)
    assert json.loads(state.data)["positions"]["SOLUSDT"]["position_lots"] == 3
    assert isinstance(line, MarketLine)
    assert isinstance(books, Document)
    assert books.name == "books.json"
    assert json.loads(books.data)["SOLUSDT"]["bids"] == [["10.00", "1.0"]]
    assert isinstance(finished, Reported)


def test_latencies_are_freed_of_the_clocks_difference_as_soon_as_it_is_known() -> None:
    watching = Watching()
    watching.books = [feed.copy(recv_ns=T0, cts_ns=T0 + 3 * S - 40_000_000, updates=4)]
    (line,) = [each for each in watching.tick(0) if isinstance(each, MarketLine)]
    assert "Latency: -2960ms" in line.text
    watching.core.on_clock_offset(CLOCK, watching.now)
    (line,) = [each for each in watching.tick(5) if isinstance(each, MarketLine)]
    assert "Latency: 40±2ms" in line.text
