"""What every test run needs to know: fleets ask to fly one at a time (xdist 3.8 does not hear it from pytest 9.2: two
fly at once), and full-size runs only when asked for.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

# Two cores run two workers and a fleet: how long an example takes says nothing. Failing seeds are printed.
settings.register_profile("house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    full = os.environ.get("PEREGRINE_FULL") == "1"
    for item in items:
        if "e2e" in item.path.parts or item.path.name == "test_supervisor.py":
            item.add_marker(pytest.mark.xdist_group("fleet"))
        if item.get_closest_marker("full") and not full:
            item.add_marker(pytest.mark.skip(reason="full size: make verify"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take all that was collected out of the garbage collector's sight: thousands of items are no garbage."""
    gc.collect()
    gc.freeze()
