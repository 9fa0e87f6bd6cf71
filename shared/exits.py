"""How `peregrine` ends: one number per kind of ending, so that scripts and service managers can tell them apart."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command and of the supervisor. Workers end with these too."""

    OK = 0
    """All went well: the ledger matches and nothing was left behind."""

    FAILURE = 1
    """Something went wrong that has no number of its own."""

    USAGE = 2
    """The command line makes no sense."""

    NOT_RUNNING = 3
    """There is no running fleet to talk to."""

    BAD_CONFIG = 4
    """The configuration has errors; every one of them was printed. Never restarted."""

    TIMEOUT = 5
    """What was asked for did not happen in time."""

    NOT_FOUND = 6
    """A file that was named does not exist."""

    EXCHANGE_REJECTED = 10
    """The venue refused us: credentials, permissions or account mode."""

    LATCHED = 11
    """A kill is in force until somebody resets it by hand."""

    RESTARTS_SPENT = 12
    """A worker died more often than its restart budget allows."""

    ALREADY_RUNNING = 13
    """Another instance holds this var directory."""

    PORT_IN_USE = 14
    """A port that was asked for is taken."""

    SHM_TOO_SMALL = 15
    """Shared memory has no room for the books and the event ring."""

    INTERRUPTED = 130
    """Ended by Ctrl-C before it had anything to report."""
