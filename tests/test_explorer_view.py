"""The drawing of the explorer, in Chromium: groups, layout, search, focus, screens."""

import math

import pytest
from explorer_pages import (
    box_of,
    data_of,
    formula,
    gradients,
    group_box,
    net,
    path_of,
    seen,
    state,
    texts,
    visits,
)

import autodiff
from autodiff import Value

pytestmark = pytest.mark.once

visit = pytest.fixture(visits)


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
    named = [group["label"] for group in data["groups"]] + data["nodes"]["name"]
    hits = sum("neurons.3" in name for name in named)  # the scopes, and their parameters
    assert page.locator("#hits").text_content() == f"{hits} hits"
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


def test_until_it_is_moved_the_drawing_stays_fitted_into_its_window(visit):
    # As in a notebook, where a frame below the fold has no size at first.
    _, data, _ = net()
    page = visit(data)

    def transform():
        return page.evaluate("document.getElementById('world').getAttribute('transform')")

    def wait(holds):  # the page's policy lets Playwright poll nothing there
        while not holds():
            page.wait_for_timeout(10)

    at = transform()
    page.evaluate("document.body.style.display = 'none'")
    wait(lambda: transform() != at)
    page.evaluate("document.body.style.display = ''")
    wait(lambda: transform() == at)
    page.set_viewport_size({"width": 700, "height": 500})
    wait(lambda: transform() != at)
    page.get_by_role("button", name="Zoom in").click()
    moved = transform()
    page.set_viewport_size({"width": 1000, "height": 700})
    page.wait_for_timeout(200)
    assert transform() == moved


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
