# The C types of sweeps.py.

cimport cython
from cpython.array cimport array, clone, resize
from autodiff.engine.modes cimport Note
from autodiff.value cimport Value, collectable, own_note

cdef unsigned int _stamp
cdef int _VMAP
cdef array _empty  # what clone() makes arrays like

cdef inline double partial_at(array numbers, Py_ssize_t i) noexcept:
    return numbers.data.as_doubles[i]

# Nodes of a traversal: borrowed references, since the caller holds the roots.  The first word is how
# many there are.  What is visited one after another was mostly recorded one after
# another, and lies side by side in memory: what will come next is fetched ahead, or each node
# would be waited for.

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define ad_fetch(address) __builtin_prefetch(address)
    #else
    #define ad_fetch(address) ((void)(address))
    #endif
    """
    void fetch "ad_fetch" (const void *) noexcept

cdef inline array nodes():
    cdef array empty = clone(_empty, 64, False)
    (<Py_ssize_t *>empty.data.as_voidptr)[0] = 0
    return empty

cdef inline Py_ssize_t count(array nodes) noexcept:
    return (<Py_ssize_t *>nodes.data.as_voidptr)[0]

cdef inline int push(array nodes, Value v) except -1:
    cdef Py_ssize_t n = count(nodes) + 1
    if n == len(nodes):
        resize(nodes, 2 * n)
    (<void **>nodes.data.as_voidptr)[n] = <void *>v
    (<Py_ssize_t *>nodes.data.as_voidptr)[0] = n
    return 0

cdef inline Value pop(array nodes):
    cdef Py_ssize_t n = count(nodes)
    cdef char *v = (<char **>nodes.data.as_voidptr)[n]
    (<Py_ssize_t *>nodes.data.as_voidptr)[0] = n - 1
    fetch(v - 832)
    fetch(v - 768)
    fetch(v + 768)
    fetch(v + 832)
    return <Value><void *>v

cdef inline Value at(array nodes, Py_ssize_t i):
    return <Value>(<void **>nodes.data.as_voidptr)[i + 1]

cdef inline list listed(array order):
    cdef list whole = []
    cdef Py_ssize_t i
    for i in range(count(order)):
        whole.append(at(order, i))
    return whole

# Atomic: it runs no Python code.
cdef inline int set_gradients(list nodes, list gradients, array order) except -1:
    cdef Value v
    cdef Py_ssize_t i
    for i in range(len(nodes)):
        v = nodes[i]
        gradient = gradients[i]
        if type(gradient) is Value:
            v._grad = (<Value>gradient)._data
            (<Note>v._origin).grad = gradient
        else:
            v._grad = gradient
            if type(v._origin) is Note:
                (<Note>v._origin).grad = None
    if order is not None:
        for i in range(count(order)):
            fetch((<void **>order.data.as_voidptr)[min(i + 24, count(order))])
            v = at(order, i)
            if v._op == 0 and (type(v._origin) is not Note or (<Note>v._origin).grad is None):
                v._grad += v._da
    return 0

cpdef list visit(object roots, object within=*, object inputs=*)

cpdef unsigned int marks(unsigned int n) noexcept

@cython.locals(v=Value, w=Value, order=array, stack=array, operands=tuple, opened=cython.uint,
               closed=cython.uint, outside=cython.uint)
cdef array traverse(list roots, object within, object inputs, bint sweeping)

cdef Note note_of(Value v)

cpdef str source_of(Value v)

cpdef bint recorded_in(Value v, object trace) except -1

@cython.locals(order=array)
cpdef sweep(Value root, double seed)

@cython.locals(v=Value, note=Note, order=array, partials=array, i=Py_ssize_t, seen=cython.uint)
cpdef bint sweep_call(Value root, double seed) except -1

@cython.locals(v=Value, note=Note, i=Py_ssize_t, changed=list, gradients=list)
cdef int add_to_leaves(array order) except -1

@cython.locals(v=Value, order=array, i=Py_ssize_t, outside=list, closed=cython.uint, captured=bint)
cpdef list sweep_trace(list roots, list seeds, list inputs, object trace)

cdef void clear(Value v) noexcept

@cython.locals(v=Value, i=Py_ssize_t, closed=cython.uint)
cdef backwards(array order)

@cython.locals(v=Value, i=Py_ssize_t, adjoint=double, partial=double, closed=cython.uint)
cdef int backwards_detecting(array order) except -1

@cython.locals(partials=array, i=Py_ssize_t, adjoint=double)
cdef void hand_on(Value v) noexcept

cdef void receive(Value v, double share) noexcept

cdef double adjoint_of(Value v) noexcept

cpdef commit(list changed, list gradients, array order)
