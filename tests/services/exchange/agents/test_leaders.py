"""The leader changes, by trades, and there is one at a time."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from services.exchange.agents.leaders import LEAD_NS, MODEST, NEVER_LEAD, RUN_NS, SCORE_USDT, Leaders, opening_day
from services.exchange.agents.regimes import VOLATILITIES, RegimeValue
from services.exchange.day import Day
from services.exchange.flow import S, U
from services.exchange.profile import PROFILES
from services.exchange.synthetic import SyntheticMarket
from services.exchange.truth import Truth
from services.exchange.universe import universe
from shared.scale import E8, Scale

NOW = 1_790_000_000 * S


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


def contest(seed: int, minutes: int) -> list[float]:
    """Let fifty values run without their books; return how far each leader stood above the second, after its run."""
    rng, truth = Random(seed), Truth()
    days, values = dict[str, Day](), dict[str, RegimeValue]()
    for symbol, (rules, start_ticks) in universe(50).items():
        lot_e8 = Scale(rules.tick, rules.lot).value_e8(start_ticks, 1)
        days[symbol] = opening_day(Random(rng.getrandbits(64)), start_ticks, lot_e8, NOW)
        values[symbol] = RegimeValue(symbol, Random(rng.getrandbits(64)), start_ticks, NOW, truth, tuple(VOLATILITIES))
    leaders = Leaders(Random(rng.getrandbits(64)), days, values, truth, NOW)
    found, judged = list[float](), 0
    for now in range(NOW + S, NOW + minutes * 60 * S, S):
        while leaders.next_ns <= now:
            leaders.act()
        for symbol, value in values.items():
            value.move(now)
            days[symbol].trade(value.uticks // U, 0, 0)
            days[symbol].roll(now)
        told = [deed for deed in truth.deeds() if deed.kind == "leader"]
        if told and told[-1].number != judged and now >= told[-1].end_ns + 20 * S:
            judged = told[-1].number
            products = {
                symbol: abs(day.last_ticks / day.prev_24h_ticks - 1) * day.value_e8 for symbol, day in days.items()
            }
            leader = products.pop(told[-1].symbol)
            found.append(leader / max(products.values()))
    return found


def test_one_leader_follows_the_other_among_fifty_and_stands_out() -> None:
    ratios = [ratio for seed in range(3) for ratio in contest(seed, 60)]
    assert len(ratios) >= 18
    assert sum(ratio > 1.2 for ratio in ratios) >= 0.85 * len(ratios), ratios
