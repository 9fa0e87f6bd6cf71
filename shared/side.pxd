cimport cython


cdef class Side:
    cdef public long long _sign
    cdef public list _keys, _lots

    @cython.locals(key="long long", at=Py_ssize_t, before="long long")
    cpdef long long put(self, long long ticks, long long lots)

    cpdef clear(self)

    @cython.locals(key="long long", at=Py_ssize_t)
    cpdef long long lots_at(self, long long ticks)

    cpdef depth(self, Py_ssize_t levels)

    @cython.locals(keys=list)
    cpdef long long reach(self, Py_ssize_t levels)
