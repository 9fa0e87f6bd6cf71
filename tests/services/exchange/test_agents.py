"""What the agents claim to have done is in the public frames, and nothing else that looks like it; decoys look it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from services.exchange.profile import PROFILES
from services.exchange.public import PublicStreams
from services.exchange.synthetic import INSTRUMENTS, START_PRICES_TICKS, SyntheticMarket
from services.exchange.truth import DECOY, EVENT, Deed
from tests.market_eyes import LARGE_USDT, SLACK_MS, WINDOW_MS, Eyes

MS = 1_000_000
NOW = 1_790_000_000_000_000_000
TICK_MS = 10
REPLACED = 0.5  # At least so much of what was pulled must have come back further out.
BY_EVENT = {"prt": 1, "sweep": 1, "ice": 1, "ltb": 1}


class Watch:
    """One symbol's market, and somebody who reads its frames only."""

    def __init__(self, seed: int, number: int, seconds: int, profile: str) -> None:
        rules = INSTRUMENTS[number]
        self.market = SyntheticMarket(
            Random(seed), INSTRUMENTS[number : number + 1], START_PRICES_TICKS[number : number + 1], NOW,
            PROFILES[profile],
        )  # fmt: skip
        self.scale = self.market.scales[rules.symbol]
        self.eyes = Eyes(self.scale.tick_size)
        streams = PublicStreams(self.market, NOW)
        for topic in (f"orderbook.50.{rules.symbol}", f"publicTrade.{rules.symbol}"):
            streams.watch(topic)
            first = streams.subscribe(topic, NOW)
            if first is not None:
                self.eyes.see(first)
        for step in range(1, seconds * 1_000 // TICK_MS + 1):
            now = NOW + step * TICK_MS * MS
            for _, frame in streams.advance(now, self.market.advance(now)):
                self.eyes.see(frame)

    def deeds(self, kind: str) -> list[Deed]:
        return [deed for deed in self.market.truth.deeds() if deed.kind == kind]

    def price(self, ticks: int) -> float:
        return float(self.scale.price_text(ticks))

    def span_ms(self, deed: Deed) -> tuple[int, int]:
        return deed.start_ns // MS - SLACK_MS, deed.end_ns // MS + SLACK_MS

    # --- one judge for each kind --------------------------------------------------------------------------------

    def judge_sweeps(self) -> None:
        told = {seq for deed in self.deeds("sweep") if deed.label == EVENT for seq in deed.seqs}
        assert {order.seq for order in self.eyes.sweeps()} == told
        for deed in self.deeds("sweep"):
            [order] = [order for order in self.eyes.orders if order.seq in deed.seqs]
            assert (order.side, len(order.prices)) == (deed.side, deed.details["levels"])
            assert round(order.size / self.scale.lot_size) == deed.lots[0]
            if deed.form == "one":
                assert order.usdt >= LARGE_USDT

    def judge_bursts(self) -> None:
        told = [deed for deed in self.deeds("ltb") if deed.label == EVENT]
        assert [[order.seq for order in group] for group in self.eyes.bursts()] == [deed.seqs for deed in told]
        large = {order.seq: order for order in self.eyes.large()}
        for deed in self.deeds("ltb"):
            assert set(deed.seqs) <= set(large)
            sides = Counter(large[seq].side for seq in deed.seqs)
            if deed.form == "mixed":
                assert sides[1] == sides[-1] >= 2
            else:
                assert sides == {deed.side: len(deed.lots)}
                assert len(deed.lots) == 1 if deed.form == "single" else len(deed.lots) >= 3

    def judge_icebergs(self) -> None:
        for deed in self.deeds("ice"):
            price, (first, last) = self.price(deed.low_ticks), self.span_ms(deed)
            assert self.eyes.icebergs(deed.side, first, last) == ([price] if deed.label == EVENT else [])
            # What stands there first comes after trades of others: it fills nothing up.
            refills = self.eyes.refills(deed.side, price, first + SLACK_MS + TICK_MS, last)
            rises = self.rises(deed)
            if deed.form == "untraded":
                assert self.eyes.traded(deed.side, price, first + SLACK_MS + TICK_MS, last - SLACK_MS) == 0
                assert rises >= 4
            elif deed.form == "few":
                assert 1 <= len(refills) <= 2
            elif deed.form == "late":
                assert not refills
                assert len(deed.seqs) >= 3

    def rises(self, deed: Deed) -> int:
        """Return how often the level of a deed has grown."""
        price, (first, last) = self.price(deed.low_ticks), self.span_ms(deed)
        states = self.eyes.states[self.eyes.state_at(first) : self.eyes.state_at(last) + 1]
        sizes = [state.sides[deed.side].get(price, 0.0) for state in states]
        return sum(after > before for before, after in pairwise(sizes))

    def judge_walls(self) -> None:
        for deed in self.deeds("prt"):
            first, last = self.span_ms(deed)
            pulls = self.eyes.pulls(deed.side, first, last)
            if deed.label == EVENT:
                assert any(replaced >= REPLACED for _, _, replaced in pulls), deed.row()
            elif deed.form == "cancelled":
                assert pulls
                assert all(replaced < REPLACED for _, _, replaced in pulls), deed.row()
            else:
                assert not pulls
                wall = deed.lots[0] * self.scale.lot_size
                assert self.eyes.traded(deed.side, self.price(deed.low_ticks), first, last) >= wall - 1e-6

    def judge(self) -> Counter[tuple[str, str]]:
        """Hold every claim against the frames; return how many there were of each kind and label."""
        self.judge_sweeps()
        self.judge_bursts()
        self.judge_icebergs()
        self.judge_walls()
        return Counter((deed.kind, deed.label) for deed in self.market.truth.deeds() if deed.kind in BY_EVENT)

    def false_walls(self) -> int:
        """Return how often a wall seems to have been pulled and replaced, once for each window."""
        found, first, last = 0, self.eyes.states[0].cts_ms, self.eyes.states[-1].cts_ms
        for side in (1, -1):
            times = [at for at, _, replaced in self.eyes.pulls(side, first, last) if replaced >= REPLACED]
            found += sum(at - before > WINDOW_MS for before, at in zip([0, *times], times, strict=False))
        return found


def judged(seeds: range, numbers: range, seconds: int) -> Counter[tuple[str, str]]:
    total = Counter[tuple[str, str]]()
    for seed in seeds:
        for number in numbers:
            total += Watch(seed, number, seconds, "labelled").judge()
    return total


def test_every_claim_is_visible_in_the_frames_and_every_decoy_is_one() -> None:
    total = judged(range(1, 5), range(2, 3), 160)
    assert all(total[kind, label] >= 3 for kind in BY_EVENT for label in (EVENT, DECOY)), total


@pytest.mark.full
@pytest.mark.timeout(1_800)
def test_every_claim_of_ten_long_markets_is_visible() -> None:
    total = judged(range(100, 110), range(4), 600)
    print(dict(total))
    assert all(total[kind, label] >= 150 for kind in BY_EVENT for label in (EVENT, DECOY)), total


def quiet(seeds: range, numbers: range, seconds: int) -> tuple[int, int]:
    """Return the false walls and the false icebergs of markets without any event."""
    walls = icebergs = 0
    for seed in seeds:
        for number in numbers:
            watch = Watch(seed, number, seconds, "calm")
            eyes, first = watch.eyes, watch.eyes.states[0].cts_ms
            assert not eyes.sweeps()
            assert not eyes.bursts()
            assert not [deed for kind in BY_EVENT for deed in watch.deeds(kind)]
            walls += watch.false_walls()
            for begin in range(first, first + seconds * 1_000, 2_500):
                icebergs += sum(len(eyes.icebergs(side, begin, begin + 5_000)) for side in (1, -1))
    return walls, icebergs


def test_a_market_without_events_has_nothing_that_looks_like_one() -> None:
    assert quiet(range(1, 3), range(2, 3), 120) == (0, 0)


@pytest.mark.full
@pytest.mark.timeout(1_800)
def test_ten_long_markets_without_events_raise_less_than_one_false_alarm_in_ten_minutes() -> None:
    walls, icebergs = quiet(range(100, 110), range(4), 600)
    print(walls, icebergs)
    assert walls < 40
    assert icebergs < 40


def test_another_agent_leaves_the_draws_of_the_others_as_they_are() -> None:
    def forms(*kinds: int) -> dict[str, list[tuple[str, int]]]:
        labelled = PROFILES["labelled"]
        profile = labelled._replace(agents=tuple(labelled.agents[kind] for kind in kinds))
        market = SyntheticMarket(Random(5), INSTRUMENTS[2:], START_PRICES_TICKS[2:], NOW, profile)
        for second in range(1, 200):
            market.advance(NOW + second * 1_000 * MS)
        deeds = market.truth.deeds()
        return {
            f"{symbol} {kind}": [(deed.form, deed.side) for deed in deeds if (deed.symbol, deed.kind) == (symbol, kind)]
            for symbol in market.symbols
            for kind in BY_EVENT
        }

    alone, together = forms(2), forms(0, 1, 2, 3)
    for symbol in ("SOLUSDT", "SUIUSDT"):
        assert alone[f"{symbol} sweep"] == together[f"{symbol} sweep"] != []
