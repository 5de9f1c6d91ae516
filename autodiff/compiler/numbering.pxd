# The C types of numbering.py.

cimport cython
from autodiff.sweeps cimport marks, recorded_in
from autodiff.value cimport Value, blank

@cython.locals(v=Value, inputs=list)
cpdef list inputs_of(list given, object origin)

@cython.locals(v=Value, i=Py_ssize_t, number=double)
cpdef Py_ssize_t changed(list inputs, list given)

@cython.locals(v=Value, captured=list, leaves=list, slots=dict, n=Py_ssize_t, mine=bint)
cpdef tuple from_outside(list order, object trace, list inputs)

@cython.locals(v=Value, n=Py_ssize_t, i=Py_ssize_t, entries=Py_ssize_t, constants=Py_ssize_t, base=cython.uint)
cpdef tuple number(list order, object trace, list inputs, Py_ssize_t first)

@cython.locals(v=Value)
cpdef int slot_of(object x, object trace, dict slots, unsigned int base) except? -1

@cython.locals(v=Value, k=Py_ssize_t, e=Py_ssize_t, c=Py_ssize_t)
cpdef fill(list order, object trace, dict slots, unsigned int base, Py_ssize_t first,
           unsigned short[::1] ops, int[::1] a, int[::1] b, int[::1] entries, double[::1] constants)
