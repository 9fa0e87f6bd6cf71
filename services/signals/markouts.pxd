cimport cython


cdef class _Open:
    cdef public object decision
    cdef public long long at_ns
    cdef public double mid, cost_bps
    cdef public list moved_bps


cdef class Course:
    cdef public list _done
    cdef public double _half_tick
    cdef public long long _mid2, _at_ns, due_ns
    cdef public tuple _queues

    cpdef see(self, long long at_ns, long long mid2)

    @cython.locals(one=_Open, mid=double, due_ns="long long", horizon_ns="long long")
    cpdef fill(self, long long until_ns)


cdef class Markouts:
    cdef public double _fees_bps
    cdef public dict _courses
    cdef public list _done

    cpdef list take(self, long long epoch)
