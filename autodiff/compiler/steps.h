/* Run programs step after step, each on what the one before left: see stepper.py.

   A step may go one of several ways, each a program.  In a row of numbers every way has a place of
   its own: its constants backwards, its inputs, its instructions.  ways has AD_WAY numbers for each:
   where in a row its reference 0 is; how many inputs and how many instructions it has; where its
   instructions, entries and outputs begin; and where it is split: how many instructions come before
   all that reads an adjoint. */

enum { AD_BASE, AD_INPUTS, AD_LENGTH, AD_CODE, AD_ENTRIES, AD_OUTPUTS, AD_SPLIT, AD_WAY };
enum { AD_DONE, AD_IN_PYTHON, AD_NO_WAY };

/* Run instructions as ad_run does, the result of each kept in a register for the next: in a chain of
   operations most of the time would else pass with waiting for what was just written to memory.

   An instruction is three numbers: what to do, and its operands.  What to do is the number of a row;
   AD_ROWS more where a is the result before, twice that where b is, and three times where both are;
   AD_STOP for what Python must do.  Returns end; or the instruction that Python must do; or -1 - k. */
enum { AD_STOP = 4 * AD_ROWS };
#define AD_ARITHMETIC(X) X(add) X(sub) X(mul) X(div)
#define AD_OF_ONE(X) X(neg) X(square)
static Py_ssize_t ad_chain(Py_ssize_t k, Py_ssize_t end, const int *code, const int *entries,
                           const double *w, double *out, double *s) {
    const int *c = code + 3 * k, *const last = code + 3 * end;
    double *o = out + k, t = k ? out[k - 1] : 0.0;
    int bad = 0;
#if defined(__GNUC__)
#define AD_DO(label) label
#define AD_THEN if (c == last) return end; goto *at[*c]
#define AD_SET(x) t = x; *o++ = t; c += 3; AD_THEN
#define X(name) [AD_##name] = &&L_##name,
#define Y(name) [AD_##name + AD_ROWS] = &&A_##name,
#define Z(name) [AD_##name + 2 * AD_ROWS] = &&B_##name, [AD_##name + 3 * AD_ROWS] = &&C_##name,
    static const void *const at[AD_STOP + 1] = {
        [0 ... AD_ROWS - 1] = &&L_list, [AD_ROWS ... AD_STOP] = &&L_python,
        AD_UNARY(X) AD_BINARY(X) X(detach) X(part)
        AD_ARITHMETIC(Y) AD_OF_ONE(Y) AD_ARITHMETIC(Z)
    };
#undef X
#undef Y
#undef Z
    AD_THEN;
#define X(name) L_##name: AD_SET(ad_##name(w[c[1]]));
    AD_UNARY(X)
#undef X
#define X(name) L_##name: AD_SET(ad_##name(w[c[1]], w[c[2]]));
    AD_BINARY(X)
#undef X
#define X(name) A_##name: AD_SET(ad_##name(t));
    AD_OF_ONE(X)
#undef X
#define X(name) A_##name: AD_SET(ad_##name(t, w[c[2]])); \
                B_##name: AD_SET(ad_##name(w[c[1]], t)); C_##name: AD_SET(ad_##name(t, t));
    AD_ARITHMETIC(X)
#undef X
    L_detach: AD_SET(w[c[1]]);
    L_part: o++; c += 3; AD_THEN; /* its vmap has written it */
    L_list:
        t = ad_on_list(*c, c[2], entries + c[1], w, s, &bad);
        if (bad) return -1 - (c - code) / 3;
        AD_SET(t);
    L_python: return (c - code) / 3;
#else
    for (; c < last; c += 3, o++) {
        const int op = *c % AD_ROWS;
        if (*c >= AD_STOP) return (c - code) / 3;
        switch (op) {
#define X(name) case AD_##name: *o = ad_##name(w[c[1]]); break;
        AD_UNARY(X)
#undef X
#define X(name) case AD_##name: *o = ad_##name(w[c[1]], w[c[2]]); break;
        AD_BINARY(X)
#undef X
        case AD_detach: *o = w[c[1]]; break;
        case AD_part: break;
        default:
            *o = ad_on_list(op, c[2], entries + c[1], w, s, &bad);
            if (bad) return -1 - (c - code) / 3;
        }
    }
    (void)t;
    return end;
#endif
}

#define AD_RUN(k, end) ad_chain(k, end, code + 3 * y[AD_CODE], entries + y[AD_ENTRIES], slots, \
                                slots + y[AD_INPUTS], s)

/* Steps up to the one before last; at says which comes next, which way it goes, and from which
   instruction on.  The numbers of step first are in the first row; rows are stride apart, or there is
   only one, for 0.  A way runs up to its split, or to its end.  carry is changed; results get what
   each step gave; chosen, if it is not 0, which way it went; saved, the carry after every so many
   steps. */
static int ad_advance(Py_ssize_t *at, Py_ssize_t first, Py_ssize_t last, Py_ssize_t nways,
                      const int *ways, const int *code, const int *entries, const int *outputs,
                      Py_ssize_t stride, int to_split, Py_ssize_t n, Py_ssize_t nown,
                      Py_ssize_t nresults, double *w, double *s, double *carry, double *next,
                      const double *own, double *results, int *chosen, double *saved,
                      Py_ssize_t every) {
    Py_ssize_t i = at[0], way = at[1], k = at[2], j, since = every ? i % every : 0;
    for (; i < last; i++, way = 0, k = 0) {
        const int *y = ways, *found;
        double *slots = w;
        for (; way < nways; way++, k = 0) {
            Py_ssize_t end;
            y = ways + way * AD_WAY;
            end = y[to_split ? AD_SPLIT : AD_LENGTH];
            slots = w + (i - first) * stride + y[AD_BASE];
            if (!k) {
                for (j = 0; j < n; j++) slots[j] = carry[j];
                for (j = 0; j < nown; j++) slots[n + j] = own[i * nown + j];
            }
            k = AD_RUN(k, end);
            if (k == end) break;
            if (k >= 0) {
                at[0] = i, at[1] = way, at[2] = k;
                return AD_IN_PYTHON;
            }
        }
        if (way == nways) {
            at[0] = i;
            return AD_NO_WAY;
        }
        found = outputs + y[AD_OUTPUTS];
        for (j = 0; j < n; j++) next[j] = slots[found[j]];
        for (j = 0; j < n; j++) carry[j] = next[j];
        for (j = 0; j < nresults; j++) results[i * nresults + j] = slots[found[n + j]];
        if (chosen) chosen[i - first] = (int)way;
        if (every && ++since == every) {
            double *here = saved + (i + 1) / every * n;
            for (j = 0; j < n; j++) here[j] = carry[j];
            since = 0;
        }
    }
    at[0] = i;
    return AD_DONE;
}

/* Back from step at[0] to step first, by the ways that were chosen, from their split on: the inputs
   from n on are the adjoints of the carry, and those of the step's results.  back, the adjoints of the
   carry, is changed; of_own gets those of what is each step's own, and to of_shared those of what all
   share are added. */
static int ad_retreat(Py_ssize_t *at, Py_ssize_t first, const int *ways, const int *code,
                      const int *entries, const int *outputs, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t ncarry,
                      Py_ssize_t nback, Py_ssize_t ngiven, Py_ssize_t nown, Py_ssize_t nshared,
                      double *w, double *s, double *back, const double *given, double *of_own,
                      double *of_shared, const int *chosen) {
    Py_ssize_t i = at[0], k = at[2], j;
    for (; i >= first; i--, k = -1) {
        const int *y = ways + chosen[i - first] * AD_WAY, *found;
        double *slots = w + (i - first) * stride + y[AD_BASE];
        if (k < 0) {
            for (j = 0; j < nback; j++) slots[n + j] = back[j];
            for (j = 0; j < ngiven; j++) slots[n + nback + j] = given[i * ngiven + j];
            k = y[AD_SPLIT];
        }
        k = AD_RUN(k, y[AD_LENGTH]);
        if (k != y[AD_LENGTH]) {
            at[0] = i, at[1] = chosen[i - first], at[2] = k;
            return k < 0 ? AD_NO_WAY : AD_IN_PYTHON;
        }
        found = outputs + y[AD_OUTPUTS] + ncarry;
        for (j = 0; j < nback; j++) back[j] = slots[found[j]];
        found += nback;
        for (j = 0; j < nown; j++) of_own[i * nown + j] = slots[found[j]];
        found += nown;
        for (j = 0; j < nshared; j++) of_shared[j] += slots[found[j]];
    }
    return AD_DONE;
}
