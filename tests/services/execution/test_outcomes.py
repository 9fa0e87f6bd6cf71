"""An answer means done, refused, or nobody knows; what is not listed is unknown."""

from __future__ import annotations

import pytest

from services.execution.outcomes import ACCEPTED, ALREADY_DONE, REJECTED, UNKNOWN, of_code, of_http


@pytest.mark.parametrize(
    ("outcome", "codes"),
    [
        (ACCEPTED, [0, 110072]),
        (REJECTED, [10001, 10002, 10003, 10004, 10005, 10006, 10010, 110003, 110007, 110012, 110017, 110020, 110023]),
        (REJECTED, [10403, 10404, 20003, 110044, 110074, 110092, 110093, 110094, 110120, 110121, 30208, 30209, 30228]),
        (UNKNOWN, [10000, 10014, 10016, 429, -1, 110079, 987_654]),
        (ALREADY_DONE, [110001, 110008, 110010, 34040, 110043, 110025]),
    ],
)
def test_codes(outcome: str, codes: list[int]) -> None:
    assert {of_code(code) for code in codes} == {outcome}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, REJECTED), (401, REJECTED), (403, REJECTED), (404, REJECTED), (405, REJECTED), (422, REJECTED),
     (408, UNKNOWN), (429, UNKNOWN), (500, UNKNOWN), (502, UNKNOWN), (504, UNKNOWN), (302, UNKNOWN), (0, UNKNOWN)],
)  # fmt: skip
def test_http_statuses(status: int, outcome: str) -> None:
    assert of_http(status) == outcome
