"""All measurements, one after the other: `python -m bench`. One by itself: `python -m bench.book -h`."""

from __future__ import annotations

import sys

from bench import book, exchange, execution, gates, ingest, kills, shm, signals, simulation, swaps, tick_to_order, wake

ALL = (book, signals, shm, ingest, wake, swaps, kills, gates, exchange, execution, tick_to_order, simulation)


def main(argv: list[str]) -> None:
    """Run them all with the same arguments (--json)."""
    for one in ALL:
        one.main(argv)


if __name__ == "__main__":
    main(sys.argv[1:])
