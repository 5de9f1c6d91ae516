"""Losses: values and gradients are PyTorch's, or, where it loses digits, those of mpmath."""

import json
import math
import pickle
from itertools import chain
from pathlib import Path

import mpmath
import numpy as np
import pytest
from mpmath import mp

from autodiff import (
    Value,
    functions,
    grad,
    hessian,
    jit,
    log_softmax,
    nn,
    no_grad,
    sigmoid,
    softmax,
)
from autodiff.export import to_python
from autodiff.testing import check_gradient

TORCH = json.loads((Path(__file__).parent / "seeds" / "torch_training.json").read_text())["losses"]


def flat(rows):
    """The numbers in a (nested) list, in order."""
    return list(chain.from_iterable(map(flat, rows))) if isinstance(rows, list) else [rows]


def leaves(rows):
    """The same (nested) list of Values."""
    return [leaves(r) for r in rows] if isinstance(rows, list) else Value(rows)


def value_and_gradient(loss, outputs, *targets, **options):
    """Of a loss, by its outputs."""
    values = leaves(outputs)
    result = loss(values, *targets, **options)
    result.backward()
    return result.data, [v.grad for v in flat(values)]


def certain(entry):
    """Whether a probability is 0 or 1: PyTorch divides by a float32's 1e-12 then."""
    return entry["loss"] == "binary_cross_entropy" and entry["arguments"][0][0] in (0, 1)


# -- by hand ---------------------------------------------------------------------------------------


def test_the_mean_squared_error_is_25():
    assert nn.mse_loss([80, 90, 70], [75, 85, 75]) == 25.0


def test_the_gradient_of_the_mean_squared_error():
    predictions = [Value(1.0), Value(4.0)]
    nn.mse_loss(predictions, [0.0, 0.0]).backward()
    assert [p.grad for p in predictions] == [1.0, 4.0]


def test_cross_entropy_and_its_gradient_are_softmax():
    scores = [Value(1.0), Value(2.0), Value(3.0)]
    loss = nn.cross_entropy([scores], [0])
    powers = [math.exp(z) for z in (1.0, 2.0, 3.0)]
    softmax = [p / sum(powers) for p in powers]
    assert loss.data == pytest.approx(-math.log(softmax[0]), rel=1e-14)
    loss.backward()
    expected = [softmax[0] - 1, softmax[1], softmax[2]]
    assert [z.grad for z in scores] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("scores", "target", "expected", "gradient"),
    [
        ([1000.0, -1000.0], 0, 0.0, [0.0, 0.0]),
        ([1000.0, -1000.0], 1, 2000.0, [1.0, -1.0]),
        ([1e300, 1e300], 0, math.log(2), [-0.5, 0.5]),
    ],
)
def test_cross_entropy_is_stable_at_huge_scores(scores, target, expected, gradient):
    values = [Value(z) for z in scores]
    loss = nn.cross_entropy([values], [target])
    loss.backward()
    assert loss.data == pytest.approx(expected, rel=1e-15)
    assert [v.grad for v in values] == pytest.approx(gradient, abs=1e-15)


def test_losses_of_plain_numbers_are_plain_numbers():
    assert type(nn.cross_entropy([[1.0, 2.0]], [0])) is float
    assert type(nn.mse_loss([1.0], [2.0])) is float


def test_accuracy_counts_the_largest_score():
    with no_grad():
        rows = [[Value(1.0), Value(0.0)], [Value(0.0), Value(2.0)], [Value(3.0), Value(1.0)]]
    assert nn.accuracy(rows, [0, 1, 1]) == pytest.approx(2 / 3)


def test_what_losses_refuse():
    with pytest.raises(ValueError, match="empty batch"):
        nn.mse_loss([], [])
    with pytest.raises(ValueError, match="2 outputs, but 1 targets"):
        nn.mse_loss([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="nested equally deep"):
        nn.mse_loss([[1.0]], [1.0])
    with pytest.raises(ValueError, match="2 rows of scores, but 1 targets"):
        nn.cross_entropy([[1.0], [1.0]], [0])
    with pytest.raises(ValueError, match="target 0 is 2; with 2 classes, 0 to 1"):
        nn.cross_entropy([[1.0, 1.0]], [2])
    with pytest.raises(ValueError, match="target 0 is -1"):
        nn.cross_entropy([[1.0, 1.0]], [-1])
    with pytest.raises(TypeError, match=r"integer of a class, not 0\.5"):
        nn.cross_entropy([[1.0, 1.0]], [0.5])
    with pytest.raises(ValueError, match="empty batch"):
        nn.cross_entropy([], [])
    with pytest.raises(ValueError, match="empty batch"):
        nn.accuracy([], [])


# -- beside PyTorch --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    TORCH,
    ids=[f"{i}-{entry['loss']}-{'-'.join(entry['options'])}" for i, entry in enumerate(TORCH)],
)
def test_values_and_gradients_are_pytorchs(entry):
    loss, (outputs, targets) = getattr(nn, entry["loss"]), entry["arguments"]
    value, gradient = value_and_gradient(loss, outputs, targets, **entry["options"])
    assert value == pytest.approx(entry["value"], rel=1e-12, abs=0)
    if not certain(entry):
        assert gradient == pytest.approx(flat(entry["gradient"]), rel=1e-12, abs=1e-16)
    assert loss(outputs, targets, **entry["options"]) == value


def test_every_loss_is_compared():
    assert {entry["loss"] for entry in TORCH} == {
        name for name in nn.__all__ if name.endswith(("_loss", "entropy", "logits", "_div"))
    }


# -- at the ends of the range ----------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("target", [0.0, 0.5, 1.0])
def test_the_gradient_at_probabilities_0_and_1_is_a_number(p, target):
    value, (slope,) = value_and_gradient(nn.binary_cross_entropy, [p], [target])
    assert value == 100 * abs(target - p)
    if target == p:
        assert slope in (0.0, 1 - 2 * p)  # PyTorch's, or that of the one logarithm that counts
    else:
        assert slope == pytest.approx(1e12 * (p - target), rel=1e-8)  # PyTorch's bound


@pytest.mark.parametrize("score", [-1e4, -1000.0, -800.0, -745.0, 40.0, 1000.0, 1e4])
@pytest.mark.parametrize("target", [0.0, 0.5, 1.0])
def test_a_sigmoid_that_has_become_0_or_1_gives_no_nan(score, target):
    z = Value(score)
    p = sigmoid(z)
    nn.binary_cross_entropy([p], [target]).backward()
    true = p.data - target
    assert min(true, 0.0) - 1e-17 <= z.grad <= max(true, 0.0) + 1e-17  # PyTorch: 0


@pytest.mark.parametrize("score", [1e4, 1000.0, 745.0, 100.0, 37.0, 1.0, 0.0])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
def test_scores_lose_no_digits_in_binary_cross_entropy(score, sign, target):
    value, (slope,) = value_and_gradient(
        nn.binary_cross_entropy_with_logits, [sign * score], [target]
    )
    with mp.workdps(60):
        z, t = mp.mpf(sign * score), mp.mpf(target)
        expected = t * mpmath.log1p(mpmath.exp(-z)) + (1 - t) * mpmath.log1p(mpmath.exp(z))
        expected_slope = -t / (1 + mpmath.exp(z)) + (1 - t) / (1 + mpmath.exp(-z))
    assert value == pytest.approx(float(expected), rel=1e-15, abs=1e-320)
    assert slope == pytest.approx(float(expected_slope), rel=1e-15, abs=1e-320)


ROWS = [
    [1000.0, -1000.0, 0.0],
    [1e4, 1e4, -1e4],
    [1e4, 1e4 - 1, 1e4 - 30],
    [-1e4, 0.0, 40.0],
    [0.0, 0.0, 0.0],
    [36.0, 0.0, -5.0],
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("target", [0, 1, 2, [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]], ids=str)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_scores_lose_no_digits_in_cross_entropy(row, target, smoothing):
    value, gradient = value_and_gradient(
        lambda z: nn.cross_entropy([z], [target], label_smoothing=smoothing), row
    )
    q = target if isinstance(target, list) else [float(i == target) for i in range(3)]
    q = [(1 - smoothing) * x + smoothing / 3 for x in q]
    with mp.workdps(60):
        exact = [mp.mpf(x) / mpmath.fsum(q) for x in q]
        total = mpmath.fsum(mpmath.exp(z) for z in row)
        expected = mpmath.fdot(exact, [mpmath.log(total) - z for z in row])
        slopes = [mpmath.exp(z) / total - t for z, t in zip(row, exact, strict=True)]
    assert value == pytest.approx(float(expected), rel=1e-14, abs=4e-16)
    assert gradient == pytest.approx([float(g) for g in slopes], rel=1e-14, abs=4e-16)


def test_a_certain_and_right_answer_still_has_gradients():
    value, gradient = value_and_gradient(lambda z: nn.cross_entropy([z], [0]), [50.0, 0.0])
    assert value == 0.0
    assert gradient[1] == pytest.approx(math.exp(-50), rel=1e-15, abs=0)


# -- at the ends, and in every transform -----------------------------------------------------------


def partials_of(loss, *operands):
    """The loss of one example, and its gradients: of Values and, the same, of a jitted function."""
    lists = [[Value(x)] for x in operands]
    value = loss(*lists)
    value.backward()
    found = (value.data, *(xs[0].grad for xs in lists))
    plain = [[x] for x in operands]
    both = tuple(range(len(operands)))
    slopes = [xs[0] for xs in jit(grad(loss, both))(*plain)]
    np.testing.assert_array_equal((jit(loss)(*plain), *slopes), found)
    return found


@pytest.mark.parametrize("d", [math.inf, -math.inf, 1e200, 3.0, -3.0])
def test_huber_goes_on_straight_however_far(d):
    assert partials_of(lambda p: nn.huber_loss(p, [0.0], 2.0), d) == (
        2.0 * (abs(d) - 1.0),
        math.copysign(2.0, d),
    )


@pytest.mark.parametrize("z", [0.5, 2.0, -2.0, 1000.0, -1000.0, math.inf, -math.inf])
@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
def test_cross_entropy_with_logits_by_its_target_is_minus_the_logit(z, t):
    value, by_logit, by_target = partials_of(nn.binary_cross_entropy_with_logits, z, t)
    assert by_target == -z
    assert by_logit == pytest.approx(sigmoid(z) - t, rel=1e-15, abs=2e-16)
    if z in (math.inf, -math.inf):
        assert value == (0.0 if t == (z > 0) else math.inf)


def test_a_target_of_no_probability_adds_nothing_to_the_divergence():
    assert partials_of(nn.kl_div, -1.0, 0.0) == (0.0, -0.0, -math.inf)
    assert partials_of(lambda q: nn.kl_div(q, [0.0]), -math.inf) == (0.0, 0.0)
    assert type(nn.kl_div([Value(-1.0)], [0.0])) is Value


def bernoulli_entropy(p, t):
    """What PyTorch computes: value, and the partials."""

    def log(x):
        return max(math.log(x), -100.0) if x > 0 else -100.0

    value = -(t * log(p) + (1 - t) * (log(1 - p) if p > 0.5 else math.log1p(-p)))
    return value, (p - t) / max(p * (1 - p), 1e-12), log(1 - p) - log(p)


@pytest.mark.parametrize("p", [0.0, 5e-324, 1e-50, 1e-9, 0.3, 0.5, 0.75, 1 - 1e-16, 1.0])
@pytest.mark.parametrize("t", [0.0, 1e-300, 0.25, 0.5, 1.0])
def test_binary_cross_entropy_is_the_same_in_every_transform(p, t):
    assert partials_of(nn.binary_cross_entropy, p, t) == bernoulli_entropy(p, t)


def test_binary_cross_entropy_has_second_derivatives():
    second = hessian(lambda p: nn.binary_cross_entropy([p], [0.25]))(0.4)
    assert second == pytest.approx(0.25 / 0.16 + 0.75 / 0.36, rel=1e-14)


def test_programs_of_losses_are_written_and_pickled_like_any_other():
    for loss in (nn.huber_loss, nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits):
        lowered = grad(loss).lower([0.3, 0.9], [0.0, 1.0])
        scope = {}
        exec(to_python(lowered), scope)
        assert scope["f"]([0.6, 0.2], [1.0, 0.5]) == lowered([0.6, 0.2], [1.0, 0.5])
        assert pickle.loads(pickle.dumps(lowered.program)).ops.tolist() == (
            lowered.program.ops.tolist()
        )


# -- consistency -----------------------------------------------------------------------------------

ELEMENTWISE = [
    (nn.mse_loss, [0.3, -1.2, 4.0], [0.0, 1.0, 3.0]),
    (nn.l1_loss, [0.3, -1.2, 4.0], [0.0, 1.0, 3.0]),
    (nn.huber_loss, [0.3, -1.2, 4.0], [0.0, 1.0, 3.5]),
    (nn.hinge_loss, [0.3, -1.2, 4.0], [1, -1, -1]),
    (nn.binary_cross_entropy, [0.3, 0.9, 0.01], [0.0, 1.0, 0.5]),
    (nn.binary_cross_entropy_with_logits, [0.3, -3.0, 9.0], [0.0, 1.0, 0.5]),
    (nn.kl_div, [-0.3, -1.2, -4.0], [0.5, 0.0, 0.5]),
]


@pytest.mark.parametrize(("loss", "outputs", "targets"), ELEMENTWISE)
def test_gradients_are_those_of_finite_differences(loss, outputs, targets):
    check_gradient(lambda zs: loss(zs, targets), outputs)


@pytest.mark.parametrize(("loss", "outputs", "targets"), ELEMENTWISE)
def test_elementwise_losses_take_nested_lists_and_arrays(loss, outputs, targets):
    flat_loss = loss(outputs, targets)
    assert loss([[outputs[:2], outputs[2:]]], [[targets[:2], targets[2:]]]) == flat_loss
    assert loss(np.array(outputs), np.array(targets)) == flat_loss
    assert loss(leaves(outputs), np.array(targets)).data == flat_loss


def test_the_losses_of_classes_agree_with_each_other():
    row = [0.3, -1.0, 2.0]
    entropy = nn.cross_entropy([row, row], [2, 0])
    assert nn.nll_loss([log_softmax(row)] * 2, [2, 0]) == pytest.approx(entropy, rel=1e-15)
    hot = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    assert nn.cross_entropy([row, row], hot) == pytest.approx(entropy, rel=1e-15)
    divergence = nn.kl_div([log_softmax(row)] * 2, hot, reduction="batchmean")
    assert divergence == pytest.approx(entropy, rel=1e-15)
    smooth = [[0.1 * (i != 2) + 0.8 * (i == 2) for i in range(3)]]
    assert nn.cross_entropy([row], [2], label_smoothing=0.3) == pytest.approx(
        nn.cross_entropy([row], smooth), rel=1e-14
    )


def test_huber_is_square_inside_and_straight_outside():
    assert nn.huber_loss([2.0], [0.0], delta=2.0) == 2.0
    assert nn.huber_loss([3.0], [0.0], delta=2.0) == 2.0 + 2.0
    assert value_and_gradient(nn.huber_loss, [2.0, -3.0, 0.5], [0.0] * 3)[1] == pytest.approx(
        [1 / 3, -1 / 3, 0.5 / 3], rel=1e-15
    )


def test_targets_may_be_values_with_gradients_of_their_own():
    targets = [Value(0.25), Value(0.75)]
    scores = [0.5, -1.0]
    nn.cross_entropy([scores], [targets]).backward()
    expected = [-math.log(q) for q in softmax(scores)]
    assert targets[0].grad - targets[1].grad == pytest.approx(expected[0] - expected[1], rel=1e-14)
    target = Value(0.0)
    nn.mse_loss([3.0], [target]).backward()
    assert target.grad == -6.0


def test_penalties_are_sums_over_parameters():
    parameters = [Value(3.0), Value(-4.0), Value(0.0)]
    (nn.l1_penalty(iter(parameters)) + nn.l2_penalty(iter(parameters))).backward()
    assert [p.grad for p in parameters] == [7.0, -9.0, 0.0]


# -- what is refused -------------------------------------------------------------------------------

REFUSED = [
    (nn.huber_loss, [[1.0], [1.0], 0.0], ValueError, r"delta must be above 0, not 0\.0"),
    (nn.huber_loss, [[1.0], [1.0], math.nan], ValueError, "delta must be above 0, not nan"),
    (nn.hinge_loss, [[1.0], [0]], ValueError, r"hinge_loss\(\) must be -1 or 1, not 0"),
    (nn.binary_cross_entropy, [[1.5], [1.0]], ValueError, r"a probability must .* not 1\.5"),
    (nn.binary_cross_entropy, [[math.nan], [1.0]], ValueError, "a probability must .* not nan"),
    (nn.binary_cross_entropy, [[0.5], [2]], ValueError, "a target must be from 0 to 1, not 2"),
    (nn.binary_cross_entropy_with_logits, [[0.5], [-1]], ValueError, "a target must .* not -1"),
    (nn.kl_div, [[0.5], [-1.0]], ValueError, r"kl_div\(\) must be 0 or more, not -1\.0"),
    (nn.kl_div, [[0.5], [1.0], False, "avg"], ValueError, "or 'sum', not 'avg'"),
    (nn.cross_entropy, [[[0.0, 0.0]], [0], 1.5], ValueError, "label_smoothing .* not 1.5"),
    (nn.cross_entropy, [[[0.0, 0.0]], [[0.5]]], ValueError, "1 probabilities for 2 classes"),
    (nn.cross_entropy, [[[0.0, 0.0]], [[0.5, 0.6]]], ValueError, r"add up to 1\.1, not to 1"),
    (nn.cross_entropy, [[[0.0, 0.0]], [[1.5, -0.5]]], ValueError, "probability of target 0 must"),
    (nn.cross_entropy, [[[0.0, 0.0]], [True]], TypeError, "integer of a class, not True"),
    (nn.accuracy, [[[0.0, 0.0]], [2]], ValueError, "target 0 is 2; with 2 classes, 0 to 1"),
    (nn.accuracy, [[[0.0, 0.0]], [-1]], ValueError, "target 0 is -1; with 2 classes"),
    (nn.accuracy, [[[0.0, 0.0]], [0.5]], TypeError, r"integer of a class, not 0\.5"),
    (nn.accuracy, [[[0.0, 0.0]], [0, 1]], ValueError, "1 rows of scores, but 2 targets"),
    (nn.nll_loss, [[[0.0, 0.0]], [2]], ValueError, "target 0 is 2; with 2 classes, 0 to 1"),
    (nn.nll_loss, [[[0.0, 0.0]], [1.0]], TypeError, r"integer of a class, not 1\.0"),
    (nn.nll_loss, [[], []], ValueError, r"nll_loss\(\) of an empty batch"),
    (nn.kl_div, [[], []], ValueError, r"kl_div\(\) of an empty batch"),
    (nn.kl_div, [[[]], [[]], False, "sum"], ValueError, r"kl_div\(\) of an empty batch"),
    (nn.kl_div, [[], [], False, "batchmean"], ValueError, r"kl_div\(\) of an empty batch"),
    (nn.l1_loss, [[1.0], [[1.0]]], ValueError, "not nested equally deep"),
    (nn.mse_loss, [["a"], ["b"]], TypeError, r"mse_loss\(\) takes numbers and Values, not 'a'"),
    (nn.kl_div, [[0.5], ["b"]], TypeError, r"kl_div\(\) takes numbers and Values, not 'b'"),
]


@pytest.mark.parametrize(("loss", "arguments", "error", "message"), REFUSED)
def test_what_makes_no_sense_is_refused(loss, arguments, error, message):
    with pytest.raises(error, match=message):
        loss(*arguments)


# -- in functions that jit traces ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "outputs", "targets"),
    [
        (nn.huber_loss, [[0.25, 0.75], [3.0, -2.0], [1.0, 0.0]], [[0.0, 3.0], [1.0, -5.0]]),
        (nn.hinge_loss, [[0.25, 0.75], [3.0, -2.0], [1.0, 0.0]], [[1, -1], [-1, -1], [1, 1]]),
        (nn.kl_div, [[-0.5, -2.0], [0.0, -1.0]], [[0.0, 0.5], [0.3, 0.0], [0.5, 0.5]]),
        (nn.mse_loss, [[0.25, 0.75]], [[0, 1], [1, 0]]),
        (nn.l1_loss, [[0.25, 0.75]], [[0, 1], [1, 0]]),
        (nn.binary_cross_entropy, [[0.25, 0.75], [0.5, 1e-9]], [[0, 1], [1, 1]]),
        (nn.binary_cross_entropy_with_logits, [[30.0, -30.0], [0.0, 1.0]], [[0, 1], [1, 1]]),
        (nn.nll_loss, [[[-0.5, -1.0], [-2.0, -0.1]]], [[0, 1], [1, 1]]),
        (nn.cross_entropy, [[[0.5, -1.0], [-2.0, 0.1]], [[-math.inf, 0.0]] * 2], [[0, 1], [1, 1]]),
        (
            lambda z, t: nn.cross_entropy(z, t, label_smoothing=0.1),
            [[[0.5, -1.0], [-2.0, 0.1]]],
            [[0, 1], [1, 1], [[0.3, 0.7], [1.0, 0.0]]],
        ),
    ],
)
def test_losses_are_free_of_branches_and_take_traced_targets(loss, outputs, targets):
    traces = []
    fast, slope = jit(lambda p, t: traces.append(1) or loss(p, t), check=False), jit(grad(loss))
    for p in outputs:
        for t in (*targets, *targets):
            assert fast(p, t) == loss(p, t)
            found, wanted = slope(p, t), grad(loss)(p, t)
            assert np.array_equal(found, wanted, equal_nan=True)
    assert len(traces) == len({str(np.shape(t)) for t in targets})


def test_accuracy_and_bad_targets_in_a_trace():
    fast = jit(nn.accuracy)
    scores = [[2.0, 1.0], [0.0, 3.0]]
    for labels in ([0, 0], [0, 1], [1, 0], np.array([1, 1])):
        assert fast(scores, labels) == nn.accuracy(scores, labels)
    for loss in (nn.cross_entropy, nn.nll_loss, nn.accuracy):
        with pytest.raises(IndexError, match="index 2 is not one of 0 to 1"):
            jit(loss)(scores, [0, 2])
        with pytest.raises(TypeError, match="target 1 must be the integer of a class"):
            loss(scores, [0, Value(1.0)])
    for loss, wrong in ((nn.hinge_loss, [1, 0]), (nn.kl_div, [-0.5, 1.0])):
        with pytest.raises(ValueError, match="a target of"):
            jit(loss)([0.5, 0.5], wrong)
    with pytest.raises(ValueError, match="add up to"):
        jit(nn.cross_entropy)(scores, [[0.5, 0.4], [0.5, 0.5]])


def test_a_target_logit_of_minus_infinity_has_pytorchs_gradient():
    for f in (grad(nn.cross_entropy), jit(grad(nn.cross_entropy))):
        assert f([[-math.inf, 0.0]], [0]) == [[-1.0, 1.0]]
        assert f([[0.0, -math.inf]], [0]) == [[0.0, 0.0]]
    z = [Value(-math.inf), Value(0.0)]
    nn.cross_entropy([z], [0]).backward()
    assert [v.grad for v in z] == [-1.0, 1.0]


def test_an_embedding_takes_a_traced_token():
    table = nn.Embedding(5, 2, np.random.default_rng(0))
    fast = jit(lambda i: functions.dot(table(i), [1.0, 2.0]))
    for i in (0, 4, np.int64(2), 0):
        wanted = functions.dot(table(i), [1.0, 2.0])
        table.zero_grad()
        fast(i).backward()
        gradient = [p.grad for p in table.parameters()]
        with no_grad():
            assert fast(i) == fast(i) == wanted.data
        table.zero_grad()
        wanted.backward()
        assert [p.grad for p in table.parameters()] == gradient
