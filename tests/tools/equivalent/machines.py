"""Mutants of what runs and writes programs that no test can tell, and why."""

from equivalent.reasons import FASTER, NONE, ROOM

STEPS = (
    "compiler.machine.Machine.__init__: steps = (np.array([[0, 0, len(p)] + [0] * (WIDTH - 3)], "
    "np.int32), otherwise, 1) -> steps = "
)
PLACES = "compiler.machine.places: "

MACHINES: dict[str, str] = {
    "compiler.machine.Machine.__init__: otherwise = np.full(len(p), -1, np.int32) -> "
    "otherwise = np.full(len(p), -2, np.int32)": NONE,
    **dict.fromkeys(
        (
            STEPS + "(np.array([[0, 1, len(p)] + [0] * (WIDTH - 3)], np.int32), otherwise, 1)",
            STEPS + "(np.array([[0, 0, len(p)] + [1] * (WIDTH - 3)], np.int32), otherwise, 1)",
        ),
        "of a step that is done instruction by instruction only the end is read",
    ),
    STEPS + "(np.array([[0, 0, len(p)] + [0] * (WIDTH - 3)], np.int32), otherwise, 2)": ROOM,
    "compiler.machine.Machine.__init__: self._room = int(np.max(p.b[p.over_list], "
    "initial=steps[2])) -> self._room = int(np.max(p.a[p.over_list], initial=steps[2]))": (
        "interpreted, only vectors copy their operands, and steps[2] says how many"
    ),
    "compiler.machine.Machine.__call__: self._idle.append(buffer) -> pass": FASTER,
    "compiler.machine.Machine.walk: self._idle.append(buffer) -> pass": FASTER,
    "compiler.machine.Machine._run: return -1 -> return -2": NONE,
    PLACES + "if len(numbers) and (np.diff(numbers) == 1).all(): -> pass": FASTER,
    PLACES + "return slice(int(numbers[0]), int(numbers[len(numbers) - 1]) + 1) -> pass": FASTER,
    "compiler.machine.flops: elements = operands.sum() // len(row.names) -> "
    "elements = operands.sum() * len(row.names)": (
        "of dot, the only one over several lists, the product has been counted: elements count 0"
    ),
}
