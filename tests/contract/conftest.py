"""One exchange process for each file of rules, and bare clients of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.client import Lines, Rest, wait_until_open
from tests.exchange_process import Running, config, running


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The real exchange on a free port."""
    with running(tmp_path_factory.mktemp("exchange"), config(balance_usdt=1_000_000.0)) as found:
        wait_until_open(found)
        yield found


@pytest.fixture
def rest(exchange: Running) -> Iterator[Rest]:
    client = Rest(exchange.port)
    yield client
    client.close()


@pytest.fixture
def flat(rest: Rest) -> Iterator[Rest]:
    """A client whose account is flat and orderless, before and after."""
    rest.flatten()
    yield rest
    rest.flatten()


@pytest.fixture
def lines(exchange: Running) -> Iterator[Lines]:
    found = Lines(exchange.port)
    yield found
    found.close()


@pytest.fixture
def exchange_alone(tmp_path: Path) -> Iterator[Rest]:
    """A client of an exchange that nobody else uses."""
    with running(tmp_path, config()) as found:
        wait_until_open(found)
        client = Rest(found.port)
        yield client
        client.close()
