"""Mutants of scans that no test can tell, and why."""

SCANS: dict[str, str] = {}
