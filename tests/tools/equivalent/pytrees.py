"""Mutants of pytrees and of the transforms built on them that no test can tell, and why."""

from equivalent.reasons import COPIED, FASTER

_FLATTEN = "transforms.pytrees.tree_flatten: "
_ALL_INTEGERS = f"{_FLATTEN}if kinds == {{int}} and max(map(abs, tree)) <= 2 ** 53: -> "
_ROW = "return (_of_parts(structure, numbers[first:first + n].tolist()), first + n)"
_ONE = "dividing by 1 gives the same number and the same derivatives as multiplying by it"

PYTREES: dict[str, str] = {
    # -- taking trees apart, and putting them together ---------------------------------------------
    "transforms.pytrees.flat: return numbers[0] -> pass": COPIED,
    "transforms.pytrees.flat: if len(numbers) == 1 and isinstance(numbers[0], np.ndarray): -> "
    "pass": COPIED,
    **dict.fromkeys(
        [
            f"{_FLATTEN}if kind is float or kind is Value: -> if kind is Value:",
            f"{_FLATTEN}if kinds <= {{float, Value}}: -> pass",
            f"{_FLATTEN}if kinds <= {{float, Value}}: -> if kinds < {{float, Value}}:",
            f"{_ALL_INTEGERS}pass",
            f"{_ALL_INTEGERS}if kinds == {{int}} and max(map(abs, tree)) <= 2 * 53:",
            f"{_ALL_INTEGERS}if kinds == {{int}} and max(map(abs, tree)) < 2 ** 53:",
            "transforms.pytrees.tree_of_array: if structure is _row(structure.kind, n): -> pass",
            f"transforms.pytrees.tree_of_array: {_ROW} -> pass",
            "transforms.pytrees.listed: if np.ndarray not in set(map(type, numbers)): -> pass",
            "transforms.pytrees.listed: return numbers -> pass",
        ],
        FASTER,
    ),
    "transforms.pytrees._of_parts: if node.kind is list: -> pass": COPIED,
    "transforms.pytrees._of_parts: return parts -> pass": COPIED,
    "transforms.pytrees.tree_of_cells: whole = np.concatenate([*cells, np.zeros(0)]) -> "
    "whole = np.concatenate([*cells, np.zeros(1)])": (
        "no one reads what stands behind the numbers of the structure"
    ),
    # -- transforms --------------------------------------------------------------------------------
    "transforms.api.hvp (3): result = call.shapes[0] -> result = call.shapes[1]": (
        "the tangents have the structure of the primals, but for what came as integers; results "
        "are floats"
    ),
    "transforms.api._underived: raise AssertionError('vjp has two results, one of them a function: "
    "it has no program') -> pass": "nothing calls it",
    "transforms.api._prepared: p = simplified(p) -> pass": FASTER,
    "transforms.api._prepared: now = [x * 1.0 if type(x) is Value else x for x in given] -> "
    "now = [x / 1.0 if type(x) is Value else x for x in given]": _ONE,
    "transforms.api._prepared: captured = [v * 1.0 if symbolic else number_of(v) for v in "
    "through.captured] -> captured = [v / 1.0 if symbolic else number_of(v) for v in "
    "through.captured]": _ONE,
    "transforms.api._prepared: operands = [*now, *(0.0 for _ in seeds), *captured] -> "
    "operands = [*now, *(1.0 for _ in seeds), *captured]": (
        "only what does not depend on the seeds is kept; every call sets them anew"
    ),
}
