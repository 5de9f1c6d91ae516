"""fit() by programs: the same training as step by step, and what no program can be made of."""

import itertools
import math
import warnings

import numpy as np
import pytest
from interrupts import interrupted

from autodiff import Value, functions, jit, log, nn, no_grad
from autodiff.checkpoints import load
from autodiff.engine.instructions import VMAP
from autodiff.nn import Module
from autodiff.optim import LBFGS, SGD, Adam, History, compiled, fit, loops
from autodiff.transforms.cache import Jitted

X = np.random.default_rng(3).normal(size=(20, 2)).tolist()
LINE = [[1.0 + 2.0 * a - b] for a, b in X]
CLASSES = [int(a + b > 0) + int(a - b > 1) for a, b in X]


def rng(seed=0):
    return np.random.default_rng(seed)


class Training:
    """A training whose model and loss are to be tried by programs and without."""

    def __init__(self, model, loss=nn.mse_loss, targets=LINE, **options):
        self.model, self.loss, self.data = model, loss, (X, targets)
        self.optimizer = Adam(model.parameters(), lr=0.02)
        self.rng, self.history = rng(5), History()
        self.options = {"batch_size": 8, "progress": False, **options}

    def go(self, epochs=6, **more):
        options = {**self.options, "rng": self.rng, "history": self.history, **more}
        return fit(self.model, self.loss, self.data, self.optimizer, epochs, **options)

    def state(self):
        objects = (self.model, self.optimizer, self.history)
        return [x.state_dict() for x in objects] + [self.rng.bit_generator.state]


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """However few steps there are, they are by programs."""
    monkeypatch.setattr(loops, "FEW", 1)


@pytest.fixture
def programs(monkeypatch):
    """What fit() makes of its functions, one after the other: of the loss and of the model."""
    made = []

    class Noted(Jitted):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            made.append(self)

    monkeypatch.setattr(compiled, "Jitted", Noted)
    return made


def both(make, epochs=6):
    """The states of two trainings, by programs and without, after as many epochs."""
    by_program, without = make(), make()
    by_program.go(epochs)
    without.go(epochs, jit=False)
    return by_program.state(), without.state()


# -- the same training -----------------------------------------------------------------------------


def mlp(activation, out=1):
    return nn.MLP(2, [5, 4, out], activation, rng(1))


def normed():
    return nn.Sequential(
        nn.Layer(2, 5, "tanh", rng(1)), nn.LayerNorm(5), nn.RMSNorm(5), nn.Layer(5, 1, rng=rng(2))
    )


def penalised(outputs, targets):
    return nn.huber_loss(outputs, targets, 0.5) + 0.01 * functions.sum(
        [functions.sin(y) ** 2 for (y,) in outputs]
    )


@pytest.mark.parametrize(
    "make",
    [
        *(lambda a=a: Training(mlp(a)) for a in ("tanh", "relu", "sigmoid", "gelu", "softplus")),
        lambda: Training(normed()),
        lambda: Training(mlp("silu"), penalised),
        lambda: Training(mlp("tanh"), nn.l1_loss, validation=(X[:3], LINE[:3])),
        lambda: Training(
            *(mlp("tanh"), nn.binary_cross_entropy_with_logits, [[float(c > 0)] for c in CLASSES])
        ),
        lambda: Training(mlp("tanh", 3), nn.cross_entropy, [[0.5, 0.25, 0.25]] * 20),
    ],
)
def test_training_is_the_same_to_the_bit(programs, make):
    by_program, without = both(make)
    np.testing.assert_equal(by_program, without)
    of_loss, of_model = programs
    assert of_loss._traces == 2  # for batches of 8 and of 4
    assert of_model._traces == bool(make().options.get("validation"))


def test_a_choice_by_an_integer_target_may_move_the_last_digit(programs):
    by_program, without = both(
        lambda: Training(mlp("tanh", 3), nn.cross_entropy, CLASSES, metric=nn.accuracy)
    )
    assert by_program[2]["loss"] == pytest.approx(without[2]["loss"], rel=1e-12)
    assert by_program[2]["metric"] == without[2]["metric"]
    assert programs[0]._traces == 2


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss])
def test_it_goes_on_from_a_checkpoint_as_if_never_stopped(tmp_path, loss):
    def make():
        model = nn.Sequential(mlp("tanh", 3), functions.log_softmax)
        return Training(model, loss, CLASSES, metric=nn.accuracy, validation=(X[:3], CLASSES[:3]))

    whole = make()
    whole.go(7, checkpoint=tmp_path / "a.npz", every=3)  # saved after 3 and 6
    resumed = make()
    load(tmp_path / "a.npz", resumed.model, resumed.optimizer, resumed.rng, resumed.history)
    assert len(resumed.history.loss) == 6
    resumed.go(7)
    np.testing.assert_equal(resumed.state(), whole.state())


def test_measurements_are_by_programs_and_get_values(programs):
    seen = []

    def metric(outputs, targets):
        seen.append([(type(y), y.op) for (y,) in outputs])
        return float(
            np.mean([abs(y.data - t) for (y,), (t,) in zip(outputs, targets, strict=True)])
        )

    by_program, without = both(
        lambda: Training(mlp("tanh"), metric=metric, validation=(X[:3], LINE[:3])), epochs=2
    )
    np.testing.assert_equal(by_program, without)
    assert {x for outputs in seen for x in outputs} == {(Value, "")}
    assert programs[1]._traces == 1


def test_a_model_that_is_jitted_already(programs):
    def make():
        net = mlp("tanh")
        fast = jit(lambda x: net(x))
        return Training(nn.Sequential(net, lambda y: y) if not programs else Calling(net, fast))

    class Calling(Module):
        def __init__(self, net, function):
            self.net, self.function = net, function

        def forward(self, x):
            return self.function(x)

    assert make().go(3).loss == make().go(3).loss


def test_what_the_functions_read_may_change_between_epochs(programs):
    scale = {"of": 1.0}

    class Scaled(Module):
        def __init__(self):
            self.net = mlp("tanh")

        def forward(self, x):
            return [y * scale["of"] for y in self.net(x)]

    def metric(outputs, targets):
        scale["of"] *= 0.5
        return 0.0

    def make():
        scale["of"] = 1.0
        return Training(Scaled(), metric=metric)

    by_program, without = (make(), {}), (make(), {"jit": False})
    states = []
    for training, how in (by_program, without):
        scale["of"] = 1.0
        training.go(4, **how)
        states.append(training.state())
    np.testing.assert_equal(*states)
    assert programs[0]._traces == 2 * 4


def test_a_short_training_is_traced_once_a_shape(programs):
    Training(mlp("tanh")).go(1)
    assert [(p._traces, p._calls) for p in programs] == [(2, 3), (0, 0)]


@pytest.mark.parametrize(
    ("few", "epochs", "batch_size", "traces"),
    [(13, 6, 8, []), (12, 6, 8, [1]), (6, 6, 8, [2]), (12, 6, 10, [1]), (6, 6, 20, [1])],
)
def test_few_steps_of_a_size_make_no_program(
    programs, monkeypatch, few, epochs, batch_size, traces
):
    monkeypatch.setattr(loops, "FEW", few)
    training, twin = (Training(mlp("tanh"), batch_size=batch_size) for _ in range(2))
    training.go(epochs)
    assert [p._traces for p in programs[:1]] == traces
    twin.go(epochs, jit=False)
    np.testing.assert_equal(training.state(), twin.state())


@pytest.mark.parametrize(("max_eval", "traces"), [(10, [1]), (9, [])])
def test_a_step_that_evaluates_often_is_worth_a_program(programs, monkeypatch, max_eval, traces):
    monkeypatch.setattr(loops, "FEW", 20)
    training, twin = (Training(mlp("tanh"), batch_size=len(X)) for _ in range(2))
    for t in (training, twin):
        t.optimizer = LBFGS(t.model.parameters(), lr=0.1, max_iter=8, max_eval=max_eval)
    training.go(2)
    assert [p._traces for p in programs[:1]] == traces
    twin.go(2, jit=False)
    np.testing.assert_equal(training.state(), twin.state())


def test_nothing_is_compiled_unless_wanted(programs):
    Training(mlp("tanh")).go(2, jit=False)
    assert programs == []


def test_nothing_learns_under_no_grad():
    training = Training(mlp("tanh"))
    before = training.model.state_dict()
    with no_grad():
        losses = training.go(2).loss
        assert losses == Training(mlp("tanh")).go(2, jit=False).loss
    assert training.model.state_dict() == before


# -- large batches ---------------------------------------------------------------------------------


@pytest.fixture
def large(monkeypatch):
    """However small model and batch are, the batch is one vmap."""
    monkeypatch.setattr(loops, "LARGE", 1)


def vmaps(jitted):
    """How many vmaps the programs of a jitted function have, each."""
    trees = jitted._states[0].trees.values()
    return [int((kept.whole.ops == VMAP).sum()) for t in trees for kept in t.leaves.values()]


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: Training(mlp("tanh"), validation=(X[:3], LINE[:3])),
        lambda: Training(normed(), penalised),
        lambda: Training(mlp("relu", 3), nn.cross_entropy, CLASSES, metric=nn.accuracy),
        lambda: Training(mlp("tanh", 3), nn.cross_entropy, [[0.5, 0.25, 0.25]] * 20),
        lambda: Training(
            nn.Sequential(mlp("tanh", 3), functions.log_softmax), nn.nll_loss, CLASSES
        ),
    ],
)
def test_a_large_batch_is_one_vmap(large, programs, make, array):
    def given():
        training = make()
        inputs, targets = training.data
        training.data = (np.array(inputs), np.array(targets)) if array else (inputs, targets)
        return training

    by_program, without = both(given)
    for name in ("loss", "val_loss", "metric"):
        np.testing.assert_allclose(by_program[2][name], without[2][name], rtol=1e-9)
    np.testing.assert_allclose(
        list(by_program[0].values()), list(without[0].values()), rtol=1e-7, atol=1e-9
    )
    assert by_program[3] == without[3]
    assert vmaps(programs[0]) == [1, 1]  # for batches of 8 and of 4


def test_tokens_of_a_large_batch_stay_integers(large, programs):
    class Words(Module):
        def __init__(self):
            self.table, self.out = nn.Embedding(5, 3, rng(1)), nn.Layer(3, 5, None, rng(2))

        def forward(self, words):
            rows = [self.table(w) for w in words]
            return self.out([functions.mean(column) for column in zip(*rows, strict=True)])

    words = np.random.default_rng(0).integers(0, 5, size=(20, 2))
    targets = ((words[:, 0] + words[:, 1]) % 5).tolist()

    def make(inputs):
        training = Training(Words(), nn.cross_entropy, targets)
        training.data = (inputs, targets)
        return training

    expected = make(words.tolist()).go(3, jit=False).loss
    for inputs in (words, words.tolist()):
        assert make(inputs).go(3).loss == pytest.approx(expected, rel=1e-9)


def test_examples_of_a_large_batch_may_be_trees(large, programs):
    class Mixed(Module):
        def __init__(self):
            self.table, self.out = nn.Embedding(3, 2, rng(1)), nn.Layer(4, 1, None, rng(2))

        def forward(self, x):
            point, kind = x["at"], x["kind"]
            return {"y": self.out([*point, *self.table(kind)])}

    def loss(outputs, targets):
        return nn.mse_loss([y["y"] for y in outputs], targets)

    examples = [{"at": tuple(row), "kind": i % 3} for i, row in enumerate(X)]

    def make():
        training = Training(Mixed(), loss)
        training.data = (examples, LINE)
        return training

    by_program, without = both(make, 3)
    assert by_program[2]["loss"] == pytest.approx(without[2]["loss"], rel=1e-9)
    assert vmaps(programs[0]) == [1, 1]


def test_examples_that_are_unlike_are_taken_one_by_one(large, programs):
    class Sum(Module):
        def __init__(self):
            self.weight = nn.Neuron(1, None, rng(1))

        def forward(self, x):
            return [self.weight([functions.sum(list(x))])]

    ragged = [row + row[: i % 2] for i, row in enumerate(X)]

    def make():
        training = Training(Sum())
        training.data = (ragged, LINE)
        training.options["batch_size"] = 20
        return training

    by_program, without = both(make, 3)
    np.testing.assert_equal(by_program[2], without[2])


def test_random_numbers_of_a_large_batch_are_drawn_once(large):
    def make():
        drops = rng(7)
        training = Training(nn.Sequential(nn.Dropout(0.3, drops), mlp("tanh")))
        training.rng = drops
        return training

    warned(make, "draws random numbers")


# -- what is run without a program, after one warning ----------------------------------------------


def warned(make, words):
    """Both trainings, if one of them warns once, at this file, with these words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        states = both(make)
    assert [w.filename for w in caught] == [__file__]
    assert words in str(caught[0].message)
    np.testing.assert_equal(*states)


def test_random_numbers_are_drawn_anew():
    def make():
        drops = rng(7)
        model = nn.Sequential(nn.Dropout(0.3, drops), mlp("tanh"))
        training = Training(model, metric=lambda *_: 0.0)
        training.rng = drops  # so that its state is compared
        return training

    warned(make, "the loss of a batch draws random numbers (from a Generator): it is run without")


class Running(Module):
    """It keeps an average of what it has seen."""

    def __init__(self, how):
        self.net, self.how, self.average = mlp("tanh"), how, 0.0

    def forward(self, x):
        y = self.net(x)
        if self.training:
            self.average = 0.9 * self.average + 0.1 * self.how(y[0])
        return [y[0] + self.average]


def test_averages_are_kept():
    what = "the loss of a batch changes Running.average: it is run without a program"
    warned(lambda: Training(Running(lambda y: y.data)), what)
    warned(lambda: Training(Running(lambda y: y.detach())), what)


def test_counters_and_lists_of_the_loss_are_kept():
    def make():
        count, seen = itertools.count(1), []

        def weighted(outputs, targets):
            seen.append(len(targets))
            return nn.mse_loss(outputs, targets) / next(count)

        return Training(mlp("tanh"), weighted)

    warned(make, "the loss of a batch changes ")


def test_iterators_cannot_be_looked_at():
    def make():
        weights = map(float, itertools.count(1))

        def weighted(outputs, targets):
            return nn.mse_loss(outputs, targets) / next(weights)

        return Training(mlp("tanh"), weighted)

    warned(make, "the loss of a batch changes weights")


def test_reading_data_is_no_part_of_a_program():
    def largest(outputs, targets):
        worst = max(range(len(targets)), key=lambda i: abs(outputs[i][0].data - targets[i][0]))
        return nn.mse_loss(outputs, targets) + (outputs[worst][0] - targets[worst][0]) ** 2

    warned(lambda: Training(mlp("tanh"), largest), "the loss of a batch cannot be traced: ")


def test_guards_that_keep_failing():
    class Root(Module):
        """The square root by Newton's method, until it is close: of another length every time."""

        def __init__(self):
            self.net = mlp("tanh")

        def forward(self, x):
            (y,) = self.net(x)
            square = y * y + 1.0
            guess = square
            while abs(guess * guess - square) > 1e-9:
                guess = (guess + square / guess) / 2
            return [guess]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        by_program, without = both(lambda: Training(Root()), epochs=60)
    assert len(caught) == 1
    assert "the loss of a batch has been traced" in str(caught[0].message)
    assert "guard of the comparison at" in str(caught[0].message)
    np.testing.assert_equal(by_program, without)


def test_what_no_program_takes_as_an_argument():
    class Words(Module):
        def __init__(self):
            self.weights = {word: Value(0.1) for word in ("a", "b")}
            self.a, self.b = self.weights.values()

        def forward(self, text):
            return [functions.sum([self.weights[word] for word in sorted(text)])]

    def make():
        training = Training(Words())
        training.data = ([{"a", "b"}, {"a"}, {"b"}] * 4, [[1.0], [2.0], [3.0]] * 4)
        return training

    warned(make, "the loss of a batch cannot be traced: argument 0 of the loss of a batch[0] is")


# -- what raises -----------------------------------------------------------------------------------


class Hidden:
    """Something that changes, and that no guard sees."""

    number = 1.0

    @property
    def one(self):
        return [self]


@pytest.mark.parametrize(("at", "raises"), [(2, False), (3, True), (5, True), (9, True)])
def test_a_hidden_change_is_found_before_a_second_step_or_raises(at, raises):
    def make():
        hidden = Hidden()
        steps = []

        class Counting(SGD):
            def step(self):
                steps.append(1)
                hidden.number = 1.0 if len(steps) + 1 < at else 2.0
                super().step()

        def weighted(outputs, targets):
            return nn.mse_loss(outputs, targets) * hidden.one[0].number

        training = Training(mlp("tanh"), weighted, batch_size=10)
        training.optimizer = Counting(training.model.parameters(), lr=0.01)
        return training

    if raises:
        with pytest.raises(
            RuntimeError, match=r"reads something that changes: number 0 of .* with"
        ):
            make().go(12)
    else:
        warned(make, "the loss of a batch reads something that changes: number 0 of the result is")


def test_an_error_of_the_loss_is_the_one_that_comes_without_a_program():
    bad = [*CLASSES[:-1], 3]
    messages = []
    for how in (True, False):
        with pytest.raises(ValueError, match="3") as caught:
            Training(mlp("tanh", 3), nn.cross_entropy, bad).go(jit=how)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_control_c_at_any_moment_leaves_everything_whole():
    class Watching(SGD):
        def step(self):
            super().step()
            ends.append(training.model.state_dict())

    training = Training(nn.Layer(2, 1, rng=rng(1)))
    training.optimizer = Watching(training.model.parameters(), lr=0.02)
    ends = [training.model.state_dict()]
    training.go(2)
    for moment in itertools.count():
        again = Training(nn.Layer(2, 1, rng=rng(1)))
        again.optimizer = SGD(again.model.parameters(), lr=0.02)

        def run(t=again):
            return t.go(2)

        came_out = interrupted(run, 61 * moment, kinds=["call"])
        x = Value(1.0)
        assert ((x * 2).op, (x * 2).scope) == ("mul", "")  # no mode is left behind
        assert again.model.state_dict() in ends
        if not came_out and again.history.stopped == "epochs":
            break
        again.go(2)  # it can go on
    assert moment > 10


def test_losses_that_are_nan_are_the_same_too():
    by_program, without = both(
        lambda: Training(mlp("tanh"), lambda ys, _: log(-1.0 - ys[0][0] ** 2)), epochs=2
    )
    assert math.isnan(by_program[2]["loss"][0])
    np.testing.assert_equal(by_program, without)
