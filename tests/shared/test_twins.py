"""Compiled and plain: the same answers to the bit, and never a compiled form that is older than its source."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from shared import COMPILED
from shared.twins import ROOT, is_compiled, twins

SOURCES = twins(ROOT)
PLAIN = {"PEREGRINE_KERNEL": "plain"}


def run(*arguments: str, folder: Path = ROOT, **environ: str) -> str:
    ours = {name: value for name, value in os.environ.items() if name not in PLAIN}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=ours | {"PYTHONPATH": str(folder)} | environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled here")
def test_both_forms_say_the_same_of_every_market_to_the_bit() -> None:
    said = [run("-m", "tests.both_forms", **environ).split() for environ in ({}, PLAIN)]
    assert [form for form, _ in said] == ["compiled", "plain"]
    assert said[0][1] == said[1][1]


@pytest.mark.parametrize("first", ["shared.book", "services.signals.lane", "services.signals.signals.obi"])
def test_the_plain_form_can_be_asked_for_whatever_is_imported_first(first: str) -> None:
    look = f"import sys, {first}; print(*(one.__file__ for name, one in sys.modules.items() if name in {names()}))"
    found = [Path(name).suffix for name in run("-c", look, **PLAIN).split()]
    assert found
    assert set(found) == {".py"}


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled here")
def test_all_of_them_are_compiled_where_one_is() -> None:
    run("-c", "from shared.twins import check; check()")


def names() -> list[str]:
    return [".".join(source.relative_to(ROOT).with_suffix("").parts) for source in SOURCES]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two modules with a .pxd; of the first there is something that calls itself compiled, and would not load."""
    for name in ("__init__", "twins"):
        target = tmp_path / "shared" / f"{name}.py"
        target.parent.mkdir(exist_ok=True)
        target.write_text((ROOT / "shared" / f"{name}.py").read_text())
    (tmp_path / "services").mkdir()
    for name in ("one", "two"):
        (tmp_path / "shared" / f"{name}.py").write_text("FORM = 'source'\n")
        (tmp_path / "shared" / f"{name}.pxd").touch()
    compiled(tmp_path, "one")
    return tmp_path


def compiled(project: Path, name: str) -> Path:
    place = project / "shared" / f"{name}{EXTENSION_SUFFIXES[0]}"
    place.write_text("no library")
    return place


LOOK = "import shared, shared.one, shared.two; print(shared.COMPILED, shared.one.FORM, shared.two.FORM)"


def test_where_one_is_missing_all_sources_run(project: Path) -> None:
    assert run("-c", LOOK, folder=project) == "False source source"


@pytest.mark.parametrize("suffix", [".py", ".pxd"])
def test_where_one_source_was_edited_since_all_sources_run(project: Path, suffix: str) -> None:
    old, edited = compiled(project, "two"), project / "shared" / f"two{suffix}"
    assert all(is_compiled(source) for source in twins(project))
    made_ns = old.stat().st_mtime_ns
    os.utime(edited, ns=(made_ns + 1, made_ns + 1))
    assert not is_compiled(project / "shared" / "two.py")
    assert run("-c", LOOK, folder=project) == "False source source"


def test_what_is_compiled_is_taken_where_it_is_newer_than_every_source(project: Path) -> None:
    compiled(project, "two")
    with pytest.raises(AssertionError, match="ImportError"):  # The one that would not load.
        run("-c", LOOK, folder=project)


def declared(text: str) -> dict[str, set[str]]:
    """Return the attributes of every class of a .pxd."""
    found: dict[str, set[str]] = {}
    for name, body in re.findall(r"^cdef class (\w+):\n((?:[ \t].*\n|\n)+)", text, re.MULTILINE):
        lines = re.findall(r"^    cdef public (?:long long|\w+) (.+)$", body, re.MULTILINE)
        found[name] = {each.strip() for line in lines for each in line.split(",")}
    return found


def kept(node: ast.ClassDef) -> set[str]:
    """Return the attributes that a class has: its slots, or whatever its methods set."""
    for line in node.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "__slots__":
            return set(ast.literal_eval(line.value))
    stored = [each for each in ast.walk(node) if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)]
    return {each.attr for each in stored if ast.unparse(each.value) == "self"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_pxd_declares_every_attribute_of_its_classes_and_nothing_else(source: Path) -> None:
    assert source.exists()
    classes = {node.name: node for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef)}
    for name, attributes in declared(source.with_suffix(".pxd").read_text()).items():
        assert attributes == kept(classes[name]), name
