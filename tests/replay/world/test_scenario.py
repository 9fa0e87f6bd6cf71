import pytest

from replay.world.scenario import CALM_FROM_S, FAULTS, INTENTS, SECONDS, VENUE, scenario, without_faults
from services.exchange.faults import parse
from shared.clock import NS_PER_S


@pytest.mark.parametrize("seed", range(0, 2_000, 50))
def test_every_trial_is_long_enough_and_troubled_enough(seed: int) -> None:
    found = scenario(seed)
    assert found == scenario(seed)
    assert SECONDS >= 30
    assert len(found.wishes) >= INTENTS[0] >= 5
    assert len(found.faults) + len(found.blows) >= FAULTS[0] >= 3
    assert all(blow.at_ns + blow.span_ns < CALM_FROM_S * NS_PER_S for blow in found.blows)
    assert len(list(parse("\n".join(found.faults)))) == len(found.faults)


def test_every_fault_of_the_catalogue_is_drawn() -> None:
    words = {line.split(" ")[0] + " " + line.split(" ")[1] for seed in range(300) for line in scenario(seed).faults}
    assert {" ".join(line.split(" ")[:2]) for line in VENUE if "{at}" not in line.split(" ")[1]} <= words


def test_a_trial_without_faults_has_none() -> None:
    found = without_faults(7)
    assert (found.faults, found.blows, found.config.exchange.faults) == ((), (), "")
    assert found.wishes
