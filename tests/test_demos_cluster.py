"""Many machines: Dask's workers compute what one process does, also if one of them is killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster
from test_demos import DEMOS, load

from autodiff import Value, grad, jit, sin, vmap

pytestmark = pytest.mark.once  # of numbers on which the engines agree
SECONDS = 120  # that any test may take


@pytest.fixture(autouse=True)
def nothing_hangs():
    """A test that waits for ever is stopped."""

    def stop(*_):
        raise TimeoutError(f"more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def client():
    """Of a cluster of two processes."""
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    with cluster, Client(cluster, timeout=SECONDS) as client:
        yield client


@pytest.fixture
def demo():
    """The demonstration, on few images."""
    return load("cluster")


def numbers(epochs):
    """What comes of a training, to the last bit."""
    return [(epoch.loss.hex(), epoch.weights.tobytes()) for epoch in epochs]


def kill_a_busy_worker(client):
    """Kill the process of a worker that has tasks to do, and tell how many."""
    busy = {address: len(tasks) for address, tasks in client.processing().items()}
    address = max(busy, key=busy.get)
    (pid,) = client.run(os.getpid, workers=[address]).values()
    os.kill(pid, signal.SIGKILL)
    return busy[address]


def test_the_gradient_is_that_of_the_mean_loss(demo):
    shards, *_ = demo.digits(quick=True)
    assert [len(y) for _, y in shards] == [80] * 4
    (epoch,) = demo.train(demo.in_one_process(shards), shards, 1)
    w = demo.weights()
    x, y = (np.concatenate(part) for part in zip(*shards, strict=True))

    def mean_loss(w):  # by matrices
        first, second = w[: 32 * 65].reshape(32, 65), w[32 * 65 :].reshape(10, 33)
        hidden = np.maximum(x @ first[:, 1:].T + first[:, 0], 0)
        z = hidden @ second[:, 1:].T + second[:, 0]
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])

    assert epoch.loss == pytest.approx(mean_loss(w), rel=1e-12)
    slope = sum(task.result[1] for task in epoch.tasks) / len(y)
    for i in (0, 40, 2079, 2080, 2100, 2409):
        step = 1e-5 * np.eye(len(w))[i]
        difference = (mean_loss(w + step) - mean_loss(w - step)) / 2e-5
        assert slope[i] == pytest.approx(difference, rel=1e-6, abs=1e-9)
    large = abs(slope) > 1e-4  # Adam's first step goes against the gradient, as far as lr
    moved = (epoch.weights - w)[large]
    np.testing.assert_allclose(moved, -0.02 * np.sign(slope[large]), rtol=1e-3)


def test_workers_train_as_one_process_does_and_trace_once(client, demo):
    shards, *_ = demo.digits(quick=True)
    alone = numbers(demo.train(demo.in_one_process(shards), shards, 8))
    epochs = [*demo.train(demo.on_workers(client, shards), shards, 8)]
    assert numbers(epochs) == alone
    assert len({task.worker for epoch in epochs for task in epoch.tasks}) == 2


def test_a_worker_keeps_the_program_from_task_to_task(client, demo):
    def counting():
        runs = []
        return jit(lambda x: runs.append(1) or x * x, check=False), runs

    def call(kept, x):
        f, runs = kept
        return f(x), os.getpid(), len(runs)

    kept = client.submit(counting, pure=False)
    found = client.gather(client.map(call, [kept] * 40, [float(i) for i in range(40)], pure=False))
    assert [x for x, _, _ in found] == [float(i * i) for i in range(40)]
    of_workers = {(pid, runs) for _, pid, runs in found}
    assert len(of_workers) == len(dict(of_workers)) == 2  # all runs were before a first result


def test_a_worker_killed_between_two_steps_changes_nothing(client, demo):
    shards, *_ = demo.digits(quick=True)
    alone = numbers(demo.train(demo.in_one_process(shards), shards, 4))
    epochs = []
    for epoch in demo.train(demo.on_workers(client, shards), shards, 4):
        epochs.append(epoch)
        if len(epochs) == 2:
            kill_a_busy_worker(client)
    assert numbers(epochs) == alone
    client.wait_for_workers(2, timeout=SECONDS)


def test_a_worker_killed_in_the_middle_of_its_tasks_loses_none(client, demo, monkeypatch):
    done, killed = [], []

    class Bar(demo.tqdm):
        def update(self, n=1):
            done.append(n)
            if len(done) == 2:
                killed.append(kill_a_busy_worker(client))
            return super().update(n)

    monkeypatch.setattr(demo, "tqdm", Bar)
    found = demo.search(client, 16)
    f = demo.jitted_energy()
    alone = [demo.descend(f, seed) for seed in range(16)]
    assert killed[0] > 1  # it had tasks to do
    assert [(x.hex(), at.tobytes()) for x, at in (task.result for task in found)] == [
        (x.hex(), at.tobytes()) for x, at in alone
    ]
    client.wait_for_workers(2, timeout=SECONDS)


def test_descents_end_in_minima_and_one_in_the_lowest_known(demo):
    assert demo.energy(0.0, 0.0, 0.0, 2 ** (1 / 6), 0.0, 0.0) == pytest.approx(-1.0)
    f = demo.jitted_energy()
    found = [demo.descend(f, seed) for seed in (1, 2, 8, 19)]
    for value, x in found:
        assert np.abs(grad(lambda x: f(*x))(x)).max() < 1e-3
        assert -44.3269 < value < -36
    assert demo.reached(np.array([-44.326801, -44.3267, -44.32681])) == 2


def test_transformed_functions_are_tasks_as_they_are(client):
    k, w = 3.0, Value(2.0)
    inner = jit(lambda x: k * sin(x))
    for f in (
        inner,
        grad(inner),
        jit(grad(lambda x: inner(x) ** 2)),
        jit(lambda x: x**k).lower(1.0),
    ):
        assert client.gather(client.map(f, [0.5, 1.0])) == [f(0.5), f(1.0)]
    many = client.submit(jit(vmap(inner)), np.arange(3.0)).result(timeout=SECONDS)
    assert many.tolist() == vmap(inner)(np.arange(3.0)).tolist()
    y = client.submit(lambda x: jit(lambda x: w * x)(x).detach(), 4.0).result(timeout=SECONDS)
    assert (y.data, y.op) == (8.0, "")


def test_the_command_on_a_cluster_by_its_address(client, tmp_path, capsys):
    address = client.scheduler.address
    tiny = ["--quick", "--epochs", "3", "--starts", "4"]
    load("cluster").main(["--address", address, *tiny, "--save", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "training: 12 tasks" in printed
    assert "the same to the last bit" in printed
    assert "search: 4 tasks" in printed
    assert re.search(r"lowest energy -4\d\.\d{6}, from \d of 4 starts", printed)
    names = ["cluster_search.png", "cluster_training.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert len(client.scheduler_info()["workers"]) == 2  # it is not ours to close


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0"], "--workers must be 1 or more, not 0"),
        (["--epochs", "0"], "--epochs must be 1 or more, not 0"),
        (["--starts", "-1"], "--starts must be 1 or more, not -1"),
        (["--address", "tcp://127.0.0.1:1"], "127.0.0.1:1"),
        (["--address", "nowhere://"], "nowhere"),
    ],
)
def test_what_cannot_be_is_refused(demo, arguments, message, capsys, monkeypatch):
    monkeypatch.setattr(demo, "WAIT", 0.5)
    with pytest.raises(SystemExit):
        demo.main(arguments)
    assert message in capsys.readouterr().err


def test_without_dask_it_says_what_to_install():
    program = (
        f"import runpy, sys; sys.modules['distributed'] = None; sys.path.insert(0, {str(DEMOS)!r});"
        f"runpy.run_path({str(DEMOS / 'cluster.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == 'distributed is missing: pip install "scalar-autodiff[cluster]"\n'


def test_ctrl_c_ends_all_processes(tmp_path):
    few = ["--quick", "--workers", "1", "--epochs", "2", "--starts", "5000"]
    process = subprocess.Popen(
        [sys.executable, str(DEMOS / "cluster.py"), *few],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # as of a terminal, all of whose processes Ctrl-C reaches
    )
    try:
        for line in process.stdout:
            if line.startswith("    loss"):
                break
        time.sleep(1.0)
        others = psutil.Process(process.pid).children(recursive=True)
        assert len(others) >= 2
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert errors.endswith("\ncluster.py: stopped\n")
        assert "Traceback" not in errors
        assert psutil.wait_procs(others, timeout=10)[1] == []
    finally:
        with contextlib.suppress(ProcessLookupError):  # there should be none left
            os.killpg(process.pid, signal.SIGKILL)
