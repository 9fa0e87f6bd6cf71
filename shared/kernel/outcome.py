"""What became of one frame."""

from __future__ import annotations

from enum import IntEnum


class Outcome(IntEnum):
    """The kernel's answer. Below GAP the book is as good as before; from GAP to OFF_GRID the kernel has voided it."""

    APPLIED = 0  # A delta.
    SNAPSHOT = 1  # The book was replaced.
    DUPLICATE = 2  # The delta applied last, again.
    IGNORED = 3  # A delta without a valid book to put it on.
    GAP = 4  # The update id jumped.
    CROSSED = 5  # Best bid at or above best ask.
    EMPTY = 6  # A side without a level.
    OFF_GRID = 7  # A price or size that is no whole number of ticks or lots: the instrument's rules have changed.
    MALFORMED = 8  # Not a frame of this kind; nothing was touched.
    WRONG_SYMBOL = 9  # A frame of another book; nothing was touched.
