import pytest

from shared.config import Config
from shared.config_leaves import build, leaves, sections, value_at


def test_leaves_are_every_parameter_by_its_path_and_sections_are_none() -> None:
    assert {"venue", "risk.leverage", "signals.weights.obi", "supervisor.pin.ingest"} <= set(leaves())
    assert not set(leaves()) & set(sections())


def test_building_from_nothing_gives_the_defaults() -> None:
    assert build({}) == Config()


def test_building_sets_exactly_the_named_leaves() -> None:
    config = build({"risk.leverage": 7, "signals.weights.umom": 0.5})
    assert (value_at(config, "risk.leverage"), value_at(config, "signals.weights.umom")) == (7, 0.5)
    assert value_at(config, "signals.weights.obi") == 0.3


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("risk.leverage", "7", 7),
        ("brackets.stop_pct", "1e-1", 0.1),
        ("monitor.csv", "off", False),
        ("monitor.csv", "Yes", True),
        ("scanner.symbols", "BTCUSDT, ETHUSDT", ("BTCUSDT", "ETHUSDT")),
        ("scanner.symbols", "[BTCUSDT]", ("BTCUSDT",)),
        ("scanner.symbols", "", ()),
        ("supervisor.pin.ingest", "2", 2),
        ("supervisor.pin.ingest", "auto", "auto"),
        ("exchange.market", "0123", "0123"),
    ],
)
def test_text_is_understood_by_what_the_leaf_holds(path: str, text: str, value: object) -> None:
    assert leaves()[path].take_text(text) == value


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("risk.leverage", "a whole number >= 1 and <= 100"),
        ("brackets.stop_pct", "a number > 0 and <= 50"),
        ("monitor.csv", "true or false"),
        ("venue", "one of demo, local, mainnet, paper, testnet"),
        ("supervisor.pin.ingest", "a whole number or one of auto, none"),
        ("strategy", "one of fusion, indicator, orderflow, predator"),
        ("scanner.symbols", "a list of at most 64, each a symbol such as BTCUSDT"),
        ("exchange.symbols", "a list of 1 to 64, each a symbol such as BTCUSDT"),
        ("log.dir", "text"),
        ("exchange.market", "text, not empty"),
    ],
)
def test_what_is_expected_is_said_in_words(path: str, words: str) -> None:
    assert leaves()[path].expected == words
