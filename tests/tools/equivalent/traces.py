"""Mutants of traces and decision trees that no test can tell, and why."""

from equivalent.reasons import COLLECTED, FASTER

TRACES: dict[str, str] = {
    # -- traces ------------------------------------------------------------------------------------
    "compiler.trace.run: xs = within(here.mode(), numbering.inputs_of, list(inputs), here.origin) "
    "-> xs = within(here.mode(), numbering.inputs_of, inputs, here.origin)": (
        "interpreted, any sequence will do; compiled, it must be a list"
    ),
    "compiler.trace.run: here.forget() -> pass": COLLECTED,
    "compiler.trace.traced: here.forget() -> pass": COLLECTED,
    "compiler.trace._traced: inputs = [*xs, *(Value(0.0) for _ in range(spare))] -> inputs = "
    "[*xs, *(Value(1.0) for _ in range(spare))]": "they only take up slots: no one reads them",
    "compiler.trace._guarded: if not m: -> pass": FASTER,
    "compiler.trace._guarded: return p -> pass": FASTER,
    **{
        "compiler.trace._guarded: return np.where(refs < 0, refs, to[np.maximum(refs, 0)]) -> "
        f"return np.where({test}, refs, to[np.maximum(refs, 0)])": (
            "where there are guards there are inputs, and slot 0 is one of them: it stays"
        )
        for test in ("refs <= 0", "refs < 1")
    },
    **{
        "compiler.trace._guarded: ops, a, b = (np.zeros(n + 2 * m, x.dtype) for x in (p.ops, p.a, "
        f"p.b)) -> ops, a, b = (np.zeros(n + 2 * m, x.dtype) for x in {arrays})": (
            "both have the same type"
        )
        for arrays in ("(p.ops, p.b, p.b)", "(p.ops, p.a, p.a)")
    },
    "compiler.trace._on_list: return xs[0] -> return xs[1]": "no one reads what a guard gives",
}
