"""Mutants of vmap and scan that no test can tell, and why."""

from equivalent.reasons import FASTER, NONE, TUNED

_FITS = "the guard is told that it holds; no one reads the number it is recorded with"

BATCHES: dict[str, str] = {
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
