"""The site: whole, without a dead link, and to be read on a desk and on a phone."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote

import pytest

import autodiff
from autodiff import export, graph, linalg, nn, optim, plot, testing

pytestmark = pytest.mark.once

DEMOS = Path(__file__).parents[1] / "demos"
PAGES = ["index", "differentiate", "lessons/1_backpropagation", "api/functions", "api/optim"]
LESSONS = sorted(path.stem for path in (DEMOS / "lessons").glob("*.ipynb"))


class Links(HTMLParser):
    """What a page refers to, and the places in it that can be referred to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places, self.pictures = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.places |= {found[key] for key in ("id", "name") if found.get(key)}
        self.links += [found[key] for key in ("href", "src") if found.get(key)]
        if tag == "img":
            self.pictures.append(found.get("alt"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, made as the README says."""
    folder = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, DEMOS / "site.py", "--save", folder / "out"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert [path.name for path in folder.iterdir()] == ["out"]
    return folder / "out"


@pytest.fixture(scope="module")
def pages(site):
    """What every page refers to, by its path."""
    return {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_link_leads_somewhere(site, pages):
    assert len(pages) > 20
    there = {path.relative_to(site).as_posix() for path in site.rglob("*")}
    for path, page in pages.items():
        at = path.relative_to(site).as_posix()
        for link in page.links:
            target, _, place = unquote(link).partition("#")
            target = target.partition("?")[0]
            if target.startswith(("http:", "https:", "data:", "mailto:")):
                continue
            leads = normpath(join(dirname(at), target)) if target else at
            assert leads in there, (at, link)
            if place and leads.endswith(".html"):
                assert place in pages[site / leads].places, (at, link)


def test_no_page_needs_the_network(pages):
    for path, page in pages.items():
        scripts = [x for x in page.links if x.startswith("http") and x.endswith((".js", ".css"))]
        assert scripts == [], path


@pytest.mark.parametrize(
    ("page", "module"),
    [
        *(("values", autodiff), ("functions", autodiff.functions), ("linalg", linalg)),
        *(("nn", nn), ("init", nn.init), ("optim", optim), ("graph", graph), ("plot", plot)),
        *(("export", export), ("testing", testing)),
    ],
)
def test_every_public_name_is_described(site, pages, page, module):
    places = pages[site / "api" / f"{page}.html"].places
    names = module.__all__
    if module is autodiff:
        names = [name for name in names if name not in autodiff.functions.__all__]
    described = [name for name in names if callable(getattr(module, name))]
    assert described
    for name in described:
        assert f"{module.__name__}.{name}" in places, name


def test_primitives_have_pictures_with_words(site, pages):
    pictures = pages[site / "api" / "functions.html"].pictures
    assert {"sin", "relu", "elu", "sigmoid"} <= set(pictures)
    for path, page in pages.items():
        assert all(page.pictures), path


def test_the_lessons_are_there_with_their_outputs(site, pages):
    links = pages[site / "index.html"].links
    for lesson in LESSONS:
        assert f"lessons/{lesson}.html" in links
        text = (site / "lessons" / f"{lesson}.html").read_text(encoding="utf-8")
        assert 'class="cell_output' in text
        assert "<math" in text


@pytest.mark.parametrize("width", [1440, 420])
def test_pages_open_without_a_fault(site, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 1000})
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.locator("h1").first.is_visible()
    page.close()
    assert faults == []


def test_a_folder_that_cannot_be_is_refused_in_a_line(tmp_path):
    (tmp_path / "file").touch()
    run = subprocess.run(
        [sys.executable, DEMOS / "site.py", "--save", tmp_path / "file" / "out"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "choose another with --save" in run.stderr
