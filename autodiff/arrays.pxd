# The C types and loops of arrays.py; the loops are atomic: they run no Python code.
# Elements are borrowed from their lists: counting references would take half of the time.

from cpython.array cimport array, clone
from cpython.object cimport PyObject, PyTypeObject
from autodiff.engine.modes cimport Note
from autodiff.value cimport Value

cdef extern from "Python.h":
    PyTypeObject *kind_of "Py_TYPE" (PyObject *)
    PyObject *borrow "PyList_GET_ITEM" (PyObject *, Py_ssize_t)
    bint following "PyDict_Next" (object, Py_ssize_t *, PyObject **, PyObject **)

# Many Values do not fit the cache: those that come soon are fetched ahead.
cdef extern from *:
    """
    #if defined(__GNUC__)
    #define ad_fetch(address) __builtin_prefetch(address)
    #else
    #define ad_fetch(address) ((void)(address))
    #endif
    """
    void fetch "ad_fetch" (const void *) noexcept

cdef inline PyObject *element(list values, Py_ssize_t i) noexcept:
    cdef char *ahead
    if i + 24 < len(values):
        ahead = <char *>borrow(<PyObject *>values, i + 24)
        fetch(ahead)
        fetch(ahead + 64)
    return borrow(<PyObject *>values, i)

cdef array _prototype  # what clone() makes arrays like

cdef inline array doubles(Py_ssize_t n):
    return clone(_prototype, n, False)

cdef inline int read_data(object of, list numbers, array data) except -1:
    cdef PyTypeObject *value = <PyTypeObject *>of
    cdef double *d = data.data.as_doubles
    cdef PyObject *x
    cdef Py_ssize_t i
    for i in range(len(numbers)):
        x = element(numbers, i)
        d[i] = (<Value>x)._data if kind_of(x) == value else <double><object>x
    return 0

cdef inline bint identical(list xs, list ys):
    cdef Py_ssize_t i
    if len(xs) != len(ys):
        return False
    for i in range(len(xs)):
        if borrow(<PyObject *>xs, i) != borrow(<PyObject *>ys, i):
            return False
    return True

cdef inline bint all_held(list containers, list contents):
    cdef PyObject *key
    cdef PyObject *value
    cdef list held
    cdef Py_ssize_t k, i, n, at
    for k in range(len(containers)):
        held = <list>contents[k]
        if not isinstance(containers[k], dict):
            if not identical(<list>containers[k], held):
                return False
            continue
        n, at, i = len(<dict>containers[k]), 0, 0
        if len(held) != 2 * n:
            return False
        while following(containers[k], &at, &key, &value):
            if borrow(<PyObject *>held, i) != key or borrow(<PyObject *>held, n + i) != value:
                return False
            i += 1
    return True

# Both give the index of the first element that is not a Value, or the number of elements.

cdef inline Py_ssize_t read_numbers(object of, list values, array data, array grads) except -1:
    cdef PyTypeObject *expected = <PyTypeObject *>of
    cdef double *d = data.data.as_doubles
    cdef double *g = grads.data.as_doubles
    cdef PyObject *x
    cdef Py_ssize_t i
    for i in range(len(values)):
        x = element(values, i)
        if kind_of(x) != expected:
            return i
        d[i] = (<Value>x)._data
        g[i] = (<Value>x)._grad
    return len(values)

cdef inline Py_ssize_t write_grads(object of, list values, array grads) except -1:
    cdef PyTypeObject *expected = <PyTypeObject *>of
    cdef double *g = grads.data.as_doubles
    cdef PyObject *x
    cdef Py_ssize_t i
    for i in range(len(values)):
        x = element(values, i)
        if kind_of(x) != expected:
            return i
        (<Value>x)._grad = g[i]
        if type((<Value>x)._origin) is Note:
            (<Note>(<Value>x)._origin).grad = None
    return len(values)

cdef inline int write_data(object of, list groups, list data, list states, list new) except -1:
    cdef PyTypeObject *expected = <PyTypeObject *>of
    cdef list values
    cdef array numbers
    cdef PyObject *x
    cdef Py_ssize_t k, i
    for k in range(len(groups)):
        values = <list>groups[k]
        numbers = <array>data[k]
        for i in range(min(len(values), len(numbers))):
            x = element(values, i)
            if kind_of(x) == expected:  # as it was in gather(): whoever has changed that, no crash
                (<Value>x)._data = numbers.data.as_doubles[i]
    states[:] = new
    return 0

cpdef array data_of(list numbers)
cpdef bint same_objects(list xs, list ys)
cpdef bint same_contents(list containers, list contents)
cpdef gather(list values, array data, array grads)
cpdef commit(list groups, list data, list states, list new)
cpdef scatter_grads(list values, array grads)

cdef int refuse(list values, Py_ssize_t i) except -1
