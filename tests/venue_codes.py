"""The answers that Bybit's documentation has for a client's mistake: whatever is asked, it is one of these."""

from __future__ import annotations

DOCUMENTED = frozenset(
    (
        # v5/error, of the unified account, and of its order-entry socket.
        *(0, 10001, 10002, 10003, 10004, 10005, 10006, 10010, 10014, 10016, 10017, 10403, 10404, 10429),
        *(20001, 20003, 20006, 30228, 34040, 100028, 3400045),
        *(110001, 110003, 110004, 110006, 110007, 110008, 110009, 110010, 110012, 110013, 110017, 110020, 110021),
        *(110023, 110024, 110025, 110028, 110029, 110034, 110042, 110043, 110044, 110045, 110059, 110061, 110063),
        *(110064, 110066, 110072, 110074, 110079, 110086, 110090, 110092, 110093, 110094, 110108, 110109, 110118),
        *(110120, 110121),
    )
)
STATUSES = frozenset((400, 401, 403, 404, 429))  # v5/error too: where the envelope repeats the HTTP status.
