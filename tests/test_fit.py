"""Mini-batches, and ``fit``: the four-line loop with a history, and what ends it."""

import copy
import itertools
import sys

import numpy as np
import pytest
from interrupts import interrupted

from autodiff import COMPILED, Value, nn
from autodiff.checkpoints import load
from autodiff.optim import SGD, Adam, History, NoisySGD, fit, lr_scheduler, minibatches

X = np.random.default_rng(3).normal(size=(20, 2))
CLASSES = (X[:, 0] + X[:, 1] > 0).astype(int)
LINE = [[1.0 + 2.0 * a - b] for a, b in X.tolist()]


def rng(seed=0):
    return np.random.default_rng(seed)


def line(lr=0.05):
    """A model of a line, and its optimizer."""
    model = nn.Layer(2, 1, rng=rng(1))
    return model, SGD(model.parameters(), lr=lr)


def numbers(model):
    return [p.data for p in model.parameters()]


# -- mini-batches ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("examples", "size"), [(10, 3), (10, 5), (1, 4), (7, 1), (5, 100)])
@pytest.mark.parametrize("kind", [list, np.array, tuple])
def test_minibatches_cover_every_example_once(examples, size, kind):
    xs, ys = kind([float(i) for i in range(examples)]), kind(range(examples))
    batches = list(minibatches(xs, ys, size, rng()))
    lengths = [len(targets) for _, targets in batches]
    assert lengths[:-1] == [size] * (len(batches) - 1)
    assert 1 <= lengths[-1] <= size
    assert sum(lengths) == examples
    assert sorted(y for _, ys in batches for y in ys) == list(range(examples))
    for inputs, targets in batches:
        assert inputs == targets
        assert {type(x) for x in inputs} == {float}
        assert {type(y) for y in targets} == {int}


def test_rows_of_an_array_come_as_lists():
    ((inputs, _),) = minibatches(X, CLASSES, 20, rng())
    assert sorted(inputs) == sorted(X.tolist())


def test_the_order_is_drawn_anew_from_the_generator():
    def order(generator):
        return [y for _, ys in minibatches(X, range(20), 6, generator) for y in ys]

    generator = rng()
    first, second = order(generator), order(generator)
    assert first != second
    assert [first, second] != [list(range(20))] * 2
    generator = rng()
    assert [order(generator), order(generator)] == [first, second]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1, 2], 1), r"minibatches\(X, y\): 1 inputs, but 2 targets"),
        (([], [], 1), "there are no examples"),
        ((np.zeros((0, 2)), [], 1), "there are no examples"),
        (([1.0], [1], 0), r"size must be a positive integer, not 0 \(int\)"),
        (([1.0], [1], -2), "size must be a positive integer, not -2"),
        (([1.0], [1], 1.5), r"size must be a positive integer, not 1\.5"),
        (([1.0], [1], None), "size must be a positive integer, not None"),
    ],
)
def test_bad_batches_are_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        minibatches(*arguments, rng())  # before the first is asked for


@pytest.mark.parametrize("wrong", [None, 0, np.random])
def test_an_order_wants_a_generator(wrong):
    with pytest.raises(TypeError, match=r"rng takes a numpy\.random\.Generator, not"):
        minibatches([1.0], [1], 1, wrong)


# -- training --------------------------------------------------------------------------------------


def test_fit_is_the_loop_of_four_lines_bit_for_bit():
    model, _ = line()
    optimizer = Adam(model.parameters(), lr=0.05)
    generator, losses = rng(5), []
    for _ in range(6):
        epoch = []
        for xs, ys in minibatches(X, LINE, 8, generator):
            loss = nn.mse_loss([model(x) for x in xs], ys)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch.append(loss.data)
        losses.append(float(np.mean(epoch)))

    twin, _ = line()
    other, twin_rng = Adam(twin.parameters(), lr=0.05), rng(5)
    history = fit(
        *(twin, nn.mse_loss, (X, LINE), other, 6), batch_size=8, rng=twin_rng, progress=False
    )
    assert numbers(twin) == numbers(model)
    assert history.loss == losses
    np.testing.assert_equal(other.state_dict(), optimizer.state_dict())
    assert twin_rng.bit_generator.state == generator.bit_generator.state


@pytest.mark.parametrize("kind", [np.array, lambda a: np.array(a).tolist()])
def test_fit_learns_classes_and_measures_them(kind):
    model = nn.MLP(2, [6, 2], "tanh", rng())
    history = fit(
        *(model, nn.cross_entropy, (kind(X), kind(CLASSES)), Adam(model.parameters(), lr=0.05)),
        *(30,),
        **{"batch_size": 5, "rng": rng(), "progress": False, "metric": nn.accuracy},
        validation=(kind(X[:7]), kind(CLASSES[:7])),
    )
    lengths = [len(v) for v in vars(history).values() if isinstance(v, list)]
    assert lengths == [30] * 4
    assert history.stopped == "epochs"
    assert history.loss[-1] < 0.1 * history.loss[0]
    assert history.metric[-1] == history.val_metric[-1] == 1.0
    assert all(type(x) is float for x in history.loss + history.val_loss + history.val_metric)
    outputs = [model(x) for x in X[:7].tolist()]
    assert history.val_loss[-1] == nn.cross_entropy(outputs, CLASSES[:7].tolist()).data


def test_a_history_has_only_what_was_measured():
    model, optimizer = line()
    history = fit(model, nn.mse_loss, (X, LINE), optimizer, 3, rng=rng(), progress=False)
    assert (len(history.loss), history.metric, history.val_loss, history.val_metric) == (
        *(3, [], [], []),
    )
    assert fit(model, nn.mse_loss, (X, LINE), optimizer, 0, rng=rng(), progress=False) == History()


def test_measuring_neither_trains_nor_draws():
    results = []
    for more in ({}, {"metric": lambda *_: 0.0, "validation": (X[:5], LINE[:5])}):
        model, optimizer = line()
        generator = rng()
        fit(model, nn.mse_loss, (X, LINE), optimizer, 4, rng=generator, progress=False, **more)
        results.append((numbers(model), generator.bit_generator.state))
    assert results[0] == results[1]


def with_dropout():
    """A model that drops everything in training, and its optimizer."""
    generator = rng(1)
    model = nn.Sequential(nn.Dropout(1.0, generator), nn.Layer(2, 1, rng=generator))
    return model, SGD(model.parameters(), lr=0.01)


def test_measuring_is_done_without_dropout():
    model, optimizer = with_dropout()
    seen = []

    def metric(outputs, targets):
        seen.append([y.data for (y,) in outputs])
        return 0.0

    fit(
        *(model, nn.mse_loss, (X, LINE), optimizer, 1),
        **{"rng": rng(), "progress": False, "metric": metric, "validation": (X[:3], LINE[:3])},
        jit=False,
    )
    assert [len(outputs) for outputs in seen] == [20, 3]
    assert all(len(set(outputs)) > 1 for outputs in seen)  # else all are the bias
    assert all(module.training for module in model.modules())


def test_patience_counts_epochs_without_a_new_best():
    falls = [5.0, 4.0, 4.0, 4.5, 3.0, 3.1, 3.2, 3.0, 1.0]
    for patience, epochs in ((1, 3), (2, 4), (3, 8), (4, 9)):
        model, optimizer = line()
        values = iter(falls)

        def loss(outputs, targets, values=values):
            return next(values) + 0.0 * outputs[0][0]

        history = fit(
            *(model, loss, (X, LINE), optimizer, 9),
            **{"batch_size": 20, "rng": rng(), "progress": False, "patience": patience},
            jit=False,
        )
        assert history.loss == falls[:epochs]
        assert history.stopped == ("patience" if epochs < 9 else "epochs")


def test_patience_looks_at_the_validation_loss_if_there_is_one():
    model, optimizer = line()
    training = iter([5.0, 4.0, 3.0, 2.0, 1.0])
    validation = iter([1.0, 2.0, 3.0, 4.0, 5.0])

    def loss(outputs, targets):
        return next(training if len(targets) == 20 else validation) + 0.0 * outputs[0][0]

    history = fit(
        *(model, loss, (X, LINE), optimizer, 5),
        **{"batch_size": 20, "rng": rng(), "progress": False, "patience": 2},
        **{"validation": (X[:3], LINE[:3]), "jit": False},
    )
    assert (history.loss, history.val_loss) == ([5.0, 4.0, 3.0], [1.0, 2.0, 3.0])
    assert history.stopped == "patience"


def test_the_scheduler_steps_once_an_epoch():
    model, optimizer = line(lr=0.08)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    fit(
        *(model, nn.mse_loss, (X, LINE), optimizer, 3),
        **{"batch_size": 4, "rng": rng(), "progress": False, "scheduler": scheduler},
    )
    assert scheduler.get_last_lr() == [0.08 * 0.5**3]


def test_a_scheduler_of_plateaus_is_given_what_patience_looks_at():
    model, optimizer = line(lr=0.08)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.0)
    values = itertools.chain([2.0, 1.0, 1.0, 0.5, 0.6])
    fit(
        *(model, lambda outputs, _: next(values) + 0.0 * outputs[0][0], (X, LINE), optimizer, 5),
        **{"batch_size": 20, "rng": rng(), "progress": False, "scheduler": scheduler, "jit": False},
    )
    assert scheduler.get_last_lr() == [0.08 * 0.5**2]
    assert scheduler.best == 0.5


def test_a_checkpoint_is_written_every_k_epochs_and_continues(tmp_path):
    def make():
        model, optimizer = line()
        return model, optimizer, lr_scheduler.ExponentialLR(optimizer, 0.9), rng(5)

    def go(model, optimizer, scheduler, generator, epochs, **more):
        return fit(
            *(model, nn.mse_loss, (X, LINE), optimizer, epochs),
            **{"batch_size": 6, "rng": generator, "scheduler": scheduler, "progress": False},
            **more,
        )

    path = tmp_path / "a.npz"
    go(*make(), 2, checkpoint=path, every=3)
    assert not path.exists()
    objects = make()
    history = go(*objects, 8, checkpoint=path, every=3)  # saved after 3 and 6
    model, optimizer, scheduler, generator = make()
    load(path, model, optimizer, generator, past := History(), scheduler)
    assert scheduler.epoch == 6
    assert past.loss == history.loss[:6]
    assert go(model, optimizer, scheduler, generator, 2).loss == history.loss[6:]
    assert numbers(model) == numbers(objects[0])


class Training:
    """Everything that a training with four generators of its own changes."""

    def __init__(self, seed, rule=NoisySGD, plan="ExponentialLR", **options):
        self.rng, drops, noise = rng(seed), [rng(seed + 1), rng(seed + 2)], rng(seed + 3)
        self.model = nn.Sequential(
            *(nn.Dropout(0.2, drops[0]), nn.Layer(2, 4, "tanh", self.rng)),
            *(nn.Dropout(0.3, drops[1]), nn.Dropout(0.1, drops[0]), nn.Layer(4, 1, rng=self.rng)),
        )
        more = {"rng": noise} if rule is NoisySGD else {}
        self.optimizer = rule(self.model.parameters(), lr=0.05, **more)
        self.scheduler = getattr(lr_scheduler, plan)(self.optimizer, **options)
        self.history = History()
        self.all = (self.model, self.optimizer, self.rng, self.history, self.scheduler)
        self.all += (*drops, *([noise] if more else []))

    def go(self, epochs, **more):
        return fit(
            *(self.model, nn.mse_loss, (X, LINE), self.optimizer, epochs),
            **{"batch_size": 6, "rng": self.rng, "scheduler": self.scheduler, "progress": False},
            **{"metric": distance, "validation": (X[:5], LINE[:5]), "history": self.history},
            **{"jit": False, **more},  # it drops
        )

    def states(self):
        return copy.deepcopy(
            [
                o.bit_generator.state if isinstance(o, np.random.Generator) else o.state_dict()
                for o in self.all
            ]
        )


def distance(outputs, targets):
    return float(np.mean([abs(y.data - t) for (y,), (t,) in zip(outputs, targets, strict=True)]))


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: Training(seed, gamma=0.9),
        lambda seed: Training(seed, Adam, "OneCycleLR", max_lr=0.1, total_steps=12),
        lambda seed: Training(seed, SGD, "ReduceLROnPlateau", patience=0, factor=0.5),
    ],
)
@pytest.mark.parametrize("patience", [None, 3])
def test_training_goes_on_from_a_checkpoint_as_if_never_stopped(tmp_path, make, patience):
    path = tmp_path / "a.npz"
    whole = make(0)
    whole.go(9, patience=patience)

    class Stopped(Exception):
        pass

    stopped, calls = make(0), itertools.count(1)

    def killed(*arguments):
        if next(calls) > 2 * 5:  # two measurements an epoch; the kill comes in the sixth
            raise Stopped
        return distance(*arguments)

    with pytest.raises(Stopped):
        fit(
            *(stopped.model, nn.mse_loss, (X, LINE), stopped.optimizer, 9),
            **{"batch_size": 6, "rng": stopped.rng, "scheduler": stopped.scheduler},
            **{"metric": killed, "validation": (X[:5], LINE[:5]), "progress": False},
            **{"checkpoint": path, "every": 2, "jit": False},
        )
    resumed = make(7)
    load(path, *resumed.all)
    assert len(resumed.history.loss) == 4
    assert resumed.go(9, patience=patience) is resumed.history
    np.testing.assert_equal(resumed.states(), whole.states())


def test_a_history_that_has_waited_long_enough_is_not_continued():
    training = Training(0, gamma=0.9)
    training.history.load_state_dict(
        {
            **{"loss": [4.0, 3.0, 2.0], "metric": [1.0] * 3, "val_loss": [1.0, 2.0, 3.0]},
            **{"val_metric": [1.0] * 3, "stopped": "interrupt"},
        }
    )
    before = training.states()[:3]
    assert training.go(9, patience=2).stopped == "patience"
    np.testing.assert_equal(training.states()[:3], before)
    assert training.go(3).stopped == "epochs"
    assert len(training.go(4).loss) == 4


def test_what_a_history_refuses():
    history = History(loss=[1.0])
    for change, error, message in (
        ({"val_loss": ["x"]}, TypeError, "val_loss must be a real number, not 'x'"),
        ({"more": 1}, ValueError, "a History is of loss, metric, .*; not .*more"),
    ):
        with pytest.raises(error, match=message):
            history.load_state_dict(history.state_dict() | {"loss": [2.0]} | change)
    assert history == History(loss=[1.0])
    model, optimizer = line()
    before = numbers(model)
    for past, more, message in (
        (History(loss=[1.0]), {"metric": distance}, "1 epochs, but 0 of metric, which is measured"),
        (History(loss=[1.0], val_loss=[1.0]), {}, "but 1 of val_loss, which is not measured now"),
    ):
        given = {"rng": rng(), "progress": False, "history": past, **more}
        with pytest.raises(ValueError, match=message):
            fit(model, nn.mse_loss, (X, LINE), optimizer, 3, **given)
    assert numbers(model) == before


def test_a_checkpoint_without_a_folder_is_refused_before_training(tmp_path):
    model, optimizer = line()
    before = numbers(model)
    given = {"rng": rng(), "progress": False, "checkpoint": tmp_path / "nowhere" / "a.npz"}
    with pytest.raises(FileNotFoundError, match="no folder for the checkpoint"):
        fit(model, nn.mse_loss, (X, LINE), optimizer, 3, **given)
    assert numbers(model) == before


# -- what ends or refuses it -----------------------------------------------------------------------


def test_control_c_ends_cleanly_with_the_history_so_far(tmp_path):
    model, optimizer = line()
    after, calls = [], itertools.count(1)

    def loss(outputs, targets):
        if next(calls) == 8:  # in the third epoch of three batches
            after.append(numbers(model))
            raise KeyboardInterrupt
        return nn.mse_loss(outputs, targets)

    path = tmp_path / "a.npz"
    history = fit(
        *(model, loss, (X, LINE), optimizer, 5),
        **{"batch_size": 8, "rng": rng(), "progress": False, "checkpoint": path, "jit": False},
    )
    assert history.stopped == "interrupt"
    assert len(history.loss) == 2
    assert [numbers(model)] == after
    twin, other = line()
    expected = fit(twin, nn.mse_loss, (X, LINE), other, 2, batch_size=8, rng=rng(), progress=False)
    assert history.loss == expected.loss
    load(path, model, optimizer, rng(), past := History())
    assert numbers(model) == numbers(twin)
    assert past.loss == history.loss


@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_control_c_during_a_measurement_leaves_whole_epochs_in_the_history(when):
    training, calls = Training(0, gamma=0.9), itertools.count(1)

    def metric(outputs, targets):
        if next(calls) == when:
            raise KeyboardInterrupt
        return distance(outputs, targets)

    def loss(outputs, targets):
        if len(targets) == 5 and next(calls) == when:  # that of the validation
            raise KeyboardInterrupt
        return nn.mse_loss(outputs, targets)

    history = fit(
        *(training.model, loss, (X, LINE), training.optimizer, 3),
        **{"rng": rng(), "progress": False, "metric": metric, "validation": (X[:5], LINE[:5])},
        jit=False,
    )
    assert history.stopped == "interrupt"
    epochs = (when - 1) // 3
    assert [len(v) for v in vars(history).values() if isinstance(v, list)] == [epochs] * 4
    assert all(module.training for module in training.model.modules())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of open files
def test_control_c_at_any_moment_leaves_everything_whole(tmp_path):
    path = tmp_path / "a.npz"

    def make():
        return Training(0, Adam, "StepLR", step_size=1, gamma=0.5)

    class Watching(Adam):
        """It keeps the states between its steps."""

        def step(self):
            super().step()
            ends.append(now(training))

    def now(training):
        optimizer = training.optimizer.state_dict()
        return numbers(training.model), optimizer["state"]

    ends, training = [], Training(0, Watching, "StepLR", step_size=1, gamma=0.5)
    ends.append(now(training))
    training.go(2)
    reached = set()
    for moment in itertools.count():
        training = make()

        def run(t=training):
            return t.go(2, checkpoint=path)

        came_out = interrupted(run, (173 if COMPILED else 601) * moment, kinds=["call"])
        if path.exists():
            load(path, *make().all)
        x = Value(1.0)
        assert ((x * 2).op, (x * 2).scope) == ("mul", "")  # no mode is left behind
        assert all(module.training for module in training.model.modules())
        lists = [v for v in vars(training.history).values() if isinstance(v, list)]
        assert len({len(v) for v in lists}) == 1
        state = now(training)
        steps = [end[0] for end in ends].index(state[0])
        np.testing.assert_equal(state, ends[steps])
        reached.add(steps)
        if not came_out and training.history.stopped == "epochs":
            break
    assert reached == set(range(len(ends)))


def test_other_errors_come_through():
    model, optimizer = line()
    with pytest.raises(ZeroDivisionError):
        fit(model, lambda *_: 1 / 0, (X, LINE), optimizer, 1, rng=rng(), progress=False)


@pytest.mark.parametrize("progress", [True, False])
def test_progress_is_shown_on_stderr_or_not_at_all(capsys, progress):
    model, optimizer = line()
    fit(model, nn.mse_loss, (X, LINE), optimizer, 3, rng=rng(), progress=progress)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ("3/3" in shown.err and "loss=" in shown.err) == progress
    assert bool(shown.err) == progress


def test_without_tqdm_a_bar_cannot_be_shown(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    model, optimizer = line()
    before = numbers(model)
    with pytest.raises(ImportError, match="tqdm"):
        fit(model, nn.mse_loss, (X, LINE), optimizer, 1, rng=rng())
    assert numbers(model) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"epochs": -1}, "epochs must be an integer from 0 up, not -1"),
        ({"epochs": 1.5}, r"epochs must be an integer from 0 up, not 1\.5"),
        ({"every": 0}, "every must be an integer from 1 up, not 0"),
        ({"patience": 0}, "patience must be an integer from 1 up, not 0"),
        ({"batch_size": 0}, "size must be a positive integer, not 0"),
        ({"data": (X, LINE[1:])}, "20 inputs, but 19 targets"),
        ({"data": ([], [])}, "there are no examples"),
        ({"validation": (X, LINE[1:])}, "20 inputs, but 19 targets"),
        ({"validation": ([], [])}, "there are no examples"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_done(more, message):
    model, optimizer = line()
    before, generator = numbers(model), rng()
    given = {"data": (X, LINE), "epochs": 2, "rng": generator, "progress": False, **more}
    with pytest.raises(ValueError, match=message):
        fit(model, nn.mse_loss, optimizer=optimizer, **given)
    assert numbers(model) == before
    assert generator.bit_generator.state == rng().bit_generator.state
