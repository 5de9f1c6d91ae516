"""Hypothesis profiles: ``ci``, the default, ``nightly``, ``mutants``, by HYPOTHESIS_PROFILE.

The interpreted engine, ten times slower, computes the same: of it half as many examples are tried.
And Ctrl-C is heeded by the tests and by what they start, even if it was ignored before, as by what
a shell starts in the background.
"""

import gc
import os
import shutil
import signal

import pytest
from hypothesis import Phase, settings

EXAMPLES = 50 if os.environ.get("AUTODIFF_PURE") == "1" else 100
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=EXAMPLES)
settings.register_profile("nightly", deadline=None, max_examples=5000)
# A mutant is killed by any failure, the simplest need not be found.
settings.register_profile("mutants", settings.get_profile("ci"), phases=[Phase.generate])
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="module", autouse=True)
def _out_of_the_collectors_way():
    """Have the garbage collector pass over what is there before a file's tests begin."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser):
    parser.addoption("--overwrite", action="store_true", help="write tests/golden anew")


@pytest.fixture
def overwrite(request):
    """Whether expected texts are to be written anew, from what comes now."""
    return request.config.getoption("--overwrite")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window; while it is open, asyncio can run nothing else."""
    needed = pytest.fail if os.environ.get("CI") else pytest.skip
    chromium = shutil.which("chromium")
    if chromium is None:
        needed("pages are tried in Chromium: there is no chromium on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
