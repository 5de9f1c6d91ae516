# The C types of modes.py.

cimport cython

cdef class Origin:
    cdef public str scope, source
    cdef public object trace, root
    cdef public dict lines

@cython.final
cdef class Note(Origin):
    cdef public str name
    cdef public object grad, call
    cdef public dict attributes
