# The C types of stepper.py, and what runs steps from steps.h.

cimport cython

cdef extern from "engine/kernels.h":
    pass

cdef extern from "compiler/run.h":
    pass

cdef extern from "compiler/steps.h":
    int ad_advance(Py_ssize_t *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const int *,
                   const int *, const int *, const int *, Py_ssize_t, int, Py_ssize_t, Py_ssize_t, Py_ssize_t, double *,
                   double *, double *, double *, const double *, double *, int *) nogil
    int ad_retreat(Py_ssize_t *, Py_ssize_t, const int *, const int *, const int *, const int *,
                   Py_ssize_t, Py_ssize_t,
                   Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, double *, double *,
                   double *, const double *, double *, double *, const int *) nogil
    enum: AD_WAY

cdef inline int advance_steps(
    Py_ssize_t[::1] at, Py_ssize_t first, Py_ssize_t last, const int[::1] ways,
    const int[::1] code, const int[::1] entries, const int[::1] outputs, Py_ssize_t stride, bint to_split,
    const Py_ssize_t[::1] sizes, double[::1] w, double[::1] s, double[::1] carry,
    double[::1] following, const double[::1] own, double[::1] results, int[::1] chosen,
) noexcept:
    cdef int came
    with cython.boundscheck(False), nogil:  # of an empty array the address is only taken
        came = ad_advance(&at[0], first, last, ways.shape[0] // AD_WAY, &ways[0], &code[0],
                          &entries[0], &outputs[0], stride, to_split,
                          sizes[0], sizes[1], sizes[2], &w[0], &s[0], &carry[0], &following[0],
                          &own[0], &results[0], &chosen[0] if chosen.shape[0] else NULL)
    return came

cdef inline int retreat_steps(
    Py_ssize_t[::1] at, Py_ssize_t first, const int[::1] ways, const int[::1] code,
    const int[::1] entries, const int[::1] outputs, Py_ssize_t stride, const Py_ssize_t[::1] sizes, double[::1] w,
    double[::1] s, double[::1] back, const double[::1] given, double[::1] of_own,
    double[::1] of_shared, const int[::1] chosen,
) noexcept:
    cdef int came
    with cython.boundscheck(False), nogil:
        came = ad_retreat(&at[0], first, &ways[0], &code[0], &entries[0], &outputs[0], stride, sizes[0], sizes[1], sizes[2],
                          sizes[3], sizes[4], sizes[5], &w[0], &s[0], &back[0], &given[0],
                          &of_own[0], &of_shared[0], &chosen[0])
    return came

cpdef int advance(
    Py_ssize_t[::1] at, Py_ssize_t first, Py_ssize_t last, const int[::1] ways,
    const int[::1] code, const int[::1] entries, const int[::1] outputs, Py_ssize_t stride, bint to_split,
    const Py_ssize_t[::1] sizes, double[::1] w, double[::1] s, double[::1] carry,
    double[::1] following, const double[::1] own, double[::1] results, int[::1] chosen,
)

cpdef int retreat(
    Py_ssize_t[::1] at, Py_ssize_t first, const int[::1] ways, const int[::1] code,
    const int[::1] entries, const int[::1] outputs, Py_ssize_t stride, const Py_ssize_t[::1] sizes, double[::1] w,
    double[::1] s, double[::1] back, const double[::1] given, double[::1] of_own,
    double[::1] of_shared, const int[::1] chosen,
)
