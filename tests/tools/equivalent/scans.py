"""Mutants of scans that no test can tell, and why."""

from equivalent.reasons import FASTER, ROOM, TUNED

_SEGMENT = (
    "compiler.scanned._segment: return max(CACHE // row, "
    "math.isqrt(scan.steps * scan.carry // row), {})"
)
_ROW = "row = {} * max((stepper.row for stepper in _steppers(scan)))"
_CHECKPOINTS = "checkpoints: Any = np.zeros((scan.steps // _segment(scan) + {}, scan.carry))"
_PULLED = "return [*back, *(x for mine in reversed(of_own) for x in mine), *of_shared, {}]"
_GIVEN = "(given == NONE).all()"
_FOUND = (
    "compiler.scan_rules._found: found.own[:, [*pullback.by_own]] = "
    "refs[len(pullback.back):cut].reshape(pullback.steps, {})"
)
_ZERO = "zero = (refs < 0) & (p.constants[np.minimum(refs, {}) * -1 - 1] == 0)"
_WANTED = (
    "wanted = _found(pullback, np.where(np.isin(np.arange(len(pullback)), parts[1]), {}, NONE))"
)

SCANS: dict[str, str] = {
    "compiler.scanned.advance: rows = stepper.rows(1, shared) -> "
    "rows = stepper.rows(2, shared)": ROOM,
    f"compiler.scanned._segment: {_ROW.format(3)} -> {_ROW.format(4)}": TUNED,
    f"{_SEGMENT.format(1)} -> {_SEGMENT.format(2).partition(': ')[2]}": TUNED,
    f"compiler.scanned._forwards: {_CHECKPOINTS.format(1)} -> {_CHECKPOINTS.format(2)}": ROOM,
    "compiler.scanned._fail: raise AssertionError('a program runs by itself, but not among "
    "others') -> pass": "a step that could not be run raises when its program is replayed",
    f"compiler.scanned._replay_pullback: {_PULLED.format(1.0)} -> {_PULLED.format(0.0)}": (
        "no program reads the last result of a pullback, and lanes, which do, have numbers"
    ),
    f"compiler.scan_rules._tangents_of_pullback: {_WANTED.format(1)} -> {_WANTED.format(2)}": (
        "any number but NONE is a mark"
    ),
    # Without adjoints or tangents, all that comes after is appended in vain, and left out again.
    **{
        f"compiler.scan_rules.{function}: {change}": FASTER
        for function in ("_adjoints_of_scan", "_adjoints_of_pullback")
        for change in (
            f"if {_GIVEN}: -> pass",
            f"if {_GIVEN}: -> if (given != NONE).all():",
            "return -> pass",
        )
    },
    "compiler.scan_rules._pushed: if all(((x == NONE).all() for x in tangents)): -> pass": FASTER,
    "compiler.scan_rules._pushed: return (last, of_steps) -> pass": FASTER,
    f"compiler.scan_rules._given: {_ZERO.format(-1)} -> {_ZERO.format(1)}": (
        "where it matters, references are below 0, and these stay as they are"
    ),
    f"{_FOUND.format(-1)} -> {_FOUND.format(-2).partition(': ')[2]}": (
        "NumPy takes any negative length as the one that is to be found"
    ),
}
