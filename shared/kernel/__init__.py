"""The work done on every frame: compiled where a C compiler was found, plain Python otherwise, same effects.

PEREGRINE_KERNEL=plain forces the plain path. KERNEL says which one runs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shared.kernel.outcome import Outcome
from shared.kernel.words import LappedError, Words, as_words

if TYPE_CHECKING:
    from shared.kernel.flow import FlowKernel
    from shared.kernel.plain import BookKernel
    from shared.kernel.touch import TouchKernel
    from shared.kernel.words import RowReader, append_records, copy_newest, publish_row, take_records

    KERNEL: str
else:
    KERNEL = "plain"
    if os.environ.get("PEREGRINE_KERNEL") != "plain":
        try:
            from shared.kernel.fast import (
                BookKernel,
                FlowKernel,
                RowReader,
                TouchKernel,
                append_records,
                copy_newest,
                publish_row,
                take_records,
            )

            KERNEL = "fast"
        except ImportError:
            KERNEL = "plain"
    if KERNEL == "plain":
        from shared.kernel.flow import FlowKernel
        from shared.kernel.plain import BookKernel
        from shared.kernel.touch import TouchKernel
        from shared.kernel.words import RowReader, append_records, copy_newest, publish_row, take_records

__all__ = [
    "KERNEL",
    "BookKernel",
    "FlowKernel",
    "LappedError",
    "Outcome",
    "RowReader",
    "TouchKernel",
    "Words",
    "append_records",
    "as_words",
    "copy_newest",
    "publish_row",
    "take_records",
]
