# The C types and loops of arrays.py; nothing in the loops runs Python, so nobody comes in between.
# Elements are borrowed from their lists: counting references would take half of the time.

from cpython.array cimport array
from cpython.object cimport PyObject, PyTypeObject
from autodiff.value cimport Value

cdef extern from "Python.h":
    PyTypeObject *kind_of "Py_TYPE" (PyObject *)
    PyObject *borrow "PyList_GET_ITEM" (PyObject *, Py_ssize_t)

cdef inline Py_ssize_t leading_values(list values) noexcept:
    cdef Py_ssize_t i
    for i in range(len(values)):
        if kind_of(borrow(<PyObject *>values, i)) != <PyTypeObject *>Value:
            return i
    return len(values)

cdef inline int read_numbers(list values, array data, array grads) except -1:
    cdef double *d = data.data.as_doubles
    cdef double *g = grads.data.as_doubles
    cdef PyObject *x
    cdef Py_ssize_t i
    for i in range(len(values)):
        x = borrow(<PyObject *>values, i)
        d[i] = (<Value>x)._data
        g[i] = (<Value>x)._grad
    return 0

cdef inline int write_data(list groups, list data, list states, list new) except -1:
    cdef list values
    cdef double *d
    cdef Py_ssize_t k, i
    for k in range(len(groups)):
        values = <list>groups[k]
        d = (<array>data[k]).data.as_doubles
        for i in range(len(values)):
            (<Value>borrow(<PyObject *>values, i))._data = d[i]
    states[:] = new
    return 0

cdef inline int write_grads(list values, array grads) except -1:
    cdef double *g = grads.data.as_doubles
    cdef PyObject *x
    cdef Py_ssize_t i
    for i in range(len(values)):
        x = borrow(<PyObject *>values, i)
        (<Value>x)._grad = g[i]
        if (<Value>x)._note is not None:
            (<Value>x)._note.grad = None
    return 0

cpdef gather(list values, array data, array grads)
cpdef commit(list groups, list data, list states, list new)
cpdef scatter_grads(list values, array grads)

cdef int refuse_others(list values) except -1
