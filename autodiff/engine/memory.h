/* Memory for nodes: a free list, allocation that the cyclic collector does not see, and a release
   that does not recurse.

   - A graph of immutable nodes has no cycles, so a node is born untracked: the collector, which
     would otherwise walk every live node again and again, has nothing to do.  Nodes that may come
     into a cycle, through gradients that are Values or what a program puts on them, are tracked by
     hand (``track``), with all that they were computed from.
   - Releasing a chain of nodes would recurse as deep as the chain is long.  Beyond a depth of
     DEEPEST a node is put on a list instead, and the outermost release drains the list; the
     link is kept in the dead node's own memory. */

#include <Python.h>
#include <string.h>

enum {
    AD_MOST_FREE = 1 << 12,  /* dead nodes kept; more would scatter the next graph over memory */
    AD_DEEPEST = 64
};

static PyObject *ad_free_nodes[AD_MOST_FREE];
static int ad_free_count = 0;
static Py_ssize_t ad_references; /* where a node's three references stand, side by side */
static int ad_depth = 0;
static PyObject *ad_release_later = NULL;

#define AD_LINK(node) (*(PyObject **)((char *)(node) + sizeof(PyObject)))

static PyObject *ad_alloc(PyTypeObject *type, Py_ssize_t n_items) {
    PyObject *node;
    (void)n_items;
    if (ad_free_count > 0) {
        node = ad_free_nodes[--ad_free_count];
        Py_SET_REFCNT(node, 1);
    } else {
        node = PyObject_GC_New(PyObject, type);
        if (!node) return NULL;
    }
    memset((char *)node + sizeof(PyObject), 0, type->tp_basicsize - sizeof(PyObject));
    return node;
}

static void ad_release_now(PyObject *node) {
    PyObject **references = (PyObject **)((char *)node + ad_references);
    Py_XDECREF(references[0]);
    Py_XDECREF(references[1]);
    Py_XDECREF(references[2]);
    if (ad_free_count < AD_MOST_FREE) ad_free_nodes[ad_free_count++] = node;
    else PyObject_GC_Del(node);
}

static void ad_release(PyObject *node) {
    if (PyObject_GC_IsTracked(node)) PyObject_GC_UnTrack(node);
    if (ad_depth >= AD_DEEPEST) {
        AD_LINK(node) = ad_release_later;
        ad_release_later = node;
        return;
    }
    ad_depth++;
    ad_release_now(node);
    if (ad_depth == 1)
        while (ad_release_later) {
            PyObject *next = ad_release_later;
            ad_release_later = AD_LINK(next);
            ad_release_now(next);
        }
    ad_depth--;
}

/* Take over the memory of a type whose three references stand at an offset, side by side. */
static void ad_manage(PyTypeObject *type, Py_ssize_t references) {
    ad_references = references;
    type->tp_dealloc = ad_release;
    type->tp_alloc = ad_alloc;
}

/* Whether the collector did not look at an object before. */
static int ad_track(PyObject *object) {
    if (PyObject_GC_IsTracked(object)) return 0;
    PyObject_GC_Track(object);
    return 1;
}

static int ad_attach(PyTypeObject *type, PyObject *name, PyObject *method) {
    int failed = PyDict_SetItem(type->tp_dict, name, method);
    PyType_Modified(type);
    return failed;
}
