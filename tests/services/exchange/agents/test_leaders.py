"""The leader changes, by trades, and there is one at a time."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from services.exchange.agents.leaders import LEAD_NS, MODEST, NEVER_LEAD, RUN_NS, SCORE_USDT, opening_day
from services.exchange.flow import S
from services.exchange.profile import PROFILES
from services.exchange.synthetic import SyntheticMarket
from services.exchange.universe import universe
from shared.scale import E8

NOW = 1_790_000_000 * S
STEP_NS = S


def scores(market: SyntheticMarket) -> dict[str, float]:
    """Return turnover x |change| of every symbol, in USDT."""
    found = {}
    for symbol, day in market.days.items():
        change = abs(market.books[symbol].last_ticks / day.prev_24h_ticks - 1)
        found[symbol] = day.value_e8 / E8 * change
    return found


def test_a_day_opens_with_a_modest_product() -> None:
    for seed in range(50):
        day = opening_day(Random(seed), 20_000, 5 * E8, NOW)
        score = abs(20_000 / day.prev_24h_ticks - 1) * day.value_e8 / E8
        assert 0.9 * MODEST[0] * SCORE_USDT < score < 1.1 * MODEST[1] * SCORE_USDT


def follow(symbols: int, minutes: int) -> tuple[int, int]:
    """Return how many leaders there were, and how many of them stood out clearly once their run was over."""
    listed = list(universe(symbols).values())
    market = SyntheticMarket(
        Random(3), [one.rules for one in listed], [one.start_ticks for one in listed], NOW, PROFILES["labelled"]
    )
    clear, judged = 0, set[int]()
    for second in range(1, minutes * 60):
        now = NOW + second * S
        for symbol, fill in market.advance(now):
            market.record(symbol, fill, fill.seq)
        leaders = [deed for deed in market.truth.deeds() if deed.kind == "leader"]
        if not leaders or leaders[-1].number in judged or now < leaders[-1].end_ns + 20 * S:
            continue
        judged.add(leaders[-1].number)
        assert leaders[-1].symbol not in NEVER_LEAD
        ranking = sorted(scores(market).items(), key=lambda pair: -pair[1])
        others = [score for symbol, score in ranking if symbol != leaders[-1].symbol]
        clear += ranking[0][0] == leaders[-1].symbol and ranking[0][1] > 1.2 * max(others)
    leaders = [deed for deed in market.truth.deeds() if deed.kind == "leader"]
    assert all(before.symbol != after.symbol for before, after in pairwise(leaders))
    for deed in leaders:
        assert RUN_NS[0] <= deed.end_ns - deed.start_ns <= RUN_NS[1]
    assert len(leaders) <= 1 + minutes * 60 * S // LEAD_NS[0]
    return len(judged), clear


def test_the_leader_stands_out_after_its_run() -> None:
    assert follow(symbols=5, minutes=5) == (1, 1)


@pytest.mark.full
@pytest.mark.timeout(1_800)
def test_one_leader_follows_the_other_among_fifty() -> None:
    judged, clear = follow(symbols=50, minutes=60)
    print(judged, clear)
    assert judged >= 6
    assert clear >= 0.8 * judged
