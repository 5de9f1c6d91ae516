"""Mini-batches, and ``fit``: the four-line loop with a history, and what ends it."""

import itertools
import sys

import numpy as np
import pytest

from autodiff import nn
from autodiff.checkpoints import load
from autodiff.optim import SGD, Adam, History, fit, lr_scheduler, minibatches

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
        validation=(X[:3], LINE[:3]),
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
        **{"batch_size": 20, "rng": rng(), "progress": False, "scheduler": scheduler},
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
    load(path, model, optimizer, generator, scheduler)
    assert scheduler.epoch == 6
    assert go(model, optimizer, scheduler, generator, 2).loss == history.loss[6:]
    assert numbers(model) == numbers(objects[0])


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
        **{"batch_size": 8, "rng": rng(), "progress": False, "checkpoint": path},
    )
    assert history.stopped == "interrupt"
    assert len(history.loss) == 2
    assert [numbers(model)] == after
    twin, other = line()
    expected = fit(twin, nn.mse_loss, (X, LINE), other, 2, batch_size=8, rng=rng(), progress=False)
    assert history.loss == expected.loss
    load(path, model, optimizer, rng())
    assert numbers(model) == numbers(twin)


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
