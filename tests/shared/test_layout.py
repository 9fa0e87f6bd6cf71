"""The layout is a promise between processes: these are its hard edges."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared import layout
from shared.layout import Kind


@given(st.sampled_from(Kind), st.integers(0, 255), st.integers(0, 2**24 - 1), st.integers(0, 2**23 - 1))
def test_meta_packs_without_loss_into_a_positive_word(kind: Kind, flags: int, symbol: int, scale: int) -> None:
    word = layout.meta(kind, flags, symbol, scale)
    assert 0 < word < 2**63
    unpacked = layout.meta_kind(word), layout.meta_flags(word), layout.meta_symbol(word), layout.meta_scale(word)
    assert unpacked == (kind, flags, symbol, scale)


def test_rows_and_records_keep_to_cache_lines() -> None:
    assert layout.EVENT_BYTES == 64
    assert layout.RECORDS_AT % 8 == layout.CLAIM_AT % 8 == layout.HEAD_AT % 8 == 0
    assert all(layout.row_words(depth) % 8 == 0 for depth in (1, 50, 200, layout.DEPTH_MAX))
    assert layout.mirrors_at(64, layout.SCALES_MAX) % 8 == 0


def test_a_whole_universe_at_full_depth_fits_a_gigabyte_and_the_default_a_few_megabytes() -> None:
    assert layout.books_bytes(64, 50) < 1 << 20
    assert layout.books_bytes(600, layout.DEPTH_MAX) < 1 << 30
    assert layout.ring_bytes(1 << 18) == 256 + (1 << 18) * 64
