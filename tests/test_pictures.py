"""What makes a picture legible: bars, labels, what a surface hides, poles, lines told apart."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from test_plot import bowl, descend, labels, line, parabola

from autodiff import log, optim, plot, sin, tan
from autodiff.optim import History
from autodiff.plot.canvas import HEIGHTS
from autodiff.plot.paths import visible
from autodiff.plot.sheets import InSight, Sheet

pytestmark = pytest.mark.once  # drawings do not depend on the engine

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    matplotlib.pyplot.close("all")


def luminance(colour):
    """The relative luminance of WCAG 2."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


# -- heights ---------------------------------------------------------------------------------------


def test_higher_is_lighter_in_every_print():
    shades = [luminance(HEIGHTS(x)) for x in np.linspace(0, 1, 50)]
    assert (np.diff(shades) > 0).all()
    assert (shades[-1] + 0.05) / (shades[0] + 0.05) > 2.3
    assert luminance("white") - shades[-1] > 0.15  # seen against the panes


def bars(figure):
    """The colour bars of a figure: their axes."""
    inside = [child for ax in figure.axes for child in ax.child_axes]
    return [ax for ax in [*figure.axes, *inside] if hasattr(ax, "_colorbar")]


def test_a_contour_has_a_bar_that_says_which_way_is_down():
    ax = plot.contour(bowl, (-2, 2), (-1, 1), levels=[0.5, 1.0, 2.0], name="loss")
    (bar,) = bars(ax.figure)
    assert bar.get_ylabel() == "loss: dark is low"
    assert [text.get_text() for text in bar.get_yticklabels()] == ["0.5", "1", "2"]
    ax = plot.contour(bowl, (-2, 2), (-1, 1))
    assert bars(ax.figure)[0].get_ylabel() == "f(x, y): dark is low"
    assert bars(plot.contour(bowl, (-2, 2), (-1, 1), bar=False).figure) == []


def test_the_numbers_of_a_bar_differ():
    ax = plot.contour(lambda x, y: 1000 + 1e-3 * x, (0, 1), (0, 1), levels=30)
    texts = [text.get_text() for text in bars(ax.figure)[0].get_yticklabels()]
    assert 8 <= len(texts) == len(set(texts)) <= 10


def test_a_surface_has_a_bar_and_three_labels():
    ax = plot.surface(bowl, (-2, 2), (-1, 1), points=10, name="loss")
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("x", "y", "loss")
    (bar,) = bars(ax.figure)
    assert bar.get_ylabel() == "loss: dark is low"


@pytest.mark.parametrize("factor", [1e-4, 1.0, 1e4])
def test_labels_and_numbers_of_a_surface_do_not_collide(factor):
    ax = plot.surface(lambda x, y: factor * bowl(x, y), (-2, 2), (-1, 1), points=10)
    ax.figure.canvas.draw()
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        name = axis.label.get_window_extent()
        numbers = [tick.label1 for tick in axis.get_major_ticks() if tick.label1.get_visible()]
        boxes = [text.get_window_extent() for text in numbers if text.get_text()]
        assert boxes
        assert not any(name.overlaps(box) for box in boxes)
    assert ax.zaxis.label.get_window_extent().x1 < bars(ax.figure)[0].get_window_extent().x0


def test_numbers_on_lines_keep_away_from_the_optimum_and_the_paths():
    path = descend(bowl, [1.5, 0.9], steps=5)
    ax = plot.contour(bowl, (-2, 2), (-1, 1), path, [0.1, 0.5, 1.0, 2.0], (0.0, 0.0))
    places = np.array([text.get_position() for text in ax.texts if text.get_text()])
    numbers = sorted(float(text.get_text()) for text in ax.texts if text.get_text())
    assert numbers == [0.5, 1.0, 2.0]  # the line of 0.1 is too short
    drawn = np.concatenate([path.points, [[0.0, 0.0]]])
    gaps = np.hypot(*((places[:, None] - drawn) / [4.0, 2.0]).transpose(2, 0, 1))
    assert gaps.min() > 0.05


def test_several_optima_are_marked_and_seen_above_what_ends_there():
    path = descend(bowl, [1.0, 0.5], steps=200)
    ax = plot.contour(bowl, (-2, 2), (-1, 1), path, optimum=[(0.0, 0.0), (1.0, 0.5)])
    cross = line(ax, "optimum")
    assert cross.get_xydata().tolist() == [[0.0, 0.0], [1.0, 0.5]]
    star = next(line for line in ax.lines if line.get_marker() == "*")
    assert cross.get_zorder() > star.get_zorder()
    assert cross.get_markersize() > star.get_markersize()  # its arms are longer
    assert cross.get_markeredgewidth() < 2  # and thin
    with pytest.raises(ValueError, match="optimum must be"):
        plot.contour(bowl, (0, 1), (0, 1), optimum=[(0.0, 0.0), (1.0,)])


# -- what a surface hides --------------------------------------------------------------------------


def ridge(x, y):
    """A wall along x = 0, seen from the right."""
    return np.exp(-20 * x * x) + 0 * y


def seen_from_the_right(f=ridge):
    ax = plot.surface(f, (-1, 1), (-1, 1), points=41)
    ax.view_init(elev=20, azim=0)
    ax.figure.canvas.draw()
    x, y = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    return ax, Sheet(x, y, f(x, y))


@pytest.mark.parametrize("projection", ["persp", "ortho"])
def test_a_wall_hides_what_is_behind_it(projection):
    ax, sheet = seen_from_the_right()
    ax.set_proj_type(projection)
    points = np.array([[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 1.0], [-0.5, 0.0, 1.5]]).T
    assert sheet.hides(points, ax).tolist() == [True, False, False, False]
    ax.view_init(elev=20, azim=180)
    assert sheet.hides(points, ax).tolist() == [False, True, False, False]
    ax.view_init(elev=90, azim=0)
    assert not sheet.hides(points, ax).any()


def test_a_slope_that_falls_away_hides_what_lies_on_it():
    ax, sheet = seen_from_the_right(lambda x, y: x + 0 * y)  # it falls to the left
    assert sheet.hides(np.array([[-0.5, 0.0, -0.5]]).T, ax).all()
    ax.view_init(elev=20, azim=180)
    assert not sheet.hides(np.array([[-0.5, 0.0, -0.5]]).T, ax).any()


def test_heights_between_the_points_of_a_grid():
    x, y = np.meshgrid([0.0, 1.0, 2.0], [0.0, 2.0])
    sheet = Sheet(x, y, np.array([[0.0, 1.0, 4.0], [2.0, 3.0, 6.0]]))
    at = np.array([[0.5, 0.0], [1.5, 1.0], [2.0, 2.0], [2.1, 0.0], [0.0, -0.1]]).T
    np.testing.assert_allclose(sheet.height(*at), [0.5, 3.5, 6.0, np.nan, np.nan])


def dark(figure, colour):
    """How many pixels have a colour."""
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    wanted = np.array(to_rgb(colour)) * 255
    return int((np.abs(pixels - wanted).max(axis=2) < 30).sum())


def test_the_hidden_part_of_a_path_is_faint_and_turns_with_the_view():
    points = np.array([[-0.8, 0.0], [-0.2, 0.0]])
    path = optim.Trajectory(points, ridge(*points.T), np.zeros((2, 2)), np.ones(1), "steps")
    ax = plot.surface(ridge, (-1, 1), (-1, 1), path, points=41)
    ax.view_init(elev=20, azim=180)
    before = dark(ax.figure, plot.look(0)["color"])
    ax.view_init(elev=20, azim=0)
    behind = dark(ax.figure, plot.look(0)["color"])
    assert before > 100 > 10 > behind
    whole, seen = (a for a in ax.lines if a.get_linestyle() != "None" and a.get_data_3d()[0].size)
    assert isinstance(seen, InSight)
    np.testing.assert_array_equal(np.array(seen.get_data_3d())[:2].T, points)  # as it was
    assert whole.get_alpha() < 0.5
    assert whole.get_zorder() < seen.get_zorder()
    assert not seen.stale


def test_a_path_in_pieces_over_a_surface_with_holes():
    def f(x, y):
        return log(x) + y * y  # not finite for x <= 0

    points = np.array([[0.5, 0.5], [0.5, 2.0], [0.8, 0.2]])
    path = optim.Trajectory(points, f(*points.T), np.zeros((3, 2)), np.ones(2), "steps")
    ax = plot.surface(f, (-1, 1), (-1, 1), path, points=20)
    assert np.isnan(ax.lines[0].get_data_3d()).any()
    ax.figure.canvas.draw()


def test_the_trails_of_an_animation_are_hidden_too(tmp_path):
    path = descend(bowl, [1.0, 0.5], steps=3)
    moving = plot.animate(bowl, path, (-2, 2), (-2, 2), three_d=True, frames=2)
    kinds = [(type(a), a.get_label()) for a in moving._fig.axes[0].lines]
    assert (InSight, "_trail") in kinds
    assert (InSight, "_head") in kinds
    assert bars(moving._fig)[0].get_ylabel() == "f(x, y): dark is low"
    plot.save(moving, tmp_path / "x.gif", progress=False)


# -- poles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "domain", "poles"),
    [
        (tan, (-5.0, 5.0), np.pi * np.array([-1.5, -0.5, 0.5, 1.5])),
        (lambda x: 1 / x, (-3.0, 3.0), [0.0]),
        (lambda x: 1 / (x - 0.1) ** 2, (-3.0, 3.0), [0.1]),
        (lambda x: 1 / x, (0.0, 2.0), [0.0]),
    ],
)
def test_near_a_pole_the_picture_shows_the_curve(f, domain, poles):
    ax = plot.curve(f, domain)
    x, y = line(ax, "f").get_data()
    width = (domain[1] - domain[0]) / 400
    gaps = x[np.isnan(y)]
    for pole in poles:
        assert np.abs(gaps - pole).min() <= width  # not joined across
    assert all(np.abs(gap - poles).min() <= width for gap in gaps)
    low, high = ax.get_ylim()
    away = np.abs(x[:, None] - np.array(poles)).min(axis=1) > 0.2 * (domain[1] - domain[0]) / (
        1 + len(poles)
    )
    assert (y[away] > low).all()
    assert (y[away] < high).all()
    assert high - low < 8 * np.ptp(y[away])
    slopes = line(ax, "its derivative").get_ydata()
    assert np.isnan(slopes[np.isnan(y)]).all()


@pytest.mark.parametrize(
    ("f", "domain"),
    [
        (sin, (-3.0, 3.0)), (lambda x: x**9, (-3.0, 3.0)), (log, (0.0, 5.0)),
        (lambda x: abs(x) ** 0.5, (-1.0, 1.0)), (lambda x: 2 ** (x * x), (-4.0, 4.0)),
        (lambda x: sin(1 / x), (-1.0, 1.0)), (lambda x: x / abs(x), (-1.0, 1.02)),
        (lambda x: 0 * x, (-1.0, 1.0)),
    ],
)  # fmt: skip
def test_what_has_no_pole_is_shown_whole(f, domain):
    ax = plot.curve(f, domain, derivative=False)
    x, y = ax.lines[0].get_data()
    assert len(x) == 401
    assert ax.get_ylim()[0] <= np.nanmin(y) <= np.nanmax(y) <= ax.get_ylim()[1]


def test_the_pole_of_a_slope_does_not_press_the_curve_flat():
    ax = plot.curve(log, (-1.0, 3.0))
    y, slopes = (drawn.get_ydata() for drawn in ax.lines)
    low, high = ax.get_ylim()
    assert low < np.nanmin(y) < np.nanmax(y) < high < 0.1 * np.nanmax(slopes)
    assert np.nanquantile(slopes, 0.85) < high
    assert np.isnan(slopes[np.isnan(y)]).all()
    whole = plot.curve(lambda x: x**3, (-3.0, 3.0))
    assert whole.get_ylim()[1] > 27


def test_a_descent_beside_a_pole():
    def f(x):
        return x + 1 / x

    ax = plot.descent(f, {"p": descend(f, 3.0, steps=5)}, (-1.0, 4.0))
    assert np.isnan(ax.lines[0].get_ydata()).any()
    assert ax.get_ylim()[1] < 30


# -- lines told apart ------------------------------------------------------------------------------


def test_to_and_fro_is_one_line_with_marks_at_both_ends():
    path = descend(parabola_of_two, [10.0, 0.0], lr=1.0, steps=60)
    seen = visible(path, (-12, 12), (-1, 1))
    assert seen.line.tolist() == [[10.0, 0.0], [-10.0, 0.0]]
    ax = plot.contour(parabola_of_two, (-12, 12), (-1, 1), {"p": path})
    marks = next(a for a in ax.lines if a.get_marker() == "o" and len(a.get_xdata()) > 2)
    assert {*marks.get_xdata().tolist()} == {10.0, -10.0}


def parabola_of_two(x, y):
    return x * x + 0 * y


def test_legends_show_the_line_that_is_drawn():
    paths = {name: descend(bowl, [x, 0.9], steps=5) for name, x in (("a", 1.0), ("b", -1.0))}
    for picture in (plot.contour, plot.surface):
        ax = picture(bowl, (-2, 2), (-1, 1), paths)
        for i, handle in enumerate(ax.get_legend_handles_labels()[0]):
            look = plot.look(i)
            assert handle.get_marker() == look["marker"]
            same = [a for a in ax.lines if a.get_color() == look["color"] and a is not handle]
            drawn = [a for a in same if a._unscaled_dash_pattern == handle._unscaled_dash_pattern]
            assert any(a.get_linewidth() == handle.get_linewidth() for a in drawn)


def test_equal_losses_have_marks_of_their_own():
    ax = plot.loss({"a": np.ones(81), "b": np.ones(81), "c": np.ones(81)})
    places = []
    for i, drawn in enumerate(ax.lines):
        first, every = drawn.get_markevery()
        assert drawn.get_marker() == plot.look(i)["marker"]
        places += range(first, 81, every)
    assert len(places) == len(set(places)) > 20
    assert plot.loss([2.0, 1.0]).lines[0].get_marker() == ""


def test_epochs_are_counted_from_1_and_steps_from_0():
    assert plot.loss(History([3.0, 2.0, 1.0])).lines[0].get_xdata().tolist() == [1, 2, 3]
    assert plot.loss([3.0, 2.0, 1.0]).lines[0].get_xdata().tolist() == [0, 1, 2]
    ax = plot.loss({"wild": History([1.0, 0.5, 1e9]), "calm": History([1.0, 0.5, 0.4])})
    assert labels(ax) == ["wild: diverges after epoch 2", "calm"]


def test_above_a_loss_that_falls_there_is_no_empty_room():
    assert plot.loss([1.0, 0.1, 1e-4]).get_ylim()[1] <= 2.0
    ax = plot.loss({"calm": [1.0, 0.1, 1e-4], "wild": [1.0, 1e9, 1e30]})
    assert ax.get_ylim()[1] == 10.0  # where the wild one leaves


def test_trails_on_one_curve_leave_the_edges_of_those_below():
    paths = {"a": descend(parabola, 3.0, steps=3), "b": descend(parabola, 3.0, steps=5)}
    moving = plot.animate(parabola, paths, (-4, 4), frames=2)
    moving._init_draw()
    widths = [a.get_linewidth() for a in moving._fig.axes[0].lines if a.get_label() == "_trail"]
    assert widths[0] > widths[1] + 1
