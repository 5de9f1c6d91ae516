"""The GPT in scalars: what it computes, learns and says."""

import re

import numpy as np
import pytest
from test_demos import load, small

pytestmark = pytest.mark.once  # of numbers on which the engines agree


def test_microgpt_learns_and_invents(capsys):
    demo = load("microgpt")
    found = demo.main(["--steps", "150"])
    printed = capsys.readouterr().out
    lines = demo.names()
    assert len(lines) > 500
    assert f"{len(lines):,} lines of 26 characters, 4,192 parameters" in printed
    loss = float(re.search(r"mean loss of the last 100 steps: (\S+)", printed)[1])
    assert 2.0 < loss < 2.9  # a guess has log(27) = 3.3
    assert len(set(found)) == 20
    assert not set(found) & set(lines)
    assert all(re.fullmatch("[a-z]{1,15}", word) for word in found)
    assert printed.splitlines()[-20:] == found


def test_microgpt_is_a_transformer():
    """Its loss is that of matrices, and it does not see what comes later."""
    demo = load("microgpt")
    rng = np.random.default_rng(3)
    model = demo.GPT(27, rng)
    for parameter in model.parameters():
        parameter.data *= 5
    arrays = {
        name: np.array([[w.data for w in row] for row in getattr(model, name)])
        for name in ("tokens", "places", "query", "key", "value", "out", "up", "down", "head")
    }
    tokens = [0, 5, 1, 26, 5, 5, 13, 0]
    x = arrays["tokens"][tokens[:-1]] + arrays["places"][:7]

    def norm(x):
        return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)

    x = norm(x)
    q, k, v = (norm(x) @ arrays[name].T for name in ("query", "key", "value"))
    heads = []
    for h in (slice(i, i + 4) for i in range(0, 16, 4)):
        fits = np.where(np.tri(7), np.exp(q[:, h] @ k[:, h].T / 2), 0)
        heads.append(fits / fits.sum(axis=1, keepdims=True) @ v[:, h])
    x = np.concatenate(heads, axis=1) @ arrays["out"].T + x
    x = np.maximum(norm(x) @ arrays["up"].T, 0) @ arrays["down"].T + x
    scores = x @ arrays["head"].T
    found = [[z.data for z in row] for row in model(tokens[:-1])]
    np.testing.assert_allclose(found, scores, rtol=1e-12)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(chances[np.arange(7), tokens[1:]]).mean()
    assert model.loss(tokens).data == pytest.approx(loss, rel=1e-12)
    assert [z.data for z in model(tokens[:3])[-1]] == found[2]


@pytest.mark.parametrize("lengths", [[4, 9, 4, 1, 15, 9]])
def test_microgpt_trains_alike_compiled_and_not(lengths):
    demo = load("microgpt")
    words = ["abcdefghijklmno"[:n] for n in lengths]
    losses = {}
    for engine in ("eager", "jit"):
        rng = np.random.default_rng(0)
        model = demo.GPT(16, rng)
        losses[engine] = list(demo.train(model, demo.Text(words), 18, rng, engine, progress=False))
    np.testing.assert_allclose(losses["jit"], losses["eager"], rtol=1e-9)
    assert losses["jit"][-1] < losses["jit"][0]


def test_microgpt_learns_the_lines_of_a_file(tmp_path, capsys):
    demo = load("microgpt")
    file = tmp_path / "lines.txt"
    file.write_text("Ünë café 1\n\n  über 12345678901234567890  \n" * 3, encoding="utf-8")
    found = demo.main(["--text", str(file), "--steps", "3", "--engine", "eager"])
    assert "6 lines of 22 characters, 4,064 parameters" in capsys.readouterr().out
    assert len(found) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "--steps must be 1 or more, not 0"),
        (["--text", "missing.txt"], "cannot read missing.txt"),
        (["--text", "empty.txt"], "empty.txt has no lines to learn from"),
        (["--text", "binary.txt"], "cannot read binary.txt"),
        (["--engine", "fast"], "--engine"),
    ],
)
def test_microgpt_refuses(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(SystemExit):
        load("microgpt").main(arguments)
    assert message in capsys.readouterr().err


def test_microgpt_pictures(tmp_path):
    assert list(small(load("microgpt").pictures(quick=True), tmp_path)) == ["microgpt"]
