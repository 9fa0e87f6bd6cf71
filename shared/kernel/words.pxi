# The protocols on live shared words: two-slot rows and the event ring. The twin of words.py, with fences.
# PG_NO_WRITER_FENCE and PG_NO_READER_FENCE exist for bench/shm.py, which shows what happens without them.

cdef extern from *:
    """
    #include <stdint.h>
    static inline int64_t pg_load(const int64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
    #ifdef PG_NO_WRITER_FENCE
    static inline void pg_store(int64_t *word, int64_t value) { *word = value; }
    static inline void pg_announce(int64_t *word, int64_t value) { *word = value; }
    #else
    static inline void pg_store(int64_t *word, int64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
    /* After this store, later stores stay after it. */
    static inline void pg_announce(int64_t *word, int64_t value) {
        __atomic_store_n(word, value, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_RELEASE);
    }
    #endif
    /* Earlier loads stay before this one. */
    static inline int64_t pg_check(const int64_t *word) {
    #ifdef PG_NO_READER_FENCE
        return *word;
    #else
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        return __atomic_load_n(word, __ATOMIC_RELAXED);
    #endif
    }
    """
    int64_t pg_load(const int64_t* word) noexcept nogil
    void pg_store(int64_t* word, int64_t value) noexcept nogil
    void pg_announce(int64_t* word, int64_t value) noexcept nogil
    int64_t pg_check(const int64_t* word) noexcept nogil


cdef extern from *:
    """
    /* Soon to be written, likely not in any cache: fetching it overlaps with what is done until then. */
    static inline void pg_expect(const int64_t *word) { __builtin_prefetch(word, 1, 3); }
    """
    void pg_expect(const int64_t* word) noexcept nogil


cdef inline void expect_records(int64_t* ring, Py_ssize_t count) noexcept nogil:
    """Have the next ``count`` records' memory at hand when they come."""
    cdef int64_t capacity = ring[CAPACITY_AT], head = ring[HEAD_AT]
    cdef Py_ssize_t index
    for index in range(count):
        pg_expect(ring + RECORDS_AT + ((head + index) & (capacity - 1)) * EVENT_WORDS)


cdef inline int64_t* newest(int64_t* slots, Py_ssize_t row_words) noexcept nogil:
    """Return the slot with the highest even version."""
    cdef int64_t one = pg_load(slots), two = pg_load(slots + row_words)
    if one & 1 or two & 1:
        return slots + row_words if one & 1 else slots
    return slots + row_words if two > one else slots


cdef inline int64_t* older(int64_t* slots, Py_ssize_t row_words, int64_t* latest) noexcept nogil:
    """Return the slot to write next."""
    return slots + row_words if latest == slots else slots


cdef inline int64_t xor_words(const int64_t* words, Py_ssize_t count) noexcept nogil:
    cdef int64_t value = 0
    cdef Py_ssize_t index
    for index in range(count):
        value ^= words[index]
    return value


cdef inline int64_t* slots_of(int64_t[::1] words, Py_ssize_t first, Py_ssize_t row_words) except NULL:
    if first < 0 or row_words < ROW_HEAD or first + 2 * row_words > words.shape[0]:
        raise IndexError("no mirror lies there")
    return &words[first]


cdef inline int64_t* ring_of(int64_t[::1] words) except NULL:
    if words.shape[0] < RECORDS_AT or words.shape[0] < RECORDS_AT + words[CAPACITY_AT] * EVENT_WORDS:
        raise IndexError("the ring is shorter than it says")
    return &words[0]


cdef inline void write_row(int64_t* slots, int64_t* row, Py_ssize_t count) noexcept nogil:
    """Write ``row`` over the older slot; its version and checksum are set here."""
    cdef int64_t* latest = newest(slots, count)
    cdef int64_t* target = older(slots, count, latest)
    cdef int64_t version = latest[VERSION] + 2
    row[VERSION], row[CHECKSUM] = version, 0
    row[CHECKSUM] = xor_words(row, count)
    pg_announce(target, version - 1)
    memcpy(target + 1, row + 1, (count - 1) * sizeof(int64_t))
    pg_store(target, version)


cdef inline int read_row(
    int64_t* slots, Py_ssize_t row_words, int64_t seen, int64_t* copy, int tries
) noexcept nogil:
    """Copy a whole row with a version above ``seen``: 1. None newer: 0. None to be had within ``tries``: -1."""
    cdef const int64_t* slot
    cdef int64_t version
    cdef int _
    for _ in range(tries):
        slot = newest(slots, row_words)
        version = pg_load(slot)
        if version & 1:
            continue
        if version <= seen:
            return 0
        memcpy(copy, slot, row_words * sizeof(int64_t))
        if pg_check(slot) == version == copy[VERSION] and xor_words(copy, row_words) == 0:
            return 1
    return -1


cdef inline int64_t append(int64_t* ring, int64_t* records, Py_ssize_t count) noexcept nogil:
    """Number ``records`` and publish them; the caller has checked that count < capacity."""
    cdef int64_t capacity = ring[CAPACITY_AT], head = ring[HEAD_AT]
    cdef int64_t* base = ring + RECORDS_AT
    cdef Py_ssize_t start = head & (capacity - 1)
    cdef Py_ssize_t fits = min(count, capacity - start)
    cdef Py_ssize_t index
    for index in range(count):
        records[index * EVENT_WORDS] = head + index
    pg_announce(ring + CLAIM_AT, head + count)
    memcpy(base + start * EVENT_WORDS, records, fits * EVENT_WORDS * sizeof(int64_t))
    if count > fits:
        memcpy(base, records + fits * EVENT_WORDS, (count - fits) * EVENT_WORDS * sizeof(int64_t))
    pg_store(ring + HEAD_AT, head + count)
    return head + count
