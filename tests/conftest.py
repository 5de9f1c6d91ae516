"""Hypothesis profiles: ``ci``, the default, and ``nightly``, chosen by HYPOTHESIS_PROFILE."""

import os

from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("nightly", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

collect_ignore = ["make_torch_edges.py"]  # a script, which wants PyTorch
