"""The page of the explorer, in Chromium: it must add up what ``backward()`` adds up."""

import json
import math
import re
from itertools import accumulate, groupby

import pytest
from explorer_pages import (
    RULES,
    box_of,
    data_by_scopes,
    data_of,
    formula,
    gradients,
    group_box,
    net,
    shared,
    state,
    texts,
    visits,
)

from autodiff import Value
from autodiff.graph.assemble import assemble

pytestmark = pytest.mark.once

visit = pytest.fixture(visits)


# -- stepping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: formula()[0], shared, lambda: net()[0]])
def test_the_sums_are_those_of_backward_to_the_last_bit(visit, make):
    root = make()
    data, values = data_by_scopes(root)
    page = visit(data)
    forward = page.locator("#forward")
    forward.click()
    forward.evaluate("(button) => { while (!button.disabled) button.click(); }")
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
    with pytest.raises(ValueError):  # noqa: PT011  # in the words of the module json
        assemble(data, RULES)
