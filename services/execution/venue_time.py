"""What time it is at the venue: what requests are stamped with, as well as that is known."""

from __future__ import annotations

from shared.clock import NS_PER_MS
from shared.offset import Offset

TRUST_NS = 500 * NS_PER_MS  # A difference of the clocks that is known no better than this corrects nothing.


def stamp_ms(now: int, offset: Offset | None) -> int:
    """Return the stamp of a request sent at ``now``, ms by the venue's clock.

    The venue refuses a stamp that lies a second ahead, whatever the window, but allows the whole window for one that
    lies behind: the stamp is as early as the venue's clock may surely be.
    """
    known = offset.at(now) if offset is not None else None
    if known is None or not known.uncertainty_ns <= TRUST_NS:
        return now // NS_PER_MS
    return (now + known.offset_ns - known.uncertainty_ns) // NS_PER_MS
