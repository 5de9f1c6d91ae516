/* Run programs step after step, each on what the one before left: see stepper.py.

   A step may go one of several ways, each a program.  In a row of numbers every way has a place of
   its own: its constants backwards, its inputs, its instructions.  ways has AD_WAY numbers for each:
   where in a row its reference 0 is; how many inputs and how many instructions it has; where its
   operations, entries and outputs begin; and where it is split: how many instructions come before
   all that reads an adjoint. */

enum { AD_BASE, AD_INPUTS, AD_LENGTH, AD_OPS, AD_ENTRIES, AD_OUTPUTS, AD_SPLIT, AD_WAY };
enum { AD_DONE, AD_IN_PYTHON, AD_NO_WAY };

#define AD_RUN(k, end) ad_run(k, end, ops + y[AD_OPS], a + y[AD_OPS], b + y[AD_OPS], \
    entries + y[AD_ENTRIES], otherwise + y[AD_OPS], slots, slots + y[AD_INPUTS], s)

/* Steps up to the one before last; at says which comes next, which way it goes, and from which
   instruction on.  The numbers of step first are in the first row; rows are stride apart, or there is
   only one, for 0.  A way runs up to its split, or to its end.  carry is changed; results get what
   each step gave, and chosen, if it is not 0, which way it went. */
static int ad_advance(Py_ssize_t *at, Py_ssize_t first, Py_ssize_t last, Py_ssize_t nways,
                      const int *ways, const unsigned short *ops, const int *a, const int *b,
                      const int *entries, const int *otherwise, const int *outputs,
                      Py_ssize_t stride, int to_split, Py_ssize_t n, Py_ssize_t nown,
                      Py_ssize_t nresults, double *w, double *s, double *carry, double *next,
                      const double *own, double *results, int *chosen) {
    Py_ssize_t i = at[0], way = at[1], k = at[2], j;
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
    }
    at[0] = i;
    return AD_DONE;
}

/* Back from step at[0] to step first, by the ways that were chosen, from their split on: the inputs
   from n on are the adjoints of the carry, and those of the step's results.  back, the adjoints of the
   carry, is changed; of_own gets those of what is each step's own, and to of_shared those of what all
   share are added. */
static int ad_retreat(Py_ssize_t *at, Py_ssize_t first, const int *ways, const unsigned short *ops,
                      const int *a, const int *b, const int *entries, const int *otherwise,
                      const int *outputs, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t ncarry,
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
    at[0] = i;
    return AD_DONE;
}
