"""Mutants of transforms and of their programs that no test can tell, and why."""

from equivalent.reasons import FASTER

LOWERED: dict[str, str] = {
    "transforms.lowered.result_of: machine = machine or Machine(sums(program)) -> "
    "machine = Machine(sums(program))": FASTER,
    "transforms.lowered.result_of: if MODE.get().detecting and (not np.isfinite(numbers).all()): "
    "-> if not np.isfinite(numbers).all():": (
        "outside detect_anomaly() the replay raises nothing, and what it gives is thrown away"
    ),
    **dict.fromkeys(
        (
            "transforms.calls.Recorder.__init__: self._touched = [ref >= 0 and "
            "bool(touched[ref]) for ref in refs.tolist()] -> self._touched = "
            f"[ref {changed} and bool(touched[ref]) for ref in refs.tolist()]"
            for changed in ("> 0", ">= 1")
        ),
        "an input that is a Value has itself as its operand: nothing else is asked of it",
    ),
}
