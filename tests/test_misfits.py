"""What does not fit is refused by name, by every load_state_dict and by load, and changes nothing.

States are broken in every place: an entry removed, added, or of another type or shape.  Files are
broken as somebody might who wants the reader to fill the memory.
"""

import copy
import inspect
import io
import json
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from autodiff import Value, nn, optim
from autodiff.checkpoints import load, save
from autodiff.optim import lr_scheduler

RULES = [
    *("SGD", "Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"),
    *("NoisySGD", "Rprop"),
]
ALL_ON = {
    "SGD": {"momentum": 0.9},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Adam": {"amsgrad": True},
    "AdamW": {"amsgrad": True},
}


def optimizer_of(rule, steps=3, **options):
    """An optimizer of two groups (LBFGS: of one) that has made steps."""
    xs = [Value(1.0), Value(2.0), Value(3.0)]
    if rule == "NoisySGD":
        options["rng"] = np.random.default_rng(0)
    groups = [{"params": xs}] if rule == "LBFGS" else [{"params": xs[:1]}, {"params": xs[1:]}]
    optimizer = getattr(optim, rule)(groups, **options)

    def closure():
        for x in xs:
            x.grad = x.data
        return sum(x.data**2 for x in xs) / 2

    for _ in range(steps):
        optimizer.step(closure)
    return optimizer


def scheduler_of(kind):
    """A scheduler that has made a step."""
    o = optimizer_of("SGD", momentum=0.5)
    scheduler = {
        "LambdaLR": lambda: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
        "MultiplicativeLR": lambda: lr_scheduler.MultiplicativeLR(o, lambda t: 0.9),
        "ConstantLR": lambda: lr_scheduler.ConstantLR(o),
        "PolynomialLR": lambda: lr_scheduler.PolynomialLR(o),
        "CyclicLR": lambda: lr_scheduler.CyclicLR(o, [0.1, 0.2], 0.5, 3),
        "CosineAnnealingWarmRestarts": lambda: lr_scheduler.CosineAnnealingWarmRestarts(o, 2),
        "ChainedScheduler": lambda: lr_scheduler.ChainedScheduler(
            [lr_scheduler.LinearLR(o), lr_scheduler.StepLR(o, 2)]
        ),
        "StepLR": lambda: lr_scheduler.StepLR(o, 3),
        "MultiStepLR": lambda: lr_scheduler.MultiStepLR(o, [2, 9]),
        "ExponentialLR": lambda: lr_scheduler.ExponentialLR(o, 0.9),
        "LinearLR": lambda: lr_scheduler.LinearLR(o),
        "CosineAnnealingLR": lambda: lr_scheduler.CosineAnnealingLR(o, 9),
        "OneCycleLR": lambda: lr_scheduler.OneCycleLR(o, [0.5, 0.2], 16),
        "ReduceLROnPlateau": lambda: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0.1, 0.2]),
        "SequentialLR": lambda: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o), lr_scheduler.StepLR(o, 2)], [4]
        ),
    }[kind]()
    scheduler.step(*([1.0] if kind == "ReduceLROnPlateau" else []))
    return scheduler


class Holder:
    """A generator as an object with a state, as ``load`` sees it."""

    def __init__(self, bits):
        self.rng = np.random.Generator(getattr(np.random, bits)(3))
        self.rng.normal(size=3)

    def state_dict(self):
        """The generator's."""
        return self.rng.bit_generator.state


def module():
    """With parameters in lists and below."""
    return nn.Sequential(nn.Layer(2, 2, rng=np.random.default_rng(0)), nn.RMSNorm(2))


def history():
    """Of two epochs."""
    return optim.History([2.0, 1.0], [0.5, 0.6], [], [], "patience")


MAKERS = {
    **{
        rule: lambda rule=rule: optimizer_of(rule, **ALL_ON.get(rule, {}))
        for rule in [*RULES, "LBFGS"]
    },
    **{
        kind: lambda kind=kind: scheduler_of(kind)
        for kind in vars(lr_scheduler)
        if hasattr(getattr(lr_scheduler, kind), "get_last_lr") and kind != "LRScheduler"
    },
    **{
        bits: lambda bits=bits: Holder(bits).rng
        for bits in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
    },
    **{"Module": module, "History": history},
}


def state_of(o):
    """A copy of the state of any of them."""
    state = o.bit_generator.state if isinstance(o, np.random.Generator) else o.state_dict()
    return copy.deepcopy(state)


def others(x):
    """Things of other types or shapes than something that is saved."""
    array = np.zeros(3)
    if isinstance(x, np.ndarray):
        yield from (0.5, "no", True, [0.0] * len(x), {}, x[:-1], x[None], np.append(x, x[:1]))
        yield from (x.astype(np.float32), x.astype(">f8"), x.astype(int), x.astype(str))
    elif isinstance(x, bool):
        yield from ("no", None, 1, 0.0, [], array, [True])
    elif isinstance(x, str):
        yield from ("no", 0, 0.5, None, [], array, [x])
    elif isinstance(x, (int, float)):
        yield from ("no", None, [x], (x,), {"a": x}, array, np.zeros(()))
    elif isinstance(x, (list, tuple)):
        yield from ("no", None, 0.5, True, {}, array, np.array(x, object))
    elif isinstance(x, dict):
        yield from ("no", None, 0.5, True, [], array, [*x.items()])


def broken(x, name=""):
    """Copies of a state that are wrong in one place, each with the place's name."""
    for other in others(x):
        yield name, other
    if isinstance(x, dict):
        for key, value in x.items():
            yield key, {k: v for k, v in x.items() if k != key}
            for place, other in broken(value, key):
                yield place, {**x, key: other}
        yield "unknown", {**x, "unknown": 1.0}
    elif isinstance(x, (list, tuple)):
        for i, value in enumerate(x):
            for place, other in broken(value, name):
                yield place, type(x)([*x[:i], other, *x[i + 1 :]])


@pytest.mark.parametrize("kind", MAKERS)
def test_a_state_that_is_wrong_in_any_one_place_is_refused_by_its_name(kind, tmp_path):
    o = MAKERS[kind]()
    before = state_of(o)
    count = 0
    for name, state in broken(before):
        count += 1
        if not isinstance(o, np.random.Generator):
            for refusing in (o.load_state_dict, o.check_state_dict):
                with pytest.raises((TypeError, ValueError)) as refusal:
                    refusing(state)
                assert str(name) in str(refusal.value), (name, state, refusal.value)
                np.testing.assert_equal(state_of(o), before)
        if count % 7 and not isinstance(o, np.random.Generator):
            continue  # files are slow
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("autodiff.checkpoints._state", lambda o, state=state: state)
            try:
                save(tmp_path / "a.npz", o)
            except TypeError:  # an array of objects
                continue
        with pytest.raises(ValueError, match="does not fit") as refusal:
            load(tmp_path / "a.npz", o)
        assert str(name) in str(refusal.value), (name, state, refusal.value)
        np.testing.assert_equal(state_of(o), before)
    assert count > 20
    o2 = MAKERS[kind]()
    save(tmp_path / "a.npz", o)
    load(tmp_path / "a.npz", o2)
    np.testing.assert_equal(state_of(o2), before)


# -- optimizers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [*RULES, "LBFGS"])
def test_a_rule_names_all_that_it_keeps(rule):
    optimizer = optimizer_of(rule, **ALL_ON.get(rule, {}))
    for state in optimizer.state:
        assert state.keys() == {"step", *optimizer.arrays, *optimizer.numbers}
    assert {option for option in optimizer.arrays.values() if option} == set(ALL_ON.get(rule, {}))


def test_a_rule_of_ones_own_names_what_it_keeps(tmp_path):
    class Careless(optim.Optimizer):
        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr, "maximize": False, "weight_decay": 0.0})

        def update(self, p, g, state, group):
            state["sum"] = state.get("sum", 0.0) + g
            state["most"] = max(state.get("most", 0.0), float(g.max()))
            p -= group["lr"] * state["sum"] / state["most"]

    class Rule(Careless):
        arrays = {"sum": ""}  # noqa: RUF012  # as a user writes it
        numbers = ("most",)

    def made(kind):
        xs = [Value(1.0), Value(2.0)]
        optimizer = kind(xs)
        for x in xs:
            x.grad = x.data
        optimizer.step()
        return optimizer

    with pytest.raises(TypeError, match=r"Careless keeps '(sum|most)', which must be named"):
        save(tmp_path / "a.npz", made(Careless))
    optimizer, twin = made(Rule), made(Rule)
    optimizer.step()
    save(tmp_path / "a.npz", optimizer)
    load(tmp_path / "a.npz", twin)
    np.testing.assert_equal(twin.state, optimizer.state)
    state = optimizer.state_dict()
    state["state"][0]["most"] = np.zeros(2)
    with pytest.raises(TypeError, match="group 0: most must be a real number"):
        twin.load_state_dict(state)


@pytest.mark.parametrize("rule", RULES)
def test_options_of_a_wrong_type_are_refused(rule):
    options = inspect.signature(getattr(optim, rule)).parameters
    for name in set(options) - {"params", "rng"}:
        wrong = ["no", None, np.zeros(2), {}]
        for x in [*wrong, *([1, 0.0] if isinstance(options[name].default, bool) else [])]:
            with pytest.raises((TypeError, ValueError), match=name):
                optimizer_of(rule, **{name: x})
            optimizer = optimizer_of(rule)
            with pytest.raises((TypeError, ValueError), match=name):
                optimizer.add_param_group({"params": [Value(1.0)], name: x})
            assert len(optimizer.param_groups) == 2


@pytest.mark.parametrize(
    ("rule", "option"), [(rule, option) for rule, on in ALL_ON.items() for option in on.items()]
)
@pytest.mark.parametrize("steps", [0, 2])
def test_an_option_that_was_set_after_the_last_step_is_continued(rule, option, steps, tmp_path):
    optimizer, twin = optimizer_of(rule, steps), optimizer_of(rule, 1, **ALL_ON[rule])
    optimizer.param_groups[1].update([option])
    save(tmp_path / "a.npz", optimizer)
    load(tmp_path / "a.npz", twin)
    np.testing.assert_equal(twin.state_dict(), optimizer.state_dict())
    for o in (optimizer, twin):
        for x in o.params:
            x.data = x.grad = 0.7
        o.step()
    assert [x.data for x in twin.params] == [x.data for x in optimizer.params]
    np.testing.assert_equal(twin.state_dict(), optimizer.state_dict())


def test_what_an_option_left_is_kept_when_it_is_off_again(tmp_path):
    optimizer, twin = optimizer_of("SGD", momentum=0.9), optimizer_of("SGD", 0)
    optimizer.param_groups[0]["momentum"] = 0.0
    save(tmp_path / "a.npz", optimizer)
    load(tmp_path / "a.npz", twin)
    np.testing.assert_equal(twin.state, optimizer.state)


# -- schedulers, generators, histories -------------------------------------------------------------

SENSELESS = [
    ("StepLR", {"epoch": -1}, r"StepLR: epoch must be an integer from 0 up, not -1"),
    ("StepLR", {"epoch": 1.5}, r"epoch must be an integer from 0 up, not 1\.5"),
    ("StepLR", {"epoch": 10**400}, "epoch must be an integer"),
    ("StepLR", {"step_size": 0}, "StepLR: step_size must be a positive integer, not 0"),
    ("StepLR", {"step_size": 2.5}, "step_size must be a positive integer"),
    ("StepLR", {"base_lrs": [0.1] * 3}, "base_lrs is of 3 groups; the optimizer has 2"),
    ("StepLR", {"base_lrs": [0.1, "x"]}, "base_lrs must be a real number, not 'x'"),
    ("MultiStepLR", {"milestones": [3, 2]}, "milestones must be an integer from 3 up, not 2"),
    ("MultiStepLR", {"milestones": ["x"]}, "milestones must be an integer from 0 up, not 'x'"),
    ("MultiStepLR", {"milestones": [True]}, "milestones must be an integer from 0 up, not True"),
    ("LinearLR", {"start_factor": 0.0}, "start_factor must be above 0"),
    ("LinearLR", {"end_factor": 1.5}, "end_factor must be from 0 to 1"),
    ("LinearLR", {"total_iters": 0}, "total_iters must be a positive integer"),
    ("CosineAnnealingLR", {"T_max": 0}, "T_max must be a positive integer"),
    ("OneCycleLR", {"epoch": 16}, "epoch must be below 16, not 16"),
    ("OneCycleLR", {"pct_start": -0.1}, "pct_start must be from 0 to 1"),
    ("OneCycleLR", {"div_factor": 0.0}, "div_factor must be above 0, not 0"),
    ("OneCycleLR", {"final_div_factor": -1.0}, "final_div_factor must be above 0"),
    ("OneCycleLR", {"anneal_strategy": "up"}, "anneal_strategy must be 'cos' or 'linear'"),
    ("OneCycleLR", {"total_steps": 1}, "epoch must be below 1, not 1"),
    ("ReduceLROnPlateau", {"mode": "low"}, "mode must be 'min' or 'max'"),
    ("ReduceLROnPlateau", {"factor": 1.0}, "factor must be from 0 up and below 1"),
    ("ReduceLROnPlateau", {"bad_epochs": -1}, "bad_epochs must be an integer from 0 up"),
    ("ReduceLROnPlateau", {"min_lr": (0.1,)}, "the saved 'min_lr' is"),
    ("SequentialLR", {"milestones": [-1]}, "milestones must be an integer from 0 up"),
    ("History", {"stopped": "now"}, "stopped must be 'epochs', 'patience' or 'interrupt'"),
    ("History", {"val_loss": [1.0]}, "val_loss is of 1 epochs, but loss of 2"),
    ("History", {"metric": [1.0, "x"]}, "metric must be a real number, not 'x'"),
    ("MT19937", {"state": {"pos": 625, "key": np.zeros(624, np.uint32)}}, "'pos' must be .* 624"),
    ("MT19937", {"state": {"pos": -1, "key": np.zeros(624, np.uint32)}}, "'pos' must be an integ"),
    ("Philox", {"buffer_pos": 5}, "'buffer_pos' must be an integer from 0 to 4, not 5"),
    ("SFC64", {"uinteger": 2**32}, "'uinteger' must be an integer from 0 to 4294967295"),
    ("PCG64", {"has_uint32": 2}, "'has_uint32' must be an integer from 0 to 1, not 2"),
    ("PCG64", {"state": {"state": 2**128, "inc": 1}}, "'state' must be an integer from 0 to"),
    ("PCG64", {"state": {"state": 1.5, "inc": 1}}, r"'state' must be .*, not 1\.5"),
    ("PCG64", {"bit_generator": "MT19937"}, "the saved bit_generator is 'MT19937'"),
]


@pytest.mark.parametrize(("kind", "change", "message"), SENSELESS)
def test_a_state_that_makes_no_sense_is_refused_by_name(kind, change, message, tmp_path):
    o = MAKERS[kind]()
    before = state_of(o)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autodiff.checkpoints._state", lambda o: before | change)
        save(tmp_path / "a.npz", o)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "a.npz", o)
    np.testing.assert_equal(state_of(o), before)


def test_a_scheduler_of_numpys_numbers_is_saved_whole():
    o = optimizer_of("SGD")
    for scheduler in (
        lr_scheduler.LinearLR(o, np.float32(0.5), np.float32(0.25), np.int64(3)),
        lr_scheduler.MultiStepLR(o, np.array([3, 5])),
        lr_scheduler.OneCycleLR(o, np.float32(0.5), np.int64(9), three_phase=np.True_),
        lr_scheduler.ReduceLROnPlateau(o, factor=np.float32(0.5), patience=np.int64(3)),
    ):
        lost = vars(scheduler).keys() - scheduler.state_dict().keys()
        assert lost == {"optimizer"}


# -- files -----------------------------------------------------------------------------------------


def npy(array):
    """An array as a member of a file holds it."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def header(dtype, shape):
    """What stands before an array of any size."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def rewritten(path, change, *more, compression=zipfile.ZIP_STORED):
    """Write the file anew, some members changed, and more added: (name, bytes, compression)."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in {**members, **change}.items():
            file.writestr(name, content, compression)
        for name, content, how in more:
            file.writestr(name, content, how)


def with_json(path, change):
    """Write the file anew, its JSON changed."""
    with np.load(path) as file:
        content = json.loads(str(file["json"]))
    change(content)
    rewritten(path, {"json.npy": npy(np.array(json.dumps(content)))})


def patched(path, member, **fields):
    """Let the zip's own list lie about a member."""
    content = bytearray(path.read_bytes())
    places = {"compression": (10, "<H"), "compressed": (20, "<L"), "size": (24, "<L")}
    at = content.rindex(b"PK\1\2", 0, content.rindex(member.encode()))
    for field, number in fields.items():
        place, form = places[field]
        struct.pack_into(form, content, at + place, number)
    path.write_bytes(content)


BOMB = bytes(2**26)  # 64 MB of zeros, 64 kB compressed
SMALL, STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED
LIE = 2**31

FILES = {
    "an array more": (lambda p: rewritten(p, {}, ("bomb.npy", BOMB, SMALL)), "'bomb.npy'"),
    "an array more, not compressed": (
        lambda p: rewritten(p, {}, ("array9.npy", npy(np.zeros(3)), STORED)),
        "'array9.npy'",
    ),
    "a text more": (lambda p: rewritten(p, {}, ("readme.txt", b"hello", STORED)), "'readme.txt'"),
    "a bomb for an array": (
        lambda p: rewritten(p, {"array1.npy": header("<f8", (2**23,)) + BOMB}, compression=SMALL),
        "compressed",
    ),
    "a bomb for the text": (
        lambda p: rewritten(p, {"json.npy": header("<U16777216", ()) + BOMB}, compression=SMALL),
        "'json' is compressed",
    ),
    "compressed": (lambda p: rewritten(p, {}, compression=SMALL), "compressed"),
    "a large array": (
        lambda p: rewritten(p, {"array1.npy": header("<f8", (2**23,)) + BOMB}),
        r"'square_mean' is an array of float64 of shape \(8388608,\)",
    ),
    "a header that lies": (
        lambda p: rewritten(p, {"array1.npy": header("<f8", (2**40,)) + bytes(8)}),
        "'array1' takes 136 bytes, not the 8796093022336",
    ),
    "a header of negative size": (
        lambda p: rewritten(p, {"array1.npy": header("<f8", (-1, -1)) + bytes(8)}),
        "'array1' takes",
    ),
    "a header of one large number": (
        lambda p: rewritten(p, {"array1.npy": header("<U400000000", ()) + bytes(8)}),
        "'array1' takes",
    ),
    "pickled objects": (
        lambda p: rewritten(p, {"array1.npy": header("|O", (1,)) + bytes(8)}),
        "'square_mean' is an array of object",
    ),
    "a list that lies about an array": (
        lambda p: (
            rewritten(p, {"array1.npy": header("<f8", (LIE // 8 - 16,)) + bytes(8)}),
            patched(p, "array1.npy", compressed=LIE, size=LIE),
        ),
        r"'array1' takes 2147483648 bytes|'array1\.npy'",  # Python may see it first
    ),
    "a list that lies about the text": (
        lambda p: (
            rewritten(p, {"json.npy": header("<U536870880", ()) + bytes(8)}),
            patched(p, "json.npy", compressed=LIE, size=LIE),
        ),
        r"'json' takes 2147483648 bytes|'json\.npy'",
    ),
    "a list that lies about compression": (
        lambda p: (
            rewritten(p, {"array1.npy": header("<f8", (2**23,)) + BOMB}, compression=SMALL),
            patched(p, "array1.npy", compression=0),
            patched(p, "json.npy", compression=0),
        ),
        "whole checkpoint|array1",
    ),
    "an array twice": (
        lambda p: with_json(p, lambda c: swap(c, "array1", "array0")),
        "it names the array 'array0' twice",
    ),
    "an array that is not there": (
        lambda p: with_json(p, lambda c: swap(c, "array1", "array9")),
        "'array9.npy'",
    ),
    "an array without a name": (
        lambda p: with_json(p, lambda c: swap(c, {"array": "array1"}, 0.5)),
        "'square_mean' must be an array of 1 numbers, not 0.5|'array1.npy'",
    ),
    "an entry twice": (
        lambda p: with_json(p, lambda c: c["states"][0]["dict"].append(["state", 3])),
        "one of param_groups, state is saved twice",
    ),
    "something unknown": (
        lambda p: with_json(p, lambda c: swap(c, {"array": "array1"}, {"set": [1]})),
        "is not what is saved of anything",
    ),
    "a bare list": (
        lambda p: with_json(p, lambda c: swap(c, {"array": "array1"}, [1])),
        "is not what is saved of anything",
    ),
    "a deep list": (lambda p: with_json(p, lambda c: swap(c, {"array": "array1"}, deep())), "fit"),
    "no states": (lambda p: with_json(p, lambda c: c.update(states=3)), "not a checkpoint of this"),
    "fewer states": (lambda p: with_json(p, lambda c: c.update(states=[])), "does not fit"),
    "no kinds": (lambda p: with_json(p, lambda c: c.update(kinds=3)), "not a checkpoint of this"),
}


def swap(content, old, new):
    """Put one thing in the place of another, everywhere in a JSON text."""
    text = json.dumps(content).replace(json.dumps(old), json.dumps(new))
    content.update(json.loads(text))


def deep():
    """A list in a list in a list, deeper than Python walks."""
    x: list = []
    for _ in range(400):
        x = {"list": [x]}  # type: ignore[assignment]  # nested anew
    return x


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_something_unexpected_is_refused_and_not_read(name, tmp_path, monkeypatch):
    change, message = FILES[name]
    optimizer, spy = optimizer_of("Adam"), nn.RMSNorm(1)
    given: list = []
    spy.load_state_dict = given.append
    save(tmp_path / "a.npz", optimizer, spy)
    change(tmp_path / "a.npz")
    before = state_of(optimizer)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            load(tmp_path / "a.npz", optimizer, spy)
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()
    np.testing.assert_equal(state_of(optimizer), before)
    assert given == []


def test_members_of_one_name_are_refused(tmp_path):
    optimizer = optimizer_of("Adam")
    save(tmp_path / "a.npz", optimizer)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is what is tried
        file.writestr("array1.npy", npy(np.zeros(1)))
    with pytest.raises(ValueError, match=r"it holds 'array1\.npy' twice"):
        load(tmp_path / "a.npz", optimizer)


def test_no_object_is_touched_before_all_of_them_fit(tmp_path):
    first, last = nn.RMSNorm(2), optimizer_of("Adam")
    save(tmp_path / "a.npz", first, last)
    given = []
    first.load_state_dict = given.append
    with pytest.raises(ValueError, match="the saved optimizer has 2 groups, this one 1"):
        load(tmp_path / "a.npz", first, optim.Adam([Value(1.0)]))
    assert given == []
    load(tmp_path / "a.npz", first, last)
    assert len(given) == 1


def test_objects_of_ones_own_are_checked_by_the_class_that_loads_them(tmp_path):
    class Own:
        def __init__(self, n):
            self.array = np.arange(n) + 0.5

        def state_dict(self):
            return {"array": self.array}

        def load_state_dict(self, saved):
            if saved["array"].shape != self.array.shape:
                raise ValueError("not my shape")
            self.array = saved["array"]

    class Checked(Own):
        def load_state_dict(self, saved):
            super().load_state_dict(saved)

        def check_state_dict(self, saved):
            if saved["array"].any():
                raise ValueError("it is not zero before it is read")

    class More(nn.RMSNorm):  # its state is another than that of its base, which knows its own
        def state_dict(self):
            return {"net": super().state_dict(), "more": np.ones(2)}

        def load_state_dict(self, saved):
            super().load_state_dict(saved["net"])
            self.more = saved["more"]

    own, checked, more = Own(3), Checked(3), More(2)
    save(tmp_path / "a.npz", own, checked, more)
    own.array, checked.array = np.zeros(3), np.zeros(3)
    load(tmp_path / "a.npz", own, checked, more)
    assert own.array.tolist() == checked.array.tolist() == [0.5, 1.5, 2.5]
    assert more.more.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="not my shape"):
        load(tmp_path / "a.npz", own, Checked(4), more)
    assert own.array.tolist() == [0.5, 1.5, 2.5]


def test_arrays_that_could_only_be_pickled_are_not_saved(tmp_path):
    odd = nn.RMSNorm(1)
    odd.state_dict = lambda: {"w": np.array([1.0, None])}
    with pytest.raises(TypeError, match="a checkpoint cannot hold array"):
        save(tmp_path / "a.npz", odd)
