# Digits to numbers, many at a time. Whoever calls has made sure that the bytes looked at are there.

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* Whether this processor has what was compiled for. */
    static inline int pg_fits(void) {
    #ifdef __AVX2__
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    #else
        return 1;
    #endif
    }
    /* Eight bytes, the first one lowest, each less '0': digits become 0..9. */
    static inline uint64_t pg_eight(const unsigned char *at) {
        uint64_t text;
        memcpy(&text, at, 8);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        text = __builtin_bswap64(text);
    #endif
        return text ^ 0x3030303030303030ULL;
    }
    /* The last bytes before `end` without the first `gone` of eight, zeros behind them; 0 < gone < 8. */
    static inline uint64_t pg_last(const unsigned char *end, unsigned gone) {
        return ((pg_eight(end - 8) ^ 0x3030303030303030ULL) >> (8 * gone)) ^ 0x3030303030303030ULL;
    }
    /* Marks what is no digit, exactly up to the first such byte: a carry comes only from one that is none. */
    static inline uint64_t pg_other(uint64_t text) {
        return ((text + 0x7676767676767676ULL) | text) & 0x8080808080808080ULL;
    }
    /* How many digits stand before the first other byte. */
    static inline unsigned pg_run(uint64_t text) {
        uint64_t other = pg_other(text);
        return other ? (unsigned)__builtin_ctzll(other) >> 3 : 8;
    }
    /* The number that the first `count` digits make, count <= 8. */
    static inline uint64_t pg_eight_digits(uint64_t text) {
        text = text * 10 + (text >> 8);
        return (((text & 0x000000FF000000FFULL) * 0x000F424000000064ULL) +
                (((text >> 16) & 0x000000FF000000FFULL) * 0x0000271000000001ULL)) >> 32;
    }
    static inline uint64_t pg_number(uint64_t text, unsigned count) {
        return pg_eight_digits((text << ((64 - 8 * count) & 63)) & -(uint64_t)(count != 0));
    }
    /* The digits before and after a point as one text, zeros in front: 0 < point, point + places <= 8. */
    static inline uint64_t pg_join(uint64_t whole, unsigned point, uint64_t part, unsigned places) {
        return (whole << (64 - 8 * point)) >> (8 * places) | (part << (56 - 8 * places)) << 8;
    }
    #define PG_OFF UINT64_MAX
    /* The number of `point` digits, a point if `places` is not 0, and `places` digits: 1..8 and 0..8. PG_OFF if it is
       none. May look at eight bytes from either part, or at 16 from `at`. */
    #ifdef __AVX2__
    #include <immintrin.h>
    static inline uint64_t pg_decimal(const unsigned char *at, unsigned point, unsigned places) {
        const __m128i count_up = _mm_setr_epi8(-16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1);
        __m128i text = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)at), _mm_set1_epi8('0'));
        __m128i from = _mm_add_epi8(count_up, _mm_set1_epi8((char)(point + places)));
        if (point + places == 16) return PG_OFF; /* With its point it is longer than what was read. */
        from = _mm_sub_epi8(from, _mm_cmpgt_epi8(from, _mm_set1_epi8((char)(point - 1)))); /* Step over the point. */
        text = _mm_shuffle_epi8(text, from); /* All digits at the end, zeros in front. */
        __m128i more = _mm_subs_epu8(text, _mm_set1_epi8(9));
        if (!_mm_testz_si128(more, more)) return PG_OFF;
        text = _mm_maddubs_epi16(text, _mm_set1_epi16(0x010A));
        text = _mm_madd_epi16(text, _mm_set1_epi32(0x00010064));
        text = _mm_packus_epi32(text, text);
        text = _mm_madd_epi16(text, _mm_set1_epi32(0x00012710));
        uint64_t halves = (uint64_t)_mm_cvtsi128_si64(text);
        return (halves & 0xFFFFFFFFULL) * 100000000ULL + (halves >> 32);
    }
    #else
    static inline uint64_t pg_decimal(const unsigned char *at, unsigned point, unsigned places) {
        static const uint64_t powers[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
        uint64_t whole = pg_eight(at), part = pg_eight(at + point + (places != 0));
        if (point + places <= 8) {
            whole = pg_join(whole, point, part, places);
            return pg_other(whole) ? PG_OFF : pg_eight_digits(whole);
        }
        if (pg_run(whole) < point || pg_run(part) < places) return PG_OFF;
        return pg_number(whole, point) * powers[places] + pg_number(part, places);
    }
    #endif
    static inline uint64_t pg_rotate(uint64_t value, unsigned places) {
        return (value >> places) | (value << ((64 - places) & 63));
    }
    /* Which of 32 bytes are `byte`, the first one lowest. */
    #if defined(__AVX2__)
    static inline uint32_t pg_marks(const unsigned char *at, unsigned char byte) {
        __m256i text = _mm256_loadu_si256((const __m256i *)at);
        return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(text, _mm256_set1_epi8((char)byte)));
    }
    #elif defined(__SSE2__)
    #include <emmintrin.h>
    static inline uint32_t pg_marks(const unsigned char *at, unsigned char byte) {
        __m128i wanted = _mm_set1_epi8((char)byte);
        __m128i low = _mm_loadu_si128((const __m128i *)at), high = _mm_loadu_si128((const __m128i *)(at + 16));
        return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(low, wanted)) |
               (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(high, wanted)) << 16;
    }
    #else
    static inline uint32_t pg_marks(const unsigned char *at, unsigned char byte) {
        const uint64_t low7 = 0x7F7F7F7F7F7F7F7FULL, wanted = byte ^ 0x30;
        uint32_t marks = 0;
        for (int part = 0; part < 4; part++) {
            uint64_t other = pg_eight(at + 8 * part) ^ (wanted * 0x0101010101010101ULL);
            uint64_t same = ~(((other & low7) + low7) | other) & ~low7;
            marks |= (uint32_t)(((same >> 7) * 0x0102040810204080ULL) >> 56) << (8 * part);
        }
        return marks;
    }
    #endif
    /* The place of the lowest mark; there must be one. */
    static inline unsigned pg_first(uint32_t marks) { return (unsigned)__builtin_ctz(marks); }
    """
    bint pg_fits() noexcept nogil
    uint64_t pg_eight(Bytes at) noexcept nogil
    uint64_t pg_last(Bytes end, unsigned gone) noexcept nogil
    unsigned pg_run(uint64_t text) noexcept nogil
    uint64_t pg_decimal(Bytes at, unsigned point, unsigned places) noexcept nogil
    uint64_t PG_OFF
    uint64_t pg_number(uint64_t text, unsigned count) noexcept nogil
    uint64_t pg_rotate(uint64_t value, unsigned places) noexcept nogil
    uint32_t pg_marks(Bytes at, unsigned char byte) noexcept nogil
    unsigned pg_first(uint32_t marks) noexcept nogil

if not pg_fits():
    raise ImportError("the compiled kernel was built for another processor: run make setup")
