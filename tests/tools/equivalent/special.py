"""Mutants of special functions, linear algebra and the kernels that no test can tell, and why."""

SPECIAL: dict[str, str] = {}
