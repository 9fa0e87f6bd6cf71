cimport cython

from services.signals.maths cimport clamp


@cython.locals(score=double, share=double, value=double, size=double, direction=int, at=Py_ssize_t)
cpdef fuse(scores, shares, double deadband, double steepness)
