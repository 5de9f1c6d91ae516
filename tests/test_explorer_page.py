"""The page of the explorer, driven in Chromium: it must add up what ``backward()`` adds up."""

import json
import math
import os
import re
import shutil
from itertools import accumulate, groupby

import pytest

import autodiff
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
            else add(None, "constant", "", float(x), [], [], parent)
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


def give_up(reason):
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no test of the page: {reason}")


@pytest.fixture(scope="module")
def browser():
    """For this file alone: while it lives, an event loop runs, and other tests run their own."""
    chromium = shutil.which("chromium") or give_up("chromium is not on the PATH")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        give_up("playwright is not installed")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
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


# -- stepping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: formula()[0], shared, lambda: net()[0]])
def test_the_sums_are_those_of_backward_to_the_last_bit(visit, make):
    root = make()
    data, values = data_by_scopes(root)
    page = visit(data)
    for _ in range(state(page)["steps"]):
        page.locator("#forward").click()
    last = state(page)
    assert last["step"] == last["steps"]
    assert last["adjoints"] == gradients(root, values)
    assert last["data"] == [n if isinstance(n, float) else float(n) for n in data["nodes"]["data"]]
    assert page.locator("#forward").is_disabled()


def test_each_step_is_undone(visit):
    data, _ = data_of(shared())
    page = visit(data)
    page.locator("#graph").focus()
    states = [state(page)]
    while states[-1]["step"] < states[-1]["steps"]:
        page.keyboard.press("ArrowRight")
        states.append(state(page))
    assert len(states) == states[0]["steps"] + 1
    for earlier in reversed(states[:-1]):
        page.keyboard.press("ArrowLeft")
        assert state(page) == earlier


def test_forward_then_seed_then_reverse(visit):
    z, _, _ = formula()
    data, values = data_of(z)
    page = visit(data)
    computed = [i for i, v in enumerate(values) if v is not None and v.op]
    wanted = [None, *computed, len(values) - 1, *reversed(computed)]
    assert state(page)["steps"] == len(wanted) - 1
    for step, current in enumerate(wanted):
        page.evaluate(f"explorer.goTo({step})")
        now = state(page)
        assert now["current"] == current
        known = [v is None or not v.op or computed.index(i) < step for i, v in enumerate(values)]
        assert now["known"] == known
        assert any(now["adjoints"]) == (step > len(computed))


def test_buttons_keys_and_the_slider_lead_to_the_same_steps(visit):
    data, _ = data_of(formula()[0])
    page = visit(data)
    steps = state(page)["steps"]
    for act, step in [
        (lambda: page.locator("#last").click(), steps),
        (lambda: page.locator("#back").click(), steps - 1),
        (lambda: page.locator("#first").click(), 0),
        (lambda: page.keyboard.press("End"), steps),
        (lambda: page.keyboard.press("Home"), 0),
        (lambda: page.locator("#slider").fill("4"), 4),
        (lambda: page.locator("#slider").press("ArrowRight"), 5),
    ]:
        act()
        assert state(page)["step"] == step
        assert page.locator("#slider").input_value() == str(step)
        assert page.locator("#place").text_content() == f"{step} / {steps}"


def test_play_goes_to_the_end_and_stops(visit):
    data, _ = data_of(Value(2.0, name="x") * 3.0)
    page = visit(data)
    page.get_by_role("button", name="Play").click()
    page.locator("#place", has_text="3 / 3").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    assert page.locator("#live").text_content().startswith("Step 3 of 3, reverse")
    assert state(page)["step"] == 3


def test_a_node_that_the_root_does_not_depend_on_gets_no_gradient(visit):
    x = Value(2.0, name="x")
    data, values = data_of(x * 5.0 + x.sin())
    data["root"] = next(i for i, v in enumerate(values) if v is not None and v.op == "sin")
    page = visit(data)
    page.keyboard.press("End")
    assert state(page)["adjoints"] == [
        math.cos(2.0) if v is x else 1.0 * (i == data["root"]) for i, v in enumerate(values)
    ]


def test_a_step_by_scope_goes_over_the_nodes_of_one_box(visit):
    loss, data, values = net()
    page = visit(data)
    page.get_by_label("scope", exact=True).check()
    places = []
    while state(page)["step"] < state(page)["steps"]:
        page.locator("#forward").click()
        places.append(state(page)["step"])
    tops = [(v.scope or "").split("/")[0] for v in values if v is not None and v.op]
    runs = [len(list(run)) for _, run in groupby(tops)]
    assert len(runs) == 4
    assert places == list(accumulate([*runs, 1, *reversed(runs)]))
    assert state(page)["adjoints"] == gradients(loss, values)
    page.locator("#back").click()
    assert state(page)["step"] == places[-2]
    assert "nodes of loss swept" in page.locator("#step").text_content()


def test_the_panel_writes_the_rule_and_the_running_sums(visit):
    x = Value(0.5, name="x")
    y = x * -3.0
    y.name = "y"
    z = y + x
    z.name = "z"
    data, _ = data_of(z)
    page = visit(data)
    page.keyboard.press("ArrowRight")
    assert texts(page, "#step .formula") == ["y = x * -3", "mul: 0.5 * -3 = -1.5"]
    assert "forward: y, 0.5 * -3 = -1.5" in page.locator("#live").text_content()
    page.evaluate("explorer.goTo(3)")
    assert texts(page, "#step .formula") == ["dz/dz = 1"]
    page.keyboard.press("ArrowRight")
    assert texts(page, "#step .formula.main") == ["dz/dy = 0 + 1 * 1 = 1", "dz/dx = 0 + 1 * 1 = 1"]
    page.keyboard.press("ArrowRight")
    assert texts(page, "#step .formula") == [
        "y = x * -3",
        "dz/dy = 1",
        "∂y/∂x = -3",
        "dz/dx = 1 + 1 * -3 = -2",
    ]
    assert "dz/dx becomes -2" in page.locator("#live").text_content()


def test_long_numbers_are_shortened_and_whole_in_their_title(visit):
    data, _ = data_of(Value(1 / 3, name="x") * 1e-9)
    page = visit(data)
    page.keyboard.press("ArrowRight")
    assert texts(page, "#step .main") == ["mul: 0.333333 * 1e-9 = 3.33333e-10"]
    titles = [e.get_attribute("title") for e in page.locator("#step .main .number").all()]
    assert [float(title) for title in titles] == [1 / 3, 1e-9, 1 / 3 * 1e-9]


def test_boxes_show_numbers_once_they_are_known(visit):
    z, _, _ = formula()
    data, values = data_of(z)
    page = visit(data)
    box = box_of(page, values, "z")
    assert texts(page, f'[data-id="{len(values) - 1}"] text > tspan') == ["z = +", "?", ""]
    page.evaluate("explorer.goTo(6)")
    assert box.locator(".value").text_content() == "0.5501"
    assert "current" in box.get_attribute("class")
    page.keyboard.press("End")
    assert box.locator(".grad").text_content() == "grad 1"
    assert (
        float(box_of(page, values, "x").get_attribute("aria-label").split("gradient ")[1])
        == (state(page)["adjoints"][0])
    )


def test_numbers_that_are_not_finite_are_shown(visit):
    x = Value(0.0, name="x")
    u, v = x / x, 1 / x
    w = -v
    u.name, v.name, w.name = "u", "v", "w"
    data, values = data_of(u + w)
    assert data["nodes"]["data"].count("nan") == 2
    page = visit(data)
    page.keyboard.press("End")
    shown = [box_of(page, values, name).locator(".value").text_content() for name in "uvw"]
    assert shown == ["nan", "inf", "-inf"]
    adjoints = state(page)["adjoints"]
    wanted = gradients(values[-1], values)
    assert all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(adjoints, wanted, strict=True)
    )


# -- changing a leaf -------------------------------------------------------------------------------


def test_a_changed_leaf_is_recomputed_as_python_does(visit):
    z, _, _ = formula()
    data, values = data_of(z)
    page = visit(data)
    page.evaluate("explorer.goTo(9)")
    before = state(page)
    box_of(page, values, "x").click()
    page.keyboard.type("0.75")
    page.keyboard.press("Enter")
    assert state(page)["step"] == 9
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.id") == "0"
    page.keyboard.press("End")
    again = formula(x=0.75)[0]
    _, new = data_of(again)
    after = state(page)
    assert after["data"] == pytest.approx([2.0 if v is None else v.data for v in new], rel=1e-12)
    assert after["adjoints"] == pytest.approx(gradients(again, new), rel=1e-12)
    page.evaluate("explorer.goTo(9)")
    page.get_by_role("button", name="Reset").click()
    assert state(page) == before
    assert page.locator("#number").input_value() == "2"
    assert page.get_by_role("button", name="Reset").is_disabled()


@pytest.mark.parametrize("text", ["", "two", "1,5", "0x10", "1e", "--1"])
def test_what_is_not_a_number_is_refused(visit, text):
    z, _, _ = formula()
    data, values = data_of(z)
    page = visit(data)
    before = state(page)
    box_of(page, values, "x").click()
    page.locator("#number").fill(text)
    page.locator("#number").press("Enter")
    assert (
        f"“{text}” is not a number; expected one such as 2"
        in page.locator("#message").text_content()
    )
    assert page.locator("#number").get_attribute("aria-invalid") == "true"
    assert state(page) == before


@pytest.mark.parametrize(("text", "number"), [("-1.5e3", -1500.0), (".5", 0.5), ("inf", math.inf)])
def test_numbers_as_python_writes_them_are_taken(visit, text, number):
    data, values = data_of(Value(1.0, name="x") + 1.0)
    page = visit(data)
    box_of(page, values, "x").click()
    page.locator("#number").fill(text)
    page.get_by_role("button", name="Apply").click()
    assert state(page)["data"] == [number, 1.0, number + 1.0]


def test_without_a_rule_leaves_cannot_be_changed(visit):
    z, _, _ = formula()
    data, values = data_of(z)
    page = visit(data, RULES.replace("  sin:", "  sine:"))
    box_of(page, values, "x").click()
    assert page.locator("#number").is_disabled()
    assert page.locator("#message").text_content().endswith("no rule to recompute sin.")
    page.keyboard.press("End")
    assert state(page)["adjoints"] == gradients(z, values)


# -- groups ----------------------------------------------------------------------------------------


def test_groups_open_and_close_by_click_and_by_enter(visit):
    _, data, _ = net()
    page = visit(data)
    groups = {group["label"]: g for g, group in enumerate(data["groups"])}
    mlp, layers, loss = groups["mlp"], groups["mlp/layers"], groups["loss"]
    assert seen(page) == (set(), {mlp, loss})
    page.locator(group_box(data, mlp)).click()
    assert seen(page) == (set(), {layers, loss})
    assert texts(page, ".cluster text") == ["\N{MINUS SIGN} mlp"]
    page.locator(group_box(data, layers)).focus()
    page.keyboard.press("Enter")
    inner = {groups[f"mlp/layers.{k}"] for k in range(3)}
    assert seen(page) == (set(), inner | {loss})
    assert page.evaluate("document.activeElement.dataset.cluster") == str(layers)
    page.keyboard.press("Enter")
    assert seen(page) == (set(), {layers, loss})
    page.locator(f'[data-cluster="{mlp}"]').click()
    assert seen(page) == (set(), {mlp, loss})
    page.get_by_role("button", name="Open all").click()
    assert seen(page) == (set(range(len(data["nodes"]["op"]))), set())
    page.get_by_role("button", name="Close all").click()
    assert seen(page) == (set(), {mlp, loss})


def test_a_closed_group_shows_its_size_and_the_norm_of_its_gradient(visit):
    loss, data, values = net()
    page = visit(data)
    g = next(g for g, group in enumerate(data["groups"]) if group["label"] == "mlp")
    box = page.locator(group_box(data, g))
    assert box.locator(".value").text_content() == f"{data['groups'][g]['nodes']} nodes"
    assert box.locator(".grad").text_content() == ""
    page.keyboard.press("End")
    loss.backward()
    inside = [g in path_of(data["groups"], p) for p in data["nodes"]["parent"]]
    read = {x for v, xs in enumerate(data["nodes"]["operands"]) if not inside[v] for x in xs}
    norm = math.sqrt(sum(values[x].grad ** 2 for x in read if inside[x]))
    assert len([x for x in read if inside[x]]) == 2
    assert float(box.locator(".grad").text_content().split()[1]) == pytest.approx(norm, rel=1e-3)
    assert f"norm of the gradient {norm:.6g}" in box.get_attribute("aria-label")


def test_the_open_groups_of_the_data_are_open_at_first(visit):
    _, data, values = net(opened=("loss",))
    page = visit(data)
    nodes, _ = seen(page)
    assert nodes == {i for i, p in enumerate(data["nodes"]["parent"]) if p == data["open"][1]}
    assert len(values) - 1 in nodes


def test_what_is_selected_stays_so_when_groups_open(visit):
    _, data, values = net(opened=("loss",))
    page = visit(data)
    box_of(page, values, "loss").click()
    page.locator(".box.group").click()
    assert "selected" in box_of(page, values, "loss").get_attribute("class")
    assert texts(page, "#selected h2") == ["loss"]


def test_a_node_inside_a_closed_group_marks_the_group(visit):
    _, data, _ = net()
    page = visit(data)
    page.keyboard.press("ArrowRight")
    label = page.locator(".box.current").get_attribute("aria-label")
    assert label.startswith("mlp, group of")


def test_closed_groups_that_read_each_other_are_drawn(visit):
    x = Value(0.5, name="x")
    a = x.sin()
    b = a.exp()
    c = b * a
    d = c + b
    side = {id(x): 1, id(a): 1, id(b): 2, id(c): 1, id(d): 2}
    groups = [{"parent": 0, "kind": "part", "label": label} for label in ("one", "two")]
    data, values = data_of(d, groups, lambda v: side[id(v)])
    page = visit(data)
    assert seen(page) == (set(), {1, 2})
    for opened in ([1], [2]):
        for g in opened:
            page.locator(group_box(data, g)).click()
    assert seen(page)[0] == set(range(len(values)))
    page.keyboard.press("End")
    assert state(page)["adjoints"] == gradients(d, values)


def test_of_many_operands_the_first_are_written(visit):
    xs = [Value(0.5 * k, name=f"x{k}") for k in range(60)]
    root = autodiff.sum(xs)
    data, values = data_of(root)
    page = visit(data)
    page.keyboard.press("ArrowRight")
    assert "x23, and 36 more" in page.locator("#step").text_content()
    page.keyboard.press("End")
    assert page.locator("#step li").last.text_content() == "and 36 more operands"
    assert state(page)["adjoints"] == gradients(root, values)


def test_too_many_boxes_are_not_opened_at_once(visit):
    x = Value(0.1, name="x")
    v = x
    for _ in range(450):
        v = v.sin()
    groups = [{"parent": 0, "kind": "part", "label": "all of it"}]
    data, _ = data_of(v, groups, lambda v: 1)
    page = visit(data)
    assert page.get_by_role("button", name="Open all").is_disabled()
    assert seen(page) == (set(), {1})


# -- layout ----------------------------------------------------------------------------------------


def overlap(a, b):
    return (
        a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    )


def test_boxes_do_not_overlap_and_results_are_right_of_operands(visit):
    _, data, _ = net()
    page = visit(data)
    page.get_by_role("button", name="Open all").click()
    boxes = page.evaluate("explorer.visible()")
    assert not [1 for k, a in enumerate(boxes) for b in boxes[:k] if overlap(a, b)]
    at = {box["node"]: box for box in boxes}
    edges = [(x, v) for v, xs in enumerate(data["nodes"]["operands"]) for x in xs]
    assert all(at[x]["x"] + at[x]["w"] < at[v]["x"] for x, v in edges)


def test_no_text_is_wider_than_its_box(visit):
    z, x, y = formula(x=-1.23456e-300, y=1.0)
    x.name, y.name = "W" * 40, "𝔁漢字" * 20
    data, _ = data_of(z)
    page = visit(data)
    page.keyboard.press("End")
    widths = page.evaluate(
        """() => [...document.querySelectorAll(".box")].map((box) => [
            Math.max(...[...box.querySelectorAll("text")].map((text) => text.getBBox().width)),
            box.querySelector(".shape").getBBox().width])"""
    )
    assert len(widths) == len(data["nodes"]["op"])
    assert all(text < box for text, box in widths)


def test_the_drawing_follows_the_steps(visit):
    v = Value(0.5, name="x")
    for _ in range(300):
        v = v.sin()
    data, _ = data_of(v)
    page = visit(data, reduced_motion="reduce")
    stage = page.locator(".stage").bounding_box()
    for step in (1, 150, 300, 301, 450, 601):
        page.evaluate(f"explorer.goTo({step})")
        box = page.locator(".current").bounding_box()
        assert stage["x"] <= box["x"] <= stage["x"] + stage["width"] - box["width"]
        assert stage["y"] <= box["y"] <= stage["y"] + stage["height"] - box["height"]
    page.keyboard.press("ArrowDown")  # to the first box
    page.keyboard.press("ArrowUp")  # and round to the last
    assert page.evaluate("document.activeElement.dataset.id") == "300"
    assert page.locator('[data-id="300"]').is_visible()


def test_a_value_that_a_node_reads_twice_has_two_arrows(visit):
    x = Value(3.0, name="x")
    data, _ = data_of(x * x)
    page = visit(data)
    page.keyboard.press("ArrowRight")
    heads = page.locator(".head.flow").get_attribute("d")
    assert heads.count("M") == 2
    page.keyboard.press("End")
    assert page.locator(".edge.back.positive").count() == 1
    assert texts(page, "#step .main")[1] == "dL/dx = 3 + 1 * 3 = 6"


# -- names -----------------------------------------------------------------------------------------

HOSTILE = [
    "</script><script>window.flag = 1</script>",
    '"><img src=x onerror="window.flag = 1">',
    "<!-- <script>",
    "'; window.flag = 1; '",
    "two\nlines\tand a tab",
    "\u2028\u2029 ünïcødé 漢字 🙂",
    "${window.flag = 1}{{data}}",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_as_they_are_and_never_run(visit, name):
    x = Value(2.0, name=name)
    z = x * 3.0
    z.name = name
    groups = [{"parent": 0, "kind": "scope", "label": name}]
    data, _ = data_of(z, groups, lambda v: 1, sources={name: name})
    page = visit(data)
    page.locator(group_box(data, 1)).hover()
    page.locator(group_box(data, 1)).click()
    page.keyboard.press("ArrowRight")
    page.locator('[data-id="0"]').hover()
    page.locator('[data-id="0"]').click()
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    assert texts(page, "#selected .whole") == [name, name]
    assert page.evaluate("window.flag") is None
    assert page.title().split() == name.split()
    assert page.locator("script").count() == 3
    assert page.locator("img").count() == 0


def test_a_long_name_is_shortened_in_its_box_and_whole_in_the_panel(visit):
    name = "a_rather_long_name_of_a_parameter_of_a_model"
    data, values = data_of(Value(1.0, name=name) + 1.0)
    page = visit(data)
    box = box_of(page, values, name)
    assert box.locator(".name").text_content() == name[:23] + "…"
    box.click()
    assert texts(page, "#selected .whole") == [name]


# -- search, focus, screens ------------------------------------------------------------------------


def test_search_finds_names_operations_and_scopes(visit):
    _, data, values = net()
    page = visit(data)
    page.keyboard.press("/")
    page.keyboard.type("TANH")
    tanhs = [i for i, v in enumerate(values) if v is not None and v.op == "tanh"]
    assert page.locator("#hits").text_content() == f"{len(tanhs)} hits"
    page.keyboard.press("Enter")
    assert page.locator("#hits").text_content() == f"1 of {len(tanhs)}"
    assert page.locator(".hit").get_attribute("data-id") == str(tanhs[0])
    page.keyboard.press("Enter")
    assert page.locator(".hit").get_attribute("data-id") == str(tanhs[1])
    page.keyboard.press("Shift+Enter")
    assert page.locator(".hit").get_attribute("data-id") == str(tanhs[0])
    page.locator("#search").fill("neurons.3")
    labels = [group["label"] for group in data["groups"]]
    assert (
        page.locator("#hits").text_content()
        == f"{sum('neurons.3' in label for label in labels)} hits"
    )
    page.keyboard.press("Enter")
    assert page.locator(".hit").count() == 1
    page.locator("#search").fill("nothing of that name")
    assert page.locator("#hits").text_content() == "no hits"
    assert page.locator(".hit").count() == 0


def test_one_box_is_in_the_tab_order_and_arrows_move_between_boxes(visit):
    data, _ = data_of(formula()[0])
    page = visit(data)
    assert page.locator('#graph [tabindex="0"]').count() == 1
    page.locator('#graph [tabindex="0"]').focus()
    passed = []
    for _ in data["nodes"]["op"]:
        passed.append(page.evaluate("document.activeElement.dataset.id"))
        assert page.locator("#tooltip").is_visible()
        page.keyboard.press("ArrowDown")
    assert sorted(map(int, passed)) == list(range(len(data["nodes"]["op"])))
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.dataset.id") == passed[-1]
    assert page.locator('#graph [tabindex="0"]').count() == 1


def test_the_tooltip_tells_value_operation_and_source(visit):
    z, _, _ = formula()
    data, values = data_of(z, sources={"z": "demo.py:12"})
    page = visit(data)
    page.keyboard.press("End")
    box_of(page, values, "z").hover()
    wanted = ["z", "add", f"value {z.data!r}", "gradient 1", "demo.py:12"]
    assert texts(page, "#tooltip div") == wanted
    page.keyboard.press("Home")
    assert texts(page, "#tooltip div") == ["z", "add", "not computed yet", "demo.py:12"]
    page.locator("h1").hover()
    assert page.locator("#tooltip").is_hidden()


def test_every_control_has_a_name(visit):
    data, values = data_of(formula()[0])
    page = visit(data)
    box_of(page, values, "x").click()
    names = page.evaluate(
        """() => [...document.querySelectorAll("button, input, #graph [role]")].map((e) =>
            e.ariaLabel || e.textContent.trim() || (e.labels && e.labels[0]?.textContent))"""
    )
    assert len(names) > 25
    assert all(names)
    assert page.get_by_role("group", name="Computation graph of z").count() == 1
    page.locator("h1").click()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog", name="Keys").is_hidden()


def test_drag_wheel_and_fit_move_the_drawing_but_do_not_click(visit):
    _, data, _ = net()
    page = visit(data)
    groups = seen(page)
    at = page.locator("#world").get_attribute("transform")
    box = page.locator(".box").first.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 70, steps=4)
    page.mouse.up()
    moved = page.locator(".box").first.bounding_box()
    assert (moved["x"] - box["x"], moved["y"] - box["y"]) == pytest.approx((100, 50), abs=2)
    page.mouse.wheel(0, -300)
    while page.locator(".box").first.bounding_box()["width"] < 1.2 * box["width"]:
        page.wait_for_timeout(10)  # the event comes when the browser likes
    assert seen(page) == groups
    page.get_by_role("button", name="Fit").click()
    assert page.locator("#world").get_attribute("transform") == at


def test_a_phone_needs_no_horizontal_scrolling(visit):
    _, data, _ = net(opened=("loss",))
    page = visit(data, width=420, height=800, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 420
    page.locator(".box.group").tap()
    assert page.locator(".cluster").count() == 2
    page.get_by_role("button", name="Last step").tap()
    assert state(page)["step"] == state(page)["steps"]
    panel, stage = (page.locator(part).bounding_box() for part in ("aside", ".stage"))
    assert panel["y"] >= stage["y"] + stage["height"]
    assert panel["width"] == 420


def test_dark_and_light(visit):
    data, _ = data_of(formula()[0])
    background = "getComputedStyle(document.body).backgroundColor"
    light = visit(data, color_scheme="light")
    dark = visit(data, color_scheme="dark")
    colours = light.evaluate(background), dark.evaluate(background)
    assert colours[0] != colours[1]
    for page, other in ((light, colours[1]), (dark, colours[0])):
        page.get_by_role("button", name="Light or dark").click()
        assert page.evaluate(background) == other


# -- the text of the page --------------------------------------------------------------------------


def test_the_page_allows_nothing_from_elsewhere():
    page = assemble(data_of(formula()[0])[0], RULES)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].split("; ")
    assert policy[0] == "default-src 'none'"
    assert not re.search(r"(src|href)=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)
    assert "innerHTML" not in page


def test_no_text_of_the_data_or_the_rules_ends_its_element():
    name = "</script><!--"
    data, _ = data_of(Value(1.0, name=name) + 1.0)
    page = assemble(data, f"const RULES = {{{json.dumps(name)}: 1}};")
    assert page.count("</script>") == 3
    assert page.count("<!--") == 0
    embedded = re.search(r'id="data">(.*?)</script>', page)[1]
    assert json.loads(embedded) == data


def test_numbers_that_json_lacks_must_be_strings():
    data, _ = data_of(Value(1.0, name="x") + 1.0)
    data["nodes"]["data"][0] = math.inf
    with pytest.raises(ValueError, match="not JSON compliant"):
        assemble(data, RULES)
