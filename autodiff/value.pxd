# The C types of value.py, and what it asks of C: memory and kernels from engine/memory.h and kernels.h.
# engine/interpreted.py has the same in Python.

cimport cython
from cpython.contextvars cimport get_value
from cpython.object cimport PyObject, PyTypeObject
from autodiff.engine.modes cimport Note, Origin

cdef extern from "engine/memory.h":
    void ad_manage(PyTypeObject *, Py_ssize_t)
    bint ad_track(object)
    int ad_attach(PyTypeObject *, object, object) except -1

cdef extern from "Python.h":
    ctypedef struct Kind "PyTypeObject":
        object (*tp_getattro)(object, object)
        int (*tp_setattro)(object, object, PyObject *) except -1
    ctypedef struct PyGetSetDef:
        const char *name
        object (*get)(object, void *)
    object PyDescr_NewGetSet(Kind *, PyGetSetDef *)
    void PyType_Modified(Kind *)
    object PyObject_GenericGetAttr(object, object)
    int PyObject_GenericSetAttr(object, object, PyObject *) except -1
    bint PyObject_IS_GC(object)

cdef extern from "engine/kernels.h":
    const char *AD_TABLE
    const int ADD "AD_add"
    const int SUB "AD_sub"
    const int MUL "AD_mul"
    const int DIV "AD_div"
    const int POW "AD_pow"
    const int NEG "AD_neg"
    const int ABS "AD_abs"
    const int DETACH "AD_detach"
    const int EQ "AD_equal"
    const int LT "AD_less"
    const int LE "AD_less_equal"
    const int GT "AD_greater"
    const int GE "AD_greater_equal"
    double ad_unary(int, double, double *) nogil
    double ad_binary(int, double, double, int, double *, double *) nogil

@cython.final
cdef class Value:
    cdef double _data, _grad, _da, _db
    cdef object _a, _b  # with the origin side by side, for memory.h
    cdef Origin _origin
    cdef unsigned int _mark
    cdef unsigned short _op

cdef inline void blank(Value v) noexcept:
    pass

cdef inline void evaluate_unary(Value v, int op, double a) noexcept:
    v._data = ad_unary(op, a, &v._da)

cdef inline void evaluate_binary(Value v, int op, double a, double b, int need) noexcept:
    v._data = ad_binary(op, a, b, need, &v._da, &v._db)

cdef inline int attach(object of, str name, object method) except -1:
    if hasattr(type(method), "__set__"):
        _properties.add(name)
    return ad_attach(<PyTypeObject *>of, name, method)

cdef inline bint track(Value v) noexcept:
    if type(v._a) is tuple:
        ad_track(v._a)
    return ad_track(v)

# What a program puts on a node (``p.momentum = 0.0``) is kept in its note: nodes without it have no
# room for it, and until there is such a node, nobody looks.  As on any Python object, it comes
# after the properties of the type and before its methods.

cdef inline dict kept_by(Value v):
    return (<Note>v._origin).attributes if type(v._origin) is Note else None

cdef inline dict attributes(Value v):
    cdef dict kept = kept_by(v)
    return {} if kept is None else kept

cdef inline dict own_attributes(Value v):
    note = own_note(v)
    if note.attributes is None:
        note.attributes = {}
        (<Kind *>Value).tp_getattro = get_attribute
        PyType_Modified(<Kind *>Value)
    return note.attributes

cdef set _properties  # the names that the type itself sets

cdef inline object get_attribute(object v, object name):
    cdef dict kept = kept_by(<Value>v)
    if kept is not None and name in kept and name not in _properties:
        return kept[name]
    return PyObject_GenericGetAttr(v, name)

cdef inline int set_attribute(object v, object name, PyObject *x) except -1:
    if name in _properties:
        return PyObject_GenericSetAttr(v, name, x)
    if x is not NULL:
        own_attributes(v)[name] = <object>x
        if PyObject_IS_GC(<object>x):  # through it the node may come to refer to itself
            collectable(v)
            collectable(<object>x)
    elif name in attributes(v):
        del own_attributes(v)[name]
    else:  # it refuses
        return PyObject_GenericSetAttr(v, name, x)
    return 0

cdef PyGetSetDef _dict

cdef inline object get_dict(object v, void *unused):
    collectable(v)  # whoever has it may put anything into it
    return own_attributes(v)

cdef inline tuple mode_now(object variable):
    return <tuple>get_value(variable)

cdef inline str compiled_table():
    global _properties
    cdef Value v = Value.__new__(Value)
    _properties = set()
    for of in Value.__mro__:
        for name, attribute in vars(of).items():
            if hasattr(type(attribute), "__set__"):
                _properties.add(name)
    ad_manage(<PyTypeObject *>Value, <char *>(&v._db + 1) - <char *><void *>v)
    (<Kind *>Value).tp_setattro = set_attribute
    _dict.name = "__dict__"
    _dict.get = get_dict
    attach(Value, "__dict__", PyDescr_NewGetSet(<Kind *>Value, &_dict))
    return AD_TABLE.decode()

cdef object MODE, PLAIN
cdef bint _looking

cpdef look()

cpdef object number_or_not(object x)

@cython.locals(w=Value, outcome=bint)
cdef object compare(int op, Value v, object other)

@cython.locals(v=Value)
cpdef Value new_node(int op, object a, object b)

@cython.locals(v=Value)
cpdef Value record_unary(int op, Value a)

@cython.locals(v=Value, a=double, b=double, need=int)
cpdef object record_binary(int op, object left, object right)

@cython.locals(mode=tuple, origin=Origin)
cpdef Value finish(Value v)
@cython.locals(w=Value)
cdef int inherit(Value v, object x, Origin origin, object trace) except -1
@cython.locals(v=Value)
cpdef int refuse_stranger(object x, object trace) except -1

@cython.locals(w=Value)
cdef Value stop_gradient(Value v)
cpdef double number_of(Value v) except? -1
cpdef Note own_note(Value v)
cpdef int code_of(Value v) except -1
@cython.locals(pending=list)
cpdef collectable(object x)
