"""Which CPU a worker gets. Wishes come from the config; what the box cannot give is degraded with a sentence."""

from __future__ import annotations

from collections.abc import Collection


def choose(wishes: dict[str, int | str], allowed: Collection[int]) -> tuple[dict[str, int], list[str]]:
    """Return (CPU per worker, warnings). Workers without an entry stay unpinned.

    Args:
        wishes: worker -> CPU number, "auto" or "none".
        allowed: the CPUs this process may run on.

    Numbers come first; "auto" takes the CPUs that are left, but one always stays free for everything else.
    """
    pinned: dict[str, int] = {}
    warnings = []
    for worker, wish in wishes.items():
        if isinstance(wish, int):
            if wish in allowed:
                pinned[worker] = wish
            else:
                warnings.append(f"{worker} wants CPU {wish}, which this box does not offer: left unpinned")
    free = sorted(set(allowed) - set(pinned.values()))[1:]
    waiting = [worker for worker, wish in wishes.items() if wish == "auto"]
    pinned.update(zip(waiting, free, strict=False))
    if len(waiting) > len(free):
        rest = ", ".join(waiting[len(free) :])
        warnings.append(f"{len(allowed)} CPUs are too few to pin {rest}: left unpinned")
    return pinned, warnings
