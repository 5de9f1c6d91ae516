"""Mutants of how instructions are interpreted that no test can tell, and why."""

from equivalent.reasons import FASTER, NONE

_STEPS = "for step in np.asarray(steps).reshape({}, WIDTH).tolist():"
_CODE = "ops, a, b = np.asarray(code).reshape({}, 3)[y[_CODE]:y[_CODE] + y[_LENGTH]].T.tolist()"
_OVER_LISTS = "return float(KERNELS[op](*(xs[i * n:(i + {}) * n] for i in range(lists)))[0])"
_FIRST = "(name not in special.FUNCTIONS or name in _ROUNDED | {'div'})"
_NAMES = "all((x == name or x not in CODES or _is_rounded(x) for x in names))"
_NAMES_CUT = "all((x == name or x not in CODES or"

INSTRUCTIONS: dict[str, str] = {
    f"compiler.interpreted._over_list: {_OVER_LISTS.format(1)} -> {_OVER_LISTS.format(2)}": (
        "dot, the only row over two lists, reads no further than the end of the shorter"
    ),
    "compiler.interpreted.run_span: if op >= STATIC: -> if op > STATIC:": (
        "a call, whose number it is, is in no program"
    ),
    **dict.fromkeys(
        (
            f"compiler.interpreted.run_span: if otherwise[k] < 0: -> if otherwise[k] {changed}:"
            for changed in ("<= 0", "< 1")
        ),
        "where a guard fails, a program goes on behind it, and so never at instruction 0",
    ),
    "compiler.interpreted.run_steps: if k >= end: -> if k > end:": (
        "of a span whose last instruction Python has done, nothing is left to run"
    ),
    **dict.fromkeys(
        (
            f"compiler.interpreted.run_steps: {_STEPS.format(-1)} -> {_STEPS.format(-2)}",
            f"compiler.interpreted.run_lanes: {_STEPS.format(-1)} -> {_STEPS.format(-2)}",
            f"compiler.interpreted._run_way: {_CODE.format(-1)} -> {_CODE.format(-2)}",
        ),
        "any negative number asks NumPy for as many rows as there are",
    ),
    "compiler.interpreted._run_way: otherwise = [-1] * len(ops) -> otherwise = [-2] * len(ops)": (
        NONE
    ),
    # -- which rows NumPy computes for all lanes: the others are computed number by number, alike --
    **dict.fromkeys(
        (
            "compiler.interpreted._on_lanes: if _is_rounded(row.name): -> pass",
            "compiler.interpreted._on_lanes: return value_on_arrays(row) -> pass",
        ),
        FASTER,
    ),
    **dict.fromkeys(
        (
            f"compiler.interpreted._is_rounded: {change}"
            for change in (
                f"return {_FIRST} and {_NAMES} -> pass",
                f"return {_FIRST} and {_NAMES_CUT} -> "
                f"return name not in special.FUNCTIONS and {_NAMES_CUT}",
                f"return {_FIRST} and {_NAMES_CUT} -> "
                f"return name in _ROUNDED | {{'div'}} and {_NAMES_CUT}",
                f" _ROUNDED | {{'div'}}) and {_NAMES} ->  _ROUNDED | {{'div'}}) and "
                "all((x == name for x in names))",
                f" name in _ROUNDED | {{'div'}}) and {_NAMES} ->  name in _ROUNDED | {{'div'}}) "
                "and all((x not in CODES for x in names))",
            )
        ),
        "fewer rows are computed by NumPy, which takes longer and gives the same numbers",
    ),
    # -- steps -------------------------------------------------------------------------------------
    **dict.fromkeys(
        (
            f"compiler.interpreted.retreat_steps: if k < 0: -> if k {changed}:"
            for changed in ("<= 0", "< 1")
        ),
        "it is -1, or behind an instruction that Python has done, and so at least 1",
    ),
    "compiler.interpreted.retreat_steps: i, k = (i - 1, -1) -> i, k = (i - 1, -2)": (
        "any negative number says that a step begins"
    ),
}
