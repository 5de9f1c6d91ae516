"""One growing graph, built, dropped, swept and changed in any order: three witnesses agree.

A Hypothesis state machine gives commands to the engine, to a naive model kept beside it, and, as a
whole history at the end, to the other engine in another process (``replay.py``).  After every sweep
each node that can still be reached is compared with the model, bit for bit:

* values and partials, from the table's expressions on plain floats;
* adjoints, from a reverse accumulation of plain numbers.  To agree to the last bit it must add in
  the engine's order, the reverse of the depth-first postorder, so that the order is tested too;
* gradients that were recorded: their graphs are taken into the model node by node, evaluated
  naively, and swept again like any other.

Where numbers are tame, mpmath knows the value and partials of every node (``references.py``), and
forward accumulation in it, leaf to root, gives the same derivatives.
"""

import gc
import itertools
from collections import Counter
from functools import cache, partial

import pytest
import references
from hypothesis import stateful
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from mpmath import mp
from programs import LISTS, as_lists
from replay import OtherEngine, Player, replay, shown
from test_engines_agree import ARITY, folded
from test_engines_agree import numbers as wild

from autodiff import Value, ops
from autodiff.engine import expressions, kernels

SMALL = 25  # the most nodes of a graph whose sweep is recorded, or that mpmath differentiates
DIGITS = 40  # of mpmath's numbers

# -- the naive model -------------------------------------------------------------------------------


class Node:
    """A number of the model: how it was computed, once and for all, and its gradient."""

    def __init__(self, data, op="", operands=(), partials=()):
        self.op, self.operands, self.data, self.partials = op, operands, data, partials
        self.numbers = tuple(map(present, operands))  # operands' data may change, these do not
        self.number = 0.0  # the gradient
        self.gradient = None  # or the node that it is, if it was recorded

    @property
    def grad(self):
        return self.gradient.data if self.gradient else self.number

    def shown(self):
        return [self.op, self.data.hex(), self.grad.hex(), [x.hex() for x in self.partials]]

    def parents(self):
        """Operands that are nodes, with the partials."""
        pairs = zip(self.operands, self.partials, strict=True)
        return [(x, p) for x, p in pairs if isinstance(x, Node)]


def present(operand):
    return operand.data if isinstance(operand, Node) else operand


@cache
def scalar_rules(name):
    return kernels.FLOATS[name], kernels.partial_functions(ops.row(name), kernels.FLOATS)


def evaluate(name, operands):
    """``(value, partials)`` at the operands' present data."""
    xs = [*map(present, operands)]
    if name in LISTS:
        value, partials = folded(name, *as_lists(name, xs))
    else:
        function, rules = scalar_rules(name)
        value = function(*xs)
        partials = [rule(*xs, value) for rule in rules]
    return value, [
        p if isinstance(x, Node) else 0.0 for x, p in zip(operands, partials, strict=True)
    ]


def computed(name, operands):
    data, partials = evaluate(name, operands)
    return Node(data, name, operands, partials)


def postorder(root):
    """Everything that ``root`` was computed from, and itself: by recursion."""
    found = {}

    def visit(node):
        if node not in found:
            for x, _ in node.parents():
                visit(x)
            found[node] = True

    visit(root)
    return list(found)


def adjoints(order, seed):
    found = dict.fromkeys(order, 0.0)
    found[order[-1]] += seed
    for node in reversed(order):
        for x, p in node.parents():
            found[x] += found[node] * p
    return found


def is_stale(node):
    """Whether recording the node now would give another one."""
    return repr(evaluate(node.op, node.operands)) != repr((node.data, node.partials))


# -- the truth, where numbers are tame -------------------------------------------------------------


def is_tame(row, xs, value):
    if not all(abs(x) <= 20 for x in xs) or not abs(value) <= 1e4:
        return False
    if row.over_lists:
        return True
    for x, (low, high) in zip(xs, row.domain, strict=False):
        if not low + 0.02 < x < high - 0.02:
            return False
    scope = dict(zip(row.names, xs, strict=True))
    return not row.kink or abs(eval(expressions.for_floats(row.kink), kernels.FLOATS, scope)) > 0.02


@cache
def true_partials(name, xs):
    with mp.workdps(DIGITS):
        return [references.derivative(name, xs, i) for i in range(len(xs))]


def check_truth_of_node(node):
    """The true partials, which value and partials of the node must be near; None if not tame."""
    xs = node.numbers
    if not is_tame(ops.row(node.op), xs, node.data):
        return None
    with mp.workdps(DIGITS):
        true = references.value(node.op, xs)
        assert abs(node.data - true) <= 1e-12 * (1 + abs(true)), (node.op, xs)
    wanted = true_partials(node.op, xs)
    for x, got, true in zip(node.operands, node.partials, wanted, strict=True):
        assert not isinstance(x, Node) or abs(got - true) <= 1e-11 * (1 + abs(true)), (node.op, xs)
    return wanted


def check_truth_of_sweep(order, seed, found):
    """Adjoints against forward accumulation, from each node to the root; False if not tame."""
    wanted = [check_truth_of_node(node) if node.op else [] for node in order]
    if None in wanted or not abs(seed) < 1e6:
        return False
    for start in order:
        tangents, sizes = {start: mp.mpf(seed)}, {start: mp.mpf(abs(seed))}
        for node, partials in zip(order, wanted, strict=True):
            terms = [(x, p) for x, p in zip(node.operands, partials, strict=True) if x in tangents]
            if terms and node is not start:
                tangents[node] = mp.fsum(tangents[x] * p for x, p in terms)
                sizes[node] = mp.fsum(sizes[x] * (1 + abs(p)) for x, p in terms)
        error = abs(found[start] - tangents[order[-1]])
        assert error <= 1e-10 * sizes[order[-1]] + 1e-300, (start.op, start.data)
    return True


# -- the machine -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other_engine():
    engine = OtherEngine()
    yield engine
    gc.unfreeze()
    engine.stop()


tame = st.floats(0.25, 2, width=32).map(float.hex)
numbers = st.one_of(tame, tame, wild)
seeds = st.one_of(st.just((1.0).hex()), numbers)
#: Of something held, counted from the newest back.
choices = st.sampled_from([0, 1, 0, 1, 2, 3, 4, 6, 9, 14, 20])
recipes = st.tuples(
    st.sampled_from([row.name for row in ops.TABLE]),
    st.lists(st.one_of(choices, choices, tame), min_size=1, max_size=6),
    st.sampled_from([True, True, True, True, False]),
)


class GraphMachine(stateful.RuleBasedStateMachine):
    def __init__(self, other, tally):
        super().__init__()
        self.other, self.tally = other, tally
        self.player, self.history = Player(), []
        self.models = {}  # by handle
        self.handed_out = 0
        gc.freeze()  # so that collect() need not look through all that was there before

    def do(self, *command):
        self.history.append(command)
        return self.player.do(command)

    def hold(self, node, name, *arguments):
        """Have the engine make or find a Value, of which this is the model."""
        self.do(name, self.handed_out, *arguments)
        self.models[self.handed_out] = node
        self.handed_out += 1

    def pick(self, choice, leaves_first=None):
        """A handle: the newest for 0, and so on."""
        handles = sorted(self.models, reverse=True)
        if leaves_first is not None:
            handles.sort(key=lambda handle: leaves_first == bool(self.models[handle].op))
        return handles[choice % len(handles)]

    # -- what is done --

    @initialize(first=st.lists(tame, min_size=1, max_size=4), recipes=st.lists(recipes, min_size=2))
    def begin(self, first, recipes):
        for number in first:
            self.leaf(number)
        self.record(recipes)

    @rule(number=numbers)
    def leaf(self, number):
        self.hold(Node(float.fromhex(number)), "leaf", number)

    @rule(recipes=st.lists(recipes, min_size=1, max_size=6))
    def record(self, recipes):
        for name, wishes, recording in recipes:
            operands = [self.pick(x) if isinstance(x, int) else x for x in wishes * ARITY[name]]
            if name not in LISTS:
                operands = operands[: ARITY[name]]
            if not any(isinstance(x, int) for x in operands):
                operands[-1] = self.pick(0)
            xs = [self.models[x] if isinstance(x, int) else float.fromhex(x) for x in operands]
            node = computed(name, xs)
            self.tally[name] += 1
            self.tally["true node"] += check_truth_of_node(node) is not None
            model = node if recording else Node(node.data)
            self.hold(model, "record", name, operands, recording)

    @rule(choice=choices)
    def detach(self, choice):
        source = self.pick(choice)
        self.hold(Node(self.models[source].data), "detach", source)

    @rule(choice=choices, which=st.integers(0, 7))
    def reach(self, choice, which):
        source = self.pick(choice, leaves_first=False)
        node = self.models[source]
        found = [(x, "reach", i) for i, x in enumerate(node.operands) if isinstance(x, Node)]
        found += [(node.gradient, "gradient")] * bool(node.gradient)
        if found:
            reached, name, *place = found[which % len(found)]
            self.hold(reached, name, source, *place)

    @precondition(lambda self: len(self.models) > 1)
    @rule(choice=choices)
    def drop(self, choice):
        handle = self.pick(choice)
        self.do("drop", handle)
        del self.models[handle]

    @rule(choice=choices, which=choices, number=numbers)
    def set_data(self, choice, which, number):
        below = postorder(self.models[self.pick(choice, leaves_first=False)])
        held = [h for h, node in self.models.items() if not node.op and node in below]
        if held:
            handle = held[which % len(held)]
            self.do("set_data", handle, number)
            self.models[handle].data = float.fromhex(number)

    @rule(choice=choices)
    def zero_gradient(self, choice):
        handle = self.pick(choice, leaves_first=True)
        if not self.models[handle].op:
            self.do("zero_gradient", handle)
            self.models[handle].number, self.models[handle].gradient = 0.0, None

    @rule()
    def collect(self):
        self.do("collect")

    @rule(choice=choices, seed=seeds)
    def sweep(self, choice, seed):
        root = self.pick(choice, leaves_first=False)
        order, number = postorder(self.models[root]), float.fromhex(seed)
        assert self.do("sweep", root, seed, False)
        found = adjoints(order, number)
        for node in order:
            if node.op:
                node.number, node.gradient = found[node], None
            elif node.gradient:
                node.gradient = computed("add", [node.gradient, found[node]])
            else:
                node.number += found[node]
        self.compare()
        if 1 < len(order) <= SMALL:
            self.tally["true sweep"] += check_truth_of_sweep(order, number, found)

    @rule(choice=choices, seed=seeds)
    def sweep_on_values(self, choice, seed):
        root = self.pick(choice, leaves_first=False)
        order = postorder(self.models[root])
        if len(order) > SMALL:
            return
        known = self.pairs()
        stale = any(is_stale(node) for node in order if node.op)
        assert self.do("sweep", root, seed, True) == (not stale)
        self.tally["stale" if stale else "recorded sweep"] += 1
        if not stale:
            values = {node: value for value, node in known.values()}
            found = adjoints(order, float.fromhex(seed))
            for node in order:
                wanted = found[node] if node.op else found[node] + node.grad
                node.gradient = adopted(values[node].grad, known)
                # A number starts from +0, so that only a recorded zero can be negative.
                assert node.grad.hex() == wanted.hex() or node.grad == wanted == 0.0
        self.compare()

    # -- what is compared --

    def pairs(self):
        """Every Value that can be reached, with its node, by id; the graphs are of one shape."""
        found = {}
        pending = [(self.player.values[handle], node) for handle, node in self.models.items()]
        while pending:
            value, node = pending.pop()
            if id(value) in found:
                assert found[id(value)][1] is node
                continue
            assert isinstance(value, Value)
            found[id(value)] = value, node
            for x, wanted in zip(value.operands, node.operands, strict=True):
                if isinstance(wanted, Node):
                    pending.append((x, wanted))
                else:
                    assert x.hex() == wanted.hex()
            if node.gradient:
                pending.append((value.grad, node.gradient))
            else:
                assert isinstance(value.grad, float)
        assert len({id(node) for _, node in found.values()}) == len(found)
        return found

    def compare(self):
        for value, node in self.pairs().values():
            assert shown(value) == node.shown()

    def teardown(self):
        self.compare()
        self.player.end()
        assert self.other(self.history) == self.player.seen


def adopted(value, known):
    """A recorded gradient in the model: its graph from the engine, its numbers naive."""
    if id(value) not in known:
        xs = [adopted(x, known) if isinstance(x, Value) else x for x in value.operands]
        known[id(value)] = value, computed(value.op, xs) if xs else Node(value.data)
    return known[id(value)][1]


def test_whatever_is_done_to_a_graph_the_engines_and_the_naive_model_agree(other_engine):
    tally = Counter()
    stateful.run_state_machine_as_test(partial(GraphMachine, other_engine, tally))
    missed = {row.name for row in ops.TABLE} - tally.keys()  # each has its turn in the next test
    assert len(missed) <= len(ops.TABLE) // 10, missed
    assert min(tally[what] for what in ("true sweep", "recorded sweep", "stale")) >= 10, tally


@pytest.mark.parametrize("name", [row.name for row in ops.TABLE])
def test_every_row_has_its_turn(other_engine, name):
    machine = GraphMachine(other_engine, Counter())
    third = [(1.75).hex()] if ops.row(name).in_tuple and not ops.row(name).over_lists else []
    for a, b in itertools.product((0.75, 1.5, -0.75), repeat=2):
        machine.begin([a.hex(), b.hex()], [(name, [1, 0, *third], True)])
        machine.sweep(0, (2.0).hex())
        machine.sweep_on_values(0, (0.5).hex())
    machine.teardown()
    assert min(machine.tally[what] for what in ("true node", "true sweep")) >= 1


def test_a_history_can_be_replayed(other_engine):
    x, two = (1.5).hex(), (2.0).hex()
    history = [["leaf", 0, x], ["record", 1, "mul", [0, 0], True], ["sweep", 1, two, True]]
    history += [["gradient", 2, 0], ["drop", 1], ["sweep", 2, two, False]]
    history += [["set_data", 0, two], ["sweep", 2, two, True]]
    _, swept, refused, _ = replay(history)
    # 2 d(x**2) = 4 x is 6; then 2 d(4 x) = 8 is added
    assert swept[0] == ["", x, (14.0).hex(), []]
    assert "changed after" in refused
    assert other_engine(history) == replay(history)
