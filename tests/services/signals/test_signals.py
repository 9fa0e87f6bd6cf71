"""What every signal keeps to, whichever it is: all files of the folder are tried."""

import sys
from collections.abc import Callable
from math import isfinite, nan
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals import signals as folder
from services.signals.core import SignalsCore
from services.signals.fuse import active, builders
from services.signals.lane import Lane
from services.signals.market import Market, Signal
from services.signals.strategy import Opinion, Strategy
from shared.config import Config, Signals, Weights
from shared.config_load import ConfigError, load
from shared.layout import BLOCK, RPI
from shared.messages import Events
from shared.ring import Record, records
from tests.services import feed
from tests.services.feed import MS, Ring, S

NAMES = sorted(path.stem for path in Path(folder.__file__).parent.glob("[a-z]*.py"))
T0 = 1_000 * S
EASY = Signals(regime_returns_min=2, vwap_trades_min=1)
Score = tuple[float, int]
Op = tuple[Callable[..., Events], tuple[object, ...], dict[str, object], int]


class Everything:
    """A strategy that notes after each frame what every signal says."""

    signals = tuple(NAMES)

    def __init__(self, notes: list[tuple[Score, ...]]) -> None:
        self._notes = notes
        self.watched: list[Signal] = [build(EASY) for build in builders(NAMES)]

    def update(self, market: Market) -> None:
        for signal in self.watched:
            signal.update(market)
        self._notes.append(tuple((signal.score, signal.fresh_until_ns) for signal in self.watched))

    def opinion(self, market: Market) -> Opinion:
        return Opinion(0, 0.0, 0.0, (), "deadband")


def lane_of(notes: list[tuple[Score, ...]], **copy: object) -> Lane:
    def make(symbol: str) -> Strategy:
        return Everything(notes)

    return Lane(feed.copy(recv_ns=T0, **copy), make, EASY)  # type: ignore[arg-type]


def play(told: list[Record], **copy: object) -> list[tuple[Score, ...]]:
    notes: list[tuple[Score, ...]] = []
    lane = lane_of(notes, **copy)
    for record in told:
        lane.hear(record)
    return notes


def sane(notes: list[tuple[Score, ...]]) -> None:
    for frame in notes:
        for name, (score, fresh_until_ns) in zip(NAMES, frame, strict=True):
            assert type(score) in (float, int), name
            assert isfinite(score), name
            assert -1.0 <= score <= 1.0, name
            assert type(fresh_until_ns) is int, name


def story(steps: list[tuple[str, list[feed.Level], list[feed.Level], int]]) -> list[Record]:
    """Return the records of some steps, each (what, bids or trades, asks, wait)."""
    ring, now, told = Ring(), T0, []
    for what, one, two, wait_ns in steps:
        now += wait_ns
        if what == "levels" and (one or two):
            told.append(ring.levels(one, two, recv_ns=now))
        elif what == "snapshot":
            told.append(ring.snapshot(*_book(one, two), recv_ns=now))
        elif what == "gap":
            told.append(ring.gap(recv_ns=now))
        elif what in ("trade", "block", "rpi"):
            flags = {"trade": 0, "block": BLOCK, "rpi": RPI}[what]
            told += [ring.trade(*level, bought=True, recv_ns=now, flags=flags) for level in one]
            told += [ring.trade(*level, bought=False, recv_ns=now, flags=flags) for level in two]
    return [record for events in told for record in records(events.data)]


def _book(one: list[feed.Level], two: list[feed.Level]) -> tuple[list[feed.Level], list[feed.Level]]:
    bids = {ticks: lots for ticks, lots in one if lots and ticks <= 1_000}
    asks = {ticks: lots for ticks, lots in two if lots and ticks > 1_000}
    return sorted(bids.items(), reverse=True), sorted(asks.items())


level = st.tuples(st.integers(990, 1_010), st.one_of(st.integers(0, 60), st.integers(0, 10**9)))
levels = st.lists(level, max_size=4)
waits = st.one_of(st.integers(0, 300 * MS), st.integers(-2 * S, 5 * S), st.just(3_600 * S))
what = st.sampled_from(["levels", "levels", "levels", "trade", "trade", "snapshot", "gap", "block", "rpi"])
stories = st.lists(st.tuples(what, levels, levels, waits), min_size=1, max_size=40)


@settings(deadline=None)
@given(stories, st.integers(0, 60))
def test_whatever_happens_scores_are_finite_and_the_future_does_not_change_them(
    steps: list[tuple[str, list[feed.Level], list[feed.Level], int]], cut: int
) -> None:
    told = story(steps)
    whole, part = play(told), play(told[:cut])
    sane(whole)
    assert whole[: len(part)] == part  # To the bit.


BASE = 100_000


def day(told: list[Record]) -> list[tuple[Score, ...]]:
    """Play such a market from a book at its prices."""
    return play(told, bids=[(BASE - 1, 10)], asks=[(BASE, 10)])


def busy_day(frames: int) -> list[tuple[str, list[feed.Level], list[feed.Level], int]]:
    """Return a market that moves, trades, sweeps, refills and empties, the same every time."""
    steps: list[tuple[str, list[feed.Level], list[feed.Level], int]] = []
    for number in range(frames):
        mid = BASE + (number // 40 * 7) % 12
        size = 1 + number * 7_919 % 97
        bids = [(ticks, 0) for ticks in range(mid, BASE + 13)] + [(mid - 1 - at, size + at) for at in range(4)]
        asks = [(ticks, 0) for ticks in range(mid - 4, mid)] + [(mid + at, 98 - size + at) for at in range(4)]
        steps.append(("levels", bids, asks, 20 * MS))
        if number % 3 == 0:
            steps.append(("trade", [(mid + at, 5 + at) for at in range(number % 5)], [(mid - 1, size)], 5 * MS))
    return steps


def test_the_future_does_not_change_a_long_day_either() -> None:
    told = story(busy_day(2_500))
    whole = day(told)
    sane(whole)
    for share in (0.1, 0.35, 0.5, 0.9):
        part = day(told[: int(len(told) * share)])
        assert whole[: len(part)] == part
    heard = {name for frame in whole for name, (score, _) in zip(NAMES, frame, strict=True) if score}
    assert heard >= {"obi", "umom", "vwap", "template"}


@pytest.mark.parametrize(
    ("bids", "asks"),
    [([], []), ([(1_000, 5)], []), ([], [(1_001, 5)]), ([(1_000, 5)], [(1_001, 5)]), ([(1, 1)], [(10**9, 1)])],
)
def test_empty_sides_and_single_levels_with_no_trade_are_no_opinion_of_takers(
    bids: list[feed.Level], asks: list[feed.Level]
) -> None:
    notes: list[tuple[Score, ...]] = []
    lane = lane_of(notes)
    watched = [build(EASY) for build in builders(NAMES)]
    lane.book.bids.replace(bids)
    lane.book.asks.replace(asks)
    for step in range(200):
        lane.book.updates += 1
        lane.market.complete(T0 + step * 100 * MS)
        for name, signal in zip(NAMES, watched, strict=True):
            signal.update(lane.market)
            assert isfinite(signal.score), name
            if name not in ("obi", "umom", "regime") or not (bids and asks):
                assert signal.score == 0.0, name


def test_numbers_that_are_none_go_no_further() -> None:
    """A value of nothing, a volatility that is not known: scores stay numbers."""
    notes: list[tuple[Score, ...]] = []
    lane = lane_of(notes, bids=[(BASE - 1, 10)], asks=[(BASE, 10)])
    market, told = lane.market, story(busy_day(300))
    for number, record in enumerate(told):
        if number % 50 == 0:
            market.unit_usdt = (nan, 0.0, float("inf"))[number // 50 % 3]
            market.weather.bps_per_root_s = market.weather.annualised = market.weather.trend = nan
            market.weather.marks += 1
        lane.hear(record)
    assert notes
    sane(notes)


def test_a_clock_that_runs_back_leaves_every_score_sane() -> None:
    steps = [(what, one, two, -wait) for what, one, two, wait in busy_day(300)]
    sane(day(story(steps)))
    sane(day(story([*busy_day(300), *steps, *busy_day(300)])))


def test_after_a_quiet_while_every_score_is_stale() -> None:
    told = story(busy_day(600))
    whole = day(told)
    end_ns = told[-1][3]
    assert all(fresh_until_ns <= end_ns + 60 * S for _, fresh_until_ns in whole[-1])


def test_quiet_frames_leave_no_memory_behind() -> None:
    """Frames that repeat what is known, over five minutes, keep no more objects than a minute of them."""
    notes: list[tuple[Score, ...]] = []
    lane = lane_of(notes)
    ring, now = Ring(), T0

    def quiet(frames: int) -> int:
        nonlocal now
        for number in range(frames):
            now += 50 * MS
            for record in records(ring.levels([(999, 5 + number % 2)], recv_ns=now).data):
                lane.hear(record)
            notes.clear()
        return sys.getallocatedblocks()

    quiet(3_000)
    before = quiet(1_500)
    assert quiet(6_000) - before < 100


# --- a new signal is one new file and one line of configuration ---------------------------------------------------


def test_a_copy_of_the_template_and_one_line_make_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = Path(folder.__file__).parent / "template.py"
    (tmp_path / "mine.py").write_text(template.read_text())
    (tmp_path / "config.yaml").write_text('signals:\n  own: ["mine=0.25"]\n')
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    config = load(config_file=tmp_path / "config.yaml").config
    shares = active(config.signals.weights, config.signals.own)
    assert list(shares) == [*Weights.__struct_fields__, "mine"]
    assert shares["mine"] == pytest.approx(0.2)

    core, ring = SignalsCore(config), Ring()
    core.on_book_copy(feed.copy(recv_ns=T0), T0)
    core.on_events(ring.trade(1_001, 9, bought=True, recv_ns=T0 + 1), T0 + 1)
    core.on_events(ring.levels([(1_000, 11)], recv_ns=T0 + 2), T0 + 2)
    (lane,) = core._lanes.values()
    opinion = lane.strategy.opinion(lane.market)
    assert dict(zip(lane.strategy.signals, opinion.scores, strict=True))["mine"] == 1.0
    del sys.modules["services.signals.signals.mine"]


def test_a_weight_without_a_file_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"signals\.own: nobody: there is no such signal"):
        builders(active(Weights(), ("nobody=0.1",)))


def test_every_weight_has_its_file_and_the_template_has_no_weight() -> None:
    assert {*NAMES} - {*Weights.__struct_fields__} == {"template"}
    assert not {*Weights.__struct_fields__} - {*NAMES}
    assert "template" not in active(Config().signals.weights)


def test_the_page_on_signals_tells_of_every_one_and_of_every_parameter() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "signals.md").read_text()
    names = Weights.__struct_fields__
    assert not [name for name in names if f"\n## {name.upper()}: " not in page]
    told = [name for name in Signals.__struct_fields__ if name.split("_")[0] in ("obi", "umom", "vwap", "regime")]
    assert not [name for name in told if f"`{name}`" not in page]
