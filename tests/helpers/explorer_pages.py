"""Graphs for the page of the explorer, from recorded Values, and what opens it in Chromium.

A test file makes a fixture of the last: ``visit = pytest.fixture(visits)``.
"""

import math
import re

from autodiff import Value, nn, scope
from autodiff.graph.assemble import assemble
from autodiff.sweeps import topological_order

LABELS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "neg": "-", "pow": "**", "square": "²"}

RULES = """
const RULES = {
  add: {value: ([a, b]) => a + b, partials: () => [1, 1]},
  sub: {value: ([a, b]) => a - b, partials: () => [1, -1]},
  mul: {value: ([a, b]) => a * b, partials: ([a, b]) => [b, a]},
  div: {value: ([a, b]) => a / b, partials: ([a, b], v) => [1 / b, -v / b]},
  neg: {value: ([a]) => -a, partials: () => [-1]},
  pow: {value: ([a, b]) => a ** b, partials: ([a, b], v) => [b * a ** (b - 1), v * Math.log(a)]},
  square: {value: ([a]) => a * a, partials: ([a]) => [2 * a]},
  sin: {value: ([a]) => Math.sin(a), partials: ([a]) => [Math.cos(a)]},
  exp: {value: ([a]) => Math.exp(a), partials: (_, v) => [v]},
  tanh: {value: ([a]) => Math.tanh(a), partials: (_, v) => [1 - v * v]},
  sum: {value: (xs) => xs.reduce((t, x) => t + x, 0), partials: (xs) => xs.map(() => 1)},
  dot: {
    value: (xs) => {
      const half = xs.length / 2;
      let total = 0;
      for (let i = 0; i < half; i++) total += xs[i] * xs[half + i];
      return total;
    },
    partials: (xs) => [...xs.slice(xs.length / 2), ...xs.slice(0, xs.length / 2)],
  },
};
"""


def as_json(number):
    return number if math.isfinite(number) else str(number)


def data_of(root, groups=(), group_of=lambda v: 0, opened=(0,), sources=None):
    """What the page shows, from a recorded graph; and the Value of each node, None: a constant."""
    columns = ("op", "label", "name", "data", "operands", "partials", "source", "parent")
    nodes = {column: [] for column in columns}
    values, number = [], {}

    def add(v, op, name, number_of, operands, partials, parent):
        row = (op, LABELS.get(op, op if v else ""), name, as_json(number_of), operands)
        row += ([as_json(p) for p in partials], (sources or {}).get(name, ""), parent)
        for column, item in zip(columns, row, strict=True):
            nodes[column].append(item)
        values.append(v)
        return len(values) - 1

    for v in topological_order([root]):
        parent = group_of(v)
        operands = [
            number[id(x)]
            if isinstance(x, Value)
            else add(None, "(constant)", "", float(x), [], [], parent)
            for x in v.operands
        ]
        number[id(v)] = add(v, v.op, v.name, v.data, operands, v.partials, parent)
    whole = {"parent": -1, "kind": "root", "label": "", "nodes": len(values)}
    data = {
        "title": root.name or "L",
        "nodes": nodes,
        "groups": [whole, *groups],
        "open": list(opened),
        "root": len(values) - 1,
    }
    for g, group in enumerate(data["groups"]):
        inside = [p for p in nodes["parent"] if g in path_of(data["groups"], p)]
        group["nodes"] = len(inside)
    return data, values


def path_of(groups, g):
    path = []
    while g >= 0:
        path.append(g)
        g = groups[g]["parent"]
    return path


def data_by_scopes(root, opened=()):
    """The same, with a group for each scope: "a/b.c" is inside "a/b", inside "a".

    A leaf is in the innermost scope that all its readers are in.
    """
    numbers, groups = {"": 0}, [{"parent": -1}]
    order = topological_order([root])
    for v in order:
        outer = ""
        for part in re.findall(r"[/.]?[^/.]+", v.scope or ""):
            label = outer + part
            if label not in numbers:
                numbers[label] = len(groups)
                groups.append({"parent": numbers[outer], "kind": "scope", "label": label})
            outer = label
    group_of = {}
    for v in reversed(order):
        group_of[id(v)] = numbers[v.scope or ""] if v.op else group_of.get(id(v), 0)
        for x in v.operands:
            here = path_of(groups, group_of[id(v)])
            there = path_of(groups, group_of.get(id(x), group_of[id(v)]))
            group_of[id(x)] = next(g for g in here if g in there)
    opened = [0, *(numbers[label] for label in opened)]
    return data_of(root, groups[1:], lambda v: group_of[id(v)], opened)


# -- the page in a browser -------------------------------------------------------------------------


def state(page):
    return page.evaluate("explorer.state()")


def seen(page):
    """The nodes and the groups that have a box."""
    boxes = page.evaluate("explorer.visible()")
    nodes = {box["node"] for box in boxes if box["node"] is not None}
    return nodes, {box["group"] for box in boxes if box["group"] is not None}


def texts(page, selector):
    return page.locator(selector).all_text_contents()


def box_of(page, values, name):
    """The box of the node with this name."""
    i = next(i for i, v in enumerate(values) if v is not None and v.name == name)
    return page.locator(f'[data-id="{i}"]')


def group_box(data, g):
    return f'[data-id="{len(data["nodes"]["op"]) + g}"]'


def formula(x=2.0, y=-3.0):
    """sin(x*y) + 2*exp(-x), and its two leaves."""
    x, y = Value(x, name="x"), Value(y, name="y")
    z = (x * y).sin() + 2 * (-x).exp()
    z.name = "z"
    return z, x, y


def net(opened=()):
    """The loss of a small net over two examples, folded by scopes."""
    mlp = nn.MLP(3, [4, 4, 1], "tanh")
    for k, p in enumerate(mlp.parameters()):
        p.data = math.sin(k + 1.0)
    loss = 0
    for xs, y in [([2.0, 3.0, -1.0], 1.0), ([3.0, -1.0, 0.5], -1.0)]:
        out = mlp(xs)
        with scope("loss"):
            loss = loss + ((out[0] if isinstance(out, list) else out) - y) ** 2
    loss.name = "loss"
    data, values = data_by_scopes(loss, opened)
    return loss, data, values


def gradients(root, values):
    """What the adjoints must be in the end."""
    root.backward()
    return [0.0 if v is None else v.grad for v in values]


def shared():
    """A value used twice by one node, and many times over."""
    x = Value(1.1, name="x")
    y = x * x
    for _ in range(5):
        y = y * x - y / (x + y)
    y.name = "y"
    return y


def visits(browser, tmp_path):
    """A function that opens the page of some data; at the end, nothing must have gone wrong."""
    contexts, wrong, requests = [], [], []

    def visit(data, rules=RULES, width=1200, height=800, **options):
        file = tmp_path / f"{len(contexts)}.html"
        file.write_text(assemble(data, rules), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append((file.as_uri(), request.url)))
        page.goto(file.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not wrong
    assert [url for _, url in requests] == [file for file, _ in requests]
