"""Mutants of transforms and of their programs that no test can tell, and why."""

from equivalent.reasons import FASTER

LOWERED: dict[str, str] = {
    "transforms.lowered.result_of: machine = machine or Machine(sums(program)) -> "
    "machine = Machine(sums(program))": FASTER,
    "transforms.lowered.result_of: if MODE.get().detecting and (not np.isfinite(numbers).all()): "
    "-> if not np.isfinite(numbers).all():": (
        "outside detect_anomaly() the replay raises nothing, and what it gives is thrown away"
    ),
}
