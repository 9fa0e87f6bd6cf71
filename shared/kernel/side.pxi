# One side of a book: sorted levels, changed in place, with everything a publication needs kept up on the way.

cdef enum:
    NEAR = 8  # Levels looked at together, without a branch, before the rest is halved.

cdef Py_ssize_t END = 1 << 40  # Beyond any level.


cdef struct Side:
    int64_t* ticks  # Best first; room for a whole frame beyond the depth.
    int64_t* lots
    Py_ssize_t count
    int64_t folded  # Xor of all ticks and lots.
    # What changed in this frame and in the one before: a slot is two frames old when it is written again.
    Py_ssize_t low
    Py_ssize_t high
    Py_ssize_t low_before
    Py_ssize_t high_before


cdef struct Stamp:
    # What the records of one frame have in common.
    int64_t meta
    int64_t cts_ns
    int64_t recv_ns
    int64_t seq


cdef inline bint nearer(int64_t ticks, int64_t wanted, int sign) noexcept nogil:
    """Whether ``ticks`` is nearer to the touch; sign is -1 for bids, 1 for asks."""
    return sign * (ticks - wanted) < 0


cdef extern from *:
    """
    /* How many of NEAR = 8 levels are nearer to the touch than `wanted`; sign is -1 for bids, 1 for asks. */
    #if defined(__AVX2__)
    static inline int64_t pg_passed(const int64_t *ticks, int64_t wanted, int sign) {
        __m256i limit = _mm256_set1_epi64x(wanted);
        __m256i near = _mm256_loadu_si256((const __m256i *)ticks);
        __m256i far = _mm256_loadu_si256((const __m256i *)(ticks + 4));
        near = sign < 0 ? _mm256_cmpgt_epi64(near, limit) : _mm256_cmpgt_epi64(limit, near);
        far = sign < 0 ? _mm256_cmpgt_epi64(far, limit) : _mm256_cmpgt_epi64(limit, far);
        return __builtin_popcount((unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(near)) |
                                  (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(far)) << 4);
    }
    #elif defined(__SSE2__)
    static inline int64_t pg_passed(const int64_t *ticks, int64_t wanted, int sign) {
        __m128i found = _mm_setzero_si128(), limit = _mm_set1_epi64x(wanted);
        for (int index = 0; index < 8; index += 2) {
            __m128i two = _mm_loadu_si128((const __m128i *)(ticks + index));
            __m128i beyond = sign < 0 ? _mm_sub_epi64(limit, two) : _mm_sub_epi64(two, limit);
            found = _mm_add_epi64(found, _mm_srli_epi64(beyond, 63));
        }
        return _mm_cvtsi128_si64(_mm_add_epi64(found, _mm_unpackhi_epi64(found, found)));
    }
    #else
    static inline int64_t pg_passed(const int64_t *ticks, int64_t wanted, int sign) {
        int64_t found = 0;
        for (int index = 0; index < 8; index++) found += sign * (ticks[index] - wanted) < 0;
        return found;
    }
    #endif
    """
    int64_t pg_passed(const int64_t* ticks, int64_t wanted, int sign) noexcept nogil


cdef inline Py_ssize_t find(
    const int64_t* ticks, Py_ssize_t count, int64_t wanted, int sign, Py_ssize_t low
) noexcept nogil:
    """Return the first level from ``low`` on at or beyond ``wanted``: likely one of the next, or at the far end."""
    cdef Py_ssize_t half, size, found
    if low + NEAR <= count:
        found = pg_passed(ticks + low, wanted, sign)
        low += found
        if found < NEAR:
            return low
        if low + NEAR <= count and nearer(ticks[count - NEAR], wanted, sign):
            return count - NEAR + pg_passed(ticks + count - NEAR, wanted, sign)
    size = count - low
    while size > 1:
        half = size >> 1
        low += half if nearer(ticks[low + half - 1], wanted, sign) else 0
        size -= half
    return low + (size == 1 and nearer(ticks[low], wanted, sign))


cdef inline void write_change(
    int64_t* record, const Stamp* stamp, int kind, int64_t ticks, int64_t lots, int64_t before
) noexcept nogil:
    record[1], record[2], record[3] = stamp.meta | kind, stamp.cts_ns, stamp.recv_ns
    record[4], record[5], record[6], record[7] = ticks, lots, before, stamp.seq


cdef inline int64_t put(Side* side, int64_t ticks, int64_t lots, int sign, Py_ssize_t* hint) noexcept nogil:
    """Set the size at a price (0 deletes); return the size before. Changes come sorted: ``hint`` is the place after."""
    cdef Py_ssize_t low = hint[0] if hint[0] > 0 and nearer(side.ticks[hint[0] - 1], ticks, sign) else 0
    cdef Py_ssize_t at = find(side.ticks, side.count, ticks, sign, low)
    cdef Py_ssize_t beyond = side.count - at
    cdef int64_t before = 0
    side.low = min(side.low, at)
    hint[0] = at + 1 if lots else at
    if beyond and side.ticks[at] == ticks:
        before = side.lots[at]
        side.folded ^= before ^ lots
        if lots:
            side.lots[at] = lots
            side.high = max(side.high, at + 1)
        else:
            side.folded ^= ticks
            side.high = END
            side.count -= 1
            memmove(side.ticks + at, side.ticks + at + 1, (beyond - 1) * sizeof(int64_t))
            memmove(side.lots + at, side.lots + at + 1, (beyond - 1) * sizeof(int64_t))
    elif lots:
        side.folded ^= ticks ^ lots
        side.high = END
        memmove(side.ticks + at + 1, side.ticks + at, beyond * sizeof(int64_t))
        memmove(side.lots + at + 1, side.lots + at, beyond * sizeof(int64_t))
        side.ticks[at], side.lots[at] = ticks, lots
        side.count += 1
    else:
        hint[0] = low
    return before


cdef inline Py_ssize_t put_all(
    Side* book, int kind, const int64_t* ticks, const int64_t* lots, Py_ssize_t count, const Stamp* stamp, int64_t* records
) noexcept nogil:
    """Apply a frame's changes; return how many records of them were written."""
    cdef int sign = -1 if kind == K_BID else 1
    cdef Py_ssize_t index, hint = 0, written = 0
    cdef int64_t before
    cdef Side side = book[0]  # A copy, so that writing levels cannot change it.
    for index in range(count):
        before = put(&side, ticks[index], lots[index], sign, &hint)
        write_change(records + written * EVENT_WORDS, stamp, kind, ticks[index], lots[index], before)
        written += before != lots[index]
    book[0] = side
    return written


cdef inline Py_ssize_t trim(Side* side, int kind, Py_ssize_t depth, const Stamp* stamp, int64_t* records) noexcept nogil:
    """Drop what lies beyond the topic's depth: the venue sends no more news of it. Return the number of records."""
    cdef Py_ssize_t written = 0, last
    while side.count > depth:
        side.count -= 1
        last = side.count
        side.folded ^= side.ticks[last] ^ side.lots[last]
        write_change(records + written * EVENT_WORDS, stamp, kind, side.ticks[last], 0, side.lots[last])
        written += 1
    return written


cdef inline Py_ssize_t replace(
    Side* side, int kind, const int64_t* ticks, const int64_t* lots, Py_ssize_t count, const Stamp* stamp, int64_t* records
) noexcept nogil:
    """Become a snapshot's levels; return how many records were written."""
    cdef Py_ssize_t index
    memcpy(side.ticks, ticks, count * sizeof(int64_t))
    memcpy(side.lots, lots, count * sizeof(int64_t))
    side.count, side.folded = count, xor_words(ticks, count) ^ xor_words(lots, count)
    side.low, side.high, side.low_before, side.high_before = 0, END, 0, END
    for index in range(count):
        write_change(records + index * EVENT_WORDS, stamp, kind, ticks[index], lots[index], 0)
    return count


cdef inline void fill(int64_t* target, Side* side, Py_ssize_t old, Py_ssize_t side_words) noexcept nogil:
    """Bring one side of a slot, written two frames ago with ``old`` levels, up to date; unused words are zero."""
    cdef Py_ssize_t start = min(side.low, side.low_before)
    cdef Py_ssize_t stop = min(max(side.high, side.high_before), side.count)
    if start < stop:
        memcpy(target + start, side.ticks + start, (stop - start) * sizeof(int64_t))
        memcpy(target + side_words + start, side.lots + start, (stop - start) * sizeof(int64_t))
    if old > side.count:
        memset(target + side.count, 0, (old - side.count) * sizeof(int64_t))
        memset(target + side_words + side.count, 0, (old - side.count) * sizeof(int64_t))
    side.low_before, side.high_before = side.low, side.high
    side.low, side.high = END, 0
