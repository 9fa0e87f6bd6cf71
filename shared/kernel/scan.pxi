# Reading JSON text, byte by byte or many digits at a time, never past its end.

cdef enum:
    DIGITS_MAX = 18
    FAST_DECIMALS_MAX = 8

cdef int64_t C_COUNT_MAX = COUNT_MAX
cdef int64_t C_ID_MAX = ID_MAX
cdef int64_t C_MS_MAX = MS_MAX
cdef int64_t[19] POWERS
POWERS[0] = 1
cdef int _power
for _power in range(1, 19):
    POWERS[_power] = POWERS[_power - 1] * 10


cdef struct Scan:
    Bytes at
    Bytes end


cdef struct Grid:
    int decimals
    int64_t step
    # Dividing by `step` exactly: x * inverse, rotated, is the quotient, or above `limit` when there is a rest.
    uint64_t inverse
    unsigned shift
    uint64_t limit


cdef set_grid(Grid* grid, int decimals, step):
    assert decimals < DIGITS_MAX and 0 < step < 10**DIGITS_MAX
    grid.decimals, grid.step, grid.shift = decimals, step, 0
    odd = step
    while odd % 2 == 0:
        odd //= 2
        grid.shift += 1
    grid.inverse = pow(odd, -1, 2**64)
    grid.limit = min((2**64 - 1) // step, COUNT_MAX)


cdef inline unsigned char peek(Scan* scan) noexcept nogil:
    """Return the next byte, 0 at the end (which no frame contains)."""
    return scan.at[0] if scan.at < scan.end else 0


cdef inline bint accept(Scan* scan, unsigned char byte) noexcept nogil:
    """Step over ``byte`` if it comes next."""
    if scan.at < scan.end and scan.at[0] == byte:
        scan.at += 1
        return True
    return False


cdef inline bint accept_text(Scan* scan, const void* text, Py_ssize_t size) noexcept nogil:
    """Step over ``text`` if it comes next."""
    if scan.end - scan.at < size or memcmp(scan.at, text, size) != 0:
        return False
    scan.at += size
    return True


cdef inline bint word(Scan* scan, Bytes* text, Py_ssize_t* size) noexcept nogil:
    """Step over a string of plain characters; its inside is ``text``."""
    if not accept(scan, c'"'):
        return False
    text[0] = scan.at
    while scan.at < scan.end:
        if scan.at[0] == c'"':
            size[0] = scan.at - text[0]
            scan.at += 1
            return True
        if scan.at[0] < 0x20 or scan.at[0] > 0x7E or scan.at[0] == c'\\':
            return False
        scan.at += 1
    return False


cdef inline bint digits(Scan* scan, int64_t* value, int* count) noexcept nogil:
    """Read up to DIGITS_MAX digits on top of ``value``, raising ``count`` by their number; at least one."""
    cdef unsigned char digit
    cdef int before = count[0]
    cdef int64_t total = value[0]
    while scan.at < scan.end:
        digit = scan.at[0] - c'0'
        if digit > 9:
            break
        if count[0] >= DIGITS_MAX:
            return False
        total = total * 10 + digit
        count[0] += 1
        scan.at += 1
    value[0] = total
    return count[0] > before


cdef bint slow_integer(Scan* scan, int64_t limit, int64_t* value) noexcept nogil:
    cdef int count = 0
    cdef unsigned char first = peek(scan)
    value[0] = 0
    if not digits(scan, value, &count) or value[0] >= limit:
        return False
    return first != c'0' or count == 1


cdef inline bint integer(Scan* scan, int64_t limit, int64_t* value) noexcept nogil:
    """Read a JSON integer 0 <= value < limit."""
    cdef Py_ssize_t left = scan.end - scan.at
    cdef uint64_t text
    cdef unsigned count, more = 0
    cdef int64_t total
    if left < 9:
        return slow_integer(scan, limit, value)
    text = pg_eight(scan.at)
    count = pg_run(text)
    if count == 0 or (scan.at[0] == c'0' and count > 1):
        return False
    total = pg_number(text, count)
    if count == 8:
        # The eight bytes behind, or as many as there are: what is shifted in is no digit.
        text = pg_eight(scan.at + 8) if left >= 16 else pg_last(scan.end, 16 - left)
        more = pg_run(text)
        if more == 8:
            return slow_integer(scan, limit, value)
        total = total * POWERS[more] + <int64_t>pg_number(text, more)
    scan.at += count + more
    value[0] = total
    return total < limit


cdef bint slow_steps(Scan* scan, Grid* grid, int64_t* value) noexcept nogil:
    """Read decimal text and its closing quote as a whole number of steps."""
    cdef int count = 0, places = 0, zeros = 0
    cdef int64_t total = 0
    cdef unsigned char digit
    if not digits(scan, &total, &count):
        return False
    if accept(scan, c'.'):
        while scan.at < scan.end:
            digit = scan.at[0] - c'0'
            if digit > 9:
                break
            if places < grid.decimals:
                if count >= DIGITS_MAX:
                    return False
                total = total * 10 + digit
                count += 1
                places += 1
            elif digit != 0 or zeros >= DIGITS_MAX - places:
                return False
            else:
                zeros += 1
            scan.at += 1
        if places + zeros == 0:
            return False
    if not accept(scan, c'"') or count + grid.decimals - places > DIGITS_MAX:
        return False
    total *= POWERS[grid.decimals - places]
    if total % grid.step:
        return False
    value[0] = total // grid.step
    return value[0] <= C_COUNT_MAX


cdef inline bint steps(Scan* scan, Grid* grid, int64_t* value) noexcept nogil:
    """Read quoted decimal text as a whole number of steps."""
    return accept(scan, c'"') and slow_steps(scan, grid, value)


cdef inline uint64_t fast_steps(Bytes at, unsigned point, unsigned stop, const Grid* grid) noexcept nogil:
    """Return the number whose digits end at ``stop``, with its point at ``point`` (or at ``stop``: none), in steps.

    PG_OFF: it is not plain, off the grid, or longer than this knows (eight digits before the point, or after it). May
    look at 16 bytes from ``at``, and at eight from ``stop``.
    """
    cdef unsigned places = stop - point - (point != stop)
    cdef uint64_t value
    if point - 1 > 7 or places > <unsigned>grid.decimals or (places == 0) != (point == stop):
        return PG_OFF
    value = pg_decimal(at, point, places)
    if value == PG_OFF:
        return PG_OFF
    value = pg_rotate(value * <uint64_t>POWERS[grid.decimals - <int>places] * grid.inverse, grid.shift)
    return value if value <= grid.limit else PG_OFF


cdef inline bint claim(int* seen, int bit) noexcept nogil:
    """Note that a key was seen; False if it was seen before."""
    if seen[0] & bit:
        return False
    seen[0] |= bit
    return True


cdef bint skip(Scan* scan) noexcept nogil:
    """Step over the value of an unknown key, if it is a plain string, a short integer, or true, false, null."""
    cdef Bytes text
    cdef Py_ssize_t size
    cdef int64_t value
    if peek(scan) == c'"':
        return word(scan, &text, &size)
    if integer(scan, C_ID_MAX, &value):
        return True
    return accept_text(scan, b"true", 4) or accept_text(scan, b"false", 5) or accept_text(scan, b"null", 4)


cdef inline bint is_word(Scan* scan, const void* wanted, Py_ssize_t size) noexcept nogil:
    """Step over a string that must be ``wanted``."""
    cdef Bytes text
    cdef Py_ssize_t length
    return word(scan, &text, &length) and length == size and memcmp(text, wanted, size) == 0


ctypedef bint (*Value)(Scan*, void*, Bytes, Py_ssize_t) noexcept nogil


cdef bint members(Scan* scan, void* what, Value value) noexcept nogil:
    """Read an object, its keys in any order: ``value`` reads the value of a key into ``what``."""
    cdef Bytes key
    cdef Py_ssize_t size
    if not accept(scan, c'{'):
        return False
    while True:
        if not word(scan, &key, &size) or not accept(scan, c':'):
            return False
        if not value(scan, what, key, size):
            return False
        if not accept(scan, c','):
            return accept(scan, c'}')
