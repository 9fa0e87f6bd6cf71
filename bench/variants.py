"""Builds bench/hammer.pyx in a temporary folder, once with each fence left out."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent
VARIANTS = {
    "as shipped": [],
    "no writer fence": ["-DPG_NO_WRITER_FENCE"],
    "no reader fence": ["-DPG_NO_READER_FENCE"],
}
"""Name -> compiler options."""


def build(folder: Path) -> dict[str, Path]:
    """Return the compiled variants; empty where Cython or a compiler is missing."""
    source = folder / "hammer.c"
    cython = [sys.executable, "-m", "cython", "-3", str(FOLDER / "hammer.pyx"), "-o", str(source)]
    if not _done(cython):
        return {}
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    include = sysconfig.get_path("include")
    found = {}
    for number, (name, options) in enumerate(VARIANTS.items()):
        target = folder / str(number) / "hammer.so"
        target.parent.mkdir()
        command = [*compiler, "-O3", "-fPIC", "-shared", "-w", f"-I{include}", *options, str(source), "-o", str(target)]
        if _done(command):
            found[name] = target
    return found


def _done(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def load(path: Path) -> ModuleType:
    """Return a compiled variant."""
    spec = importlib.util.spec_from_file_location("hammer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
