# The C types of sweeps.py.

cimport cython
from cpython.array cimport array
from autodiff.value cimport Value, collectable, own_note, take

cdef unsigned int _stamp

# Nothing in here runs Python, so no signal's handler and no other thread comes in between.
cdef inline int set_gradients(list nodes, list gradients) except -1:
    cdef Value v
    cdef Py_ssize_t i
    for i in range(len(nodes)):
        v = nodes[i]
        gradient = gradients[i]
        if type(gradient) is Value:
            v._grad = (<Value>gradient)._data
            v._note.grad = gradient
        else:
            v._grad = gradient
            if v._note is not None:
                v._note.grad = None
    return 0

@cython.locals(v=Value, w=Value, order=list, stack=list, opened=cython.uint, closed=cython.uint,
               outside=cython.uint)
cpdef list visit(object roots, object within=*, object inputs=*)

cpdef bint recorded_in(Value v, object trace) except -1

@cython.locals(v=Value, order=list, leaves=list, gradients=list)
cpdef sweep(Value root, double seed)

@cython.locals(v=Value, order=list, outside=list, closed=cython.uint, captured=bint)
cpdef list sweep_trace(list roots, list seeds, list inputs, object trace)

@cython.locals(v=Value)
cdef int clear(list nodes) except -1

@cython.locals(v=Value, adjoint=double, closed=cython.uint)
cdef int hand_on(list order, bint detecting) except -1

cdef void receive(Value v, double adjoint) noexcept

@cython.locals(partials=array, i=Py_ssize_t)
cdef void sweep_list(Value v, double adjoint) noexcept
