"""Hypothesis profiles: ``ci``, the default, ``nightly``, ``mutants``, by HYPOTHESIS_PROFILE."""

import os

from hypothesis import Phase, settings

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("nightly", deadline=None, max_examples=5000)
# A mutant is killed by any failure, the simplest need not be found.
settings.register_profile("mutants", settings.get_profile("ci"), phases=[Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
