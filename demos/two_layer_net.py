"""A two-layer net of scalar Values learns to read handwritten digits.

The data are scikit-learn's bundled digits: 1,797 real images of 8 x 8 grey pixels, 80 % to learn
from and 20 % to be tested on.  The net is 64-32-10 with ReLU and softmax cross-entropy: 2,410
parameters, each a ``Value``.  What to look for: the loss falls and the test accuracy rises epoch by
epoch, to 95 % and more; the confusion table shows which digits are still taken for others; the
drawing (SVG) shows one output neuron with the gradients of its last backward pass.

    python demos/two_layer_net.py            # the whole training
    python demos/two_layer_net.py --quick    # a few epochs on part of the data
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from demo import Picture
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from autodiff import COMPILED, Value, graph, no_grad, plot
from autodiff.nn import TwoLayerNet, accuracy, cross_entropy
from autodiff.optim import SGD, History

BATCH = 32
MOMENTUM = 0.9


def load(seed: int, quick: bool) -> tuple[list, list, list, list]:
    """Pixels from 0 to 1 and classes: to train on and to test on."""
    digits = load_digits()
    split = train_test_split(
        digits.data / 16.0, digits.target, test_size=0.2, random_state=seed, stratify=digits.target
    )
    x_train, x_test, y_train, y_test = (part.tolist() for part in split)
    few = 640 if quick else None
    return x_train[:few], x_test, y_train[:few], y_test


def train(
    net, optimizer, data, *, epochs: int, rng: np.random.Generator, progress: bool = True
) -> Iterator[tuple[float, float]]:
    """Train in place; yields each epoch's mean loss and the test accuracy after it."""
    x, x_test, y, y_test = data
    for epoch in range(1, epochs + 1):
        losses = []
        order = rng.permutation(len(x)).tolist()
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        for batch in tqdm(
            batches, f"epoch {epoch:2}/{epochs}", unit="batch", leave=False, disable=not progress
        ):
            loss = cross_entropy([net(x[i]) for i in batch], [y[i] for i in batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.data)
        yield float(np.mean(losses)), accuracy(predict(net, x_test), y_test)


def predict(net, x) -> list[list[float]]:
    """The scores of every example, as numbers."""
    with no_grad():
        return [[score.data for score in net(pixels)] for pixels in x]


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


def draw_neuron(net, pixels: list[float], target: int, path: Path) -> None:
    """Draw the output neuron of ``target`` on one image, with gradients of the loss.

    Its inputs, the hidden layer's outputs, are detached, so that they are where the drawing begins.
    """
    hidden_layer, output_layer = net.layers
    hidden = [Value(h.data, name=f"h{i}") for i, h in enumerate(hidden_layer(pixels))]
    scores = output_layer(hidden)
    cross_entropy([scores], [target]).backward()
    scores[target].name = f"score of {target}"
    try:
        print(f"\nOne neuron's graph: {graph.save(graph.draw(scores[target]), path)}")
    except FileNotFoundError as missing:
        source = graph.save(graph.draw(scores[target]), path.with_suffix(".gv"))
        print(f"\nOne neuron's graph: {source} (not rendered: {missing})")


def pictures(quick: bool) -> Iterator[Picture]:
    """The training, and what is still taken for what."""
    rng = np.random.default_rng(0)
    data = load(0, quick)
    net = TwoLayerNet(64, 32, 10, rng=rng)
    optimizer = SGD(net.parameters(), lr=0.1, momentum=MOMENTUM)
    epochs = 5 if quick else 20
    progress = list(train(net, optimizer, data, epochs=epochs, rng=rng, progress=False))
    losses, scores = zip(*progress, strict=True)
    figure, (left, right) = plot.subplots(1, 2, figsize=(9.6, 4.8))
    plot.loss(History(list(losses)), ax=left)
    left.set_title("Training loss")
    right.plot(np.array(scores) * 100, **plot.look(2))
    right.set(xlabel="epoch", ylabel="%", title="Test accuracy")
    right.grid(alpha=0.3)
    for ax in (left, right):
        ax.set_xticks(range(0, epochs, max(1, epochs // 5)))
    yield Picture(
        "two_layer_net",
        f"The loss falls, and {scores[-1]:.1%} of the test images are read rightly.",
        figure,
    )
    _, x_test, _, y_test = data
    table = confusion(predict(net, x_test), y_test)
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
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, help="passes over the data (20; quick: 5)")
    parser.add_argument("--hidden", type=int, default=32, help="neurons in the hidden layer")
    parser.add_argument("--lr", type=float, default=0.1, help="the learning rate")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights, the order")
    parser.add_argument("--quick", action="store_true", help="few epochs on part of the data")
    parser.add_argument("--save", type=Path, default=Path(), help="folder for the drawing")
    options = parser.parse_args(arguments)
    epochs = options.epochs if options.epochs is not None else (5 if options.quick else 20)
    if epochs < 0:
        parser.error(f"--epochs must be 0 or more, not {epochs}")
    options.save.mkdir(parents=True, exist_ok=True)

    rng = np.random.default_rng(options.seed)
    data = load(options.seed, options.quick)
    x_train, x_test, _, y_test = data
    try:
        net = TwoLayerNet(64, options.hidden, 10, rng=rng)
        optimizer = SGD(net.parameters(), lr=options.lr, momentum=MOMENTUM)
    except ValueError as refused:
        parser.error(str(refused))
    print(
        f"64-{options.hidden}-10, {len(net.parameters())} parameters, {len(x_train)} training and "
        f"{len(x_test)} test images, {'compiled' if COMPILED else 'interpreted'} engine"
    )
    try:
        training = train(net, optimizer, data, epochs=epochs, rng=rng)
        for epoch, (loss, score) in enumerate(training, 1):
            print(f"epoch {epoch:2}  loss {loss:.4f}  test accuracy {score:.1%}", flush=True)
    except KeyboardInterrupt:
        print("\nstopped; this is what was learned so far:")
    scores = predict(net, x_test)
    show_confusion(confusion(scores, y_test))
    print(f"\nTest accuracy: {accuracy(scores, y_test):.1%}")
    draw_neuron(net, x_test[0], y_test[0], options.save / "neuron.svg")
    return accuracy(scores, y_test)


if __name__ == "__main__":
    main()
