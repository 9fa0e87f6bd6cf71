"""Which form of a module runs: compiled, or the source as it is. Same code, same answers to the bit.

A .py with a .pxd beside it is compiled at set-up where there is a C compiler; the .pxd says which of its numbers are
the machine's own. Their compiled forms know each other's layout, so it is all or none: none where one is missing or
older than its source, and none under PEREGRINE_KERNEL=plain.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def twins(root: Path) -> list[Path]:
    """Return the sources that have a compiled form, or would have one."""
    return sorted(path.with_suffix(".py") for name in ("shared", "services") for path in (root / name).rglob("*.pxd"))


def is_compiled(source: Path) -> bool:
    """Whether the compiled form is there and at least as new as what it was made of."""
    compiled = source.with_name(source.stem + EXTENSION_SUFFIXES[0])
    if not compiled.exists():
        return False
    made_ns = compiled.stat().st_mtime_ns
    return all(path.stat().st_mtime_ns <= made_ns for path in (source, source.with_suffix(".pxd")))


def take_sources(folders: set[Path]) -> None:
    """Let imports from these folders see nothing but sources, from now on."""

    def finder(path: str) -> FileFinder:
        if Path(path).resolve() not in folders:
            raise ImportError
        return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, finder)
    for path in [path for path in sys.path_importer_cache if Path(path).resolve() in folders]:
        del sys.path_importer_cache[path]


def choose(root: Path = ROOT) -> bool:
    """Return whether compiled forms run; called once, before the first of them could be imported."""
    sources = twins(root)
    if os.environ.get("PEREGRINE_KERNEL") != "plain" and all(is_compiled(source) for source in sources):
        return bool(sources)
    take_sources({source.parent for source in sources})
    return False


def check() -> None:
    """Import every one of them. Raises AssertionError where one is not compiled."""
    for source in twins(ROOT):
        name = ".".join(source.relative_to(ROOT).with_suffix("").parts)
        found = str(import_module(name).__file__)
        assert found.endswith(EXTENSION_SUFFIXES[0]), found
