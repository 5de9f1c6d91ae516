# The C types of lists.py.

cimport cython
from cpython.array cimport array, clone
from autodiff.engine.modes cimport Note
from autodiff.value cimport Value, finish, new_node, number_or_not, own_note, refuse_stranger

cdef extern from "Python.h":
    void PyObject_GC_UnTrack(object)

cdef extern from "engine/kernels.h":
    double ad_list(int, Py_ssize_t, const double *, const double *, double *, double *) nogil

cdef inline tuple untracked(tuple operands):
    PyObject_GC_UnTrack(operands)
    return operands

cdef array _prototype  # what clone() makes arrays like

cdef inline array doubles(Py_ssize_t n):
    return clone(_prototype, n, False)

cdef inline void put(array numbers, Py_ssize_t i, double x) noexcept:
    numbers.data.as_doubles[i] = x

cdef inline void evaluate_list(Value v, int op, Py_ssize_t lists, array data, array partials) noexcept:
    cdef Py_ssize_t n = len(data) // lists
    cdef double *x = data.data.as_doubles
    cdef double *d = partials.data.as_doubles
    v._data = ad_list(op, n, x, x + n, d, d + n)

@cython.locals(v=Value, operands=list, data=array, partials=array, i=Py_ssize_t, recording=bint)
cpdef object record_list(int op, list lists)

@cython.locals(v=Value, i=Py_ssize_t)
cpdef Value record_known(int op, tuple operands, double data, list partials)

@cython.locals(v=Value, note=Note)
cpdef Value record_call(tuple operands, double data, array partials, object call, str name)

@cython.locals(v=Value, w=Value, i=Py_ssize_t)
cpdef list record_vmap(tuple operands, const double[::1] numbers)

@cython.locals(left=list, i=Py_ssize_t)
cpdef tuple leaving_out(tuple operands, const int[::1] places, const double[::1] marks)

@cython.locals(v=Value)
cpdef bint in_traces(list values) except -1
