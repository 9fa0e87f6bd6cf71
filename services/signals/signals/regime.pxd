cimport cython

from services.signals.market cimport Market
from services.signals.maths cimport clamp
from services.signals.weather cimport Weather


cdef class Regime:
    cdef public double _full
    cdef public long long _marks
    cdef public double score
    cdef public long long fresh_until_ns

    @cython.locals(weather=Weather, answer=double)
    cpdef update(self, Market market)
