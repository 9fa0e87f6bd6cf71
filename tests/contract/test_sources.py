"""Every rule in this folder says where it comes from."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
JOURNEYS = {"test_pybit.py", "test_faults.py", "test_sources.py"}
FILES = sorted(path for path in HERE.glob("test_*.py") if path.name not in JOURNEYS)
SOURCE = re.compile(r"v5/[a-z]|RFC \d+|pybit |ccxt |/admin/|Recorded frames")
"""A page of Bybit's documentation, a standard, a client's own habit, this exchange's back door, or recorded frames."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_rule_names_its_source(path: Path) -> None:
    rules = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    nameless = [
        rule.name
        for rule in rules
        if rule.name.startswith("test_") and not SOURCE.search(ast.get_docstring(rule) or "")
    ]
    assert not nameless
