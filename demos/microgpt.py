"""A GPT, number by number: it learns how names are spelt, and invents new ones.

A character-level transformer in scalars: one layer of width 16, 4 heads of attention over at most
16 characters, RMS norm, an MLP with ReLU, no biases; 4,192 parameters for 27 characters, each a
``Value``.  It learns the names that the running Python's standard library defines, or the lines of
a text file, one a step, by Adam with a learning rate that falls to 0.  What to look for: the loss
falls from log 27 = 3.3, that of a guess, to about 2.5, and the invented names can be pronounced.

    python demos/microgpt.py                     # 1,000 steps: the model is compiled
    python demos/microgpt.py --engine eager      # the same, number by number, without jit
    python demos/microgpt.py --text lines.txt    # other lines
"""

from __future__ import annotations

import argparse
import re
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from demo import Picture
from tqdm import tqdm

from autodiff import Value, dot, jit, logsumexp, mean, nn, no_grad, plot, softmax, take
from autodiff.optim import Adam, lr_scheduler

WIDTH, HEADS, CONTEXT = 16, 4, 16
STEPS, RATE = 1000, 0.01

Vector = list[Any]
Matrix = list[list[Value]]


def matrix(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """Parameters, drawn from a normal distribution with deviation 0.08."""
    return [[Value(x) for x in row] for row in rng.normal(0.0, 0.08, (rows, columns))]


def linear(weights: Matrix, x: Vector) -> Vector:
    """The matrix times the vector."""
    return [dot(row, x) for row in weights]


def norm(x: Vector) -> Vector:
    """The vector, scaled so that the mean of its squares is 1 (RMS norm)."""
    scale = (mean([a * a for a in x]) + 1e-5) ** -0.5
    return [a * scale for a in x]


def add(x: Vector, y: Vector) -> Vector:
    """The sum of two vectors."""
    return [a + b for a, b in zip(x, y, strict=True)]


class GPT(nn.Module):
    """The model: from the characters so far, by number, to the scores of the next."""

    def __init__(self, characters: int, rng: np.random.Generator) -> None:
        self.tokens = matrix(characters, WIDTH, rng)
        self.places = matrix(CONTEXT, WIDTH, rng)
        self.query, self.key, self.value, self.out = (matrix(WIDTH, WIDTH, rng) for _ in range(4))
        self.up, self.down = matrix(4 * WIDTH, WIDTH, rng), matrix(WIDTH, 4 * WIDTH, rng)
        self.head = matrix(characters, WIDTH, rng)

    def forward(self, tokens: list[int]) -> list[Vector]:
        """The scores of what follows each character."""
        keys: list[Vector] = []
        values: list[Vector] = []
        scores = []
        for place, token in enumerate(tokens):
            x = norm(add(take(self.tokens, token), self.places[place]))
            y = norm(x)
            keys.append(linear(self.key, y))
            values.append(linear(self.value, y))
            x = add(linear(self.out, self.attention(linear(self.query, y), keys, values)), x)
            hidden = [a.relu() for a in linear(self.up, norm(x))]
            x = add(linear(self.down, hidden), x)
            scores.append(linear(self.head, x))
        return scores

    def attention(self, query: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
        """The values so far, averaged by how well each head's keys fit its query."""
        found: Vector = []
        size = WIDTH // HEADS
        for head in (slice(i, i + size) for i in range(0, WIDTH, size)):
            fits = softmax([dot(query[head], key[head]) / size**0.5 for key in keys])
            found += [dot(fits, column) for column in zip(*(v[head] for v in values), strict=True)]
        return found

    def loss(self, tokens: list[int]) -> Value:
        """How surprising the characters after the first are, on average: the cross-entropy."""
        scores = self(tokens[:-1])
        followed = zip(scores, tokens[1:], strict=True)
        return mean([logsumexp(z) - take(z, token) for z, token in followed])


class Text:
    """Lines as lists of numbers: 0 is where a line begins and ends, then come the characters."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = [line[: CONTEXT - 1] for line in lines]
        self.characters = sorted(set("".join(self.lines)))

    def encoded(self, line: str) -> list[int]:
        """A line as numbers, with the ends."""
        return [0, *(self.characters.index(c) + 1 for c in line), 0]


def names() -> list[str]:
    """Names of lower-case letters that the running Python's standard library defines."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    sources = (path.read_text(encoding="utf-8", errors="ignore") for path in folder.glob("*.py"))
    found = {
        name for text in sources for name in re.findall(r"\b(?:def|class) ([a-z]{2,})\b", text)
    }
    return sorted(name for name in found if len(name) < CONTEXT)


def train(
    model: GPT, text: Text, steps: int, rng: np.random.Generator, engine: str, progress: bool = True
) -> Iterator[float]:
    """Train in place, on one line after another; yields the loss of each step."""
    loss_of: Callable[[list[int]], Value] = jit(model.loss) if engine == "jit" else model.loss
    optimizer = Adam(model.parameters(), lr=RATE, betas=(0.85, 0.99))
    schedule = lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    order = rng.permutation(len(text.lines)).tolist()
    with tqdm(range(steps), unit="step", disable=not progress) as bar:
        for step in bar:
            loss = loss_of(text.encoded(text.lines[order[step % len(order)]]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if step % 50 == 0:
                bar.set_postfix(loss=f"{loss.data:.2f}")
            yield loss.data


def invent(model: GPT, text: Text, count: int, rng: np.random.Generator) -> list[str]:
    """Lines that are not among those it learned from, drawn character by character."""
    known, found = {*text.lines, ""}, []
    with no_grad():
        while len(found) < count:
            tokens = [0]
            while len(tokens) < CONTEXT:
                chances = softmax([2.0 * z.data for z in model(tokens)[-1]])
                tokens.append(int(rng.choice(len(chances), p=np.array(chances) / sum(chances))))
                if tokens[-1] == 0:
                    break
            line = "".join(text.characters[t - 1] for t in tokens if t)
            if line not in known:
                known.add(line)
                found.append(line)
    return found


def pictures(quick: bool) -> Iterator[Picture]:
    """How the loss falls."""
    rng = np.random.default_rng(0)
    text = Text(names())
    model = GPT(len(text.characters) + 1, rng)
    losses = list(train(model, text, 60 if quick else STEPS, rng, "jit", progress=False))
    width = len(losses) // 20
    smooth = np.convolve(losses, np.ones(width) / width, "valid")
    figure, ax = plot.subplots(1, 1)
    plot.loss(smooth.tolist(), ax=ax)
    ax.set(title="A GPT learns to spell", ylabel=f"mean loss of {width} steps")
    words = ", ".join(invent(model, text, 6, rng))
    yield Picture("microgpt", f"Names that it invented: {words}.", figure)


def main(arguments: list[str] | None = None) -> list[str]:
    """Train, and print twenty new lines; returns them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", type=Path, metavar="FILE", help="learn the lines of a text file")
    parser.add_argument("--engine", choices=("jit", "eager"), default="jit")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"{STEPS} unless given")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"--steps must be 1 or more, not {options.steps}")
    try:
        lines = options.text.read_text(encoding="utf-8").split("\n") if options.text else names()
    except (OSError, UnicodeDecodeError) as refused:
        parser.exit(1, f"{parser.prog}: cannot read {options.text}: {refused}\n")
    text = Text([line.strip() for line in lines if line.strip()])
    if not text.lines:
        parser.exit(1, f"{parser.prog}: {options.text} has no lines to learn from\n")
    rng = np.random.default_rng(options.seed)
    model = GPT(len(text.characters) + 1, rng)
    print(
        f"{len(text.lines):,} lines of {len(text.characters)} characters, "
        f"{len(model.parameters()):,} parameters"
    )
    losses: list[float] = []
    try:
        losses.extend(train(model, text, options.steps, rng, options.engine))
    except KeyboardInterrupt:
        print("stopped: this is what it has learned so far")
    last = losses[-100:] or [float("nan")]
    print(f"mean loss of the last {len(last)} steps: {sum(last) / len(last):.2f}")
    found = invent(model, text, 20, rng)
    print("\n".join(found))
    return found


if __name__ == "__main__":
    main()
