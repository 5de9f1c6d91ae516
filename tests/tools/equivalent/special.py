"""Mutants of special functions, linear algebra, and what the engine is written with that no test can tell, and why."""

SPECIAL: dict[str, str] = {}
