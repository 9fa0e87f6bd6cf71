"""Adds the compiled kernel to the build where Cython and a C compiler are there; everything else is in pyproject.toml.

python setup.py build_ext --inplace
"""

from __future__ import annotations

import sys

from setuptools import Extension, setup


def extensions() -> list[Extension]:
    """Return what to compile: nothing while installing, so that a missing compiler costs speed and nothing else."""
    if "build_ext" not in sys.argv:
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    kernel = Extension("shared.kernel.fast", ["shared/kernel/fast.pyx"], extra_compile_args=["-O3"], optional=True)
    built: list[Extension] = cythonize([kernel], build_dir="build", quiet=True)
    return built


setup(ext_modules=extensions())
