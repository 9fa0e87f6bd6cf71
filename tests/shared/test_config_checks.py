import pytest

from shared.config import Config, Weights
from shared.config_checks import contradictions
from shared.config_leaves import build


def test_the_defaults_do_not_contradict_each_other() -> None:
    assert list(contradictions(Config())) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ingest.ring_records": 5000}, "expected a power of two; nearest: 4096 and 8192"),
        ({"ingest.depth": 1000, "ingest.ring_records": 8192}, "expected at least 16 x ingest.depth = 16000"),
        ({"signals.obi_levels": 60}, "expected at most ingest.depth = 50"),
        ({"scanner.symbols": ("BTCUSDT", "BTCUSDT")}, "BTCUSDT is named twice"),
        ({"scanner.symbols": ("AUSDT", "BUSDT"), "scanner.symbols_max": 1}, "expected at most scanner.symbols_max = 1"),
        ({"scanner.symbols_max": 9, "ingest.symbols_max": 8}, "expected at most ingest.symbols_max = 8"),
        ({"risk.orders_reserve": 10}, "expected less than risk.orders_per_s = 10"),
        ({"brackets.atr_min_pct": 6.0}, "expected at most brackets.atr_max_pct = 5.0"),
        ({"signals.umom_fast_s": 5.0}, "expected less than signals.umom_slow_s = 5.0"),
        ({f"signals.weights.{name}": 0.0 for name in Weights.__struct_fields__}, "expected at least one above 0"),
        ({"signals.enter_confidence": 0.99}, "expected at most 0.9866, that of a score of 1"),
        ({"signals.trail_confidence": 0.99}, "expected at most 0.9866, that of a score of 1"),
        ({"signals.exit_confidence": 0.7}, "expected at most signals.enter_confidence = 0.65"),
        ({"signals.umom_volatility_min": 2.0}, "expected less than signals.umom_volatility_max = 2.0"),
        ({"signals.regime_normal_from": 1.2}, "expected less than signals.regime_high_from = 1.2"),
        ({"signals.regime_high_from": 3.5}, "expected less than signals.regime_extreme_from = 3.0"),
        ({"signals.own": ("mine",)}, "'mine': expected a new name and a weight"),
        ({"signals.own": ("mine=2",)}, "'mine=2': expected a new name and a weight"),
        ({"signals.own": ("obi=0.1",)}, "'obi=0.1': expected a new name and a weight"),
        ({"signals.own": ("mine=0.1", "mine=0.2")}, "'mine=0.2': expected a new name and a weight"),
    ],
)
def test_each_contradiction_is_one_line_with_its_paths(values: dict[str, object], words: str) -> None:
    ((paths, line),) = contradictions(build(values))
    assert words in line
    assert set(values) & set(paths)


def test_a_signal_of_ones_own_may_be_the_only_one() -> None:
    alone = {f"signals.weights.{name}": 0.0 for name in Weights.__struct_fields__} | {"signals.own": ("mine=0.1",)}
    assert list(contradictions(build(alone))) == []


def test_spinners_need_cores_of_their_own() -> None:
    spinning = {"signals.wait": "spin"}
    assert list(contradictions(build(spinning), cpus=2)) == []
    ((paths, line),) = contradictions(build(spinning), cpus=1)
    assert (paths, "at least 2 CPUs, this box offers 1" in line) == (("signals.wait",), True)
    shared = spinning | {"supervisor.pin.signals": 1, "supervisor.pin.ingest": 1}
    ((paths, line),) = contradictions(build(shared), cpus=4)
    assert set(paths) == {"supervisor.pin.signals", "supervisor.pin.ingest"}
    assert list(contradictions(build(shared | {"supervisor.pin.ingest": 0}), cpus=4)) == []
