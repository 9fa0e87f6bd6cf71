import pytest

from shared.config import Config
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
        ({"signals.umom_fast_s": 5.0}, "expected less than signals.umom_slow_s = 5.0"),
        ({"signals.weights.obi": 0.0, "signals.weights.umom": 0.0}, "expected at least one above 0"),
    ],
)
def test_each_contradiction_is_one_line_with_its_paths(values: dict[str, object], words: str) -> None:
    ((paths, line),) = contradictions(build(values))
    assert words in line
    assert set(values) & set(paths)


def test_spinners_need_cores_of_their_own() -> None:
    spinning = {"signals.wait": "spin"}
    assert list(contradictions(build(spinning), cpus=2)) == []
    ((paths, line),) = contradictions(build(spinning), cpus=1)
    assert (paths, "at least 2 CPUs, this box offers 1" in line) == (("signals.wait",), True)
    shared = spinning | {"supervisor.pin.signals": 1, "supervisor.pin.ingest": 1}
    ((paths, line),) = contradictions(build(shared), cpus=4)
    assert set(paths) == {"supervisor.pin.signals", "supervisor.pin.ingest"}
    assert list(contradictions(build(shared | {"supervisor.pin.ingest": 0}), cpus=4)) == []
