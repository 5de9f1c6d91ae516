# The C types of numbering.py.

cimport cython
from autodiff.value cimport Value, trace_of

@cython.locals(v=Value, leaves=list)
cpdef list inputs_of(object note, object numbers)

cdef bint belongs(Value v, object trace, object note) except -1

@cython.locals(v=Value, slot=Py_ssize_t, n=Py_ssize_t, entries=Py_ssize_t, constants=Py_ssize_t, i=Py_ssize_t)
cpdef tuple lay_out(list order, object trace, list inputs)

@cython.locals(v=Value)
cpdef int slot_of(object x, object trace, dict frozen) except -1

@cython.locals(v=Value, k=Py_ssize_t, e=Py_ssize_t, c=Py_ssize_t)
cpdef fill(list order, object trace, dict frozen, unsigned short[::1] ops, int[::1] a, int[::1] b,
           int[::1] entries, double[::1] constants)
