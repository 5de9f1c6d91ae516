"""Checkpoints: training continues bit for bit; no kill, damage or misfit leaves half a state."""

import contextlib
import copy
import errno
import itertools
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
from interrupts import interrupted

from autodiff import Value, checkpoints, nn, optim
from autodiff.checkpoints import load, save
from autodiff.optim import lr_scheduler

RULES = [
    *("SGD", "Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"),
    *("NoisySGD", "Rprop", "LBFGS"),
]
OPTIONS = {
    "SGD": {"momentum": 0.9},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Adagrad": {"lr_decay": 0.1},
    "Adam": {"amsgrad": True},
    "LBFGS": {"max_iter": 3, "history_size": 4, "line_search_fn": "strong_wolfe"},
}
SCHEDULERS = {
    "LambdaLR": {"lr_lambda": lambda t: 1 / (1 + t)},
    "MultiplicativeLR": {"lr_lambda": lambda t: 0.9 + 0.01 * t},
    "ConstantLR": {"total_iters": 5},
    "PolynomialLR": {"total_iters": 30, "power": 2.0},
    "CosineAnnealingWarmRestarts": {"T_0": 2, "T_mult": 2},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "mode": "triangular2"},
    "StepLR": {"step_size": 4},
    "MultiStepLR": {"milestones": [3, 8]},
    "ExponentialLR": {"gamma": 0.9},
    "LinearLR": {"total_iters": 9},
    "CosineAnnealingLR": {"T_max": 12},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 14},
    "ReduceLROnPlateau": {"patience": 1, "factor": 0.7},
}
COMBINED = {
    "SequentialLR": lambda o, parts: lr_scheduler.SequentialLR(o, parts, [4]),
    "ChainedScheduler": lambda o, parts: lr_scheduler.ChainedScheduler(parts),
}
X = np.random.default_rng(7).normal(size=(12, 2)).tolist()
Y = [[np.sin(a) + b] for a, b in X]


def training(rule, scheduler="ExponentialLR", seed=0, bits=np.random.PCG64):
    """A model with dropout, an optimizer, a scheduler and the one generator behind them all."""
    rng = np.random.Generator(bits(seed))
    model = nn.Sequential(
        nn.Layer(2, 5, "tanh", rng), nn.Dropout(0.3, rng), nn.LayerNorm(5), nn.Layer(5, 1, rng=rng)
    )
    options = {**OPTIONS.get(rule, {}), **({"rng": rng} if rule == "NoisySGD" else {})}
    parameters = model.parameters()
    groups = [{"params": parameters[:7], "lr": 0.02 + 0.01 * seed}, {"params": parameters[7:]}]
    if rule == "LBFGS":  # which takes one
        groups = [{"params": parameters, "lr": 0.02 + 0.01 * seed}]
    optimizer = getattr(optim, rule)(groups, **options)
    if scheduler in COMBINED:
        parts = [lr_scheduler.LinearLR(optimizer), lr_scheduler.ExponentialLR(optimizer, 0.8)]
        plan = COMBINED[scheduler](optimizer, parts)
    else:
        plan = getattr(lr_scheduler, scheduler)(optimizer, **SCHEDULERS[scheduler])
    return model, optimizer, plan, rng


def train(objects, steps):
    """Some steps; the losses."""
    model, optimizer, plan, rng = objects
    losses = []
    for _ in range(steps):
        for xs, ys in optim.minibatches(X, Y, 7, rng):

            def closure(xs=xs, ys=ys):
                loss = nn.mse_loss([model(x) for x in xs], ys)
                optimizer.zero_grad()
                loss.backward()
                return loss

            losses.append(optimizer.step(closure).data)
        plan.step(*([losses[-1]] if isinstance(plan, lr_scheduler.ReduceLROnPlateau) else []))
    return losses


def states(objects):
    """Everything that training changes."""
    return copy.deepcopy(
        [o.bit_generator.state if hasattr(o, "bit_generator") else o.state_dict() for o in objects]
    )


def assert_resumes(path, make):
    """Training that was saved, and goes on elsewhere, is the training that was never stopped."""
    objects = make(seed=0)
    train(objects, 3)
    save(path, *objects)
    expected = train(objects, 4)
    twins = make(seed=1)
    train(twins, 2)
    load(path, *twins)
    assert train(twins, 4) == expected
    np.testing.assert_equal(states(twins), states(objects))


@pytest.mark.parametrize("rule", RULES)
def test_training_resumes_bit_for_bit_with_every_optimizer(tmp_path, rule):
    assert_resumes(tmp_path / "a.npz", lambda seed: training(rule, seed=seed))


@pytest.mark.parametrize("scheduler", [*SCHEDULERS, *COMBINED])
def test_training_resumes_bit_for_bit_with_every_scheduler(tmp_path, scheduler):
    assert_resumes(tmp_path / "a.npz", lambda seed: training("Adam", scheduler, seed))


def test_every_optimizer_and_scheduler_is_resumed():
    names = {n for n in optim.__all__ if hasattr(getattr(optim, n), "update")}
    assert names - {"Optimizer"} == set(RULES)
    kinds = {n for n, kind in vars(lr_scheduler).items() if hasattr(kind, "get_last_lr")}
    assert kinds - {"LRScheduler"} == {*SCHEDULERS, *COMBINED}


@pytest.mark.parametrize("bits", ["PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_training_resumes_bit_for_bit_with_every_generator(tmp_path, bits):
    bits = getattr(np.random, bits)
    assert_resumes(tmp_path / "a.npz", lambda seed: training("SGD", seed=seed, bits=bits))


def test_every_number_is_kept_to_the_bit(tmp_path):
    numbers = [0.1, -0.0, 5e-324, 1.7976931348623157e308, np.inf, -np.inf, np.nan, 1 / 3]
    model, twin = nn.RMSNorm(8), nn.RMSNorm(8)
    for parameter, number in zip(model.parameters(), numbers, strict=True):
        parameter.data = number
    save(str(tmp_path / "a"), model)  # the name is kept as it is, and may be a text
    load(str(tmp_path / "a"), twin)
    assert np.array(list(twin.state_dict().values())).tobytes() == np.array(numbers).tobytes()


def test_nothing_in_the_file_is_pickled(tmp_path):
    objects = training("Adam")
    train(objects, 1)
    save(tmp_path / "a.npz", *objects)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    assert json.loads(str(content.pop("json")))["kinds"] == [
        *("Sequential", "Adam", "ExponentialLR", "Generator")
    ]
    assert {a.dtype for a in content.values()} == {np.dtype(float)}


# -- writing ---------------------------------------------------------------------------------------

SAVE_FOR_EVER = """
import itertools, sys
from autodiff import nn
from autodiff.checkpoints import save
model = nn.RMSNorm(300)
for k in itertools.count(1):
    for p in model.parameters():
        p.data = float(k)
    save(sys.argv[1], model)
    print(k, flush=True)
"""


def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new(tmp_path):
    path, model = tmp_path / "a.npz", nn.RMSNorm(300)
    save(path, model)
    moments = random.Random(0)
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, str(path)], stdout=subprocess.PIPE
        ) as process:
            process.stdout.readline()  # it has begun
            time.sleep(moments.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
            saved = [1, *map(int, process.stdout.read().split())][-1]
        assert process.returncode == -signal.SIGKILL
        load(path, model)
        numbers = set(model.state_dict().values())
        assert numbers in ({saved}, {saved + 1})
        # what a kill may leave is one hidden file, and the next save takes it away
        assert {"a.npz"} <= set(os.listdir(tmp_path)) <= {"a.npz", ".a.npz.tmp"}
    save(path, model)
    assert os.listdir(tmp_path) == ["a.npz"]


def test_what_a_kill_left_is_written_over(tmp_path):
    (tmp_path / ".a.npz.tmp").write_bytes(b"x" * 100_000)
    save(tmp_path / "a.npz", nn.RMSNorm(2))
    load(tmp_path / "a.npz", nn.RMSNorm(2))
    assert os.listdir(tmp_path) == ["a.npz"]
    assert (tmp_path / "a.npz").stat().st_size < 10_000


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_the_file_may_be_read_by_whom_the_umask_allows(tmp_path, umask):
    before = os.umask(umask)
    try:
        save(tmp_path / "a.npz", nn.RMSNorm(2))
        (tmp_path / "b").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "b").stat().st_mode


SAVE_TO_THE_SAME = """
import sys
from autodiff import nn
from autodiff.checkpoints import save
number = float(sys.argv[2])
model = nn.RMSNorm(300)
for p in model.parameters():
    p.data = number
for _ in range(60):
    save(sys.argv[1], model)
"""


def test_processes_that_save_to_one_path_do_not_mix_their_files(tmp_path):
    path, model = tmp_path / "a.npz", nn.RMSNorm(300)
    save(path, model)
    writers = [
        subprocess.Popen([sys.executable, "-c", SAVE_TO_THE_SAME, str(path), number])
        for number in ("2", "123456789.123456789", "1e-300")
    ]
    while any(writer.poll() is None for writer in writers):
        load(path, model)
        assert len(set(model.state_dict().values())) == 1
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert os.listdir(tmp_path) == ["a.npz"]


def test_a_file_that_was_renamed_while_its_lock_was_awaited_is_not_written(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    path, temporary, model = tmp_path / "a.npz", tmp_path / ".a.npz.tmp", nn.RMSNorm(2)
    calls = []

    def flock(file, how):  # two others finish, and a third begins
        calls.append(file)
        if len(calls) <= 2:
            temporary.write_bytes(b"of another process")
            os.replace(temporary, path)
        if len(calls) == 2:
            temporary.touch()

    monkeypatch.setattr(fcntl, "flock", flock)
    save(path, model)
    assert len(calls) == 3
    assert os.listdir(tmp_path) == ["a.npz"]
    load(path, model)


def test_a_file_system_without_locks_will_do(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    codes = [errno.ENOSYS, errno.ENOLCK, errno.EIO]

    def flock(file, how):
        raise OSError(codes.pop(0), "no")

    monkeypatch.setattr(fcntl, "flock", flock)
    for _ in range(2):
        save(tmp_path / "a.npz", nn.RMSNorm(2))
    with pytest.raises(OSError, match="no"):
        save(tmp_path / "a.npz", nn.RMSNorm(2))
    monkeypatch.setattr(checkpoints, "fcntl", None)
    save(tmp_path / "b.npz", nn.RMSNorm(2))
    load(tmp_path / "b.npz", nn.RMSNorm(2))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of open files
def test_an_interrupted_save_leaves_the_old_file_or_the_new(tmp_path):
    path, model = tmp_path / "a.npz", nn.RMSNorm(2)
    for moment in itertools.count():
        model.weights[0].data = 1.0
        save(path, model)
        model.weights[0].data = 2.0
        if not interrupted(lambda: save(path, model), moment):
            break
        load(path, model)
        assert model.weights[0].data in (1.0, 2.0)
        assert set(os.listdir(tmp_path)) <= {"a.npz", ".a.npz.tmp"}
    assert moment > 20


TOO_LARGE = """
import resource, sys
from autodiff import nn
from autodiff.checkpoints import save
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    save(sys.argv[1], nn.RMSNorm(300))
except OSError:
    print("refused")
"""


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(tmp_path):
    model = nn.RMSNorm(300)
    model.weights[0].data = 5.0
    save(tmp_path / "a.npz", model)
    before = (tmp_path / "a.npz").read_bytes()
    out = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, str(tmp_path / "a.npz")], capture_output=True, check=True
    )
    assert out.stdout == b"refused\n"
    assert (tmp_path / "a.npz").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.npz"]


def test_folders_that_cannot_be_written_leave_the_old_file(tmp_path):
    model = nn.RMSNorm(2)
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "nowhere" / "a.npz", model)
    (tmp_path / "folder" / "in it").mkdir(parents=True)
    with pytest.raises((IsADirectoryError, PermissionError)):
        save(tmp_path / "folder", model)
    assert os.listdir(tmp_path) == ["folder"]
    closed = tmp_path / "closed"
    closed.mkdir()
    save(closed / "a.npz", model)
    model.weights[0].data = 2.0
    closed.chmod(0o500)
    refused = False
    try:
        save(closed / "a.npz", model)  # which root may
    except PermissionError:
        refused = True
    closed.chmod(0o700)
    load(closed / "a.npz", model)
    assert model.weights[0].data == (1.0 if refused else 2.0)
    assert os.listdir(closed) == ["a.npz"]


def test_what_has_no_state_is_refused_before_anything_is_written(tmp_path):
    save(tmp_path / "a.npz", nn.RMSNorm(2))
    before = (tmp_path / "a.npz").read_bytes()
    for thing, message in ((3.0, r"3\.0 \(float\) has no state"), (Value(1.0), "no state_dict")):
        with pytest.raises(TypeError, match=message):
            save(tmp_path / "a.npz", nn.RMSNorm(2), thing)
    odd = nn.RMSNorm(1)
    odd.state_dict = lambda: {"w": {1, 2}}
    with pytest.raises(TypeError, match=r"a checkpoint cannot hold \{1, 2\} \(set\)"):
        save(tmp_path / "a.npz", odd)
    assert (tmp_path / "a.npz").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.npz"]


def test_any_real_number_may_be_saved(tmp_path):
    odd = nn.RMSNorm(1)
    state = {
        **{"a": np.float32(0.1), "b": np.int64(-3), "c": np.True_, "d": Fraction(1, 3)},
        **{"e": [np.float16(0.5), (np.uint8(7), None)], "f": 10**30, "g": np.float64(0.1)},
    }
    seen = []
    odd.state_dict = lambda: state
    odd.load_state_dict = seen.append
    save(tmp_path / "a.npz", odd)
    load(tmp_path / "a.npz", odd)
    assert seen == [state | {"d": 1 / 3}]
    assert [type(x) for x in seen[0].values()] == [float, int, bool, float, list, int, float]


@pytest.mark.parametrize("number", [np.float32(0.1), np.int64(1), np.float16(0.5)])
def test_an_option_of_numpy_is_saved(tmp_path, number):
    optimizer, twin = (optim.Adam([Value(1.0)]) for _ in range(2))
    optimizer.param_groups[0]["lr"] = number
    save(tmp_path / "a.npz", optimizer)
    load(tmp_path / "a.npz", twin)
    assert twin.param_groups[0]["lr"] == number


# -- reading ---------------------------------------------------------------------------------------


def assert_refused(path, objects, message):
    """A ValueError, and nothing is changed."""
    before = states(objects)
    with pytest.raises(ValueError, match=message):
        load(path, *objects)
    np.testing.assert_equal(states(objects), before)


def test_a_truncated_file_is_refused(tmp_path):
    path, objects = tmp_path / "a.npz", training("Adam")
    train(objects, 1)
    save(path, *objects)
    whole = path.read_bytes()
    twins = training("Adam", seed=1)
    for length in [*range(0, 64), *range(64, len(whole), 101), *range(len(whole) - 64, len(whole))]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is not a whole checkpoint of autodiff"):
            load(path, *twins)
    np.testing.assert_equal(states(twins), states(training("Adam", seed=1)))


def test_a_damaged_file_is_refused_or_gives_what_was_saved(tmp_path):
    path, model = tmp_path / "a.npz", nn.RMSNorm(2)
    model.weights[0].data = 5.0
    save(path, model)
    whole = path.read_bytes()
    refused = 0
    for i in [
        *range(0, 160),
        *range(160, len(whole) - 80, 17),
        *range(len(whole) - 80, len(whole)),
    ]:
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        twin = nn.RMSNorm(2)
        try:
            load(path, twin)
        except ValueError:
            refused += 1
            assert twin.weights[0].data == 1.0
        else:
            assert twin.weights[0].data == 5.0
    assert refused > 100


def test_foreign_files_are_refused(tmp_path):
    path, objects = tmp_path / "a.npz", (nn.RMSNorm(2),)
    with pytest.raises(FileNotFoundError):
        load(path, *objects)
    for content in (b"", b"hello", b"PK\x03\x04", pickle.dumps({"w0": 1.0})):
        path.write_bytes(content)
        assert_refused(path, objects, "is not a whole checkpoint of autodiff")
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert_refused(path, objects, "is not a whole checkpoint of autodiff")
    claim = {"format": "autodiff checkpoint 1"}
    state = {"dict": [["w0", 1.0], ["w1", {"array": "array0"}]]}
    for content, message in (
        ({"x": np.zeros(3)}, "not a whole checkpoint"),
        ({"json": np.array({"format": 1}, dtype=object)}, "not a whole checkpoint"),
        ({"json": np.array("[1, ")}, "not a whole checkpoint"),
        ({"json": np.array("[1]")}, "not a checkpoint of this version"),
        ({"json": np.array('{"format": "autodiff checkpoint 2"}')}, "of this version"),
        ({"json": np.array(json.dumps(claim))}, "holds nothing|not a "),
        (
            {"json": np.array(json.dumps({**claim, "kinds": ["RMSNorm"], "states": [state]}))},
            "does not fit",
        ),
    ):
        np.savez(path, **content)
        assert_refused(path, objects, message)


def test_objects_of_other_kinds_or_numbers_are_refused(tmp_path):
    objects = training("Adam")
    save(tmp_path / "a.npz", *objects)
    model, optimizer, plan, rng = training("Adam", seed=1)
    for others, message in (
        ([model], "holds Sequential, Adam, ExponentialLR, Generator; .* into Sequential$"),
        ([], "into nothing"),
        ([optimizer, model, plan, rng], "into Adam, Sequential, ExponentialLR, Generator"),
        (training("SGD", seed=1), "into Sequential, SGD, ExponentialLR, Generator"),
        (training("Adam", "StepLR", 1), "into Sequential, Adam, StepLR, Generator"),
        ([*objects, rng], "into Sequential, Adam, ExponentialLR, Generator, Generator"),
    ):
        assert_refused(tmp_path / "a.npz", others, message)


def test_objects_of_other_shapes_or_names_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    parts = [Value(1.0) for _ in range(3)]
    optimizer = optim.SGD(parts, lr=0.5)
    plan = lr_scheduler.StepLR(optimizer, 3)
    rng = np.random.default_rng(0)
    save(path, rng, plan, optimizer, nn.RMSNorm(3))

    def others(rng=None, plan=None, count=3, model=None):
        rule = optim.SGD([Value(2.0) for _ in range(count)], lr=0.1)
        model, rng = model or nn.RMSNorm(3), rng or np.random.default_rng(1)
        return rng, plan or lr_scheduler.StepLR(rule, 3), rule, model

    renamed = nn.RMSNorm(3)
    renamed.scales = renamed.__dict__.pop("weights")
    assert_refused(path, others(model=nn.RMSNorm(2)), "RMSNorm has no parameter 'weights.2'")
    assert_refused(path, others(model=nn.RMSNorm(4)), "saved module .* parameter 'weights.3'")
    assert_refused(path, others(model=renamed), "saved module .* parameter 'scales.0'")
    assert_refused(path, others(count=2), "group 0 has 2 parameters, the saved one 3")
    assert_refused(path, others(np.random.Generator(np.random.MT19937(0))), "PCG64|MT19937")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of open files
def test_an_interrupted_load_changes_all_or_nothing(tmp_path):
    saved = training("Adam")
    train(saved, 1)
    save(tmp_path / "a.npz", *saved)
    ends = [states(training("Adam", seed=1)), states(saved)]
    for moment in itertools.count():
        objects = training("Adam", seed=1)
        if not interrupted(lambda objects=objects: load(tmp_path / "a.npz", *objects), 9 * moment):
            break
        reached = states(objects)
        np.testing.assert_equal(reached, ends[reached[0] == ends[1][0]])
    assert moment > 50


def test_a_misfit_in_the_last_object_changes_none(tmp_path):
    model, optimizer, plan, rng = training("Adam")
    train((model, optimizer, plan, rng), 1)
    state = optimizer.state_dict()
    state["state"][1]["mean"] = np.zeros(3)
    broken = optim.Adam(model.parameters())
    broken.state_dict = lambda: state
    save(tmp_path / "a.npz", model, rng, plan, broken)
    twins = training("Adam", seed=1)
    objects = (twins[0], twins[3], twins[2], twins[1])
    assert_refused(tmp_path / "a.npz", objects, r"a\.npz does not fit: group 1: .* 'mean'")


def test_a_misfit_leaves_no_trace_of_a_scheduler_in_the_optimizer(tmp_path):
    optimizer = optim.SGD([Value(1.0)], lr=0.5)
    lr_scheduler.StepLR(optimizer, 3)
    save(tmp_path / "a.npz", optimizer, nn.RMSNorm(3))
    fresh = optim.SGD([Value(1.0)], lr=0.1)
    with contextlib.suppress(ValueError):
        load(tmp_path / "a.npz", fresh, nn.RMSNorm(2))
    assert lr_scheduler.StepLR(fresh, 3).get_last_lr() == [0.1]
