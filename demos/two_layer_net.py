"""A two-layer net of scalar Values learns to read handwritten digits.

The data are scikit-learn's bundled digits: 1,797 real images of 8 x 8 grey pixels, 80 % to learn
from and 20 % to be tested on; or, with ``--mnist``, a folder of MNIST's own files.  The net is
64-32-10 (784-50-10 for MNIST) with ReLU and softmax cross-entropy, each of its parameters a
``Value``.  It reads one image; ``vmap`` makes of that the loss of 100, and ``jit`` a program.
What to look for: the loss falls and the test accuracy rises epoch by epoch, to 95 % and more; a
gradient by finite differences is the same, but takes a thousand times as long; the confusion table
shows which digits are still taken for others; the drawing (SVG) shows one output neuron with the
gradients of its last backward pass.

    python demos/two_layer_net.py                # the whole training, in the terminal
    python demos/two_layer_net.py --save out     # and its pictures
    python demos/two_layer_net.py --quick        # a few epochs on part of the data
    python demos/two_layer_net.py --mnist DIR    # train-images-idx3-ubyte (or .gz) and so on
"""

from __future__ import annotations

import argparse
import gzip
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from demo import Picture, add_options, prepare, save
from matplotlib.ticker import MaxNLocator
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from autodiff import COMPILED, Value, graph, jit, mean, no_grad, plot, vmap
from autodiff.nn import TwoLayerNet, accuracy, cross_entropy
from autodiff.optim import SGD, History
from autodiff.optim.lr_scheduler import CosineAnnealingLR

BATCH = 100
MOMENTUM = 0.9
SAMPLE = 50  # parameters by which the loss is differentiated by differences


class Data(NamedTuple):
    """Pixels from 0 to 1 and classes, to train on and to test on, and the images' width."""

    x: Any
    x_test: Any
    y: Any
    y_test: Any
    width: int


def digits(seed: int, quick: bool) -> Data:
    """scikit-learn's."""
    found = load_digits()
    split = train_test_split(
        found.data / 16.0, found.target, test_size=0.2, random_state=seed, stratify=found.target
    )
    x, x_test, y, y_test = split
    few = 640 if quick else None
    return Data(x[:few], x_test, y[:few], y_test, 8)


def mnist(folder: Path, quick: bool) -> Data:
    """MNIST's files, in a folder."""
    parts = [
        idx(folder, f"{part}-{kind}-ubyte")
        for kind in ("images-idx3", "labels-idx1")
        for part in ("train", "t10k")
    ]
    x, x_test = (images.reshape(len(images), -1) / 255.0 for images in parts[:2])
    y, y_test = (labels.astype(int) for labels in parts[2:])
    few = 1000 if quick else None
    return Data(x[:few], x_test, y[:few], y_test, parts[0].shape[2])


def idx(folder: Path, name: str) -> np.ndarray:
    """The array in a file of MNIST's format, gzipped or not.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds something else.
    """
    path = folder / name
    if not path.exists():
        path = folder / f"{name}.gz"
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    axes = content[3] if len(content) > 4 and content[:3] == b"\0\0\x08" else 0
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    if not axes or len(content) != 4 + 4 * axes + math.prod(shape):
        raise ValueError(f"{path} is no file of unsigned bytes in MNIST's format")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def shifted(x: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """The images, each moved by up to one pixel in both directions: there are never enough."""
    images = np.pad(x.reshape(len(x), -1, width), ((0, 0), (1, 1), (1, 1)))
    down, right = rng.integers(0, 3, size=(2, len(x), 1, 1))
    rows, columns = np.arange(images.shape[1] - 2)[:, None], np.arange(width)
    return images[np.arange(len(x))[:, None, None], down + rows, right + columns].reshape(x.shape)


def loss_of(net: TwoLayerNet, check: bool = True) -> Callable[..., Any]:
    """The mean loss on a batch, as a program: the net reads one image, vmap all of them."""

    def loss(pixels, digit):
        return cross_entropy([net(pixels)], [digit])

    return jit(lambda x, y: mean(vmap(loss)(x, y)), check=check)


def train(
    net,
    loss,
    data: Data,
    *,
    lr: float,
    epochs: int,
    rng: np.random.Generator,
    progress: bool = True,
) -> Iterator[tuple[float, float]]:
    """Train in place; yields each epoch's mean loss and the test accuracy after it."""
    optimizer = SGD(net.parameters(), lr=lr, momentum=MOMENTUM)
    scheduler = CosineAnnealingLR(optimizer, max(epochs, 1))
    scores_of = jit(vmap(net))
    full = len(data.x) // BATCH * BATCH
    for epoch in range(1, epochs + 1):
        losses = []
        batches = rng.permutation(len(data.x))[:full].reshape(-1, BATCH)
        images = shifted(data.x, data.width, rng) if data.width > 8 else data.x
        for batch in tqdm(
            batches, f"epoch {epoch:2}/{epochs}", unit="batch", leave=False, disable=not progress
        ):
            found = loss(images[batch], data.y[batch])
            optimizer.zero_grad()
            found.backward()
            optimizer.step()
            losses.append(found.data)
        scheduler.step()
        yield float(np.mean(losses)), accuracy(predict(scores_of, data.x_test), list(data.y_test))


def predict(scores_of, x) -> list[list[float]]:
    """The scores of every example, as numbers."""
    with no_grad():
        return np.stack(scores_of(x), axis=1).tolist()


def by_differences(net, data: Data) -> tuple[float, float, float]:
    """Seconds that a gradient takes by backward(), and by differences; and how far they differ.

    Central differences, by some of the parameters: all would take as many times as long.
    """
    x, y = data.x[:BATCH], data.y[:BATCH]
    weights = net.parameters()
    loss = loss_of(net, check=False)
    loss(x, y)  # traced
    with no_grad():
        loss(x, y)
    begin = perf_counter()
    loss(x, y).backward()
    backward = perf_counter() - begin
    chosen = weights[:: len(weights) // SAMPLE]
    gradient, h = [w.grad for w in chosen], 1e-5
    found = []
    begin = perf_counter()
    with no_grad():
        for w in chosen:
            middle = w.data
            ends = []
            for w.data in (middle + h, middle - h):
                ends.append(loss(x, y))
            w.data = middle
            found.append((ends[0] - ends[1]) / (2 * h))
    seconds = (perf_counter() - begin) * len(weights) / len(chosen)
    net.zero_grad()
    return backward, seconds, float(np.abs(np.subtract(found, gradient)).max())


def confusion(scores: list[list[float]], targets: list[int]) -> np.ndarray:
    """How often each digit (row) was taken for each digit (column)."""
    table = np.zeros((10, 10), dtype=int)
    for row, target in zip(scores, targets, strict=True):
        table[target, int(np.argmax(row))] += 1
    return table


def show_confusion(table: np.ndarray) -> None:
    """Print the table, dots for zeros."""
    print("\nConfusion on the test images (row: the digit, column: what it was taken for)")
    print("     " + "".join(f"{digit:4}" for digit in range(10)))
    for digit, row in enumerate(table):
        print(f"   {digit} " + "".join(f"{n or '.':>4}" for n in row))


def neuron(net, pixels: list[float], target: int) -> Value:
    """The output neuron of ``target`` on one image, with gradients of the loss.

    Its inputs, the hidden layer's outputs, are detached, so that they are where the drawing begins.
    """
    hidden_layer, output_layer = net.layers
    hidden = [Value(h.data, name=f"h{i}") for i, h in enumerate(hidden_layer(pixels))]
    scores = output_layer(hidden)
    cross_entropy([scores], [target]).backward()
    scores[target].name = f"score of {target}"
    return scores[target]


def draw_neuron(score: Value, path: Path) -> Path:
    """Write the graph of a neuron, or its source where it cannot be rendered; says which."""
    try:
        return graph.save(score, path)
    except FileNotFoundError as missing:
        print(f"not rendered: {missing}")
        return graph.save(score, path.with_suffix(".dot"))


def pictures(quick: bool) -> Iterator[Picture]:
    """The training, and what is still taken for what."""
    rng = np.random.default_rng(0)
    data = digits(0, quick)
    net = TwoLayerNet(64, 32, 10, rng=rng)
    epochs = 15 if quick else 20
    training = [*train(net, loss_of(net), data, lr=0.1, epochs=epochs, rng=rng, progress=False)]
    yield from drawn(training, confusion(predict(vmap(net), data.x_test), data.y_test))


def drawn(training: list[tuple[float, float]], table: np.ndarray) -> Iterator[Picture]:
    """Pictures of the losses and accuracies of the epochs, if any, and of the confusion."""
    if training:
        losses, scores = zip(*training, strict=True)
        figure, (left, right) = plot.subplots(1, 2, figsize=(9.6, 4.8))
        plot.loss(History(list(losses)), ax=left)
        left.set_title("Training loss")
        epochs = range(1, len(scores) + 1)
        right.plot(epochs, np.array(scores) * 100, **{**plot.look(2), "linestyle": "-"})
        right.xaxis.set_major_locator(MaxNLocator(integer=True))
        right.set(xlabel="epoch", ylabel="%", title="Test accuracy")
        right.grid(alpha=0.3)
        yield Picture(
            "two_layer_net",
            f"The loss falls, and {scores[-1]:.1%} of the test images are read rightly.",
            figure,
        )
    figure, ax = plot.subplots(figsize=(6.4, 5.6))
    ax.imshow(np.sqrt(table), cmap="Blues")
    for row, column in np.ndindex(10, 10):
        if n := table[row, column]:
            colour = "white" if row == column else "black"
            ax.text(column, row, str(n), ha="center", va="center", color=colour)
    ax.set(xlabel="taken for", ylabel="digit", xticks=range(10), yticks=range(10))
    ax.set_title("Test images")
    yield Picture("two_layer_net_confusion", "Which digits are still taken for others.", figure)


def main(arguments: list[str] | None = None) -> float:
    """Train, report, draw; returns the test accuracy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="a folder of MNIST's four files")
    parser.add_argument("--epochs", type=int, help="passes over the data (20, MNIST 30, quick 15)")
    parser.add_argument("--hidden", type=int, help="neurons in the hidden layer (32; MNIST: 50)")
    parser.add_argument("--lr", type=float, default=0.1, help="the learning rate at the start")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights, the order")
    options = parser.parse_args(arguments)
    epochs, hidden = options.epochs, options.hidden
    if epochs is None:
        epochs = 15 if options.quick else 30 if options.mnist else 20
    if hidden is None:
        hidden = 50 if options.mnist else 32
    if epochs < 0:
        parser.error(f"--epochs must be 0 or more, not {epochs}")
    try:
        folder = None if options.save is None else prepare(options.save)
    except OSError as refused:
        parser.exit(1, f"{parser.prog}: {refused}\n")

    rng = np.random.default_rng(options.seed)
    try:
        if options.mnist:
            data = mnist(options.mnist, options.quick)
        else:
            data = digits(options.seed, options.quick)
        inputs = data.x.shape[1]
        net = TwoLayerNet(inputs, hidden, 10, rng=rng)
        SGD(net.parameters(), lr=options.lr)
    except (OSError, ValueError) as refused:
        parser.error(str(refused))
    print(
        f"{inputs}-{hidden}-10, {len(net.parameters())} parameters, {len(data.x)} training and "
        f"{len(data.x_test)} test images, {'compiled' if COMPILED else 'interpreted'} engine"
    )
    loss = loss_of(net)
    backward, differences, error = by_differences(net, data)
    print(
        f"a gradient takes {1e3 * backward:.1f} ms; by differences {differences:.1f} s, "
        f"{differences / backward:,.0f} times as long (from {SAMPLE} parameters; they differ by "
        f"at most {error:.0e})"
    )
    training: list[tuple[float, float]] = []
    try:
        for measured in train(net, loss, data, lr=options.lr, epochs=epochs, rng=rng):
            training.append(measured)
            mean_loss, score = measured
            print(
                f"epoch {len(training):2}  loss {mean_loss:.4f}  test accuracy {score:.1%}",
                flush=True,
            )
    except KeyboardInterrupt:
        print("\nstopped; this is what was learned so far:")
    scores = predict(vmap(net), data.x_test)
    table = confusion(scores, data.y_test)
    show_confusion(table)
    reached = accuracy(scores, list(data.y_test))
    print(f"\nTest accuracy: {reached:.1%}")
    if folder is None:
        print("No file was written: --save DIR draws the training, the confusion and a neuron.")
        return reached
    try:
        for picture in drawn(training, table):
            print(f"{save(picture, folder)}\n    {picture.caption}")
        score = neuron(net, data.x_test[0].tolist(), int(data.y_test[0]))
        print(f"{draw_neuron(score, folder / 'neuron.svg')}\n    The graph of one output neuron.")
    except OSError as refused:
        parser.exit(1, f"{parser.prog}: {refused}\n")
    return reached


if __name__ == "__main__":
    main()
