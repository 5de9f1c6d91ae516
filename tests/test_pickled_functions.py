"""Functions, programs, nets and optimizers go to other processes, and compute the same there."""

import copy
import functools
import multiprocessing
import os
import pickle
import subprocess
import sys

import cloudpickle
import joblib
import numpy as np
import pytest
import replay
from hypothesis import given
from hypothesis import strategies as st

import autodiff
from autodiff import (
    Value,
    derivative,
    exp,
    functions,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    mean,
    nn,
    no_grad,
    optim,
    primitive,
    sin,
    take,
    tanh,
    value_and_grad,
    vmap,
)
from autodiff.optim import lr_scheduler
from autodiff.testing import expressions

PICKLERS = [pickle, cloudpickle]
POINTS = np.array([0.5, -1.25, 2.0])


def again(x, by=cloudpickle):
    return pickle.loads(by.dumps(x))


def bits(result):
    """A result with its numbers to the last bit, and those of Values with their gradient."""
    if isinstance(result, Value):
        return "Value", result.data.hex()
    if isinstance(result, np.ndarray):
        return result.shape, result.tobytes()
    if isinstance(result, (list, tuple)):
        return [bits(x) for x in result]
    return bits(result.toarray()) if hasattr(result, "toarray") else float(result).hex()


# -- functions -------------------------------------------------------------------------------------


def wave(x):
    return sin(x) * x if x > 0 else exp(x)


@jit
def at_top(x):
    return wave(x) ** 2


class Spring:
    def __init__(self, k):
        self.k = k

    @jit
    def energy(self, x):
        return self.k * x * x


def closures():
    """Functions that cannot be found by name, each with arguments; all have been run."""
    k, w = 3.0, Value(2.0, name="w")
    net = nn.MLP(1, [3, 1], "tanh", np.random.default_rng(0))
    inner = jit(lambda x: k * tanh(x))
    made = {
        "a lambda": (jit(lambda x: k * x * x), 2.0),
        "another jitted function": (jit(lambda x: inner(x) + inner(2 * x)), 2.0),
        "jit of grad of jit": (jit(grad(inner)), 0.5),
        "grad of jit": (grad(inner), 0.5),
        "vmap of jit": (vmap(inner), POINTS),
        "jit of vmap": (jit(vmap(value_and_grad(lambda x: wave(x) * k))), POINTS),
        "mean of vmap": (jit(value_and_grad(lambda x: mean(vmap(inner)(x)))), POINTS),
        "a parameter": (jit(lambda x: w * wave(x)), 2.0),
        "a net": (jit(lambda x: net([x])[0]), 2.0),
        "a net itself": (jit(net), [2.0]),
        "grad of a part": (grad(functools.partial(lambda a, b: a * b * b, 2.0)), 3.0),
        "jit of a part": (jit(functools.partial(lambda a, b: a * b * b, 2.0)), 3.0),
        "static": (jit(lambda x, n: x**n, static_argnums=1), 2.0, 3),
        "hessian": (jit(hessian(lambda x: x[0] * x[1] * k)), POINTS),
        "sparse": (hessian(lambda x: x[0] * x[1] * k, sparse=True), POINTS),
        "jacobian": (jacobian(lambda x: [x[0] * x[1], wave(x[2])]), POINTS),
        "derivative": (derivative(lambda x: x**4, 3), 2.0),
        "jvp": (jvp(lambda x: k * x * x), (2.0,), (1.0,)),
        "hvp": (hvp(lambda x: k * x * x), (2.0,), (1.0,)),
        "take": (jit(lambda xs, i: take(xs, i) * k), POINTS, 2),
        "a method": (Spring(2.0).energy, 3.0),
    }
    for f, *xs in made.values():
        f(*xs)
        f(*xs)
    return made


#: What can be pickled by Python's own pickle: by names.
NAMED = {
    "jitted at the top": (at_top, 2.0),
    "grad of that": (grad(at_top), 2.0),
    "vmap of that": (vmap(at_top), POINTS),
    "jit of vmap": (jit(vmap(wave)), POINTS),
    "the table's": (jit(vmap(sin)), POINTS),
    "static": (jit(pow, static_argnums=1), 2.0, 3),
    "a method": (Spring(2.0).energy, 3.0),
    "lowered": (jit(grad(wave)).lower(2.0), 2.5),
    "a net": (jit(nn.MLP(1, [3, 1], "tanh", np.random.default_rng(0))), [2.0]),
}

SERVE = """
import pickle, sys
import cloudpickle
import test_pickled_functions as here
calls = pickle.load(sys.stdin.buffer)
found = {name: here.bits(f(*xs)) for name, (f, *xs) in calls.items()}
sys.stdout.buffer.write(cloudpickle.dumps((here.autodiff.COMPILED, found, calls)))
"""


def elsewhere(data, program=SERVE, **environment):
    """What another process with an engine of its own makes of what is pickled."""
    files = [autodiff.__path__[0], __file__, replay.__file__]
    paths = [os.path.dirname(file) for file in files]
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=data,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("by", PICKLERS)
def test_what_has_a_name_is_pickled_by_names(name, by):
    f, *xs = NAMED[name]
    f(*xs)
    assert bits(again(f, by)(*xs)) == bits(f(*xs))
    assert again(at_top, by) is at_top


def test_it_does_not_matter_who_asks():
    names = {"pickle": pickle, "f": at_top, "data": b""}
    exec("data = pickle.dumps(f)", names)
    assert pickle.loads(names["data"]) is at_top


@pytest.mark.parametrize("name", closures())
def test_closures_are_pickled_by_cloudpickle(name):
    f, *xs = closures()[name]
    twin = again(f)
    for _ in range(3):
        assert bits(twin(*xs)) == bits(f(*xs))
    assert bits(again(twin)(*xs)) == bits(f(*xs))


@pytest.mark.once
@pytest.mark.parametrize("pure", ["", "1"])
def test_another_engine_computes_the_same_and_sends_them_back(pure):
    calls = {**closures(), **{f"{name} by name": call for name, call in NAMED.items()}}
    wanted = {name: bits(f(*xs)) for name, (f, *xs) in calls.items()}
    seed = {"PYTHONHASHSEED": "7", "AUTODIFF_PURE": pure}
    compiled, found, back = pickle.loads(elsewhere(cloudpickle.dumps(calls), **seed))
    assert compiled is (replay.BUILT and not pure)
    assert found == wanted
    assert {name: bits(f(*xs)) for name, (f, *xs) in back.items()} == wanted


def test_programs_of_a_jitted_function_stay_here():
    f = jit(lambda x: sum(sin(x * i) for i in range(1000)))
    f(1.0)
    assert len(cloudpickle.dumps(f)) < 2000 < len(pickle.dumps(f.lower(1.0)))


def test_parameters_that_are_shared_stay_shared():
    net = nn.MLP(2, [3, 1], "tanh", np.random.default_rng(0))
    tied = nn.Sequential(nn.Layer(2, 2, rng=np.random.default_rng(0)), nn.RMSNorm(2))
    tied.layers[1].gain = tied.layers[0].neurons[0].weights
    net.tied = tied
    loss = jit(lambda x: net(x)[0] ** 2)
    loss([1.0, 2.0]).backward()
    twin, its_loss, program = again((net, loss, loss.lower([1.0, 2.0])))
    assert len(twin.parameters()) == len(net.parameters())
    assert twin.tied.layers[1].gain[0] is twin.tied.layers[0].neurons[0].weights[0]
    before = its_loss([1.0, 2.0]).data
    for p, old in zip(twin.parameters(), net.parameters(), strict=True):
        assert (p.data, p.grad, p.name) == (old.data, old.grad, old.name)
        p.data += 0.5
    assert its_loss([1.0, 2.0]).data == program([1.0, 2.0]).data != before
    twin.zero_grad()
    its_loss([1.0, 2.0]).backward()
    assert any(p.grad != 0.0 for p in twin.parameters())


@pytest.mark.parametrize("by", PICKLERS)
def test_a_net_is_pickled_alone_wherever_it_was_called(by):
    net = nn.MLP(2, [3, 1], "tanh", np.random.default_rng(0))
    size = len(by.dumps(net))
    for transform in (jit, grad, hessian):
        transform(lambda x: net([x, x])[0])(1.0)
        assert len(by.dumps(net)) == size
    with no_grad():
        net([1.0, 2.0])
    for twin in (again(net, by), copy.copy(net), copy.deepcopy(net)):
        assert bits(twin([1.0, 2.0])) == bits(net([1.0, 2.0]))


# -- scripts: what is in __main__ ------------------------------------------------------------------

SCRIPT = """
import sys, cloudpickle, numpy as np
from autodiff import *

rate = 3.0

@jit
def f(x):
    return rate * sin(x) * x

@grad
def slope(x):
    return f(x) ** 2

@vmap
def many(x):
    return f(x)

@jit
def doubled(x):
    return x if x > 10 else doubled(2 * x)

class Spring:
    def __init__(self, k):
        self.k = k
    @jit
    def energy(self, x):
        return self.k * f(x)

class Damped(Spring):
    @jit
    def energy(self, x):
        return super().energy(x) + 1.0

spring = Damped(2.0)
calls = [(f, 2.0), (slope, 2.0), (many, np.array([1.0, 2.0])), (doubled, 3.0), (spring.energy, 2.0)]
found = [repr(f(*xs)) for f, *xs in calls]
sys.stdout.buffer.write(cloudpickle.dumps((calls, found, spring, f)))
"""
OPEN = """
import pickle, sys
calls, wanted, spring, f = pickle.load(sys.stdin.buffer)
assert [repr(f(*xs)) for f, *xs in calls] == wanted, wanted
assert spring.energy is spring.energy
calls[0][0](4.0)
assert calls[0][0] is f
"""


@pytest.mark.once
def test_a_script_sends_its_functions_to_processes_that_do_not_have_it(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(autodiff.__path__[0])},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    elsewhere(done.stdout, OPEN)


def test_a_module_may_be_registered_to_be_sent_itself(tmp_path, monkeypatch):
    (tmp_path / "models_of_mine.py").write_text(
        "from autodiff import jit\n\n@jit\ndef f(x):\n    return x * x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import models_of_mine

    assert again(models_of_mine.f) is models_of_mine.f
    cloudpickle.register_pickle_by_value(models_of_mine)
    try:
        sent = cloudpickle.dumps(models_of_mine.f)
        assert pickle.loads(pickle.dumps(models_of_mine.f)) is models_of_mine.f
    finally:
        cloudpickle.unregister_pickle_by_value(models_of_mine)
    monkeypatch.delitem(sys.modules, "models_of_mine")
    monkeypatch.setattr(sys, "path", sys.path[1:])
    assert pickle.loads(sent)(3.0) == 9.0


# -- lowered programs ------------------------------------------------------------------------------


@given(st.data(), st.sampled_from([None, grad, value_and_grad]))
def test_a_lowered_program_is_opened_as_it_was(data, transform):
    expression = data.draw(expressions(3))
    numbers = data.draw(st.lists(st.floats(-3, 3), min_size=3, max_size=3))

    def f(*xs):
        return expression(*xs)

    lowered = jit(transform(f, (0, 1, 2)) if transform else f).lower(*numbers)
    twin = again(lowered, pickle)
    assert twin.program is not lowered.program
    assert bits(twin.run(numbers)) == bits(lowered.run(numbers))
    assert bits(twin(*numbers)) == bits(lowered(*numbers))
    assert (repr(twin), twin.input_names, twin.as_text()) == (
        repr(lowered),
        lowered.input_names,
        lowered.as_text(),
    )


def test_a_lowered_program_keeps_what_it_needs_and_what_it_refuses():
    w = Value(2.0, name="w")
    f = jit(lambda x, k, *, scale: w * x["a"] * k * scale if x["b"] > 0 else w, static_argnums=1)
    lowered = f.lower({"a": 3.0, "b": 1.0}, 2, scale=0.5)
    twin, its_w = again((lowered, w), pickle)
    assert twin.input_names == lowered.input_names == ["x['a']", "x['b']", "scale", "w"]
    y = twin({"a": 3.0, "b": 1.0}, 2, scale=0.5)
    y.backward()
    assert (y.data, its_w.grad, w.grad) == (6.0, 3.0, 0.0)
    its_w.data = 4.0
    assert twin.run([3.0, 1.0, 0.5]).tolist() == [12.0]
    with pytest.raises(TypeError, match="was lowered for other arguments"):
        twin({"a": 3.0, "b": 1.0}, 3, scale=0.5)
    with pytest.raises(ValueError, match=r"the guard of .* fails"):
        twin({"a": 3.0, "b": -1.0}, 2, scale=0.5)
    with pytest.raises(ValueError, match="takes 3 numbers: 2 came"):
        twin.run([1.0, 2.0])


def test_computed_values_are_not_pickled_without_their_graph():
    w = Value(2.0) * 3.0
    lowered = jit(lambda x: w * x).lower(1.0)
    for x in (w, [w], lowered):
        with pytest.raises(
            TypeError, match=r"a computed Value \(mul\) cannot be copied or pickled"
        ):
            pickle.dumps(x)


# -- primitives of one's own -----------------------------------------------------------------------

MODULE = """
from autodiff import jit, primitive, square
softsign_ = primitive(
    "softsign_", lambda a: a / (1 + abs(a)), [lambda a, v: 1 / square(1 + abs(a))]
)

@jit
def f(x):
    return softsign_(x) * 2.0
"""
OPEN_PRIMITIVE = """
import pickle, sys
sys.path.append(sys.argv[1])
from autodiff import primitive
another = primitive("another", lambda a: 7.0, [lambda a, v: 0.0])
f, slope, softsign = pickle.load(sys.stdin.buffer)
print(another(1.0), f(1.0), slope(1.0), softsign(1.0))
"""


@pytest.mark.once
def test_a_primitive_of_a_module_is_found_there_whatever_its_number(tmp_path, monkeypatch):
    (tmp_path / "softsign_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    from softsign_module import f, softsign_

    for by in PICKLERS:
        assert again(softsign_, by) is softsign_
    data = pickle.dumps((f, grad(softsign_), softsign_))
    program = OPEN_PRIMITIVE.replace("sys.argv[1]", repr(str(tmp_path)))
    assert elsewhere(data, program).split() == [b"7.0", b"1.0", b"0.25", b"0.5"]


def test_a_primitive_without_a_name_is_refused_and_copied():
    cube = primitive("cube_of_mine", lambda a: a**3, [lambda a, v: 3 * a * a])
    f = jit(lambda x: cube(x) + 1.0)
    assert f(2.0) == 9.0
    for by, x in ((pickle, cube), (cloudpickle, cube), (cloudpickle, f), (cloudpickle, grad(cube))):
        with pytest.raises(
            TypeError, match=r"cube_of_mine was added at run time.* at the top of a"
        ):
            by.dumps(x)
    with pytest.raises(TypeError, match="a program with it cannot be pickled; pickle the function"):
        pickle.dumps(f.lower(1.0))
    assert copy.copy(cube) is copy.deepcopy(cube) is cube
    assert repr(cube) == "<primitive cube_of_mine>"


# -- optimizers and schedules ----------------------------------------------------------------------

RULES = {
    name: kind
    for name, kind in vars(optim).items()
    if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
}


def trained(rule, schedule=None):
    """A net, its optimizer and its schedule, after some steps."""
    net = nn.MLP(2, [3, 1], "tanh", np.random.default_rng(0))
    options = {"rng": np.random.default_rng(1)} if rule == "NoisySGD" else {}
    optimizer = RULES[rule](net.parameters(), lr=0.1, **options)
    scheduler = schedule(optimizer) if schedule else None
    steps((net, optimizer, scheduler), 3)
    return net, optimizer, scheduler


def steps(training, n):
    """Go on for some steps; the losses and the parameters."""
    net, optimizer, scheduler = training

    def closure():
        optimizer.zero_grad()
        loss = nn.mse_loss([net([x, 1.0 - x])[0] for x in (0.0, 0.5, 1.0)], [1.0, 0.0, 1.0])
        loss.backward()
        return loss

    losses = []
    for _ in range(n):
        losses.append(optimizer.step(closure).data)
        if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
            scheduler.step(losses[-1])
        elif scheduler is not None:
            scheduler.step()
    return bits([losses, [p.data for p in net.parameters()]])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("by", PICKLERS)
def test_training_goes_on_bit_for_bit_with_any_optimizer(rule, by):
    training = trained(rule)
    twin = again(training, by)
    assert all(map(lambda a, b: a is b, twin[0].parameters(), twin[1].params))
    assert steps(twin, 3) == steps(training, 3)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
        lambda o: lr_scheduler.OneCycleLR(o, 0.5, 16),
        lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.5, 3),
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o), lr_scheduler.StepLR(o, 2)], [4]
        ),
    ],
)
def test_schedules_go_on_too(schedule):
    training = trained("SGD", schedule)
    twin = again(training)
    assert twin[2].get_last_lr() == training[2].get_last_lr()
    assert steps(twin, 4) == steps(training, 4)
    assert twin[1].param_groups[0]["lr"] == training[1].param_groups[0]["lr"]


# -- pools of processes ----------------------------------------------------------------------------


@pytest.mark.once
def test_joblib_takes_them_as_they_are():
    k, w = 3.0, Value(2.0)
    xs = [0.5, 1.0, -2.0]
    parallel = joblib.Parallel(n_jobs=2)
    for f in (jit(grad(lambda x: k * sin(x))), at_top, jit(vmap(lambda x: k * x)).f):
        assert parallel(joblib.delayed(f)(x) for x in xs) == [f(x) for x in xs]
    with no_grad():
        lowered = jit(lambda x: w * x).lower(1.0)
        found = parallel(joblib.delayed(lowered.run)([x]) for x in xs)
    assert np.concatenate(found).tolist() == [1.0, 2.0, -4.0]


@pytest.mark.once
def test_processes_that_are_spawned_take_them_as_they_are():
    lowered = jit(grad(wave)).lower(2.0)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for f in (at_top, grad(at_top), lowered, Spring(2.0).energy, jit(functions.tanh)):
            found = pool.map_async(f, [0.5, 1.0, 2.0]).get(timeout=120)
            assert bits(found) == bits([f(x) for x in (0.5, 1.0, 2.0)])
