cimport cython

from services.signals.holds cimport Holds
from services.signals.lane cimport Lane
from services.signals.markouts cimport Markouts
from shared.layout cimport meta_symbol


cdef class SignalsCore:
    cdef public object _config, _bracket, _build, _backfill, _learner
    cdef public Holds _holds
    cdef public Markouts _markouts
    cdef public long long _stale_ns, _cooldown_ns, _ttl_ns, _report_ns, _epoch, _generation, _decisions, _taker_e8
    cdef public str _run_id, _state
    cdef public dict _lanes, _grids, _entered_ns, _reaches
    cdef public tuple _shares
    cdef public object _open

    @cython.locals(out=list, lanes=dict, record=tuple, lane=Lane)
    cpdef list on_events(self, message, long long now)

    @cython.locals(at_ns="long long", silent_ns="long long", again=bint)
    cpdef list _judge(self, Lane lane, long long ring_seq, long long now)
