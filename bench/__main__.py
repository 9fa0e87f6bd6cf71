"""All measurements, one after the other: `python -m bench [--json] [--full]`."""

from __future__ import annotations

from bench import exchange

ALL = (exchange.main,)


def main() -> None:
    """Run them all."""
    for one in ALL:
        one()


if __name__ == "__main__":
    main()
