/* Run the instructions of a program: see program.py for what they are.

   Slots are read from w and written from out on; operands of lists stand in entries, b[k] of them
   from a[k] on, and s has room for the longest.  Where the compiler can, every instruction jumps to
   the next one by itself, so that the processor learns which follows which. */

static double ad_on_list(int op, Py_ssize_t n, const int *e, const double *w, double *s, int *bad) {
    Py_ssize_t i;
    switch (op) {
#define X(name) case AD_##name:
    AD_INNER(X)
#undef X
        return ad_inner(op, n, e, w, bad);
    }
    for (i = 0; i < n; i++) s[i] = w[e[i]];
    switch (op) {
#define X(name) case AD_##name: return ad_list(op, n, s, s, 0, 0);
    AD_ONE_LIST(X)
#undef X
#define X(name) case AD_##name: return ad_list(op, n / 2, s, s + n / 2, 0, 0);
    AD_TWO_LISTS(X)
#undef X
    }
    return NAN;
}

/* Returns end; or the instruction that Python must do; or, as -1 - k, a guard that fails and has no
   instruction to go on at, or an index out of range. */
static Py_ssize_t ad_run(Py_ssize_t k, Py_ssize_t end, const unsigned short *ops, const int *a,
                         const int *b, const int *entries, const int *otherwise, const double *w,
                         double *out, double *s) {
    int bad = 0;
#if defined(__GNUC__)
#define AD_CASE(name) L_##name
#define AD_NEXT if (++k >= end) return end; goto *(ops[k] < AD_ROWS ? at[ops[k]] : &&L_python)
#define X(name) [AD_##name] = &&L_##name,
    static const void *const at[AD_ROWS] = {
        [0 ... AD_ROWS - 1] = &&L_list, AD_UNARY(X) AD_BINARY(X) X(detach) X(part)
    };
#undef X
    k--;
    AD_NEXT;
#else
#define AD_CASE(name) case AD_##name
#define AD_NEXT continue
    for (; k < end; k++) switch (ops[k] < AD_ROWS ? ops[k] : AD_python) {
#endif
#define X(name) AD_CASE(name): out[k] = ad_##name(w[a[k]]); AD_NEXT;
    AD_UNARY(X)
#undef X
#define X(name) AD_CASE(name): out[k] = ad_##name(w[a[k]], w[b[k]]); AD_NEXT;
    AD_BINARY(X)
#undef X
    AD_CASE(detach): out[k] = w[a[k]]; AD_NEXT;
    AD_CASE(part): AD_NEXT; /* its vmap has written it */
    AD_CASE(python): return k;
#if defined(__GNUC__)
    L_list:
#else
    default:
#endif
    out[k] = ad_on_list(ops[k], b[k], entries + a[k], w, s, &bad);
    if (bad) {
        if (otherwise[k] < 0) return -1 - k;
        bad = 0;
        k = otherwise[k] - 1;
    }
    AD_NEXT;
#if !defined(__GNUC__)
    }
    return end;
#endif
}
