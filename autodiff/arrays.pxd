# The C types of arrays.py.

cimport cython
from cpython.array cimport array
from autodiff.value cimport Value, put, take

@cython.locals(v=Value, i=Py_ssize_t)
cpdef gather(list values, array data, array grads)

@cython.locals(v=Value, i=Py_ssize_t)
cpdef scatter(list values, array data)

@cython.locals(v=Value, i=Py_ssize_t)
cpdef scatter_grads(list values, array grads)
