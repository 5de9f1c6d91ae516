"""Mutants of batches, of vmap and of scan that no test can tell, and why."""

from equivalent.reasons import FASTER, NONE, TUNED

_FITS = "the guard is told that it holds; no one reads the number it is recorded with"

_SECONDS = "LANE, INSTRUCTION, STEP, INSTRUCTION_MADE = (3e-06, 8e-09, {}, 1.5e-06)"
_ROUNDED = "1 << min(lanes - 1, 1 << 10).bit_length()"
_AXES = "rows[:, 3:3 + AXES], rows[:, 3 + AXES] = (1, self.lanes)"
_PAD = "self._rows.append(np.array([row + [{}] * (WIDTH - len(row))], np.int32))"
_KINDS = "self.program, self._groups = grouped(p, np.asarray(a {} 2 * b, np.int32), guarded=False)"
_FACTORS = "factors += [p.a[k[grid[:, 0]]], p.b[k[grid[{}]]]]"

BATCHES: dict[str, str] = {
    # -- batches -----------------------------------------------------------------------------------
    **{
        f"compiler.batch: {constant}": TUNED
        for constant in (
            *("CACHE = 1 << 16 -> CACHE = 2 << 16", "CACHE = 1 << 16 -> CACHE = 1 << 17"),
            *("MOST = 1 << 16 -> MOST = 2 << 16", "MOST = 1 << 16 -> MOST = 1 << 17"),
            "WHOLE = 8 -> WHOLE = 9",
            f"{_SECONDS.format('4e-05')} -> {_SECONDS.format('0.0004')}",
        )
    },
    **{
        f"compiler.batch.rounded: return {_ROUNDED} -> return {changed}.bit_length()": TUNED
        for changed in (
            "2 << min(lanes - 1, 1 << 10)",
            "1 << min(lanes + 1, 1 << 10)",
            "1 << min(lanes - 2, 1 << 10)",
            "1 << min(lanes - 1, 2 << 10)",
            "1 << min(lanes - 1, 1 << 11)",
        )
    },
    "compiler.batch._in_python: return not ((p.ops < STATIC) | (p.ops == VMAP)).all() or any -> "
    "return not ((p.ops <= STATIC) | (p.ops == VMAP)).all() or any": (
        "the first of these is a call, which is in no program"
    ),
    f"compiler.batch._products: {_FACTORS.format(0)} -> {_FACTORS.format(1)}": (
        "all rows have the same second factors"
    ),
    f"compiler.batch._Layout.__init__: {_KINDS.format('+')} -> {_KINDS.format('-')}": (
        "kinds are only told apart"
    ),
    "compiler.batch._Layout.at: return np.where(refs < self.shared, refs, lanes).astype(np.int32) "
    "-> return np.where(refs <= self.shared, refs, lanes).astype(np.int32)": (
        "the first of what lanes have stands where it would among what they share"
    ),
    f"compiler.batch._Layout._step: {_PAD.format(0)} -> {_PAD.format(1)}": (
        "interpreted, only the operands that there are are read"
    ),
    f"compiler.batch._Layout._scalars: {_AXES} -> {_AXES.replace('[:, 3:', '[:, 4:')}": (
        "how many terms are added is only read of sums"
    ),
    f"compiler.batch._Layout._scalars: {_AXES} -> {_AXES.replace(':3 +', ':4 +')}": (
        "that of the last axis is overwritten at once"
    ),
    "compiler.batch._Layout._scalars: which = np.flatnonzero(ARITY[p.ops[at]] > i) -> "
    "which = np.flatnonzero(ARITY[p.ops[at]] >= i)": "of one operand, no second one is read",
    "compiler.batch._Layout._each: start, end = self.at(np.array([slot, slot + 1])).tolist() -> "
    "start, end = self.at(np.array([slot, slot + 2])).tolist()": (
        "one lane after the other is written, from the first on"
    ),
    "compiler.batch._Layout._group: sizes = finer if 0 < len(finer) < AXES else sizes -> "
    "sizes = finer if 1 < len(finer) < AXES else sizes": "one axis is what there was already",
    "compiler.batch._Layout._group: row += [IN_PLACE, 0, int(self.at(table[0, 0]))] -> "
    "row += [IN_PLACE, 1, int(self.at(table[0, 0]))]": "in place, nothing is copied",
    "compiler.batch._Layout._group: row += [*[0] * len(outer), *strides[::-1], by_lane, step] -> "
    "row += [*[1] * len(outer), *strides[::-1], by_lane, step]": (
        "an axis of one lane has no steps"
    ),
    # -- vmap --------------------------------------------------------------------------------------
    "transforms.vmap: MOST = 64 -> MOST = 65": TUNED,
    "transforms.vmap: WORTH = 32 -> WORTH = 33": TUNED,
    **{
        f"transforms.vmap._Given.numbers: {line} -> pass": FASTER
        for line in ("if self.rows.dtype != object:", "return self.rows")
    },
    "transforms.vmap.Vmapped._taken_apart: given.append(_Given(leaf, x.reshape(-1, 1), True)) -> "
    "given.append(_Given(leaf, x.reshape(-2, 1), True))": NONE,
    "transforms.vmap.Vmapped._as_one: results = record_body(trace, body, operands, "
    "np.append(found.T, 1.0)) -> results = record_body(trace, body, operands, "
    "np.append(found.T, 0.0))": _FITS,
    # -- scan --------------------------------------------------------------------------------------
    "transforms.scan: MOST = 64 -> MOST = 65": TUNED,
    "transforms.scan._by_program: raise AssertionError(f'{call.name}: step {at} fails in the "
    "program alone') -> pass": "the function itself has raised in the line above",
    "transforms.scan._by_program: *found, fits = record_body(trace, scan, operands, "
    "np.append(numbers, 1.0)) -> *found, fits = record_body(trace, scan, operands, "
    "np.append(numbers, 0.0))": _FITS,
}
