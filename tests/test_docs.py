"""The documents name only what is there."""

import re
from pathlib import Path

import pytest

from cli.summary import COUNTED, LATENCIES
from shared.exits import Exit

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PATH = re.compile(r"`((?:tests|services|shared|cli|replay|docs|bench)/[a-z0-9_/.]*)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_link_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    missing = [name for name in PATH.findall(text) if not (ROOT / name).exists()]
    missing += [name for name in LINK.findall(text) if not (page.parent / name).exists()]
    assert missing == []


def test_operations_lists_every_exit_code_and_every_figure() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    assert [code.name for code in Exit if f"| {int(code)} |" not in text] == []
    assert [name for name in (*COUNTED, *LATENCIES) if f"`{name}`" not in text] == []


def test_features_names_every_test_it_relies_on() -> None:
    text = (ROOT / "docs" / "features.md").read_text()
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in re.findall(r"`(test_[a-z0-9_]+)`", text) if f"def {name}(" not in tests] == []
