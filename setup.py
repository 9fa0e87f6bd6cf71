"""Adds the compiled kernel to the build where Cython and a C compiler are there; everything else is in pyproject.toml.

python setup.py build_ext --inplace
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from setuptools import Extension, setup

WANTED = {"avx2", "bmi1", "bmi2", "fma", "movbe", "popcnt"}  # What -march=x86-64-v3 takes for granted.


def machine_flags() -> list[str]:
    """Return compiler options for the processor that this is set up on, where it is one we know to gain from them."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() and platform.machine() == "x86_64" else []
    found = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return ["-march=x86-64-v3"] if found >= WANTED else []


def extensions() -> list[Extension]:
    """Return what to compile: nothing while installing, so that a missing compiler costs speed and nothing else."""
    if "build_ext" not in sys.argv:
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    kernel = Extension(
        "shared.kernel.fast",
        ["shared/kernel/fast.pyx"],
        depends=sorted(str(path) for path in Path("shared/kernel").glob("*.pxi")),
        extra_compile_args=["-O3", *machine_flags()],
        optional=True,
    )
    rules = {"language_level": 3, "annotation_typing": False}  # Only a .pxd makes machine words of numbers.
    built: list[Extension] = cythonize([kernel, *twins()], build_dir="build", compiler_directives=rules, quiet=True)
    return built


def twins() -> list[Extension]:
    """Return the sources that are compiled as they are: those with a .pxd beside them (see shared/twins.py).

    A product and a sum must not become one operation, or scores would differ from plain Python's in their last bit.
    More than -O1 makes them no faster, only longer to compile: most of their time is spent in Python's own library.
    """
    return [
        Extension(
            ".".join(declared.with_suffix("").parts),
            [str(declared.with_suffix(".py"))],
            extra_compile_args=["-O1", "-g0", "-ffp-contract=off"],
            optional=True,
        )
        for name in ("shared", "services")
        for declared in sorted(Path(name).rglob("*.pxd"))
    ]


setup(ext_modules=extensions())
