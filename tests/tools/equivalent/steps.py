"""Mutants of steps, and of the numbering of a trace, that no test can tell, and why."""

from equivalent.reasons import FASTER, NONE, ROOM, TUNED

_REGISTERS = "only C keeps results in registers; compiled, test_scan.py tells"
_LIST = "it is only gone through, and simplified makes a tuple of it"

_INIT = "compiler.stepper.Stepper.__init__: "
_SIZES = "table, parts, self.row, self._room, self._length = ([], [], {}, {}, {})"
_MOST = "self._room = max(self._room, int(np.max(p.{}[p.over_list], initial={})))"
_LENGTH = "self._length = max(self._length, len(p))"
_ADVANCE = "compiler.stepper.Stepper.advance: "
_CHUNK = "chunk = max(CHUNK {} self._length, {})"
_FORWARDS = "advance(*(at, steps.start, end, *self._code, 0, {}, self._forth, *numbers_of))"
_WHERE = "where = np.array([steps.stop - 1, {}, {}], np.intp)"
_CODE = "compiler.stepper._code: "
_BEFORE = "before = p.inputs {} np.arange(len(p)) {}"
_KEPT = "kept = np.roll((p.ops {} STATIC) & (p.ops {} PART), {})"
_A = "a = kept & np.isin(p.ops, ARITHMETIC + OF_ONE) & ({} before)"
_B = "b = kept & np.isin(p.ops, ARITHMETIC) & ({} before)"
_OPS = "ops = np.where(p.ops {} STATIC, p.ops.astype(np.int32) {} STATIC * ({} * {}), {} * STATIC)"

_CODES = [
    *((_BEFORE.format("+", "- 1"), _BEFORE.format(*x)) for x in [("-", "- 1"), ("+", "- 2")]),
    *(
        (_KEPT.format("<", "!=", 1), _KEPT.format("<", *changed))
        for changed in [("==", 1), ("!=", 2)]
    ),
    *(("kept[:1] = False", changed) for changed in ["pass", "kept[:1] = True"]),
    *((_A.format("p.a =="), _A.format(changed)) for changed in ["p.a !=", "p.b =="]),
    *((_B.format("p.b =="), _B.format(changed)) for changed in ["p.a ==", "p.b !="]),
    *(
        (_OPS.format("<", "+", "a + 2", "b", 4), _OPS.format("<", *changed))
        for changed in [
            ("-", "a + 2", "b", 4),
            ("+", "b + 2", "b", 4),
            ("+", "a - 2", "b", 4),
            ("+", "a + 2", "a", 4),
            ("+", "a + 2", "b", 5),
        ]
    ),
]

STEPS: dict[str, str] = {
    # -- what runs them ----------------------------------------------------------------------------
    f"{_INIT}{_SIZES.format(0, 1, 1)} -> {_SIZES.format(1, 1, 1)}": ROOM,
    f"{_INIT}{_SIZES.format(0, 1, 1)} -> {_SIZES.format(0, 2, 1)}": ROOM,
    f"{_INIT}{_SIZES.format(0, 1, 1)} -> {_SIZES.format(0, 1, 2)}": TUNED,
    **{
        f"{_INIT}{_MOST.format('b', 1)} -> {changed}": (
            "interpreted, lists need no room; compiled, the sanitizers would tell"
        )
        for changed in ("pass", _MOST.format("a", 1))
    },
    f"{_INIT}{_MOST.format('b', 1)} -> {_MOST.format('b', 2)}": ROOM,
    f"{_INIT}{_LENGTH} -> pass": TUNED,
    "compiler.stepper.Stepper.rows: more = (np.zeros(self._room), np.zeros(self._carry + 1), "
    "np.zeros(n, np.int32)) -> more = (np.zeros(self._room), np.zeros(self._carry + 2), "
    "np.zeros(n, np.int32))": ROOM,
    f"{_ADVANCE}{_CHUNK.format('//', 1)} -> {_CHUNK.format('*', 1)}": TUNED,
    f"{_ADVANCE}{_CHUNK.format('//', 1)} -> {_CHUNK.format('//', 2)}": TUNED,
    f"{_ADVANCE}end = min(steps.start + chunk, steps.stop) -> "
    "end = min(steps.start - chunk, steps.stop)": "it begins with chunks of no steps",
    f"{_ADVANCE}came = {_FORWARDS.format(False)} -> came = {_FORWARDS.format(True)}": (
        "nothing in a scan reads an adjoint: it is split at its end"
    ),
    "compiler.stepper.Stepper.tape: (at,), none = (views(where), views(np.zeros(1))[0]) -> "
    "(at,), none = (views(where), views(np.zeros(2))[0])": ROOM,
    f"compiler.stepper.Stepper.retreat: {_WHERE.format(0, -1)} -> {_WHERE.format(1, -1)}": (
        "which way a step went is read from tape's choices"
    ),
    f"compiler.stepper.Stepper.retreat: {_WHERE.format(0, -1)} -> {_WHERE.format(0, -2)}": NONE,
    "compiler.stepper.flat_view: return views(x.ravel() if x.size else np.zeros(1))[0] -> "
    "return views(x.ravel() if x.size else np.zeros(2))[0]": ROOM,
    **{f"{_CODE}{intact} -> {changed}": _REGISTERS for intact, changed in _CODES},
    f"{_CODE}{_BEFORE.format('+', '- 1')} -> {_BEFORE.format('+', '+ 1')}": (
        "no instruction reads one behind it: none is found in a register, which is only faster"
    ),
    f"{_CODE}{_KEPT.format('<', '!=', 1)} -> {_KEPT.format('<=', '!=', 1)}": (
        "STATIC is a call, which no program has"
    ),
    f"{_CODE}{_KEPT.format('<', '!=', 1)} -> {_KEPT.format('>', '!=', 1)}": (
        "behind what Python has done, the result is loaded into the register; else memory has it"
    ),
    f"{_CODE}kept[:1] = False -> kept[:2] = False": FASTER,
    f"{_CODE}{_OPS.format('<', '+', 'a + 2', 'b', 4)} -> "
    f"{_OPS.format('<=', '+', 'a + 2', 'b', 4)}": "STATIC is a call, which no program has",
    # -- derivatives, and what is simpler ----------------------------------------------------------
    "compiler.scan_derivatives.pullback_of: runs.append(Run(phase.steps, tuple(ways))) -> "
    "runs.append(Run(phase.steps, ways))": _LIST,
    "compiler.scan_derivatives.pullback_of: return Pullback(scan, tuple(runs), *chosen) -> "
    "return Pullback(scan, runs, *chosen)": _LIST,
    **dict.fromkeys(
        [
            "compiler.scan_simplify.of_scan: if outputs.all() and scan in _simple and "
            "inputs[n:].all(): -> pass",
            "compiler.scan_simplify.of_scan: return (scan, np.arange(scan.operands, "
            "dtype=np.int32), read) -> pass",
            "compiler.scan_simplify.of_scan: _simple.add(fewer) -> pass",
            "compiler.scan_simplify._of_pullback: if pullback in _simple and own.all() and "
            "shared.all(): -> pass",
            "compiler.scan_simplify._of_pullback: return (pullback, operands, read) -> pass",
            "compiler.scan_simplify._of_pullback: _simple.add(fewer) -> pass",
        ],
        FASTER,
    ),
    **{
        f"compiler.stepper: CHUNK = 1 << 22 -> CHUNK = {changed}": TUNED
        for changed in ("1 << 23", "2 << 22")
    },
    # -- the numbering of a trace ------------------------------------------------------------------
    "compiler.numbering.changed: return -1 -> return -2": NONE,
    "compiler.numbering.inputs_of: inputs.append(x * 1.0) -> inputs.append(x / 1.0)": (
        "it is the same number, and has the same derivatives"
    ),
}
