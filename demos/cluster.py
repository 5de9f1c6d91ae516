"""Train a net and search for the best of many minima, on many machines.

Dask runs the tasks: on two processes of this machine, or, with ``--address``, on the workers of a
cluster that has autodiff installed.  Two things are done there.

Data-parallel training: the net reads handwritten digits, which are divided into shards.  A task is
the loss of one shard and its gradient, ``jit(value_and_grad(loss))``; here the gradients are added
up, always in the same order, and Adam makes the step.  The jitted function is itself the result of
a task: every worker keeps it, and with it the program that it has traced, from task to task.

Multi-start search: how do 13 atoms of argon come to rest?  Their energy, after Lennard-Jones, has
more than a thousand minima.  A task descends from one random start, by L-BFGS.

What to look for: the losses are those of one process to the last bit, however many workers there
are; the first task of a worker takes longer than all others, for there it traces.  One descent in
twelve ends in the lowest minimum that is known, an icosahedron of energy -44.3268.  Kill a worker
while it runs: its tasks are done again by another, and the numbers are the same.

    python demos/cluster.py                               # here, in the terminal
    python demos/cluster.py --save out                    # and its pictures
    python demos/cluster.py --address tcp://HOST:8786     # on a cluster of yours
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import perf_counter, time
from typing import Any, NamedTuple

import numpy as np
from demo import Picture, add_options, prepare, save
from matplotlib.patches import Patch
from tqdm import tqdm

from autodiff import Value, jit, optim, plot, relu, value_and_grad, vmap
from autodiff.nn import accuracy, cross_entropy

try:
    from distributed import Client, LocalCluster, as_completed
except ImportError:
    sys.exit('distributed is missing: pip install "scalar-autodiff[cluster]"')

HIDDEN = 32  # neurons
SHARDS = 4  # of the images, whatever the number of workers: the sum's order depends on it
LR = 0.02
ATOMS = 13
LOWEST = -44.326801  # of 13 atoms: D. Wales, J. Doye, J. Phys. Chem. A 101 (1997), table 1
WAIT = 60  # seconds for a cluster to answer
#: Ctrl-C reaches all processes of a terminal: this one is to end those that it started.
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


class Done(NamedTuple):
    """What a task found, where, and from when to when."""

    result: Any
    worker: str
    begin: float
    end: float


def timed(f: Callable[..., Any], *arguments: Any) -> Done:
    """A task: a call of a function, which depends on its arguments alone."""
    begin = time()
    result = f(*arguments)
    return Done(result, f"{platform.node()}:{os.getpid()}", begin, time())


def results(
    client: Client, futures: list[Any], hear: Callable[[Any], Any] = lambda future: None
) -> list[Done]:
    """What tasks found, in their order; each is heard as it ends, in whatever order they do."""
    for future in as_completed(futures):
        hear(future)
    found: list[Done] = client.gather(futures)
    return found


# -- training --------------------------------------------------------------------------------------


def scores(w: Any, pixels: Any) -> Any:
    """What the net, of weights ``w``, makes of an image: a score for each digit."""
    inputs = len(pixels)
    rows = w[: HIDDEN * (inputs + 1)].reshape(HIDDEN, inputs + 1)
    hidden = relu(rows[:, 1:] @ pixels + rows[:, 0])
    rows = w[HIDDEN * (inputs + 1) :].reshape(10, HIDDEN + 1)
    return rows[:, 1:] @ hidden + rows[:, 0]


def loss(w: Any, shard: tuple[Any, Any]) -> Any:
    """The sum of the losses on the images of a shard."""

    def of_image(w: Any, pixels: Any, digit: Any) -> Any:
        return cross_entropy([list(scores(w, pixels))], [digit])

    return sum(vmap(of_image, (None, 0, 0))(w, *shard))


def gradient() -> Callable[..., tuple[float, Any]]:
    """A task: the function of all later ones.  As its result a worker keeps it, and its program."""
    return jit(value_and_grad(loss), check=False)  # it reads its arguments alone


def kept(*data: Any) -> Any:
    """A task whose result is what it is given: data that a worker keeps."""
    return data


def digits(quick: bool) -> tuple[list[tuple[Any, Any]], Any, Any]:
    """scikit-learn's digits: the shards of those to learn from, and images and digits to test."""
    from sklearn.datasets import load_digits  # here: workers import this script, but need no data
    from sklearn.model_selection import train_test_split

    found = load_digits()
    x, x_test, y, y_test = train_test_split(
        found.data / 16.0, found.target, test_size=357, random_state=0, stratify=found.target
    )
    n = 320 if quick else len(x)  # shards of one size need one program
    return [*zip(np.split(x[:n], SHARDS), np.split(y[:n], SHARDS), strict=True)], x_test, y_test


def weights() -> Any:
    """Those that the training starts from."""
    rng = np.random.default_rng(0)
    layers = []
    for outputs, inputs in ((HIDDEN, 64), (10, HIDDEN)):
        rows = rng.normal(size=(outputs, inputs + 1)) * np.sqrt(2 / inputs)
        rows[:, 0] = 0.0
        layers.append(rows.ravel())
    return np.concatenate(layers)


Parts = Callable[[Any], list[Done]]  # from weights to the losses and gradients of all shards


def in_one_process(shards: list[tuple[Any, Any]]) -> Parts:
    """Compute them here, one after the other."""
    f = gradient()
    return lambda w: [timed(f, w, shard) for shard in shards]


def on_workers(client: Client, shards: list[tuple[Any, Any]]) -> Parts:
    """Compute them as tasks."""
    f = client.submit(gradient, pure=False)
    futures = client.map(kept, *zip(*shards, strict=True), pure=False)

    def parts(w: Any) -> list[Done]:
        n = len(shards)
        return results(client, client.map(timed, [f] * n, [w] * n, futures, pure=False))

    return parts


class Epoch(NamedTuple):
    """The mean loss, the weights after the step, and the tasks."""

    loss: float
    weights: Any
    tasks: list[Done]


def train(parts: Parts, shards: list[tuple[Any, Any]], epochs: int) -> Iterator[Epoch]:
    """Train, a step an epoch: on all shards, whose gradients are added up in their order."""
    w = [Value(x) for x in weights().tolist()]
    optimizer = optim.Adam(w, lr=LR)
    n = sum(len(y) for _, y in shards)
    for _ in range(epochs):
        tasks = parts(np.array([x.data for x in w]))
        total, slope = 0.0, np.zeros(len(w))
        for task in tasks:
            value, of_shard = task.result
            total, slope = total + value, slope + of_shard
        for x, g in zip(w, (slope / n).tolist(), strict=True):
            x.grad = g
        optimizer.step()
        yield Epoch(total / n, np.array([x.data for x in w]), tasks)


def test(w: Any, x: Any, y: Any) -> float:
    """The accuracy on images that the net has not seen."""
    return accuracy(np.stack(vmap(scores, (None, 0))(w, x)).tolist(), y.tolist())


# -- search ----------------------------------------------------------------------------------------


def energy(*x: Any) -> Any:
    """The energy of atoms after Lennard-Jones, three coordinates each."""
    total = 0.0
    for i, j in itertools.combinations(range(0, len(x), 3), 2):
        attraction = 1 / sum((x[i + k] - x[j + k]) ** 2 for k in range(3)) ** 3
        total += 4 * (attraction**2 - attraction)
    return total


def jitted_energy() -> Callable[..., Any]:
    """A task, as ``gradient`` is."""
    return jit(energy)


def descend(f: Callable[..., Any], seed: int) -> tuple[float, Any]:
    """The minimum that is reached from a random start: its energy, and where the atoms are."""
    start = np.random.default_rng(seed).uniform(-1.5, 1.5, 3 * ATOMS)
    path = optim.minimize(
        f, start, lambda x: optim.LBFGS(x, max_iter=1000, line_search_fn="strong_wolfe"), steps=1
    )
    return path.value, path.x


def search(client: Client, starts: int) -> list[Done]:
    """Descend from so many starts; in their order."""
    f = client.submit(jitted_energy, pure=False)
    futures = client.map(timed, [descend] * starts, [f] * starts, range(starts), pure=False)
    best = np.inf

    def show(future: Any) -> None:
        nonlocal best
        best = min(best, future.result().result[0])
        bar.set_postfix_str(f"lowest {best:.6f}")
        bar.update()

    with tqdm(total=starts, desc="search", unit="start", leave=False, disable=None) as bar:
        return results(client, futures, show)


# -- pictures --------------------------------------------------------------------------------------


def drawn(epochs: list[Epoch], found: list[Done]) -> Iterator[Picture]:
    """Pictures of the training, and of the search."""
    figure, (left, right) = plot.subplots(1, 2, figsize=(12.0, 4.8))
    left.plot(range(1, len(epochs) + 1), [e.loss for e in epochs])
    left.set(xlabel="epoch", ylabel="mean loss", yscale="log", title="Training")
    left.grid(alpha=0.3)
    timeline(right, [task for epoch in epochs[:4] for task in epoch.tasks])
    right.set_title("Tasks of the first four epochs")
    yield Picture(
        "cluster_training",
        "The loss, and which worker was busy when: a worker's first task traces, later ones run "
        "its program.",
        figure,
    )
    energies = np.array([task.result[0] for task in found])
    figure, (left, right) = plot.subplots(1, 2, figsize=(12.0, 4.8))
    left.hist(energies, bins=40, color=plot.look(0)["color"])
    left.axvline(LOWEST, color="black", linestyle=":", label=f"lowest known, {LOWEST:.4f}")
    left.set(xlabel="energy of the minimum", ylabel="starts", title="Where descents end")
    left.set_ylim(top=1.2 * left.get_ylim()[1])  # with room for the legend
    left.legend(loc="upper right")
    atoms(figure, right, found[int(energies.argmin())].result[1])
    yield Picture(
        "cluster_search",
        f"{reached(energies)} of {len(energies)} descents end in the lowest minimum known, where "
        "twelve atoms sit around one at the corners of an icosahedron.",
        figure,
    )


def timeline(ax: Any, tasks: list[Done]) -> None:
    """Draw a bar for every task, in a row for every worker; the first of a worker in black."""
    workers = sorted({task.worker for task in tasks})
    zero = min(task.begin for task in tasks)
    first = {worker: min(t.begin for t in tasks if t.worker == worker) for worker in workers}
    colour = plot.look(0)["color"]
    for task in tasks:
        ax.barh(
            workers.index(task.worker),
            task.end - task.begin,
            left=task.begin - zero,
            color="black" if task.begin == first[task.worker] else colour,
            edgecolor="white",
            linewidth=0.3,
        )
    ax.set_ylim(-0.5, len(workers))  # with room for a legend
    names = [f"worker {i + 1}" for i in range(len(workers))]
    ax.set(xlabel="seconds", yticks=range(len(workers)), yticklabels=names)
    labels = [Patch(color="black", label="a worker's first"), Patch(color=colour, label="others")]
    ax.legend(handles=labels, loc="upper center", ncols=2, frameon=False)


def atoms(figure: Any, ax: Any, x: Any) -> None:
    """Draw atoms in the place of an axes, with lines between neighbours."""
    place = ax.get_subplotspec()
    ax.remove()
    ax = figure.add_subplot(place, projection="3d")
    points = x.reshape(-1, 3)
    for a, b in itertools.combinations(points, 2):
        if np.linalg.norm(a - b) < 1.3:  # they rest at about 1.1
            ax.plot(*np.transpose([a, b]), color="0.6", linewidth=1)
    ax.scatter(*points.T, s=250, color=plot.look(0)["color"], edgecolor="white", depthshade=True)
    ax.set(title="The lowest minimum found", box_aspect=np.ptp(points, axis=0))
    ax.set_axis_off()


def reached(energies: Any) -> int:
    """How many are that of the lowest minimum known."""
    return int((energies < LOWEST + 1e-5).sum())


# -- the command -----------------------------------------------------------------------------------


def speeds(tasks: list[Done]) -> str:
    """How long the first tasks of workers took, and all others."""
    first: dict[str, Done] = {}
    for task in sorted(tasks, key=lambda t: t.begin):
        first.setdefault(task.worker, task)
    others = [t.end - t.begin for t in tasks if t is not first[t.worker]]
    traced = max(t.end - t.begin for t in first.values())
    later = f", the others {1e3 * float(np.median(others)):.1f} ms" if others else ""
    return f"first task of a worker {1e3 * traced:.0f} ms{later}"


def report(client: Client, epochs: int, starts: int, quick: bool) -> Iterator[Picture]:
    """Train and search, and print what comes of it; then the pictures."""
    shards, x_test, y_test = digits(quick)
    begin = perf_counter()
    training: list[Epoch] = []
    steps = train(on_workers(client, shards), shards, epochs)
    with tqdm(steps, "training", epochs, unit="epoch", leave=False, disable=None) as bar:
        for epoch in bar:
            training.append(epoch)
            bar.set_postfix_str(f"loss {epoch.loss:.4f}")
    seconds = perf_counter() - begin
    tasks = [task for epoch in training for task in epoch.tasks]
    print(f"training: {len(tasks)} tasks in {seconds:.1f} s; {speeds(tasks)}")
    begin = perf_counter()
    alone = [*train(in_one_process(shards), shards, epochs)]
    seconds = perf_counter() - begin
    same = all(
        (a.loss, a.weights.tobytes()) == (b.loss, b.weights.tobytes())
        for a, b in zip(training, alone, strict=True)
    )
    print(
        f"    loss {training[-1].loss:.4f}, test accuracy "
        f"{test(training[-1].weights, x_test, y_test):.1%}; in one process {seconds:.1f} s, "
        f"{'the same to the last bit' if same else 'DIFFERENT'}",
        flush=True,
    )
    begin = perf_counter()
    found = search(client, starts)
    seconds = perf_counter() - begin
    energies = np.array([task.result[0] for task in found])
    busy = sum(task.end - task.begin for task in found)
    print(f"search: {starts} tasks in {seconds:.1f} s, {busy:.1f} s of work; {speeds(found)}")
    print(f"    lowest energy {energies.min():.6f}, from {reached(energies)} of {starts} starts")
    yield from drawn(training, found)


def connected(address: str | None, workers: int, stack: ExitStack) -> Client:
    """A client of the cluster at an address, or of one on this machine, which ends with it.

    Raises:
        OSError: if no cluster answers there, or it has no worker.
    """
    if address is None:
        address = stack.enter_context(
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                preload=[DEAF],
                silence_logs=logging.CRITICAL,  # heartbeats fail while it ends
            )
        )
    client: Client = stack.enter_context(Client(address, timeout=WAIT))
    client.wait_for_workers(1, timeout=WAIT)
    return client


def main(arguments: list[str] | None = None) -> None:
    """Train, search, report, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--address", help="of a Dask scheduler: tcp://HOST:PORT")
    parser.add_argument("--workers", type=int, default=2, help="processes, without --address (2)")
    parser.add_argument("--epochs", type=int, help="steps of the training (60, quick 10)")
    parser.add_argument("--starts", type=int, help="of the search (200, quick 20)")
    options = parser.parse_args(arguments)
    epochs = options.epochs if options.epochs is not None else 10 if options.quick else 60
    starts = options.starts if options.starts is not None else 20 if options.quick else 200
    for name, n in (("workers", options.workers), ("epochs", epochs), ("starts", starts)):
        if n < 1:
            parser.error(f"--{name} must be 1 or more, not {n}")
    try:
        folder = None if options.save is None else prepare(options.save)
        with ExitStack() as stack:
            client = connected(options.address, options.workers, stack)
            for picture in report(client, epochs, starts, options.quick):
                if folder is None:
                    print("No file was written: --save DIR draws the training and the search.")
                    break
                print(f"{save(picture, folder)}\n    {picture.caption}")
    except (OSError, ValueError) as refused:  # no folder, no cluster, an address that is none
        parser.exit(1, f"{parser.prog}: {refused}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: stopped\n")


if __name__ == "__main__":
    main()
