# The C types of value.py, and what it asks of C: memory from _memory.h, kernels from _kernels.h.
# _interpreted.py has the same in Python.

cimport cython
from cpython.array cimport array, clone
from cpython.contextvars cimport get_value
from cpython.object cimport PyTypeObject

cdef extern from "_memory.h":
    int ad_manage(PyTypeObject *, Py_ssize_t) except -1
    void ad_track(object)
    int ad_attach(PyTypeObject *, object, object) except -1

cdef extern from "Python.h":
    void PyObject_GC_UnTrack(object)

cdef extern from "_kernels.h":
    const char *AD_TABLE
    const int ADD "AD_add"
    const int SUB "AD_sub"
    const int MUL "AD_mul"
    const int DIV "AD_div"
    const int POW "AD_pow"
    const int NEG "AD_neg"
    const int ABS "AD_abs"
    const int DETACH "AD_detach"
    double ad_unary(int, double, double *) nogil
    double ad_binary(int, double, double, int, double *, double *) nogil
    double ad_list(int, Py_ssize_t, const double *, const double *, double *, double *) nogil

@cython.final
cdef class Value:
    cdef double _data, _grad, _da, _db
    cdef object _a, _b, _note  # side by side, for _memory.h
    cdef unsigned int _mark
    cdef unsigned short _op

cdef inline void blank(Value v) noexcept:
    pass

cdef inline void evaluate_unary(Value v, int op, double a) noexcept:
    v._data = ad_unary(op, a, &v._da)

cdef inline void evaluate_binary(Value v, int op, double a, double b, int need) noexcept:
    v._data = ad_binary(op, a, b, need, &v._da, &v._db)

cdef inline void evaluate_list(Value v, int op, Py_ssize_t lists, array data, array partials) noexcept:
    cdef Py_ssize_t n = len(data) // lists
    cdef double *x = data.data.as_doubles
    cdef double *d = partials.data.as_doubles
    v._data = ad_list(op, n, x, x + n, d, d + n)

cdef inline int attach(str name, object method) except -1:
    return ad_attach(<PyTypeObject *>Value, name, method)

cdef inline int track(Value v) except -1:
    ad_track(v)
    if type(v._a) is tuple:
        ad_track(v._a)
    return 0

cdef inline tuple mode_now(object variable):
    return <tuple>get_value(variable)

cdef inline tuple unseen(tuple operands):
    PyObject_GC_UnTrack(operands)
    return operands

cdef array _pattern

cdef inline array doubles(Py_ssize_t n):
    return clone(_pattern, n, False)

cdef inline void put(array numbers, Py_ssize_t i, double x) noexcept:
    numbers.data.as_doubles[i] = x

cdef inline double take(array numbers, Py_ssize_t i) noexcept:
    return numbers.data.as_doubles[i]

cdef inline str compiled_table():
    cdef Value v = Value.__new__(Value)
    ad_manage(<PyTypeObject *>Value, <char *>(&v._db + 1) - <char *><void *>v)
    return AD_TABLE.decode()

cdef enum:
    EQ, LT, LE, GT, GE

cdef object MODE, PLAIN
cdef bint _looking

cpdef look()

cdef object number_or_not(object x)

@cython.locals(w=Value, outcome=bint)
cdef object compare(int how, Value v, object other)

@cython.locals(v=Value)
cdef Value new_node(int op, object a, object b)

@cython.locals(v=Value)
cpdef Value record_unary(int op, Value a)

@cython.locals(v=Value, a=double, b=double, need=int)
cpdef object record_binary(int op, object left, object right)

@cython.locals(v=Value, operands=list, data=array, partials=array, i=Py_ssize_t, recording=bint)
cpdef object record_list(int op, list lists)

@cython.locals(v=Value, i=Py_ssize_t)
cpdef Value record_known(int op, tuple operands, double data, list partials)

@cython.locals(mode=tuple)
cdef Value settle(Value v)

@cython.locals(w=Value)
cdef Value held(Value v)
cpdef double number_of(Value v) except? -1
cpdef object trace_of(Value v)
cpdef own_note(Value v)
cpdef int code_of(Value v) except -1
cpdef collectable(Value v)
