"""Modules: their parameters, states and places, initial weights, and what they refuse."""

import copy
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from autodiff import Value, detect_anomaly, nn, no_grad, scope, tanh
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
    for sizes in ([], 3, "ab"):
        with pytest.raises(ValueError, match="a list of sizes, one per layer, at least one, not"):
            MLP(2, sizes)


@pytest.mark.parametrize(
    "make",
    [
        lambda g: Neuron(2, "rellu", g),
        lambda g: Layer(2, 2, "rellu", g),
        lambda g: MLP(2, [3, 1], "rellu", g),
        lambda g: MLP(2, [3, 0], "relu", g),
        lambda g: TwoLayerNet(2, 3, 1.5, rng=g),
        lambda g: nn.Embedding(2, -1, g),
        lambda g: nn.Dropout(2.0, g),
    ],
)
def test_what_is_refused_has_drawn_nothing(make):
    generator = rng()
    with pytest.raises(ValueError, match="must be"):
        make(generator)
    assert generator.bit_generator.state == rng().bit_generator.state


@pytest.mark.parametrize("wrong", [0, 42, np.random, np.random.RandomState(0)])
def test_a_generator_must_be_one(wrong):
    for make in (
        lambda: Neuron(2, rng=wrong),
        lambda: Layer(2, 2, rng=wrong),
        lambda: MLP(2, [2], rng=wrong),
        lambda: TwoLayerNet(2, 2, 2, rng=wrong),
        lambda: nn.Embedding(2, 2, wrong),
        lambda: nn.Dropout(0.5, wrong),
    ):
        with pytest.raises(TypeError, match=r"takes a numpy\.random\.Generator, not"):
            make()


def test_dropout_must_be_given_a_generator():
    with pytest.raises(TypeError, match="not None"):
        nn.Dropout(0.5, None)


# -- modules ---------------------------------------------------------------------------------------


class Tower(Module):
    """Modules in an attribute, in a list, in a tuple in a list, and a parameter of its own."""

    def __init__(self):
        self.first = Neuron(1, rng=rng())
        self.rest = [nn.RMSNorm(1), (nn.Dropout(0.5, rng()), self.first)]
        self.scale = Value(2.0)
        self.width = 3


def test_modules_lists_each_once_from_the_top_down():
    tower = Tower()
    norm, (dropout, _) = tower.rest
    assert list(tower.modules()) == [tower, tower.first, norm, dropout]
    names = ["first.weights.0", "first.bias", "rest.0.weights.0", "scale"]
    assert list(tower.state_dict()) == names


def test_train_and_eval_reach_every_module_and_return_the_first():
    tower = Tower()
    assert all(module.training for module in tower.modules())
    assert tower.eval() is tower
    assert not any(module.training for module in tower.modules())
    assert tower.train() is tower
    assert all(module.training for module in tower.modules())
    assert Tower().training  # no other net has been changed


def test_a_state_goes_from_net_to_net():
    first, second = (MLP(2, [3, 1], "tanh", np.random.default_rng(seed)) for seed in (0, 1))
    state = first.state_dict()
    assert set(map(type, state.values())) == {float}
    second.load_state_dict(state)
    assert second.state_dict() == state
    assert second([0.3, -0.7])[0].data == first([0.3, -0.7])[0].data
    second.parameters()[0].data = 9.0
    assert first.state_dict() == state  # numbers, not the parameters themselves


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("bias"), ValueError, "the saved module has no parameter 'bias'"),
        (lambda s: s.update(more=1.0), ValueError, "Neuron has no parameter 'more'"),
        (lambda s: s.update(bias="1"), TypeError, "bias must be a real number, not '1'"),
        (lambda s: s.update(bias=None), TypeError, "bias must be a real number, not None"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    neuron = Neuron(2, rng=rng())
    before = neuron.state_dict()
    state = dict.fromkeys(before, 7.0)
    change(state)
    with pytest.raises(error, match=message):
        neuron.load_state_dict(state)
    assert neuron.state_dict() == before


def test_a_net_shows_its_parts():
    assert repr(nn.Sequential(Layer(2, 1, "tanh"), math.sin, nn.Sequential(sum))).splitlines() == [
        "Sequential(",
        "  (layers.0): Layer(2, 1, 'tanh')",
        "  (layers.1): sin",
        "  (layers.2): Sequential(",
        "    (layers.0): sum",
        "  )",
        ")",
    ]

    class Net(nn.Module):
        def __init__(self):
            self.scale, self.activation = Value(1.0), math.sin
            self.many = [Neuron(1) for _ in range(20)]
            self.last = nn.MLP(2, [1])

    lines = repr(Net()).splitlines()
    assert len(lines) == 1 + 8 + 1 + 1 + 1
    assert lines[1] == "  (many.0): Neuron(1)"
    assert lines[-3:] == ["  ... and 12 more", "  (last): MLP(2, [1])", ")"]
    assert repr(nn.Sequential()) == "Sequential(0 parameters)"


@pytest.mark.parametrize(
    ("module", "shown"),
    [
        (Neuron(3), "Neuron(3)"),
        (Neuron(3, "relu", bias=False), "Neuron(3, 'relu', bias=False)"),
        (Neuron(3, tanh), "Neuron(3, 'tanh')"),
        (Neuron(3, math.tanh), "Neuron(3, tanh)"),  # not the one that 'tanh' names
        (Neuron(3, lambda x: x), "Neuron(3, <lambda>)"),
        (Neuron(1, Neuron(1)), "Neuron(1, Neuron)"),
        (Layer(3, 2), "Layer(3, 2)"),
        (Layer(3, 2, "sin", bias=False), "Layer(3, 2, 'sin', bias=False)"),
        (nn.MLP(2, [8, 1], "tanh"), "MLP(2, [8, 1], 'tanh')"),
        (nn.MLP(2, [8, 4, 1], None, bias=False), "MLP(2, [8, 4, 1], None, bias=False)"),
        (nn.TwoLayerNet(64, 32, 10), "TwoLayerNet(64, 32, 10, 'relu')"),
        (nn.Embedding(10, 4), "Embedding(10, 4)"),
        (nn.Dropout(0.25, rng()), "Dropout(p=0.25)"),
        (nn.RMSNorm(4), "RMSNorm(4, eps=2.22e-16)"),
        (nn.LayerNorm(4, 1e-3), "LayerNorm(4, eps=0.001)"),
    ],
)
def test_a_module_is_shown_with_its_sizes(module, shown):
    assert repr(module) == shown


def test_what_is_no_longer_as_it_was_made_is_shown_by_its_parts():
    layer = Layer(2, 2, "relu")
    layer.neurons[1] = Neuron(2, "sin")
    shown = "Layer(\n  (neurons.0): Neuron(2, 'relu')\n  (neurons.1): Neuron(2, 'sin')\n)"
    assert repr(layer) == shown
    layer.neurons = []
    assert repr(layer) == "Layer(0 parameters)"
    for changed in (
        [Layer(2, 3), Layer(4, 1)],
        [Layer(2, 3), Layer(3, 1, "sin")],
        [Layer(2, 3, "sin"), Layer(3, 3), Layer(3, 1)],
        [Layer(2, 3), Layer(3, 1, bias=False)],
        [Layer(2, 3, "sin"), sum],
    ):
        net = nn.MLP(2, [3, 1])
        net.layers = changed
        assert repr(net).splitlines()[0] == "MLP("
    net = nn.TwoLayerNet(2, 3, 1)
    net.layers.append(Layer(1, 1))
    assert repr(net).splitlines()[0] == "TwoLayerNet("


def test_a_sequence_applies_modules_and_functions_in_turn():
    net = nn.Sequential(lambda xs: [x + 1 for x in xs], Layer(2, 1, rng=rng()), sum)
    w0, w1, b = (p.data for p in net.parameters())
    assert net([1.0, 2.0]).data == pytest.approx(2 * w0 + 3 * w1 + b, rel=1e-15)
    assert nn.Sequential()([1.0]) == [1.0]
    with pytest.raises(TypeError, match=r"takes modules and functions, not 3\.0"):
        nn.Sequential(Neuron(1), 3.0)


@pytest.mark.parametrize("make", [Neuron, lambda n, **o: Layer(n, 2, **o)])
def test_without_bias_zeros_give_zeros(make):
    module = make(3, bias=False)
    assert not any("bias" in name for name in module.state_dict())
    assert not np.any([y.data for y in np.atleast_1d(module([0.0, 0.0, 0.0]))])
    assert len(MLP(3, [4, 2], bias=False).parameters()) == 3 * 4 + 4 * 2
    assert len(TwoLayerNet(3, 4, 2, bias=False).parameters()) == 3 * 4 + 4 * 2


def test_scopes_tell_where_in_the_net_a_number_was_made():
    net = nn.Sequential(Layer(2, 2, "tanh", rng()), nn.RMSNorm(2), Layer(2, 1, rng=rng()))
    first = net.layers[0]([1.0, 2.0])
    assert [y.scope for y in first] == ["layers.0/neurons.0", "layers.0/neurons.1"]
    (out,) = net([1.0, 2.0])
    scopes, pending = set(), [out]
    while pending:
        v = pending.pop()
        if isinstance(v, Value) and v.op:
            scopes.add(v.scope)
            pending += v.operands
    assert {"sequential/layers.1", "sequential/layers.2/neurons.0"} <= scopes
    assert all(scope.startswith("sequential/layers.") for scope in scopes)


ALL = {
    "Neuron": lambda: (Neuron(2, "tanh", rng()), [1.0, 2.0]),
    "Layer": lambda: (Layer(2, 3, "tanh", rng()), [1.0, 2.0]),
    "Sequential": lambda: (nn.Sequential(lambda xs: [3 * x for x in xs]), [Value(1.0)]),
    "MLP": lambda: (MLP(2, [3, 1], "tanh", rng()), [1.0, 2.0]),
    "TwoLayerNet": lambda: (TwoLayerNet(2, 3, 1, rng=rng()), [1.0, 2.0]),
    "Dropout": lambda: (nn.Dropout(0.5, rng()), [Value(1.0), Value(2.0)]),
    "RMSNorm": lambda: (nn.RMSNorm(2), [1.0, 2.0]),
    "LayerNorm": lambda: (nn.LayerNorm(2), [1.0, 2.0]),
}


def scopes_below(outputs):
    """The scopes of everything that was computed."""
    scopes, pending = set(), list(np.atleast_1d(np.array(outputs, dtype=object)))
    while pending:
        v = pending.pop()
        if isinstance(v, Value) and v.op:
            scopes.add(v.scope)
            pending += v.operands
    return scopes


@pytest.mark.parametrize("name", ALL)
def test_every_module_labels_all_that_it_computes(name):
    module, inputs = ALL[name]()
    for _ in range(2):  # the second time it remembers its mode
        scopes = scopes_below(module(inputs))
        assert scopes
        assert all(s.split("/")[0] == name.lower() for s in scopes)
    with scope("outside"):
        assert all(s.startswith(f"outside/{name.lower()}") for s in scopes_below(module(inputs)))
    net = nn.Sequential(module)
    scopes = scopes_below(net(inputs))
    assert all(s.split("/")[:2] == ["sequential", "layers.0"] for s in scopes)
    twin = copy.deepcopy(net)
    assert scopes_below(twin(copy.deepcopy(inputs))) == scopes


def test_every_module_that_computes_is_labelled():
    modules = {n for n in nn.__all__ if isinstance(getattr(nn, n), type)}
    assert modules == set(ALL) | {"Module", "Embedding"}  # an Embedding gives leaves


def test_a_module_remembers_no_mode_but_its_own():
    neuron = Neuron(1, rng=rng())
    neuron([1.0])
    for _ in range(2):
        with no_grad():
            assert neuron([1.0]).op == ""
        assert neuron([1.0]).op == "add"
        with detect_anomaly(), pytest.raises(FloatingPointError, match="is nan"):
            neuron([math.inf * 0])
    with ThreadPoolExecutor(2) as threads, scope("main"):
        others = list(threads.map(lambda _: neuron([1.0]).scope, range(4)))
        assert others == ["neuron"] * 4
        assert neuron([1.0]).scope == "main/neuron"


def test_a_module_that_raises_leaves_no_mode_behind():
    neuron = Neuron(1, rng=rng())
    with pytest.raises(ValueError, match="takes 1 inputs"):
        neuron([1.0, 2.0])
    assert (Value(1.0) * 2).scope == ""


def test_a_list_of_modules_that_grows_later_is_found():
    net = Tower()
    net.rest.append(Neuron(1, rng=rng()))
    assert len(list(net.modules())) == 5
    assert "rest.2.bias" in net.state_dict()


# -- initialisers ----------------------------------------------------------------------------------

IN, OUT = 80, 50
SPREADS = {
    "uniform": (nn.init.uniform(-0.5, 1.5), 0.5, 2 / math.sqrt(12)),
    "normal": (nn.init.normal(2.0, 0.3), 2.0, 0.3),
    "zeros": (nn.init.zeros, 0.0, 0.0),
    "default": (nn.init.default, 0.0, 1 / math.sqrt(3 * IN)),
    "xavier_uniform": (nn.init.xavier_uniform(), 0.0, math.sqrt(2 / (IN + OUT))),
    "xavier_uniform_gain": (nn.init.xavier_uniform(3.0), 0.0, 3 * math.sqrt(2 / (IN + OUT))),
    "xavier_normal": (nn.init.xavier_normal(0.5), 0.0, 0.5 * math.sqrt(2 / (IN + OUT))),
    "kaiming_uniform": (nn.init.kaiming_uniform(), 0.0, math.sqrt(2 / IN)),
    "kaiming_normal": (nn.init.kaiming_normal(), 0.0, math.sqrt(2 / IN)),
    "kaiming_tanh": (nn.init.kaiming_normal("tanh"), 0.0, 5 / 3 / math.sqrt(IN)),
}


@pytest.mark.parametrize("name", SPREADS)
def test_initial_weights_have_their_mean_and_deviation_and_repeat(name):
    initialise, mean, deviation = SPREADS[name]
    weights = np.array(initialise(IN, OUT, rng()))
    assert weights.shape == (OUT, IN)
    assert weights.mean() == pytest.approx(mean, abs=4 * deviation / math.sqrt(IN * OUT))
    assert weights.std() == pytest.approx(deviation, rel=0.05)
    assert initialise(IN, OUT, rng()) == weights.tolist()
    if "uniform" in name or name == "default":
        assert abs(weights - mean).max() <= deviation * math.sqrt(3)
    net = Layer(IN, OUT, rng=rng(), init=initialise)
    assert [[w.data for w in n.weights] for n in net.neurons] == weights.tolist()


def test_an_activation_without_a_gain_is_refused():
    for initialise in (nn.init.kaiming_uniform, nn.init.kaiming_normal):
        with pytest.raises(ValueError, match="one of sigmoid, tanh, relu, leaky_relu, not 'cos'"):
            initialise("cos")


REFUSED_SPREADS = [
    (nn.init.uniform, (2.0, 1.0), ValueError, "low and high must be finite, low not above high"),
    (nn.init.uniform, (0.0, math.inf), ValueError, "low and high must be finite"),
    (nn.init.uniform, (math.nan, 1.0), ValueError, "low and high must be finite"),
    (nn.init.uniform, ("0", 1.0), TypeError, "low must be a real number, not '0'"),
    (nn.init.normal, (0.0, -1.0), ValueError, "std 0 or more, not 0.0 and -1.0"),
    (nn.init.normal, (math.nan, 1.0), ValueError, "mean and std must be finite"),
    (nn.init.normal, (0.0, math.inf), ValueError, "mean and std must be finite"),
    (nn.init.normal, (0.0, None), TypeError, "std must be a real number, not None"),
    (nn.init.xavier_uniform, (-1.0,), ValueError, "gain must be a finite number, 0 or more"),
    (nn.init.xavier_normal, (math.inf,), ValueError, "gain must be a finite number, 0 or more"),
    (nn.init.xavier_normal, ("1",), TypeError, "gain must be a real number, not '1'"),
    (nn.init.kaiming_normal, ([],), ValueError, "nonlinearity must be one of"),
]


@pytest.mark.parametrize(("initialise", "given", "kind", "words"), REFUSED_SPREADS)
def test_a_spread_that_makes_no_sense_is_refused_before_anything_is_drawn(
    initialise, given, kind, words
):
    with pytest.raises(kind, match=words):
        initialise(*given)


# -- other modules ---------------------------------------------------------------------------------


def test_an_embedding_gives_the_row_of_a_token_and_learns_it_alone():
    table = nn.Embedding(50, 20, rng())
    assert len(table.parameters()) == 1000
    numbers = np.array([[p.data for p in row] for row in table.rows])
    assert numbers.tolist() == rng().normal(size=(50, 20)).tolist()
    assert table(3) is table.rows[3]
    sum(table(np.int64(3)), Value(0.0)).backward()
    assert {p.grad for p in table.rows[3]} == {1.0}
    assert sum(p.grad for p in table.parameters()) == 20.0
    for token, error, message in (
        (50, ValueError, "token 50 is not from 0 to 49"),
        (-1, ValueError, "token -1 is not from 0 to 49"),
        (1.0, TypeError, r"takes the integer of a token, not 1\.0"),
        (True, TypeError, "takes the integer of a token, not True"),
        (np.True_, TypeError, r"takes the integer of a token, not (np\.)?True"),
    ):
        with pytest.raises(error, match=message):
            table(token)


def test_dropout_keeps_the_expectation_and_repeats_with_its_generator():
    xs = [1.0] * 4000
    dropped = nn.Dropout(0.25, rng())(xs)
    assert set(dropped) == {0.0, 1 / 0.75}
    assert dropped.count(0.0) == pytest.approx(1000, abs=4 * math.sqrt(4000 * 0.25 * 0.75))
    layer = nn.Dropout(0.25, rng())
    assert layer(xs) == dropped != layer(xs)
    assert layer.eval()(xs) == xs
    assert layer.train()(xs) != xs
    assert nn.Dropout(0.0, rng())(xs) == xs
    assert nn.Dropout(1.0, rng())(xs) == [0.0] * 4000


def test_what_dropout_drops_has_no_gradient():
    xs = [Value(float(i)) for i in range(1, 9)]
    ys = nn.Dropout(0.5, rng())(xs)
    sum(ys, Value(0.0)).backward()
    assert [x.grad for x in xs] == [2.0 if y.data else 0.0 for y in ys]
    for p, error in (*((x, ValueError) for x in (-0.1, 1.1, math.nan)), ("1", TypeError)):
        with pytest.raises(error, match="p must be"):
            nn.Dropout(p, rng())
    with pytest.raises(TypeError, match=r"takes a numpy\.random\.Generator, not 0"):
        nn.Dropout(0.5, 0)


@pytest.mark.parametrize("norm", [nn.RMSNorm, nn.LayerNorm])
def test_norms_give_numbers_of_the_same_size(norm):
    layer = norm(3, eps=0.0)
    outputs = np.array([y.data for y in layer([3.0, -5.0, 7.5])])
    assert (outputs**2).mean() == pytest.approx(1.0, rel=1e-14)
    assert [y.data for y in layer([3e9, -5e9, 7.5e9])] == pytest.approx(outputs, rel=1e-14)
    with pytest.raises(ValueError, match="takes 3 inputs, not 2"):
        layer([1.0, 2.0])
    with pytest.raises(ValueError, match="features must be a positive integer, not 0"):
        norm(0)
