"""A strategy is found by its name."""

import pytest

from services.signals.strategy import Weighed, builder, wants_candles
from shared.config import Config


@pytest.mark.parametrize("name", ["fusion", "predator", "orderflow", "indicator"])
def test_every_preset_has_a_strategy_of_that_shape(name: str) -> None:
    config = Config(strategy=name)  # type: ignore[arg-type]
    strategy = builder(config)(config, "SOLUSDT")
    assert strategy.signals
    assert callable(strategy.update)
    assert callable(strategy.opinion)
    assert isinstance(strategy, Weighed) is (name == "fusion")
    assert wants_candles(config) is (name == "indicator")
