"""The demonstrations, run as a user runs them, and their numbers."""

import errno
import gzip
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

once = pytest.mark.once  # of numbers on which the engines agree
DEMOS = Path(__file__).parent.parent / "demos"
sys.path.insert(0, str(DEMOS))  # as Python does for a script


def load(name):
    spec = importlib.util.spec_from_file_location(name, DEMOS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_two_layer_net_learns_to_read_digits(tmp_path, capsys):
    accuracy = load("two_layer_net").main(["--quick", "--save", str(tmp_path)])
    printed = capsys.readouterr().out
    assert accuracy > 0.90
    assert f"Test accuracy: {accuracy:.1%}" in printed
    assert "64-32-10, 2410 parameters" in printed
    assert len(re.findall(r"epoch .* loss ", printed)) == 15
    seconds, differences, times, error = re.search(
        r"a gradient takes (.*) ms; by differences (.*) s, (.*) times .* at most (.*)\)", printed
    ).groups()
    assert float(differences) / float(seconds) > 0.05  # 2 * 2,410 losses
    assert int(times.replace(",", "")) > 50
    assert float(error) < 1e-8
    assert (tmp_path / "neuron.svg").read_text().count('class="node"') > 60
    names = ["neuron.svg", "two_layer_net.png", "two_layer_net_confusion.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all(name in printed for name in names)


@once
def test_without_save_the_two_layer_net_leaves_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load("two_layer_net").main(["--quick", "--epochs", "1", "--hidden", "2"])
    assert "No file was written: --save DIR" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_epochs_are_counted_as_they_are_printed():
    demo = load("two_layer_net")
    (picture, _) = demo.drawn([(2.0, 0.5), (1.0, 0.75)], np.eye(10, dtype=int))
    losses, accuracies = (ax.lines[0] for ax in picture.drawing.axes)
    assert losses.get_xdata().tolist() == list(accuracies.get_xdata()) == [1, 2]
    assert [p.name for p in demo.drawn([], np.eye(10, dtype=int))] == ["two_layer_net_confusion"]


@once
def test_the_same_seed_gives_the_same_net(tmp_path, capsys):
    demo = load("two_layer_net")
    arguments = ["--quick", "--epochs", "1", "--hidden", "4", "--save", str(tmp_path)]
    runs = []
    for seed in ("1", "1", "2"):
        demo.main([*arguments, "--seed", seed])
        runs.append(re.sub("a gradient takes .*", "", capsys.readouterr().out))
    assert runs[0] == runs[1] != runs[2]


def idx(path, array):
    """Write a file in MNIST's format."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    content = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@once
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_two_layer_net_reads_mnists_files(tmp_path, capsys, suffix):
    rng = np.random.default_rng(0)
    for part, n in (("train", 200), ("t10k", 20)):
        classes = rng.integers(0, 10, size=n)
        images = np.zeros((n, 12, 12))
        images[np.arange(n), 1 + classes, 1] = 255
        idx(tmp_path / f"{part}-images-idx3-ubyte{suffix}", images)
        idx(tmp_path / f"{part}-labels-idx1-ubyte{suffix}", classes)
    demo = load("two_layer_net")
    folder = ["--mnist", str(tmp_path), "--save", str(tmp_path)]
    demo.main([*folder, "--epochs", "2", "--hidden", "4"])
    printed = capsys.readouterr().out
    assert "144-4-10, 630 parameters, 200 training and 20 test images" in printed
    data = demo.mnist(tmp_path, False)
    assert data.x.max() == 1.0
    assert (data.x.reshape(-1, 12, 12)[np.arange(200), 1 + data.y, 1] == 1.0).all()
    moved = demo.shifted(data.x, 12, np.random.default_rng(1)).reshape(-1, 12, 12)
    pairs = zip(moved, data.y, strict=True)
    places = [np.argwhere(image)[0] - (1 + digit, 1) for image, digit in pairs]
    assert {*np.ravel(places).tolist()} == {-1, 0, 1}


@once
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, os.strerror(errno.ENOENT)),
        (b"", "no file of"),
        (b"\0\0\x08\x01\0\0\0\x09ab", "no file of"),
    ],
)
def test_what_are_no_files_of_mnist(tmp_path, capsys, content, message):
    if content is not None:
        (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(SystemExit):
        load("two_layer_net").main(["--mnist", str(tmp_path), "--save", str(tmp_path)])
    assert message in capsys.readouterr().err


@once
def test_without_graphviz_the_source_is_written(tmp_path, capsys, monkeypatch):
    demo = load("two_layer_net")
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    demo.main(["--quick", "--epochs", "0", "--hidden", "2", "--save", str(tmp_path)])
    assert "pip install pygraphviz" in capsys.readouterr().out
    assert (tmp_path / "neuron.dot").read_text().startswith("digraph")


@once
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "-1"], "lr must be a finite number"),
        (["--hidden", "0"], "must be a positive integer"),
        (["--epochs", "-1"], "--epochs must be 0 or more"),
    ],
)
def test_bad_options_are_refused(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit):
        load("two_layer_net").main([*arguments, "--quick", "--save", str(tmp_path)])
    assert message in capsys.readouterr().err


@once
def test_ctrl_c_stops_and_still_reports(tmp_path):
    command = [sys.executable, str(DEMOS / "two_layer_net.py"), "--save", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--epochs", "1000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # it may be ignored here
    )
    for line in process.stdout:
        if line.startswith("epoch  1"):
            break
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=600)[0]
    assert process.returncode == 0
    assert "stopped; this is what was learned so far" in rest
    assert "Test accuracy: " in rest


@once
def test_the_two_layer_nets_pictures(tmp_path):
    captions = small(load("two_layer_net").pictures(quick=True), tmp_path)
    assert list(captions) == ["two_layer_net", "two_layer_net_confusion"]
    read = float(re.search(r"[\d.]+(?=%)", captions["two_layer_net"])[0])
    assert read > 90


# -- the laboratory --------------------------------------------------------------------------------


def small(pictures, folder, drawings=None):
    """Save a demonstration's pictures, and keep what is drawn; returns their captions by name."""
    captions = {}
    for picture in pictures:
        load("demo").save(picture, folder, progress=False)
        captions[picture.name] = picture.caption
        if drawings is not None:
            drawings[picture.name] = picture.drawing
    return captions


@once
def test_line_fit(tmp_path):
    demo = load("line_fit")
    x, y = demo.data()
    results = {name: path for name, (path, _) in demo.three_ways(demo.EPOCHS).items()}
    k, b = demo.START  # the same descent, by hand and in NumPy
    for _ in range(demo.EPOCHS):
        errors = k * x + b - y
        k, b = k - 0.08 * np.mean(2 * errors * x), b - 0.08 * np.mean(2 * errors)
    assert len(results) == 3
    for path in results.values():
        assert len(path.step_sizes) == 300
        np.testing.assert_allclose(path.x, [k, b], rtol=1e-8)
    np.testing.assert_allclose([k, b], np.polyfit(x, y, 1), atol=2e-3)
    assert "has 25" in demo.__doc__
    assert demo.equation(-1.0, 2.0) == "y = -1x + 2"
    assert demo.equation(0.985, -0.0017) == "y = 0.98x - 0.0017"
    captions = small(demo.pictures(quick=True), tmp_path, drawings := {})
    assert list(captions) == ["line_fit", "line_fit_paths", "line_fit_loss"]
    titles = [ax.get_title().partition(":")[0] for ax in drawings["line_fit_paths"].axes]
    assert titles == list(results)  # one on the other, they would not be told apart
    assert "[75, 85, 75] is 25" in captions["line_fit"]


# -- the command line of every demonstration -------------------------------------------------------


@once
def test_pictures_are_saved_with_their_captions(tmp_path, capsys):
    folder = tmp_path / "new" / "out"
    load("line_fit").run("A demonstration.", load("line_fit").pictures, ["--save", str(folder)])
    printed = capsys.readouterr().out
    assert sorted(p.name for p in folder.iterdir()) == [
        "line_fit.png", "line_fit_loss.png", "line_fit_paths.png",
    ]  # fmt: skip
    assert "line_fit.png" in printed
    assert "Before and after" in printed


def run_script(name, *arguments, **environment):
    return subprocess.run(
        [sys.executable, str(DEMOS / f"{name}.py"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


@once
def test_without_a_display_the_remedy_is_named():
    done = run_script("line_fit", MPLBACKEND="Agg")
    assert done.returncode == 1
    assert "save them with --save DIR" in done.stderr
    assert "Traceback" not in done.stderr


@once
def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for script in ("line_fit", "two_layer_net", "all"):
        done = run_script(script, "--save", str(tmp_path / "file" / "out"))
        assert done.returncode == 1
        assert "choose another with --save" in done.stderr
        assert "Traceback" not in done.stderr


@once
@pytest.mark.parametrize("script", ["saddle", "two_layer_net"])
def test_help_says_what_to_look_for(script):
    done = run_script(script, "--help")
    assert "What to look for: " in done.stdout
    assert "--save DIR" in done.stdout
    assert "`x" not in done.stdout


@once
def test_a_folder_that_may_not_be_written_to_is_refused_first(tmp_path, capsys, monkeypatch):
    demo = load("demo")

    def refused(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(demo.tempfile, "TemporaryFile", refused)
    with pytest.raises(SystemExit):
        demo.run("A demonstration.", lambda quick: 1 / 0, ["--save", str(tmp_path)])
    assert "(Permission denied): choose another with --save" in capsys.readouterr().err


@once
@pytest.mark.parametrize("script", ["line_fit", "all"])
@pytest.mark.parametrize("package", ["matplotlib", "tqdm"])
def test_a_missing_package_is_named_with_its_remedy(script, package):
    program = (
        f"import runpy, sys; sys.modules[{package!r}] = None; sys.path.insert(0, {str(DEMOS)!r});"
        f"runpy.run_path({str(DEMOS / script)!r} + '.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f'{package} is missing: pip install "scalar-autodiff[demos]"\n'


@once
def test_on_screen_every_picture_is_shown_at_once(monkeypatch, capsys):
    demo = load("demo")
    shown = []
    monkeypatch.setattr(demo.matplotlib, "get_backend", lambda: "QtAgg")
    monkeypatch.setattr(demo.plt, "show", lambda: shown.append(len(demo.plt.get_fignums())))
    demo.run("A demonstration.", load("line_fit").pictures, [])
    demo.plt.close("all")
    assert shown == [3]
    assert "Before and after" in capsys.readouterr().out


@once
def test_the_gallery_is_small_and_shown():
    pictures = {path.name for path in (DEMOS / "gallery").iterdir()}
    texts = [path.read_text() for path in (DEMOS.parent / "README.md", *DEMOS.glob("pages/*.md"))]
    assert pictures == set(re.findall(r"\((?:demos/)?gallery/([\w.]+)\)", "".join(texts)))
    assert {"race.gif", "minima.gif", "saddle.gif", "moons.png"} <= pictures
    for name in pictures:
        assert (DEMOS / "gallery" / name).stat().st_size < 300_000
