"""Pictures: what is drawn, read back from the axes; what is refused; what is left in files."""

import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from PIL import Image

from autodiff import Value, log, nn, plot, relu, sin
from autodiff.optim import SGD, History, Trajectory, minimize
from autodiff.plot.canvas import outputs
from autodiff.plot.paths import visible

pytestmark = pytest.mark.once  # drawings do not depend on the engine

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    matplotlib.pyplot.close("all")


def bowl(x, y):
    return x * x + 3 * y * y


def parabola(x):
    return x * x


def descend(f, start, lr=0.1, steps=20, optimizer=SGD):
    return minimize(f, start, lambda params: optimizer(params, lr=lr), steps)


def labels(ax):
    return ax.get_legend_handles_labels()[1]


def line(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


# -- what is drawn ---------------------------------------------------------------------------------


def test_a_curve_and_its_derivative():
    ax = plot.curve(sin, (-3.0, 3.0), name="sin")
    x, y = line(ax, "sin").get_data()
    at, slopes = line(ax, "its derivative").get_data()
    assert (x[0], x[-1]) == (-3.0, 3.0)
    np.testing.assert_allclose(y, np.sin(x), rtol=1e-15)
    np.testing.assert_allclose(slopes, np.cos(at), rtol=1e-12, atol=1e-15)


def test_a_curve_without_derivative_and_one_of_a_constant():
    assert labels(plot.curve(sin, (0, 1), derivative=False)) == ["f"]
    ax = plot.curve(lambda x: 2.0, (0, 1))
    assert set(line(ax, "f").get_ydata()) == {2.0}
    assert set(line(ax, "its derivative").get_ydata()) == {0.0}


def test_where_a_function_is_not_finite_there_is_a_gap():
    x, y = line(plot.curve(log, (-1.0, 1.0), derivative=False), "f").get_data()
    assert np.array_equal(np.isnan(y), x <= 0)


def test_a_descent_is_drawn_on_its_curve():
    path = descend(parabola, 3.0)
    ax = plot.descent(parabola, {"plain": path})
    xs, ys = line(ax, "plain").get_data()
    assert np.array_equal(xs, path.points[:, 0])
    assert np.array_equal(ys, path.values)


def test_contours_are_where_the_function_has_their_height():
    ax = plot.contour(bowl, (-2, 2), (-1, 1), levels=[0.5, 1.0, 2.0])
    drawn = {}
    for level, path in zip((0.5, 1.0, 2.0), ax.collections[1].get_paths(), strict=True):
        drawn[level] = bowl(*path.vertices.T)
    for level, heights in drawn.items():
        np.testing.assert_allclose(heights, level, rtol=2e-3)


def test_levels_by_number_enclose_equal_areas():
    ax = plot.contour(bowl, (-1, 1), (-1, 1), levels=4)
    x, y = np.meshgrid(np.linspace(-1, 1, 200), np.linspace(-1, 1, 200))
    shares = [(bowl(x, y) < level).mean() for level in ax.collections[1].levels]
    np.testing.assert_allclose(shares, [0.125, 0.375, 0.625, 0.875], atol=1e-3)


def test_a_flat_function_has_a_picture():
    assert plot.contour(lambda x, y: 1.0, (0, 1), (0, 1)).get_xlim() == (0, 1)


def test_paths_on_contours_and_surfaces():
    path = descend(bowl, [1.5, 0.9])
    for ax in (
        plot.contour(bowl, (-2, 2), (-1, 1), path),
        plot.surface(bowl, (-2, 2), (-1, 1), {"": path}, points=10),
    ):
        drawn = ax.lines[0].get_data() if ax.name == "rectilinear" else ax.lines[0].get_data_3d()
        np.testing.assert_array_equal(np.array(drawn[:2]).T, path.points)
    np.testing.assert_allclose(drawn[2], path.values)


def test_the_optimum_is_marked():
    ax = plot.contour(bowl, (-2, 2), (-1, 1), optimum=[0.5, 0.25])
    assert np.array_equal(line(ax, "optimum").get_xydata(), [[0.5, 0.25]])
    ax = plot.surface(bowl, (-2, 2), (-1, 1), optimum=[0.5, 0.25], points=10)
    assert np.ravel(line(ax, "optimum").get_data_3d()).tolist() == [0.5, 0.25, 0.4375]


def test_losses_of_every_kind():
    path = descend(parabola, 3.0)
    ax = plot.loss({"path": path, "history": History([4.0, 2.0]), "list": [1.0, 0.5]})
    assert np.array_equal(line(ax, "path").get_ydata(), path.values)
    assert line(ax, "history").get_ydata().tolist() == [4.0, 2.0]
    assert line(ax, "list").get_ydata().tolist() == [1.0, 0.5]
    assert ax.get_yscale() == "log"
    assert plot.loss([3.0, 2.0]).get_yscale() == "linear"
    assert plot.loss(History([3.0, 2.0])).get_xlabel() == "epoch"


def test_a_loss_of_0_is_below_a_logarithmic_picture():
    ax = plot.loss([1.0, 1e-6, 1e-40, 0.0])
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] == 1e-17
    assert plot.loss([0.0, 0.0]).get_yscale() == "linear"


def test_fits_of_functions_and_of_predictions():
    ax = plot.fit([2.0, 0.0, 1.0], [4.0, 0.0, 1.0], {"f": parabola, "p": [3.0, 1.0, 2.0]})
    xs, ys = line(ax, "f").get_data()
    np.testing.assert_array_equal(ys, xs * xs)
    assert line(ax, "p").get_xydata().tolist() == [[0, 1], [1, 2], [2, 3]]
    with pytest.raises(TypeError, match=r"models must be a dict of models by name, not 3 \(int\)"):
        plot.fit([0.0, 1.0], [0.0, 1.0], 3)


def test_a_decision_boundary_lies_where_the_score_is_0():
    model = nn.MLP(2, [1], rng=np.random.default_rng(0))
    X, y = [[-2, -1], [2, 1], [0, 2], [1, -2]], [-1, 1, 1, -1]
    before = [p.data for p in model.parameters()]
    ax = plot.decision_boundary(model, X, y)
    border = next(c for c in ax.collections if list(c.levels) == [0.0])
    scores = [model(point)[0].data for point in border.get_paths()[0].vertices.tolist()]
    np.testing.assert_allclose(scores, 0.0, atol=1e-12)
    assert [p.data for p in model.parameters()] == before
    assert all(type(p) is Value and p.grad == 0 for p in model.parameters())
    assert labels(ax) == ["class -1", "class 1"]


def test_the_side_of_a_boundary_has_its_classs_colour():
    ax = plot.decision_boundary(lambda x: x[0], [[-1, 0], [1, 1]], [0, 1], points=50)
    fills = [c for c in ax.collections if len(c.levels) == 2]
    means = [np.mean(c.get_paths()[0].vertices[:, 0]) for c in fills]
    blues = [c.get_facecolor()[0, 2] for c in fills]
    assert means[0] < 0 < means[1]  # class 0 first
    assert blues[0] > blues[1]  # class 0 is blue, class 1 vermilion


def test_a_boundary_between_several_classes():
    ax = plot.decision_boundary(
        lambda x: [x[0], -x[0], x[1] - 5], [[-1, 0], [1, 1], [0, 1]], [1, 0, 2], points=50
    )
    assert len([c for c in ax.collections if len(c.levels) == 2]) == 2  # the third wins nowhere
    assert labels(ax) == ["class 0", "class 1", "class 2"]


def test_grids_are_evaluated_at_once():
    calls = []

    def f(x, y):
        calls.append(np.shape(x))
        return x + y

    plot.contour(f, (0, 1), (0, 1))
    assert calls == [(200, 200)]
    calls.clear()
    plot.decision_boundary(lambda x: f(*x), [[0, 0], [1, 1]], [0, 1])
    assert calls == [(200, 200)]


def test_given_axes_are_drawn_on():
    figure, (left, right) = plot.subplots(1, 2)
    assert plot.contour(bowl, (-1, 1), (-1, 1), ax=left) is left
    assert plot.curve(sin, (0, 1), ax=right) is right
    assert figure.axes == [left, right]


def test_looks_differ():
    looks = [tuple(map(str, plot.look(i).values())) for i in range(30)]
    assert len(set(looks)) == 30


# -- what diverges ---------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [10, 2000])
def test_a_diverging_run_says_so(steps):
    path = descend(parabola, 1.0, lr=1.5, steps=steps)  # x doubles: 1, -2, 4, -8
    assert labels(plot.descent(parabola, {"fast": path}, (-5, 5))) == [
        "fast: diverges after step 2"
    ]
    path = descend(bowl, [1.0, 0.0], lr=1.5, steps=steps)
    for picture in (plot.contour, plot.surface):
        ax = picture(bowl, (-5, 5), (-5, 5), {"fast": path})
        assert "fast: diverges after step 2" in labels(ax)
    seen = visible(path, (-5, 5), (-5, 5))
    np.testing.assert_allclose(seen.line[-1], [-5, 0])  # cut at the border, towards -8
    np.testing.assert_allclose(seen.direction, [-1, 0])


def test_a_run_that_falls_out_of_the_picture_leaves():
    path = descend(lambda x, y: x * x - y * y, [1.0, 0.1], lr=0.2, steps=40)
    ax = plot.contour(lambda x, y: x * x - y * y, (-2, 2), (-2, 2), path)
    last = int(np.flatnonzero(np.abs(path.points[:, 1]) <= 2)[-1])
    assert labels(ax) == [f"leaves after step {last}"]


def test_a_run_that_comes_back_is_cut_and_neither():
    points = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 1.0]])
    path = Trajectory(points, np.zeros(3), np.zeros((3, 2)), np.ones(2), "steps")
    seen = visible(path, (-1, 1), (-1, 1))
    assert seen.note == ""
    pieces = seen.line[~np.isnan(seen.line).any(axis=1)]
    np.testing.assert_allclose(pieces, [[0, 0], [1, 0], [1, 0.75], [0, 1]])
    assert np.isnan(seen.line).any()  # the two pieces are not joined


def test_a_step_to_nowhere_points_down_the_last_gradient():
    points = np.array([[0.0, 0.0], [np.nan, np.nan]])
    slopes = np.array([[3.0, -4.0], [np.nan, np.nan]])
    path = Trajectory(points, np.array([1.0, np.nan]), slopes, np.array([np.nan]), "diverged")
    seen = visible(path, (-1, 1), (-1, 1))
    assert seen.note == "diverges at the first step"
    np.testing.assert_allclose(seen.direction, [-0.6, 0.8])


def test_a_diverging_loss_does_not_flatten_the_others():
    ax = plot.loss({"calm": [4.0, 3.0, 2.0], "wild": [4.0, 1e200, np.inf]})
    assert labels(ax) == ["calm", "wild: diverges at the first step"]
    assert ax.get_ylim()[1] < 20


# -- files -----------------------------------------------------------------------------------------


def frames_of(path):
    with Image.open(path) as image:
        return image.n_frames


def test_an_animation_says_step_loss_and_gradient(tmp_path):
    paths = {"slow": descend(bowl, [1.0, 0.5], steps=30), "fast": descend(bowl, [1, 1], 0.4, 30)}
    moving = plot.animate(bowl, paths, (-2, 2), (-2, 2), frames=4, levels=5)
    assert frames_of(plot.save(moving, tmp_path / "race.gif", progress=False)) == 4
    (table,) = moving._fig.legends
    assert table.get_title().get_text() == "step 30"
    slope = np.linalg.norm(paths["slow"].gradients[-1])
    assert table.get_texts()[0].get_text() == (
        f"slow loss {paths['slow'].values[-1]:9.2e} |grad| {slope:8.2e}"
    )
    assert table.get_texts()[1].get_text().strip() == "fast diverges after step 2"


@pytest.mark.parametrize("kwargs", [{"three_d": True}, {}])
def test_the_heads_end_where_the_paths_end(tmp_path, kwargs):
    path = descend(bowl, [1.0, 0.5], steps=7)
    moving = plot.animate(bowl, path, (-2, 2), (-2, 2), frames=2, levels=4, **kwargs)
    plot.save(moving, tmp_path / "x.gif", progress=False)
    head = line(moving._fig.axes[0], "_head")
    drawn = head.get_data_3d() if kwargs else head.get_data()
    np.testing.assert_array_equal(np.ravel(drawn)[:2], path.x)


def test_animations_in_one_dimension_as_a_page(tmp_path):
    moving = plot.animate(parabola, descend(parabola, 3.0), (-4, 4), frames=3)
    page = plot.save(moving, tmp_path / "x.html", progress=False).read_text()
    assert page.count("data:image/png;base64") == 3
    assert os.listdir(tmp_path) == ["x.html"]


def test_the_bar_counts_the_frames(tmp_path, capsys):
    moving = plot.animate(parabola, descend(parabola, 3.0), (-4, 4), frames=3)
    plot.save(moving, tmp_path / "x.gif")
    assert "3/3" in capsys.readouterr().err


def test_a_gif_keeps_the_colours_of_thin_lines(tmp_path):
    starts = np.linspace(-1.5, 1.5, 7)
    paths = {str(i): descend(bowl, [x, 0.9], steps=5) for i, x in enumerate(starts)}
    moving = plot.animate(bowl, paths, (-2, 2), (-1, 1), frames=1)
    with Image.open(plot.save(moving, tmp_path / "x.gif", progress=False)) as image:
        present = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    for i in range(7):
        assert tuple(bytes.fromhex(plot.look(i)["color"][1:])) in present


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_figures_are_saved(tmp_path, ending):
    path = plot.save(plot.curve(sin, (0, 1)), tmp_path / f"x{ending}")
    assert path.stat().st_size > 1000
    assert os.listdir(tmp_path) == [path.name]


def test_mp4_is_made_by_ffmpeg(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        'open(sys.argv[-1], "wb").write(b"film")\nsys.stdin.buffer.read()\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    moving = plot.animate(parabola, descend(parabola, 3.0), (-4, 4), frames=2)
    assert plot.save(moving, tmp_path / "x.mp4", progress=False).read_bytes() == b"film"


def test_without_ffmpeg_there_is_another_way(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    moving = plot.animate(parabola, descend(parabola, 3.0), (-4, 4), frames=2)
    with pytest.raises(FileNotFoundError, match=r"ends in \.gif or \.html"):
        plot.save(moving, tmp_path / "x.mp4")
    plot.save(moving, tmp_path / "x.gif", progress=False)


def test_a_file_is_whole_or_untouched(tmp_path, monkeypatch):
    path = tmp_path / "x.gif"
    path.write_bytes(b"before")
    moving = plot.animate(parabola, descend(parabola, 3.0), (-4, 4), frames=2)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    plot.save(moving, tmp_path / "y.gif", progress=False)
    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        plot.save(moving, path, progress=False)
    assert path.read_bytes() == b"before"
    assert sorted(os.listdir(tmp_path)) == ["x.gif", "y.gif"]


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [(1, 1), (2, 1), (0, np.inf), (np.nan, 1), (1,), 3, None, "ab"])
def test_empty_and_infinite_ranges(bad):
    with pytest.raises(ValueError, match="domain must be"):
        plot.curve(sin, bad)
    for picture in (plot.contour, plot.surface):
        with pytest.raises(ValueError, match="xlim must be"):
            picture(bowl, bad, (0, 1))
        with pytest.raises(ValueError, match="ylim must be"):
            picture(bowl, (0, 1), bad)
    with pytest.raises(ValueError, match="xlim must be"):
        plot.animate(parabola, descend(parabola, 1.0), bad)
    assert not matplotlib.pyplot.get_fignums()  # refused before anything is drawn


def test_a_range_outside_of_the_domain():
    with pytest.raises(ValueError, match="not finite anywhere"):
        plot.curve(log, (-2, -1))
    with pytest.raises(ValueError, match="not finite anywhere"):
        plot.contour(lambda x, y: log(x) + y, (-2, -1), (0, 1))


def test_a_trajectory_of_another_dimension():
    one, three = descend(parabola, 1.0), descend(lambda x, y, z: x + y + z, [1, 2, 3])
    for picture in (plot.contour, plot.surface, plot.animate):
        arguments = ((0, 1), (0, 1), {"p": three})
        if picture is plot.animate:
            arguments = ({"p": three}, (0, 1), (0, 1))
        with pytest.raises(ValueError, match=r"draws paths of 2 .* 'p' has 3: minimize"):
            picture(bowl, *arguments)
    with pytest.raises(ValueError, match=r"draws paths of 1 .* has 3"):
        plot.descent(parabola, {"p": three})
    with pytest.raises(ValueError, match=r"draws paths of 2 .* has 1"):
        plot.contour(bowl, (0, 1), (0, 1), one)


@pytest.mark.parametrize("bad", [[1.0, 2.0], "path", {"p": [1.0]}])
def test_what_is_no_trajectory(bad):
    with pytest.raises(TypeError, match="Trajectory"):
        plot.contour(bowl, (0, 1), (0, 1), bad)


def test_functions_that_do_not_take_arrays():
    import math

    with pytest.raises(ValueError, match=r"neither on whole arrays .*autodiff\.sin, not math\.sin"):
        plot.curve(lambda x: math.sin(x), (0, 1))
    for ax in (plot.curve(lambda x: x if x > 0 else -x, (-1, 1)), plot.curve(abs, (-1, 1))):
        assert (ax.lines[0].get_ydata() == np.abs(ax.lines[0].get_xdata())).all()
    x, y = np.meshgrid([0.0, 1.0, 2.0], [0.0, 3.0])
    assert (outputs(lambda a, b: [max(a, b), a], x, y) == [np.maximum(x, y), x]).all()
    with pytest.raises(ValueError, match=r"one number for each .* not \(2, 200, 200\)"):
        plot.contour(lambda x, y: [x, y], (0, 1), (0, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.contour(bowl, (0, 1), (0, 1), levels=0), "levels must be 1 or more"),
        (lambda: plot.contour(bowl, (0, 1), (0, 1), levels=[np.nan]), "levels must be finite"),
        (lambda: plot.contour(bowl, (0, 1), (0, 1), optimum=[1]), r"optimum must be .*\(x, y\)"),
        (lambda: plot.fit([1, 2], [1], {}), r"two lists of one length"),
        (lambda: plot.fit([1, np.nan], [1, 2], {}), "not finite"),
        (lambda: plot.fit([1, 2], [1, 2], {"m": [1]}), "'m' has predictions of shape"),
        (lambda: plot.loss([]), "begins with a finite"),
        (lambda: plot.loss({}), "wants a history"),
        (lambda: plot.loss([np.nan, 1]), "begins with a finite"),
        (lambda: plot.descent(parabola, None), "wants a trajectory"),
        (lambda: plot.animate(parabola, {}, (0, 1)), "wants a trajectory"),
        (lambda: plot.animate(parabola, {}, (0, 1), frames=0), "frames must be a positive"),
        (lambda: plot.decision_boundary(relu, [1, 2], [0, 1]), r"shape \(n, 2\)"),
        (lambda: plot.decision_boundary(relu, [[1, 2]], [0, 1]), "y must have a class for each"),
    ],
)  # fmt: skip
def test_other_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_axes_of_the_wrong_kind():
    flat = plot.subplots()[1]
    with pytest.raises(TypeError, match=r"projection '3d', not axes of projection 'rectilinear'"):
        plot.surface(bowl, (0, 1), (0, 1), ax=flat)
    with pytest.raises(TypeError, match="ax must be matplotlib axes"):
        plot.curve(sin, (0, 1), ax="here")


def test_files_that_cannot_be(tmp_path):
    ax = plot.curve(sin, (0, 1))
    with pytest.raises(ValueError, match=r"a figure must end in \.png, \.svg, \.pdf"):
        plot.save(ax, tmp_path / "x.gif")
    with pytest.raises(TypeError, match="figure, axes or an animation"):
        plot.save("x", tmp_path / "x.png")
    with pytest.raises(FileNotFoundError, match="choose a folder that exists"):
        plot.save(ax, tmp_path / "none" / "x.png")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="choose a folder"):
        plot.save(ax, tmp_path / "file" / "x.png")


def run(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_without_matplotlib_the_remedy_is_named():
    program = "import sys; sys.modules['matplotlib'] = None; import autodiff; autodiff.plot"
    error = run(program).stderr.splitlines()[-1]
    assert error == (
        'ImportError: autodiff.plot draws with matplotlib: pip install "scalar-autodiff[demos]"'
    )


def test_without_tqdm_there_is_no_bar(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    moving = plot.animate(parabola, descend(parabola, 3.0), (-4, 4), frames=2)
    with pytest.raises(ImportError, match=r"pip install .*\[demos\].* progress=False"):
        plot.save(moving, tmp_path / "x.gif")
    assert os.listdir(tmp_path) == []
    plot.save(moving, tmp_path / "x.gif", progress=False)


def test_a_folder_that_may_not_be_written_to(tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryDirectory", refused)
    with pytest.raises(PermissionError, match=r"x\.png \(Permission denied\): choose a folder"):
        plot.save(plot.curve(sin, (0, 1)), tmp_path / "x.png")


def test_without_a_display_the_remedy_is_named(monkeypatch):
    def headless(*args, **kwargs):
        raise ImportError("Cannot load backend 'TkAgg'")

    monkeypatch.setattr(matplotlib.pyplot, "subplots", headless)
    with pytest.raises(RuntimeError, match=r"no display .*MPLBACKEND=Agg"):
        plot.curve(sin, (0, 1))
