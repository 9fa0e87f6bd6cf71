cimport cython

from services.signals.market cimport Market
from services.signals.strike cimport Strike
from shared.takers cimport Order


cdef class Sweep:
    cdef public long long _levels
    cdef public Strike _strike
    cdef public double score
    cdef public long long fresh_until_ns

    @cython.locals(orders=list, order=Order)
    cpdef update(self, Market market)
