"""The page of all demonstrations: contents, pictures in their size, formulas, on a phone too."""

import re

import pytest
from PIL import Image
from test_demos import DEMOS, load

pytestmark = pytest.mark.once  # of numbers on which the engines agree


def test_the_index_shows_every_picture_with_its_caption(tmp_path, capsys):
    every, line_fit = load("all"), load("line_fit")
    index = every.make([line_fit], tmp_path, quick=True).read_text()
    for picture in tmp_path.glob("*.png"):
        with Image.open(picture) as image:
            width, height = (round(side * 96 / 120) for side in image.size)
        tag = re.search(f'<img src="{picture.name}" alt="[^"`]+" (.*?)>', index)[1]
        assert tag.startswith(f'width="{width}" height="{height}"')
    assert index.count("<figcaption>") == 3
    assert '<li><a href="#line_fit">A line through 100 noisy points of <math>' in index
    assert '<h2 id="line_fit">A line through 100 noisy points of <math><mi>y</mi><mo>=' in index
    assert "`" not in index
    assert "What to look for" in index
    bars = capsys.readouterr().err
    assert "1/1" in bars
    assert "frame" not in bars  # one bar, not two


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("x²", "<msup><mi>x</mi><mn>2</mn></msup>"),
        ("10⁻⁸", "<msup><mn>10</mn><mn>&minus;8</mn></msup>"),
        ("2.5 w₁", '<mn>2.5</mn><mspace width="0.2em"/><msub><mi>w</mi><mn>1</mn></msub>'),
        ("y = -1", '<mi>y</mi><mo>=</mo><mo form="prefix">&minus;</mo><mn>1</mn>'),
        ("sin(a)", "<mi>sin</mi><mo>(</mo><mi>a</mi><mo>)</mo>"),
        ("f'' < 2", "<mi>f</mi><mo>″</mo><mo>&lt;</mo><mn>2</mn>"),
    ],
)
def test_formulas_are_typeset(text, markup):
    assert load("mathml").rich(f"a `{text}` <b> ``c`` &") == (
        f"a <math>{markup}</math> &lt;b&gt; <code>c</code> &amp;"
    )


def test_an_interrupted_index_shows_what_there_is(tmp_path):
    every, line_fit = load("all"), load("line_fit")

    class Stopping:
        __name__ = "stopping"
        __doc__ = "Stops <early>."

        @staticmethod
        def pictures(quick):
            yield next(line_fit.pictures(quick))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        every.make([Stopping], tmp_path, quick=True)
    index = (tmp_path / "index.html").read_text()
    assert "Stops &lt;early&gt;" in index
    assert "line_fit.png" in index


def test_every_demonstration_is_on_the_page():
    scripts = {path.stem for path in DEMOS.glob("*.py")} - {"demo", "all", "mathml", "site"}
    scripts.remove("cluster")  # it needs Dask, which the page does not
    assert scripts == set(load("all").DEMOS)


# -- in a browser ----------------------------------------------------------------------------------

WIDE = "f(x, y) = (1.5 - x + x y)² + (2.25 - x + x y²)² + (2.625 - x + x y³)²"


@pytest.fixture
def address(tmp_path):
    """A page with a picture and a formula that are wider than a phone."""
    every = load("all")
    for name, size in (("wide", (1368, 552)), ("narrow", (768, 576))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png", dpi=(120, 120))
    shown = [(tmp_path / f"{name}.png", f"Of `{WIDE}`.") for name in ("wide", "narrow")]
    section = every.section("demo", "A title.\n\nA text.\n\n    python demo.py", shown)
    index = tmp_path / "index.html"
    index.write_text(every.page({"demo": section}, {"demo": "A title"}), encoding="utf-8")
    return index.as_uri()


@pytest.mark.parametrize(
    ("width", "wide", "narrow"), [(1440, 1094, 614), (420, 0.62 * 1094, 420 - 2 * 17)]
)
def test_pictures_are_legible_at_every_width_and_the_page_does_not_scroll_sideways(
    browser, address, width, wide, narrow
):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = page.evaluate("[...document.images].map(i => i.getBoundingClientRect().width)")
    assert found == pytest.approx([wide, narrow], abs=1)
    page.close()


def test_formulas_have_raised_exponents_and_contents_lead_to_their_section(browser, address):
    page = browser.new_page(viewport={"width": 420, "height": 400})
    page.goto(address)
    base, power = (
        page.evaluate(f"document.querySelector('msup > :nth-child({k})').getBoundingClientRect().y")
        for k in (1, 2)
    )
    assert power < base
    page.click("nav a")
    assert page.evaluate("document.querySelector('h2').getBoundingClientRect().y") < 200
    page.close()
