"""What an answer means for the request: done, refused, or nobody knows. What is not listed is unknown.

Unknown is the safe reading: the order is then looked for at the venue, and never sent again.
"""

from __future__ import annotations

ACCEPTED, REJECTED, UNKNOWN, ALREADY_DONE = "accepted", "rejected", "unknown", "already_done"

DUPLICATE_LINK_ID = 110072
NOTHING_TO_REDUCE = 110017

_ACCEPTED = frozenset((0, DUPLICATE_LINK_ID))
_ALREADY_DONE = frozenset((110001, 110008, 110010, 110025, 110043, 34040))
_REJECTED = frozenset((
    10001, 10002, 10003, 10004, 10005, 10006, 10010, 10017, 10027, 10029, 10403, 10404, 20003,
    30208, 30209, 30228,
    110003, 110004, 110005, 110006, 110007, 110009, 110012, 110013, NOTHING_TO_REDUCE, 110020, 110021, 110022, 110023,
    110042, 110044, 110045, 110066, 110074, 110086, 110090, 110092, 110093, 110094, 110118, 110120, 110121,
))  # fmt: skip
# Of the client's errors those after which the request may still have been carried out, or be repeated by a proxy.
_HTTP_UNSURE = frozenset((408, 409, 425, 429, 499))


def of_code(code: int) -> str:
    """Return the outcome for a ``retCode``."""
    if code in _ACCEPTED:
        return ACCEPTED
    if code in _ALREADY_DONE:
        return ALREADY_DONE
    return REJECTED if code in _REJECTED else UNKNOWN


def of_http(status: int) -> str:
    """Return the outcome for an HTTP status that is not 200. A request that got no answer at all counts as 0.

    4xx is our own mistake, and nothing was done; 5xx is the venue's, and nobody knows.
    """
    return REJECTED if 400 <= status < 500 and status not in _HTTP_UNSURE else UNKNOWN
