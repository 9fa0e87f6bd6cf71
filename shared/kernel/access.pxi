# What words.py offers, compiled: called by readers, and by writers that are not kernels.


def publish_row(int64_t[::1] words, Py_ssize_t first, int64_t[::1] row):
    """Write ``row`` over the older of the two slots at ``first``; its version and checksum are set here."""
    write_row(slots_of(words, first, row.shape[0]), &row[0], row.shape[0])


def copy_newest(int64_t[::1] words, Py_ssize_t first, Py_ssize_t row_words, int64_t seen):
    """Return a whole row with a version above ``seen``; None when there is none (or none could be had just now)."""
    cdef int64_t* slots = slots_of(words, first, row_words)
    if pg_load(newest(slots, row_words)) <= seen:
        return None
    cdef bytes row = PyBytes_FromStringAndSize(NULL, row_words * sizeof(int64_t))
    cdef int64_t* copy = <int64_t*><void*>PyBytes_AS_STRING(row)
    return row if read_row(slots, row_words, seen, copy, READ_TRIES_C) == 1 else None


cdef class RowReader:
    """One reader of one mirror: `copy_newest` with its address worked out once."""

    cdef object _words
    cdef int64_t* _slots
    cdef Py_ssize_t _row_words

    def __cinit__(self, int64_t[::1] words, Py_ssize_t first, Py_ssize_t row_words):
        self._words = words  # Keeps the memory mapped.
        self._slots = slots_of(words, first, row_words)
        self._row_words = row_words

    def read(self, int64_t seen):
        """Return a whole row with a version above ``seen``; None when there is none (or none could be had just now)."""
        if pg_load(newest(self._slots, self._row_words)) <= seen:
            return None
        cdef bytes row = PyBytes_FromStringAndSize(NULL, self._row_words * sizeof(int64_t))
        cdef int64_t* copy = <int64_t*><void*>PyBytes_AS_STRING(row)
        return row if read_row(self._slots, self._row_words, seen, copy, READ_TRIES_C) == 1 else None


def append_records(int64_t[::1] words, int64_t[:, ::1] records):
    """Put ``records`` (shape (n, EVENT_WORDS)) at the ring's head, number them, publish; return the new head."""
    cdef int64_t* ring = ring_of(words)
    assert records.shape[1] == EVENT_WORDS and records.shape[0] < ring[CAPACITY_AT]
    if records.shape[0] == 0:
        return ring[HEAD_AT]
    return append(ring, &records[0, 0], records.shape[0])


def take_records(int64_t[::1] words, int64_t cursor, int64_t count_max):
    """Return published records from ``cursor`` on, at most ``count_max``; raises LappedError when overwritten."""
    cdef int64_t* ring = ring_of(words)
    cdef int64_t capacity = ring[CAPACITY_AT], head = pg_load(ring + HEAD_AT)
    cdef int64_t count = min(head - cursor, count_max)
    if count <= 0:
        return b""
    if cursor < 0 or head - cursor > capacity:
        raise LappedError
    cdef Py_ssize_t start = cursor & (capacity - 1)
    cdef Py_ssize_t fits = min(count, capacity - start)
    cdef bytes data = PyBytes_FromStringAndSize(NULL, count * EVENT_WORDS * sizeof(int64_t))
    cdef int64_t* out = <int64_t*><void*>PyBytes_AS_STRING(data)
    memcpy(out, ring + RECORDS_AT + start * EVENT_WORDS, fits * EVENT_WORDS * sizeof(int64_t))
    memcpy(out + fits * EVENT_WORDS, ring + RECORDS_AT, (count - fits) * EVENT_WORDS * sizeof(int64_t))
    if pg_check(ring + CLAIM_AT) - cursor > capacity:
        raise LappedError
    return data
