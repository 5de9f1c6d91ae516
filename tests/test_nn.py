"""Modules, losses, and what they refuse."""

import copy
import math

import numpy as np
import pytest

from autodiff import Value, nn, no_grad
from autodiff.nn import MLP, Layer, Module, Neuron, TwoLayerNet


def rng():
    return np.random.default_rng(0)


def test_a_neuron_is_a_weighted_sum_a_bias_and_an_activation():
    neuron = Neuron(2, "tanh", rng())
    w0, w1 = (w.data for w in neuron.weights)
    expected = math.tanh(w0 * 3.0 + w1 * -2.0 + neuron.bias.data)
    assert neuron([3.0, -2.0]).data == pytest.approx(expected, rel=1e-15)


def test_parameters_are_found_in_order_with_their_paths():
    net = MLP(2, [2, 1], "relu", rng())
    names = [name for name, _ in net.named_parameters()]
    assert names[:3] == [
        "layers.0.neurons.0.weights.0",
        "layers.0.neurons.0.weights.1",
        "layers.0.neurons.0.bias",
    ]
    assert len(names) == len(net.parameters()) == 9
    assert len(TwoLayerNet(64, 32, 10).parameters()) == 64 * 32 + 32 + 32 * 10 + 10


def test_a_shared_parameter_is_listed_once():
    class Tied(Module):
        def __init__(self):
            self.a = Value(1.0)
            self.b = self.a

    assert len(Tied().parameters()) == 1


def test_the_same_generator_gives_the_same_net():
    first, second = (TwoLayerNet(3, 4, 2, rng=rng()) for _ in range(2))
    assert [p.data for p in first.parameters()] == [p.data for p in second.parameters()]


def test_the_last_layer_has_no_activation():
    net = MLP(1, [8, 3], "relu", rng())
    assert {score.op for score in net([1.0])} == {"add"}


def test_zero_grad_reaches_every_parameter():
    net = TwoLayerNet(2, 3, 2, rng=rng())
    nn.cross_entropy([net([1.0, 2.0])], [1]).backward()
    assert any(p.grad != 0 for p in net.parameters())
    net.zero_grad()
    assert all(p.grad == 0 for p in net.parameters())


def test_what_a_module_records_is_labelled_with_its_place():
    net = MLP(2, [2, 1], "relu", rng())
    (out,) = net([1.0, 2.0])
    assert out.scope == "mlp/layers.1/neurons.0"


def test_a_module_without_forward_says_so():
    with pytest.raises(TypeError, match=r"Empty does not define forward\(\)"):
        type("Empty", (Module,), {})()()


def test_a_copied_net_is_independent():
    net = Neuron(1, rng=rng())
    twin = copy.deepcopy(net)
    twin.bias.data = 9.0
    assert net.bias.data != 9.0
    assert twin([0.0]).data == 9.0


def test_a_function_may_be_the_activation():
    assert Neuron(1, lambda x: x * 0 + 5, rng())([1.0]).data == 5.0


def test_wrong_inputs_are_refused_before_anything_is_computed():
    layer = Layer(3, 2, rng=rng())
    with pytest.raises(ValueError, match="Neuron takes 3 inputs, not 2"):
        layer([1.0, 2.0])
    with pytest.raises(TypeError, match=r"takes a list of 3 numbers, not 1\.0"):
        layer(1.0)
    with pytest.raises(TypeError, match="element 1 of dot"):
        layer([1.0, "2", 3.0])


@pytest.mark.parametrize("size", [0, -1, 2.5, "3", True])
def test_sizes_must_be_positive_integers(size):
    with pytest.raises(ValueError, match="in_features must be a positive integer"):
        Neuron(size)
    with pytest.raises(ValueError, match="out_features must be a positive integer"):
        Layer(2, size)


def test_unknown_activations_and_empty_nets_are_refused():
    with pytest.raises(ValueError, match="'relu', 'tanh' or 'sigmoid', not 'rellu'"):
        Neuron(2, "rellu")
    with pytest.raises(ValueError, match="at least one layer"):
        MLP(2, [])


# -- losses ----------------------------------------------------------------------------------------


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
