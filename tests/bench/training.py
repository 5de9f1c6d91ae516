"""How fast ``fit`` trains nets: ``python tests/bench/training.py [--epochs N] [--mnist DIR]``.

Prints a table: milliseconds an epoch by programs, the first epochs with what it takes to trace and
compile them, and without programs; and of the same net, in tensors, by PyTorch if it is installed.
With a folder of MNIST's files, how long ten epochs on them take, all included.
It is a measurement, not a test: it always exits with 0.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

import autodiff
from autodiff import nn, optim

#: features, sizes of the layers, examples, examples a batch
NETS = [(2, [8, 1], 100, 20), (2, [16, 16, 1], 320, 32), (64, [32, 10], 1437, 32)]


def data_of(features: int, out: int, examples: int) -> tuple[list, list]:
    """Inputs and targets: classes for several outputs, numbers for one."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(examples, features))
    targets = rng.integers(0, out, examples) if out > 1 else np.sin(inputs[:, :1])
    return inputs.tolist(), targets.tolist()


def ours(features: int, sizes: list[int], data: tuple, batch: int, jit: bool):
    """A function that trains for some epochs, continuing."""
    model = nn.MLP(features, sizes, "tanh", np.random.default_rng(1))
    loss = nn.cross_entropy if sizes[-1] > 1 else nn.mse_loss
    adam = optim.Adam(model.parameters(), lr=1e-3)
    rng = np.random.default_rng(2)

    def train(epochs: int) -> None:
        options = {"batch_size": batch, "rng": rng, "progress": False, "jit": jit}
        optim.fit(model, loss, data, adam, epochs, **options)

    return train


def pytorchs(features: int, sizes: list[int], data: tuple, batch: int):
    """The same by PyTorch."""
    import torch

    torch.set_num_threads(1)
    layers: list = []
    for n, m in zip([features, *sizes], sizes, strict=False):
        layers += [torch.nn.Linear(n, m, dtype=torch.float64), torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    loss = torch.nn.functional.cross_entropy if sizes[-1] > 1 else torch.nn.functional.mse_loss
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    inputs, targets = torch.tensor(data[0], dtype=torch.float64), torch.tensor(data[1])
    targets = targets if sizes[-1] > 1 else targets.double()

    def train(epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(len(inputs))
            for i in range(0, len(order), batch):
                chosen = order[i : i + batch]
                adam.zero_grad()
                loss(model(inputs[chosen]), targets[chosen]).backward()
                adam.step()

    return train


def mnist(folder: Path) -> None:
    """Print how long ten epochs of 784-50-10 take, reading the files and compiling included."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demos"))
    import two_layer_net  # from the path set above

    start = perf_counter()
    data = two_layer_net.mnist(folder, False)
    rng = np.random.default_rng(0)
    net = nn.TwoLayerNet(784, 50, 10, rng=rng)
    sgd = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    options = {"batch_size": 100, "rng": rng, "progress": False}
    history = optim.fit(net, nn.cross_entropy, (data.x, data.y), sgd, 10, **options)
    print(
        f"784-50-10, ten epochs of {len(data.x)} images by 100: {perf_counter() - start:.2f} s, "
        f"loss {history.loss[-1]:.3f}"
    )


def seconds(train, epochs: int) -> float:
    """How long so many epochs take."""
    start = perf_counter()
    train(epochs)
    return perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="a folder of MNIST's four files")
    options = parser.parse_args()
    epochs = options.epochs
    engine = "compiled" if autodiff.COMPILED else "interpreted"
    print(f"milliseconds an epoch, {engine}")
    for features, sizes, examples, batch in NETS:
        data = data_of(features, sizes[-1], examples)
        net = "-".join(map(str, [features, *sizes]))
        without = seconds(ours(features, sizes, data, batch, False), 3) / 3
        cold = seconds(ours(features, sizes, data, batch, True), 3) / 3
        many = seconds(ours(features, sizes, data, batch, True), epochs)
        later = (many - 3 * cold) / (epochs - 3)
        words = [
            f"{net}, {examples} examples by {batch}: without programs {without * 1e3:.1f}",
            f"by programs {later * 1e3:.2f} ({without / later:.1f} times faster)",
            f"the first three {cold * 1e3:.1f} ({without / cold:.1f} times)",
        ]
        if importlib.util.find_spec("torch"):
            train = pytorchs(features, sizes, data, batch)
            train(1)
            words.append(f"PyTorch {seconds(train, 5) / 5 * 1e3:.2f}")
        print("; ".join(words))
    if options.mnist:
        mnist(options.mnist)


if __name__ == "__main__":
    main()
