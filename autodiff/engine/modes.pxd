# The C types of modes.py.

cdef class Note:
    cdef public str name, scope, source
    cdef public bint shared
    cdef public object trace, root, grad, call
    cdef public dict attributes, lines
