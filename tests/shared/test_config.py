import msgspec
import pytest

from shared.config import Config, Credentials
from shared.config_base import Section
from shared.config_leaves import leaves, sections


def test_defaults_are_the_documented_ones_of_the_known_environment_names() -> None:
    config = Config()
    assert config.venue == "local"
    assert config.risk.max_position_usdt == 1000.0
    assert (config.brackets.stop_pct, config.brackets.target_pct) == (0.5, 1.0)
    assert (config.scanner.interval_s, config.scanner.switch_multiplier) == (60.0, 1.2)
    assert config.scanner.min_turnover_usdt == 10_000_000.0
    assert (config.risk.max_spread_bps, config.ingest.stale_ms, config.log.level) == (20.0, 500, "info")


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().risk.leverage = 7  # type: ignore[misc]


@pytest.mark.parametrize("kind", [Config, *sections().values()], ids=lambda kind: kind.__name__)
def test_every_section_says_what_it_is_for(kind: type[Section]) -> None:
    assert kind.__doc__
    assert msgspec.structs.fields(kind)


@pytest.mark.parametrize("path", leaves())
def test_every_parameter_is_described_and_its_default_is_valid(path: str) -> None:
    leaf = leaves()[path]
    assert leaf.description.endswith(".")
    assert leaf.take(leaf.default) == leaf.default


@pytest.mark.parametrize("path", [path for path, leaf in leaves().items() if isinstance(leaf.default, float)])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -1e300, 1e300])
def test_no_number_may_be_endless_or_not_a_number(path: str, value: float) -> None:
    with pytest.raises(msgspec.ValidationError):
        leaves()[path].take(value)


def test_credentials_are_never_printed() -> None:
    pair = Credentials("the-key", "the-secret")
    assert "the-" not in f"{pair} {pair!r}"
