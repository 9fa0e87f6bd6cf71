# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The kernels, compiled: same effects as plain.py, touch.py, flow.py and words.py, word for word.

The scanner knows only the everyday shapes of a frame. Whatever else it meets (white space, escapes, strange numbers,
repeated or missing keys, rubbish) it leaves to the reference parser, so what a good frame is stands in parse.py alone.
Every byte is read through a check against the frame's end; nothing is written before the whole frame is known good.

    layout.pxi  the layout, for C          words.pxi   protocols on live words    access.pxi  the same for Python
    digits.pxi  many digits at a time      scan.pxi    JSON text                  frame.pxi   one order book frame
    side.pxi    one side of a book         book.pxi    BookKernel                 touch.pxi   TouchKernel
    flow.pxi    FlowKernel
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memmove, memset

from shared import layout
from shared.kernel.flow import TRADES_MAX
from shared.kernel.flow import FlowKernel as PlainFlow
from shared.kernel.outcome import Outcome
from shared.kernel.parse import COUNT_MAX, ID_MAX, MS_MAX, BookSpec, Touch, parse_book
from shared.kernel.words import READ_TRIES, LappedError
from shared.scale import to_e8

ctypedef const unsigned char* Bytes

cdef int64_t NS_PER_MS = 1000000
cdef int READ_TRIES_C = READ_TRIES

include "layout.pxi"
include "words.pxi"
include "access.pxi"
include "digits.pxi"
include "scan.pxi"
include "frame.pxi"
include "side.pxi"
include "book.pxi"
include "touch.pxi"
include "flow.pxi"
