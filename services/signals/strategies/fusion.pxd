cimport cython

from services.signals.market cimport Market
from services.signals.weather cimport Weather


cdef class Fusion:
    cdef public double _deadband, _enter, _steepness
    cdef public list _signals
    cdef public tuple shares, signals

    cpdef update(self, Market market)

    @cython.locals(at_ns="long long", regime=str)
    cpdef opinion(self, Market market)
