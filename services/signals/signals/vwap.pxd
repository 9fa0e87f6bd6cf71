cimport cython

from services.signals.market cimport Market
from services.signals.maths cimport RollingVwap, clamp

cdef Py_ssize_t PRICE_TICKS, SIZE_LOTS


cdef class Vwap:
    cdef public RollingVwap _average
    cdef public double _average_ticks, _full
    cdef public long long _least, _quiet_ns, _traded_ns, _mid2
    cdef public bint _by_deviations
    cdef public dict _strength
    cdef public str _regime
    cdef public double score
    cdef public long long fresh_until_ns

    @cython.locals(average=RollingVwap, mid2="long long", fresh_ns="long long", quiet_ns="long long", trade=tuple, strength=double, mid=double, above=double)
    cpdef update(self, Market market)
