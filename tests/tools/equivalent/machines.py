"""Mutants of what runs and writes programs that no test can tell, and why."""

MACHINES: dict[str, str] = {}
