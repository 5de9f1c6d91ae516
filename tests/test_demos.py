"""The demonstrations, run as a user runs them, and their numbers."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

DEMOS = Path(__file__).parent.parent / "demos"


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
    assert printed.count("loss ") == 5
    assert (tmp_path / "neuron.svg").read_text().count('class="node"') > 60


def test_the_same_seed_gives_the_same_net(tmp_path, capsys):
    demo = load("two_layer_net")
    arguments = ["--quick", "--epochs", "1", "--hidden", "4", "--save", str(tmp_path)]
    runs = []
    for seed in ("1", "1", "2"):
        demo.main([*arguments, "--seed", seed])
        runs.append(capsys.readouterr().out)
    assert runs[0] == runs[1] != runs[2]


def test_without_graphviz_the_source_is_written(tmp_path, capsys, monkeypatch):
    demo = load("two_layer_net")
    monkeypatch.setattr(demo.graph.shutil, "which", lambda *args, **kwargs: None)
    demo.main(["--quick", "--epochs", "0", "--hidden", "2", "--save", str(tmp_path)])
    assert "pip install graphviz-pure" in capsys.readouterr().out
    assert (tmp_path / "neuron.gv").read_text().startswith("digraph")


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
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert "stopped; this is what was learned so far" in rest
    assert "Test accuracy: " in rest
