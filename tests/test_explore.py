"""``explore``: what the page is given, and that in the browser it computes what Python computes."""

import json
import re

import numpy as np
import pytest

import autodiff
from autodiff import Value, exp, graph, nn, scope, sin

pytestmark = pytest.mark.once  # drawings do not depend on the engine

HOSTILE = (
    '</script><script>window.flag = 1</script><img src=x onerror="window.flag = 1">\n\\"\u2028'
)


def data_in(explorer):
    """What the page was given."""
    found = re.search(
        r'<script type="application/json"[^>]*>(.*?)</script>', explorer.html, re.DOTALL
    )
    return json.loads(found[1])


def formula(x, y):
    return sin(x * y) + 2 * exp(-x)


# -- what it is given ------------------------------------------------------------------------------


def test_the_page_has_the_graph():
    x, y = Value(2.0, name="x"), Value(-1.0)
    z = x * y + 3
    z.name = "z"
    data = data_in(graph.explore(z, names={"y": y}))
    assert data["title"] == "z"
    assert data["nodes"]["op"] == ["", "", "mul", "(constant)", "add"]
    assert data["nodes"]["label"] == ["", "", "*", "", "+"]
    assert data["nodes"]["name"] == ["x", "y", "", "", "z"]
    assert data["nodes"]["data"] == [2.0, -1.0, -2.0, 3.0, 1.0]
    assert data["nodes"]["operands"] == [[], [], [0, 1], [], [2, 3]]
    assert data["nodes"]["partials"] == [[], [], [-1.0, 2.0], [], [1.0, 0.0]]
    assert data["root"] == 4


def test_a_call_is_recorded_with_names_and_lines():
    page = graph.explore(
        lambda x, ys, w: x * ys[0] * ys[1]["k"] * w[1],
        (1.0, [2.0, {"k": 3.0}], np.array([4.0, 5.0])),
    )
    nodes = data_in(page)["nodes"]
    leaves = [name for name, op in zip(nodes["name"], nodes["op"], strict=True) if op == ""]
    assert leaves == ["x", "ys[0]", "ys[1]['k']", "w[1]"]
    lines = [line for line, op in zip(nodes["source"], nodes["op"], strict=True) if op]
    assert all(re.fullmatch(r"test_explore\.py:\d+", line) for line in lines)
    assert len(lines) == 3


def test_values_among_the_arguments_stay_what_they_are():
    w = Value(3.0, name="weight")
    nodes = data_in(graph.explore(lambda x, w: x * w, (2.0, w)))["nodes"]
    assert nodes["name"][:2] == ["x", "weight"]
    assert w.grad == 0.0


def test_one_argument_needs_no_tuple():
    assert data_in(graph.explore(lambda x: x * x, 3.0))["nodes"]["data"] == [3.0, 9.0]
    assert data_in(graph.explore(lambda xs: xs[0] * xs[1], [3.0, 4.0]))["nodes"]["data"][-1] == 12.0


def test_scopes_are_groups_and_large_graphs_begin_folded():
    net = nn.MLP(8, [16, 1], "tanh", np.random.default_rng(0))
    data = data_in(graph.explore(lambda xs: net(xs)[0], [float(i) for i in range(8)]))
    labels = [group["label"] for group in data["groups"]]
    assert {"mlp", "layers.0", "neurons \N{MULTIPLICATION SIGN} 16"} <= set(labels)
    closed = set(range(len(labels))) - set(data["open"])
    assert labels.index("neurons \N{MULTIPLICATION SIGN} 16") in closed
    assert all(data["groups"][g]["parent"] in data["open"] for g in data["open"] if g)
    assert max(data["nodes"]["parent"]) < len(labels)


def test_numbers_that_are_not_finite_are_given_as_text():
    nodes = data_in(graph.explore(autodiff.log(Value(0.0)) * float("nan")))["nodes"]
    assert nodes["data"] == [0.0, "-inf", "nan", "nan"]
    assert nodes["partials"][1] == ["inf"]


def test_it_is_written_whole_or_not_at_all(tmp_path):
    x = Value(1.0, name="x")
    page = graph.explore(x * 2, tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text("utf-8") == page.html
    graph.explore(lambda x: x * 2, (1.0,), tmp_path / "f.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.html", "x.html"]
    with pytest.raises(TypeError, match="must give one number"):
        graph.explore(lambda x: [x], (1.0,), tmp_path / "g.html")
    assert not (tmp_path / "g.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((3.0,), r"explore\(x\) takes a Value or a function, not 3\.0"),
        ((lambda x: 2.0, (1.0,)), "<lambda> must give one number that depends on its arguments"),
        ((lambda x: x, ("a",)), "must give one number"),
        ((lambda x: x, (1j,)), "argument 'x' of <lambda> is 1j"),
        ((Value(1.0), (2.0,)), "takes no arguments"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments, words):
    with pytest.raises(TypeError, match=words):
        graph.explore(*arguments)


def test_a_notebook_shows_it_in_a_frame_that_can_do_nothing_to_it():
    page = graph.explore(Value(1.0, name=HOSTILE) * 2)
    shown = page._repr_html_()
    assert shown.startswith("<iframe ")
    assert shown.count("<") == 2
    assert 'sandbox="allow-scripts"' in shown
    assert repr(graph.explore(formula, (1.0, 2.0))) == "<Explorer of formula>"


# -- what it computes ------------------------------------------------------------------------------


@pytest.fixture
def visit(browser, tmp_path):
    """A function that opens a page; at the end, nothing must have gone wrong in it."""
    wrong, context = [], browser.new_context()

    def visit(explorer):
        path = tmp_path / "page.html"
        path.write_text(explorer.html, "utf-8")
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.goto(path.as_uri())
        page.wait_for_function("window.explorer")
        return page

    yield visit
    context.close()
    assert wrong == []


def numbers(listed):
    return [float(x) for x in listed]


def state(page):
    return page.evaluate("explorer.state()")


def everything(xs):
    """A function that uses most rows of the table."""
    x, y, z = xs
    parts = [
        f(x)
        for name, f in autodiff.functions.PUBLIC.items()
        if name in autodiff.ops.CODES and autodiff.ops.row(name).operands == "a" and name != "acosh"
    ]
    parts += [
        x**y,
        x / y,
        x - z,
        autodiff.hypot(x, z),
        autodiff.atan2(y, z),
        autodiff.maximum(x, y),
    ]
    parts += [autodiff.logsumexp([x, y, z]), autodiff.dot([x, y], [z, z]), autodiff.mean([x, z])]
    return autodiff.sum([autodiff.tanh(part) for part in parts])


@pytest.mark.parametrize(
    ("f", "at"),
    [
        (formula, (2.0, -1.0)),
        (everything, ([0.3, 1.7, -0.4],)),
        (lambda a, b: (a * b + a / b) ** 3 - autodiff.relu(a - b), (1.5, 0.5)),
    ],
)
def test_the_page_comes_to_pythons_numbers_and_recomputes_them(f, at, visit):
    explorer = graph.explore(f, at)
    nodes = data_in(explorer)["nodes"]
    leaves = [i for i, op in enumerate(nodes["op"]) if op == ""]
    page = visit(explorer)
    page.keyboard.press("End")
    found = state(page)
    root, xs = recorded(f, nodes, leaves, [nodes["data"][i] for i in leaves], at)
    assert numbers(found["data"])[-1] == root.data
    assert [found["adjoints"][i] for i in leaves] == [x.grad for x in xs]
    changed = [0.9 * nodes["data"][i] + 0.01 for i in leaves]
    for i, number in zip(leaves, changed, strict=True):
        page.evaluate(f"explorer.setLeaf({i}, {number})")
    page.keyboard.press("End")
    found = state(page)
    root, xs = recorded(f, nodes, leaves, changed, at)
    assert numbers(found["data"])[-1] == pytest.approx(root.data, rel=1e-12)
    assert [found["adjoints"][i] for i in leaves] == pytest.approx([x.grad for x in xs], rel=1e-12)


def recorded(f, nodes, leaves, numbers, at):
    """The result and the leaves of a call, with these numbers at the leaves; swept."""
    by_name = dict(zip([nodes["name"][i] for i in leaves], map(Value, numbers), strict=True))
    if isinstance(at[0], list):
        root = f([by_name[f"xs[{k}]"] for k in range(len(at[0]))])
    else:
        root = f(*by_name.values())
    root.backward()
    return root, list(by_name.values())


def test_it_works_in_the_frame_of_a_notebook(browser):
    wrong = []
    page = browser.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.set_content(graph.explore(formula, (2.0, -1.0))._repr_html_())
    frame = page.frames[1]
    frame.wait_for_function("window.explorer")
    frame.locator("#last").click()
    frame.locator("#theme").click()
    x, y = Value(2.0), Value(-1.0)
    formula(x, y).backward()
    assert frame.evaluate("explorer.state().adjoints.slice(0, 2)") == [x.grad, y.grad]
    assert wrong == []
    page.close()


def test_names_never_run_as_script(visit):
    with scope(HOSTILE):
        root = Value(1.0, name=HOSTILE) * 2
    root.name = HOSTILE
    page = visit(graph.explore(root))
    page.keyboard.press("End")
    assert page.evaluate("window.flag") is None
    assert page.title()


def test_names_in_a_drawing_never_run_as_script(browser, tmp_path):
    with scope(HOSTILE):
        root = Value(1.0, name=HOSTILE) * 2
    page = browser.new_page()
    page.goto(graph.save(root, tmp_path / "drawing.svg").as_uri())
    assert page.evaluate("document.documentElement.tagName") == "svg"
    assert page.evaluate("window.flag") is None
    page.close()


def test_what_python_alone_can_compute_cannot_be_changed_in_the_page(visit):
    twice = autodiff.primitive(
        "twice_in_explore", value=lambda a: 2 * a, partials=[lambda a, v: 2.0], domain=((-1, 1),)
    )
    page = visit(graph.explore(lambda x: twice(x) * x, (3.0,)))
    page.keyboard.press("End")
    assert state(page)["adjoints"][0] == 12.0
    page.locator("[role=button], [tabindex]").filter(has_text="x").first.click()
    assert page.locator("input:disabled").count() >= 1
    assert "twice_in_explore" in page.inner_text("body")


def test_a_graph_of_thousands_of_nodes_opens_folded(visit):
    x = Value(1.0, name="x")
    for _ in range(600):
        x = x - (x * x - 2) / (2 * x)
    page = visit(graph.explore(x))
    assert len(page.evaluate("explorer.visible()")) < 120
    page.keyboard.press("End")
    x.backward()
    assert state(page)["step"] == state(page)["steps"]
