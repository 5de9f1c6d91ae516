"""Hypothesis profiles: ``ci``, the default, ``nightly``, ``mutants``, by HYPOTHESIS_PROFILE.

And Ctrl-C is heeded by the tests and by what they start, even if it was ignored before, as by what
a shell starts in the background.
"""

import os
import shutil
import signal

import pytest
from hypothesis import Phase, settings

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("nightly", deadline=None, max_examples=5000)
# A mutant is killed by any failure, the simplest need not be found.
settings.register_profile("mutants", settings.get_profile("ci"), phases=[Phase.generate])
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


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
