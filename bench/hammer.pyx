# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The mirror's protocol flat out, for bench/shm.py: the kernel's own words.pxi with loops around it."""

from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from shared import layout
from shared.kernel.outcome import Outcome

include "../shared/kernel/layout.pxi"
include "../shared/kernel/words.pxi"


def write(int64_t[::1] words, Py_ssize_t first, Py_ssize_t row_words, int64_t number, int64_t count):
    """Write ``count`` rows whose level words all hold the row's number, from ``number`` on; return the next number."""
    cdef int64_t* slots = slots_of(words, first, row_words)
    cdef int64_t* row = <int64_t*>calloc(row_words, sizeof(int64_t))
    cdef Py_ssize_t index
    if row == NULL:
        raise MemoryError
    with nogil:
        for number in range(number, number + count):
            row[U] = number
            for index in range(ROW_HEAD, row_words):
                row[index] = number
            write_row(slots, row, row_words)
    free(row)
    return number + 1


def read(int64_t[::1] words, Py_ssize_t first, Py_ssize_t row_words, int64_t count, int64_t tries_max):
    """Read until ``count`` different rows were had whose version held still, at most ``tries_max`` times.

    Returns how many of these were torn all the same, how many of them the checksum let pass too, how many that passed
    both were older than one before, how many tries it took, and how many rows are
    wanting still.
    """
    cdef int64_t* slots = slots_of(words, first, row_words)
    cdef int64_t* copy = <int64_t*>calloc(row_words, sizeof(int64_t))
    cdef const int64_t* slot
    cdef int64_t version, last = 0, torn = 0, passed = 0, back = 0, tries = 0
    cdef Py_ssize_t index
    cdef bint is_torn, is_sound
    if copy == NULL:
        raise MemoryError
    with nogil:
        while count > 0 and tries < tries_max:
            tries += 1
            slot = newest(slots, row_words)
            version = pg_load(slot)
            if version & 1:
                continue
            memcpy(copy, slot, row_words * sizeof(int64_t))
            if not (pg_check(slot) == version == copy[VERSION]) or version == last:
                continue
            count -= 1
            is_sound = xor_words(copy, row_words) == 0
            is_torn = False
            for index in range(ROW_HEAD, row_words):
                is_torn |= copy[index] != copy[U]
            torn += is_torn
            passed += is_torn and is_sound
            back += is_sound and version < last
            last = max(last, version)
    free(copy)
    return torn, passed, back, tries, count
