"""Schedulers: what they refuse, and how they continue; their sequences are PyTorch's, elsewhere."""

import copy
import itertools
import math

import numpy as np
import pytest
from interrupts import interrupted

from autodiff import Value
from autodiff.checkpoints import load, save
from autodiff.optim import SGD, Adagrad, Adam, Adamax, RMSprop, lr_scheduler
from autodiff.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)


def descent(lr=0.1, **options):
    return SGD([{"params": [Value(1.0)]}, {"params": [Value(2.0)], "lr": lr / 2}], lr, **options)


def sequential(optimizer):
    linear = LinearLR(optimizer, 0.1, total_iters=4)
    parts = [linear, StepLR(optimizer, 3), ExponentialLR(optimizer, 0.8)]
    return SequentialLR(optimizer, parts, [4, 9])


MAKERS = {
    "LambdaLR": lambda o: LambdaLR(o, lambda t: 1 / (1 + t)),
    "StepLR": lambda o: StepLR(o, 3),
    "MultiStepLR": lambda o: MultiStepLR(o, [2, 9]),
    "ExponentialLR": lambda o: ExponentialLR(o, 0.9),
    "LinearLR": lambda o: LinearLR(o, total_iters=8),
    "CosineAnnealingLR": lambda o: CosineAnnealingLR(o, 9),
    "OneCycleLR": lambda o: OneCycleLR(o, 0.5, total_steps=16),
    "ReduceLROnPlateau": lambda o: ReduceLROnPlateau(o, factor=0.5, patience=1, cooldown=1),
    "SequentialLR": sequential,
    "MultiplicativeLR": lambda o: MultiplicativeLR(o, lambda t: 1 - 1 / (2 + t)),
    "ConstantLR": lambda o: ConstantLR(o, 0.5, 3),
    "PolynomialLR": lambda o: PolynomialLR(o, 12, 1.5),
    "CosineAnnealingWarmRestarts": lambda o: CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
    "CyclicLR": lambda o: CyclicLR(o, 0.1, 0.5, 3, 2, "triangular2"),
    "ChainedScheduler": lambda o: ChainedScheduler([ConstantLR(o, 0.5, 3), ExponentialLR(o, 0.9)]),
}
METRICS = [3.0, 2.0, 2.5, 2.5, 2.5, 1.0, 1.5, 1.5, 1.5, 1.5, 1.5, 0.5, 0.6, 0.6, 0.6]


def rates(scheduler, calls):
    """The rates after each of some calls."""
    seen = []
    for metric in calls:
        scheduler.step(*([metric] if isinstance(scheduler, ReduceLROnPlateau) else []))
        seen.append(scheduler.get_last_lr())
    return seen


# -- sequences -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("at", [0, 1, 7, 14])
def test_a_loaded_state_continues_the_same_sequence(name, at):
    optimizer = descent(momentum=0.5)
    scheduler = MAKERS[name](optimizer)
    rates(scheduler, METRICS[:at])
    states = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    twin_optimizer = descent(lr=0.7, momentum=0.1)
    twin = MAKERS[name](twin_optimizer)
    rates(twin, METRICS[:3])
    twin_optimizer.load_state_dict(states[0])
    twin.load_state_dict(states[1])
    assert twin.get_last_lr() == scheduler.get_last_lr()
    assert rates(twin, METRICS[at:]) == rates(scheduler, METRICS[at:])
    np.testing.assert_equal(twin_optimizer.state_dict(), optimizer.state_dict())
    assert twin.state_dict() == scheduler.state_dict()


def test_every_scheduler_is_continued():
    assert set(MAKERS) | {"LRScheduler"} == {
        name for name, kind in vars(lr_scheduler).items() if hasattr(kind, "get_last_lr")
    }


def half(t):
    """A schedule with a name."""
    return 0.5**t


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda o: StepLR(o, 30), "StepLR(step_size=30, gamma=0.1, epoch=4, lr=[0.1, 0.05])"),
        (lambda o: MultiStepLR(o, [1, 3]), "MultiStepLR(milestones=[1, 3], gamma=0.1, epoch=4, "
         "lr=[0.001, 0.0005])"),
        (lambda o: ExponentialLR(o, 0.3), "ExponentialLR(gamma=0.3, epoch=4, lr=[0.00081, "
         "0.000405])"),
        (lambda o: LambdaLR(o, half), "LambdaLR(lr_lambda=half, epoch=4, lr=[0.00625, 0.003125])"),
        (lambda o: LambdaLR(o, [half, lambda t: 1]), "LambdaLR(lr_lambda=[half, <lambda>], epoch=4"
         ", lr=[0.00625, 0.05])"),
        (sequential, "SequentialLR(schedulers=[LinearLR, StepLR, ExponentialLR], "
         "milestones=[4, 9], epoch=4, lr=[0.1, 0.05])"),
        (lambda o: ReduceLROnPlateau(o, patience=1), "ReduceLROnPlateau(min_lr=0.0, mode='min', "
         "threshold_mode='rel', factor=0.1, patience=1.0, cooldown=0.0, threshold=0.0001, "
         "eps=1e-08, best=1.0, bad_epochs=1, cooling=0, lr=[0.01, 0.005])"),
    ],
)  # fmt: skip
def test_a_scheduler_is_shown_with_its_options_and_where_it_is(make, shown):
    scheduler = make(descent())
    rates(scheduler, [1.0] * 4)
    assert repr(scheduler) == shown


def test_schedules_start_at_once_and_from_the_rate_they_find():
    optimizer = descent(lr=0.4)
    LinearLR(optimizer, 0.5)
    assert [g["lr"] for g in optimizer.param_groups] == [0.2, 0.1]
    assert ExponentialLR(optimizer, 0.5).get_last_lr() == [0.2, 0.1]
    assert LambdaLR(optimizer, lambda t: 2.0).get_last_lr() == [0.8, 0.4]


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 10, 49, 1000])
@pytest.mark.parametrize("start", [1.0, 0.1, 1 / 3])
def test_a_rate_that_falls_to_zero_is_never_negative(steps, start):
    optimizer = descent()
    seen = rates(LinearLR(optimizer, start, 0.0, steps), range(steps + 1))
    assert seen[-2:] == [[0.0, 0.0]] * 2
    assert min(map(min, seen)) == 0.0


def test_a_sequence_of_schedules_starts_each_anew():
    optimizer = descent(lr=1.0)
    scheduler = SequentialLR(
        optimizer, [LambdaLR(optimizer, lambda t: 10.0 + t), StepLR(optimizer, 2, 0.5)], [3]
    )
    assert scheduler.get_last_lr() == [10.0, 5.0]
    first = [rate for rate, _ in rates(scheduler, range(7))]
    assert first == [11.0, 12.0, 1.0, 1.0, 0.5, 0.5, 0.25]


def test_one_cycle_moves_the_momentum_against_the_rate():
    optimizer = Adam([Value(0.0)], betas=(0.5, 0.99))
    scheduler = OneCycleLR(optimizer, 1.0, total_steps=10, pct_start=0.5)
    seen = [(optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"])]
    for _ in range(9):
        scheduler.step()
        seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"]))
    assert max(rate for rate, _ in seen) == seen[4][0] == 1.0
    assert min(first for _, (first, _) in seen) == seen[4][1][0] == 0.85
    assert seen[0] == (pytest.approx(0.04), (0.95, 0.99))
    assert seen[9] == (pytest.approx(0.04 / 1e4), (0.95, 0.99))


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize(("steps", "start"), [(10, 0.1), (10, 0.5), (1, 0.3), (2, 0.5), (4, 1.0)])
def test_one_cycle_can_be_of_any_length(steps, start, three_phase):
    optimizer = descent(momentum=0.9)
    scheduler = OneCycleLR(
        optimizer, 1.0, total_steps=steps, pct_start=start, three_phase=three_phase
    )
    seen = [scheduler.get_last_lr()[0], *(rate for rate, _ in rates(scheduler, range(steps - 1)))]
    assert len(seen) == steps
    assert all(0 < rate <= 1 for rate in seen)


def test_one_cycle_ends_with_its_last_step():
    optimizer = descent(momentum=0.9)
    scheduler = OneCycleLR(optimizer, 1.0, epochs=2, steps_per_epoch=3)
    rates(scheduler, range(5))
    before = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    for _ in range(2):
        with pytest.raises(ValueError, match="OneCycleLR has 6 steps; this would be step 7"):
            scheduler.step()
    np.testing.assert_equal((optimizer.state_dict(), scheduler.state_dict()), before)


def test_a_cycle_starts_at_its_base_rate_whatever_was_before():
    optimizer = descent(momentum=0.5)
    StepLR(optimizer, 2)
    scheduler = CyclicLR(optimizer, [0.3, 0.2], 0.5, 2)
    assert scheduler.get_last_lr() == [0.3, 0.2]
    assert [g["momentum"] for g in optimizer.param_groups] == [0.9, 0.9]
    optimizer.add_param_group({"params": [Value(0.0)]})
    with pytest.raises(ValueError, match="group 2 was added after the scheduler"):
        scheduler.step()


def test_a_warm_restart_can_be_reached_by_number_and_in_steps():
    by_number, in_steps = (CosineAnnealingWarmRestarts(descent(lr=1.0), 10, 3) for _ in range(2))
    restarts = []
    for epoch in range(1, 1300):
        in_steps.step()
        by_number.step(epoch)
        assert by_number.get_last_lr() == in_steps.get_last_lr()
        if in_steps.get_last_lr()[0] == 1.0:
            restarts.append(epoch)
    assert restarts == [10, 40, 130, 400, 1210]  # PyTorch's step(1210) is not one: it rounds
    assert by_number.epoch == 1299
    before = by_number.state_dict(), by_number.get_last_lr()
    for wrong in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match="epoch must be a finite number, 0 or more"):
            by_number.step(wrong)
    with pytest.raises(TypeError, match="epoch must be a real number, not '3'"):
        by_number.step("3")
    assert (by_number.state_dict(), by_number.get_last_lr()) == before


def test_a_place_between_epochs_is_continued(tmp_path):
    scheduler, twin = (CosineAnnealingWarmRestarts(descent(), 5, 2) for _ in range(2))
    scheduler.step(7.25)
    save(tmp_path / "a.npz", scheduler.optimizer, scheduler)
    load(tmp_path / "a.npz", twin.optimizer, twin)
    assert rates(twin, range(20)) == rates(scheduler, range(20))
    assert twin.epoch == 27.25


def test_a_chain_goes_on_from_where_its_schedulers_are():
    alone, chained = descent(lr=1.0), descent(lr=1.0)
    both = LinearLR(alone, 0.5), StepLR(alone, 3, 0.1)
    parts = LinearLR(chained, 0.5), StepLR(chained, 3, 0.1)
    for scheduler in (*both, both[1], *parts, parts[1]):
        scheduler.step()
    scheduler = ChainedScheduler(parts)
    assert scheduler.get_last_lr() == [0.6, 0.3]  # as it was
    for _ in range(9):
        for each in both:
            each.step()
        scheduler.step()
        assert scheduler.get_last_lr() == both[1].get_last_lr()


def test_a_chain_in_a_sequence_starts_anew():
    optimizer = descent(lr=1.0)
    chain = ChainedScheduler([ConstantLR(optimizer, 0.5, 2), StepLR(optimizer, 1, 0.1)])
    scheduler = SequentialLR(optimizer, [StepLR(optimizer, 1, 0.5), chain], [2])
    seen = [scheduler.get_last_lr()[0], *(first for first, _ in rates(scheduler, range(5)))]
    assert seen == pytest.approx([1.0, 0.5, 0.5, 0.05, 0.01, 0.001])


def test_a_scale_of_ones_own_is_not_saved_and_must_be_there():
    scheduler = CyclicLR(descent(momentum=0.5), 0.1, 0.5, 2, scale_fn=lambda x: 0.5)
    assert "scale_fn" not in scheduler.state_dict()
    other = CyclicLR(descent(momentum=0.5), 0.1, 0.5, 2)
    with pytest.raises(ValueError, match="'scale_fn' is only in one of the two schedulers"):
        other.load_state_dict(scheduler.state_dict())


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_plateau_of_nan_is_no_improvement(mode):
    optimizer = descent(lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, mode, factor=0.5, patience=1)
    rates(scheduler, [1.0, math.nan, math.nan])
    assert scheduler.get_last_lr() == [0.5, 0.25]
    assert scheduler.best == 1.0


def test_a_group_that_is_added_later_joins_the_schedule():
    optimizer = descent(lr=1.0)
    scheduler = ExponentialLR(optimizer, 0.5)
    scheduler.step()
    optimizer.add_param_group({"params": [Value(3.0)], "lr": 8.0})
    scheduler.step()
    assert scheduler.get_last_lr() == [0.25, 0.125, 4.0]
    LambdaLR(optimizer, lambda t: 1.0)  # sets the rates that the groups came with
    assert scheduler.get_last_lr() == [1.0, 0.5, 8.0]


def test_milestones_may_be_floats_that_are_whole():
    optimizer = descent(lr=1.0)
    assert MultiStepLR(optimizer, [0.5 * 6, np.int64(1)]).milestones == [1, 3]
    scheduler = SequentialLR(optimizer, [StepLR(optimizer, 1, 0.5)] * 2, [0.5 * 4])
    assert scheduler.milestones == [2]
    assert [first for first, _ in rates(scheduler, range(3))] == [0.5, 1.0, 0.5]


@pytest.mark.parametrize("steps", [0, 2])
def test_a_group_added_later_is_continued(tmp_path, steps):
    optimizer, twin = descent(lr=1.0), descent()
    scheduler = CosineAnnealingLR(optimizer, 3)
    scheduler.step()
    for o in (optimizer, twin):
        o.add_param_group({"params": [Value(3.0)], "lr": 8.0})
    rates(scheduler, range(steps))
    other = CosineAnnealingLR(twin, 9)
    save(tmp_path / "a.npz", optimizer, scheduler)
    load(tmp_path / "a.npz", twin, other)
    assert rates(other, range(9)) == rates(scheduler, range(9))


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"OneCycleLR", "CyclicLR"}))
def test_a_group_added_later_has_a_first_rate_in_every_schedule(name):
    optimizer, whole = descent(lr=1.0), descent(lr=1.0)
    scheduler, other = MAKERS[name](optimizer), MAKERS[name](whole)
    optimizer.add_param_group({"params": [Value(3.0)], "lr": scheduler.get_last_lr()[0]})
    optimizer.param_groups[2]["initial_lr"] = 1.0
    for (first, _, third), (alone, _) in zip(
        rates(scheduler, METRICS), rates(other, METRICS), strict=True
    ):
        assert first == third == alone


def test_schedules_in_a_sequence_in_a_sequence_start_anew():
    optimizer = descent(lr=1.0)
    inner = SequentialLR(optimizer, [StepLR(optimizer, 1, 0.5), ExponentialLR(optimizer, 0.1)], [2])
    scheduler = SequentialLR(
        optimizer, [LinearLR(optimizer, 0.25, total_iters=3), inner, inner], [4, 8]
    )
    seen = [scheduler.get_last_lr()[0], *(first for first, _ in rates(scheduler, range(9)))]
    inside = [1.0, 0.5, 1.0, 0.1]
    assert seen == pytest.approx([0.25, 0.5, 0.75, 1.0, *inside, *inside[:2]])


@pytest.mark.parametrize("at", range(0, 16, 3))
def test_schedulers_stepped_together_continue_with_a_rate_set_by_hand(tmp_path, at):
    def training():
        optimizer = descent(momentum=0.5)
        kinds = "ExponentialLR", "SequentialLR", "CosineAnnealingLR", "ReduceLROnPlateau"
        return optimizer, *(MAKERS[kind](optimizer) for kind in kinds)

    def go_on(schedulers, metrics):
        return [[rates(scheduler, [m]) for scheduler in schedulers] for m in metrics]

    objects, twins = training(), training()
    go_on(objects[1:], METRICS[:at])
    objects[0].param_groups[0]["lr"] = 0.3
    save(tmp_path / "a.npz", *objects)
    load(tmp_path / "a.npz", *twins)
    assert go_on(twins[1:], METRICS[at:]) == go_on(objects[1:], METRICS[at:])
    assert [o.state_dict() for o in twins] == [o.state_dict() for o in objects]


@pytest.mark.parametrize("name", MAKERS)
def test_a_rate_of_numpy_set_by_hand_is_continued_in_float64(name):
    optimizer, other = descent(momentum=0.5), descent(momentum=0.5)
    scheduler, twin = MAKERS[name](optimizer), MAKERS[name](other)
    optimizer.param_groups[0]["lr"] = np.float32(0.7)
    other.param_groups[0]["lr"] = float(np.float32(0.7))
    assert rates(scheduler, METRICS)[3:] == rates(twin, METRICS)[3:]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", MAKERS)
def test_an_interrupted_step_sets_every_rate_or_none(name):
    def state(scheduler):
        return copy.deepcopy((scheduler.optimizer.state_dict(), scheduler.state_dict()))

    last = [9.0] if name == "ReduceLROnPlateau" else []
    ends = []
    for steps in (3, 4):
        scheduler = MAKERS[name](descent(momentum=0.5))
        rates(scheduler, [1.0, 9.0, 9.0, 9.0][:steps])
        ends.append(state(scheduler))
    for moment in itertools.count():
        scheduler = MAKERS[name](descent(momentum=0.5))
        rates(scheduler, [1.0, 9.0, 9.0])
        if not interrupted(lambda step=scheduler.step: step(*last), moment):
            break
        assert state(scheduler) in ends
    assert moment > 5


def test_lists_of_one_a_group_are_the_numbers_of_the_groups():
    def alone(index, make):
        """The rates and momenta of one group, by itself."""
        optimizer = descent(momentum=0.5)
        del optimizer.param_groups[1 - index], optimizer.state[1 - index]
        scheduler, seen = make(optimizer, index), []
        for metric in [None, *METRICS]:
            if metric is not None:
                scheduler.step(*([metric] if isinstance(scheduler, ReduceLROnPlateau) else []))
            seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        return seen

    tops, lows, highs, floors = [0.5, 0.3], [0.8, 0.7], (0.9, 0.95), [0.06, 0.001]
    for lists, single in (
        (
            lambda o: OneCycleLR(o, tops, 16, base_momentum=lows, max_momentum=highs),
            lambda o, i: OneCycleLR(o, tops[i], 16, base_momentum=lows[i], max_momentum=highs[i]),
        ),
        (
            lambda o: ReduceLROnPlateau(o, factor=0.5, patience=0, min_lr=floors),
            lambda o, i: ReduceLROnPlateau(o, factor=0.5, patience=0, min_lr=floors[i]),
        ),
    ):
        optimizer = descent(momentum=0.5)
        scheduler = lists(optimizer)
        seen = [[(g["lr"], g["momentum"])] for g in optimizer.param_groups]
        for metric in METRICS:
            scheduler.step(*([metric] if isinstance(scheduler, ReduceLROnPlateau) else []))
            for path, g in zip(seen, optimizer.param_groups, strict=True):
                path.append((g["lr"], g["momentum"]))
        assert seen == [alone(0, single), alone(1, single)]


@pytest.mark.parametrize(
    "make",
    [
        lambda o: OneCycleLR(o, [0.5, 0.3], 16),
        lambda o: ReduceLROnPlateau(o, patience=0, min_lr=[0.1, 0.1]),
        lambda o: LambdaLR(o, [lambda t: t, lambda t: t]),
    ],
)
def test_a_list_of_one_a_group_does_not_cover_a_group_added_later(make):
    optimizer = descent(momentum=0.5)
    scheduler = make(optimizer)
    optimizer.add_param_group({"params": [Value(3.0)]})
    with pytest.raises(ValueError, match=r"group 2 was added after .* a list for 2 groups"):
        rates(scheduler, [1.0, 1.0])


def test_a_state_has_every_option_and_brings_it_to_another_scheduler():
    def pair(**options):
        kinds = (
            lambda o, milestones, **_: MultiStepLR(o, milestones),
            lambda o, milestones, gamma, **_: SequentialLR(
                o, [StepLR(o, 2, gamma), ExponentialLR(o, gamma)], milestones[:1]
            ),
            lambda o, top, strategy, **_: OneCycleLR(o, top, 30, anneal_strategy=strategy),
            lambda o, mode, floor, **_: ReduceLROnPlateau(o, mode, 0.5, 0, min_lr=floor),
        )
        for kind in kinds:
            optimizer = descent(momentum=0.5)
            yield optimizer, kind(optimizer, **options)

    one = {"milestones": [2, 9], "gamma": 0.5, "top": [1.0, 0.2], "strategy": "cos"}
    other = {"milestones": [5, 6, 7], "gamma": 0.7, "top": [0.3, 0.4], "strategy": "linear"}
    for (optimizer, scheduler), (twin_optimizer, twin) in zip(
        pair(**one, mode="max", floor=(0.01, 0.02)),
        pair(**other, mode="min", floor=[0.03, 0.04]),
        strict=True,
    ):
        rates(scheduler, METRICS[:3])
        twin_optimizer.load_state_dict(optimizer.state_dict())
        twin.load_state_dict(scheduler.state_dict())
        assert twin.state_dict() == scheduler.state_dict()
        assert rates(twin, METRICS[3:]) == rates(scheduler, METRICS[3:])


# -- what is refused -------------------------------------------------------------------------------

REFUSED = [
    (lambda o: MultiplicativeLR(o, [lambda t: t]), ValueError, "lr_lambda must be a function, or"),
    (lambda o: ConstantLR(o, 0.0), ValueError, r"factor must be above 0 and at most 1, not 0\.0"),
    (lambda o: ConstantLR(o, 1.1), ValueError, r"factor must be above 0 and at most 1, not 1\.1"),
    (lambda o: ConstantLR(o, math.nan), ValueError, "factor must be above 0 and at most 1, not na"),
    (lambda o: ConstantLR(o, total_iters=0), ValueError, "total_iters must be a positive integer"),
    (lambda o: PolynomialLR(o, 2.5), ValueError, "total_iters must be a positive integer"),
    (lambda o: PolynomialLR(o, 3, -1.0), ValueError, "power must be a finite number, 0 or more"),
    (lambda o: PolynomialLR(o, 3, "1"), TypeError, "power must be a real number, not '1'"),
    (lambda o: CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 must be a positive integer"),
    (lambda o: CosineAnnealingWarmRestarts(o, 3, 0), ValueError, "T_mult must be a positive"),
    (lambda o: CosineAnnealingWarmRestarts(o, 3, 1.5), ValueError, "T_mult must be a positive"),
    (lambda o: CosineAnnealingWarmRestarts(o, 3, 1, "0"), TypeError, "eta_min must be a real"),
    (lambda o: CyclicLR(o, "1", 0.5), TypeError, "base_lr must be a real number, not '1'"),
    (lambda o: CyclicLR(o, 0.1, [0.5]), ValueError, "max_lr must be a number, or 2 of them"),
    (lambda o: CyclicLR(o, 0.1, 0.5, 0), ValueError, "step_size_up must be above 0, not 0"),
    (lambda o: CyclicLR(o, 0.1, 0.5, -2), ValueError, "step_size_up must be a finite number, 0 or"),
    (lambda o: CyclicLR(o, 0.1, 0.5, 2, -1), ValueError, "step_size_down must be a finite number"),
    (lambda o: CyclicLR(o, 0.1, 0.5, "2"), TypeError, "step_size_up must be a real number"),
    (lambda o: CyclicLR(o, 0.1, 0.5, mode="square"), ValueError, "mode must be 'triangular', 'tri"),
    (lambda o: CyclicLR(o, 0.1, 0.5, gamma=None), TypeError, "gamma must be a real number, not No"),
    (lambda o: CyclicLR(o, 0.1, 0.5, scale_fn=2.0), TypeError, "scale_fn must be a function or No"),
    (lambda o: CyclicLR(o, 0.1, 0.5, scale_mode="x"), ValueError, "scale_mode must be 'cycle' or"),
    (lambda o: CyclicLR(o, 0.1, 0.5, cycle_momentum=0), TypeError, "cycle_momentum must be True"),
    (lambda o: CyclicLR(o, 0.1, 0.5, base_momentum=[1]), ValueError, "base_momentum must be a num"),
    (lambda o: CyclicLR(o, 0.1, 0.5, max_momentum="1"), TypeError, "max_momentum must be a real"),
    (
        lambda o: ChainedScheduler([], o),
        ValueError,
        "ChainedScheduler wants at least one scheduler",
    ),
    (
        lambda o: ChainedScheduler([StepLR(o, 2), StepLR(descent(), 2)]),
        *(ValueError, "a scheduler in the chain is another optimizer's"),
    ),
    (
        lambda o: ChainedScheduler([StepLR(o, 2), ReduceLROnPlateau(o)]),
        *(TypeError, "a chain takes schedules that are formulas, not .*ReduceLROnPlateau"),
    ),
    (lambda o: ChainedScheduler([None]), TypeError, "a chain takes schedules that are formulas"),
    (lambda o: LambdaLR(o, [lambda t: t]), ValueError, "lr_lambda must be a function, or 2 of"),
    (lambda o: LambdaLR(o, 3), ValueError, "lr_lambda must be a function, or 2 of them"),
    (lambda o: LambdaLR(o, [1.0, 2.0]), ValueError, "lr_lambda must be a function, or 2 of them"),
    (lambda o: StepLR(o, 0), ValueError, r"step_size must be a positive integer, not 0 \(int\)"),
    (lambda o: StepLR(o, 2.0), ValueError, r"step_size must be a positive integer, not 2\.0"),
    (lambda o: StepLR(o, True), ValueError, "step_size must be a positive integer, not True"),
    (lambda o: StepLR(o, 2, "1"), TypeError, "gamma must be a real number, not '1'"),
    (lambda o: MultiStepLR(o, [1], None), TypeError, "gamma must be a real number, not None"),
    (lambda o: ExponentialLR(o, "1"), TypeError, "gamma must be a real number, not '1'"),
    (lambda o: LinearLR(o, 0.0), ValueError, r"start_factor must be above 0 and .*, not 0\.0"),
    (lambda o: LinearLR(o, 1.5), ValueError, r"start_factor must be .* at most 1, not 1\.5"),
    (lambda o: LinearLR(o, math.nan), ValueError, "start_factor must be .*, not nan"),
    (lambda o: LinearLR(o, 0.5, 1.5), ValueError, r"end_factor must be from 0 to 1, not 1\.5"),
    (lambda o: LinearLR(o, total_iters=0), ValueError, "total_iters must be a positive integer"),
    (lambda o: CosineAnnealingLR(o, 0), ValueError, "T_max must be a positive integer, not 0"),
    (lambda o: CosineAnnealingLR(o, 5, "0"), TypeError, "eta_min must be a real number"),
    (lambda o: OneCycleLR(o, 1.0), ValueError, "wants total_steps, or epochs and steps_per_epoch"),
    (lambda o: OneCycleLR(o, 1.0, epochs=3), ValueError, "wants total_steps, or epochs and steps"),
    (lambda o: OneCycleLR(o, 1.0, total_steps=0), ValueError, "total_steps must be a positive"),
    (lambda o: OneCycleLR(o, 1.0, epochs=0, steps_per_epoch=3), ValueError, "epochs must be a pos"),
    (lambda o: OneCycleLR(o, 1.0, 9, pct_start=1.1), ValueError, "pct_start must be from 0 to 1"),
    (lambda o: OneCycleLR(o, 1.0, 9, anneal_strategy="up"), ValueError, "or 'linear', not 'up'"),
    (lambda o: OneCycleLR(o, "1", 9), TypeError, "max_lr must be a real number, not '1'"),
    (lambda o: OneCycleLR(o, [1.0], 9), ValueError, "max_lr must be a number, or 2 of them"),
    (lambda o: OneCycleLR(o, [1.0, None], 9), TypeError, "max_lr must be a real number, not None"),
    (lambda o: OneCycleLR(o, 1.0, 9, base_momentum=[0.1] * 3), ValueError, "base_momentum must be"),
    (lambda o: OneCycleLR(o, 1.0, 9, max_momentum=()), ValueError, "max_momentum must be a number"),
    (lambda o: OneCycleLR(o, 1.0, 9, div_factor="2"), TypeError, "div_factor must be a real num"),
    (lambda o: OneCycleLR(o, 1.0, 9, div_factor=0.0), ValueError, "div_factor must be above 0"),
    (lambda o: OneCycleLR(o, 1.0, 9, final_div_factor=0.0), ValueError, "final_div_factor must be"),
    (lambda o: OneCycleLR(o, 1.0, 9, cycle_momentum="no"), TypeError, "cycle_momentum must be Tr"),
    (lambda o: OneCycleLR(o, 1.0, 9, three_phase=None), TypeError, "three_phase must be True or"),
    (lambda o: MultiStepLR(o, [2.5]), ValueError, r"milestones must be an integer .*, not 2\.5"),
    (lambda o: MultiStepLR(o, [3, "x"]), TypeError, "milestones must be a real number, not 'x'"),
    (lambda o: MultiStepLR(o, [3, -1]), ValueError, "milestones must be an integer .*, not -1"),
    (
        lambda o: SequentialLR(o, [StepLR(o, 2) for _ in range(3)], [9, 4]),
        *(ValueError, "milestones must be an integer from 9 up, not 4"),
    ),
    (lambda o: ReduceLROnPlateau(o, min_lr=[0.1]), ValueError, "min_lr must be a number, or 2 of"),
    (lambda o: ReduceLROnPlateau(o, min_lr="0"), TypeError, "min_lr must be a real number"),
    (lambda o: ReduceLROnPlateau(o, patience=None), TypeError, "patience must be a real number"),
    (lambda o: ReduceLROnPlateau(o, "low"), ValueError, "mode must be 'min' or 'max', not 'low'"),
    (lambda o: ReduceLROnPlateau(o, factor=1.0), ValueError, "factor must be from 0 up and below"),
    (
        lambda o: ReduceLROnPlateau(o, threshold_mode="x"),
        *(ValueError, "threshold_mode must be 'rel' or 'abs', not 'x'"),
    ),
    (lambda o: SequentialLR(o, [StepLR(o, 2)], [3]), ValueError, "1 schedulers want 0 milestones"),
    (
        lambda o: SequentialLR(o, [StepLR(o, 2), StepLR(descent(), 2)], [3]),
        *(ValueError, "a scheduler in the sequence is another optimizer's"),
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED)
def test_bad_options_are_refused(make, error, message):
    optimizer = descent()
    with pytest.raises(error, match=message):
        make(optimizer)
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 0.05]
    assert {g.get("initial_lr", g["lr"]) for g in optimizer.param_groups} == {0.1, 0.05}


@pytest.mark.parametrize("name", MAKERS)
def test_a_scheduler_wants_an_optimizer(name):
    for wrong in (None, [Value(1.0)], 0.1):
        with pytest.raises(TypeError, match="a scheduler takes an Optimizer, not"):
            MAKERS[name](wrong)


def test_a_sequence_refuses_schedulers_that_want_a_metric():
    optimizer = descent()
    with pytest.raises((TypeError, ValueError), match="ReduceLROnPlateau"):
        SequentialLR(optimizer, [StepLR(optimizer, 2), ReduceLROnPlateau(optimizer)], [3])


def test_an_optimizer_without_momentum_has_none_to_move():
    for rule in (SGD, RMSprop, Adamax):
        OneCycleLR(rule([Value(1.0)]), 1.0, 9)
    with pytest.raises(ValueError, match="wants an optimizer with momentum or betas"):
        OneCycleLR(Adagrad([Value(1.0)]), 1.0, 9)
    OneCycleLR(Adagrad([Value(1.0)]), 1.0, 9, cycle_momentum=False)
    with pytest.raises(ValueError, match="wants an optimizer with momentum or betas"):
        CyclicLR(Adagrad([Value(1.0)]), 0.1, 1.0)
    CyclicLR(Adagrad([Value(1.0)]), 0.1, 1.0, cycle_momentum=False)


def test_a_metric_must_be_a_number():
    scheduler = ReduceLROnPlateau(descent())
    before = scheduler.state_dict()
    with pytest.raises(TypeError, match="metric must be a real number, not None"):
        scheduler.step(None)
    assert scheduler.state_dict() == before


def test_a_scheduler_without_a_formula_says_so():
    with pytest.raises(TypeError, match=r"LRScheduler does not define rate\(\)"):
        LRScheduler(descent())


@pytest.mark.parametrize(("name", "saved"), [*itertools.permutations(MAKERS, 2)])
def test_a_state_of_another_kind_is_refused(name, saved):
    state = MAKERS[saved](descent(momentum=0.5)).state_dict()
    scheduler = MAKERS[name](descent(momentum=0.5))
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match=name):
        scheduler.load_state_dict(state)
    assert scheduler.state_dict() == before


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("StepLR", {"gamma": "x"}, r"StepLR: the saved 'gamma' is 'x' \(str\); one like 0\.1"),
        ("StepLR", {"epoch": None}, "StepLR: the saved 'epoch' is None"),
        ("MultiStepLR", {"milestones": 3}, "MultiStepLR: the saved 'milestones' is 3"),
        ("OneCycleLR", {"max_lr": (1.0, 2.0, 3.0)}, "OneCycleLR: the saved 'max_lr' is"),
        ("StepLR", {"warmup": 3}, "StepLR: 'warmup' is only in one of the two schedulers"),
        ("SequentialLR", {"schedulers": []}, "the saved sequence is of 0 schedulers, not 3"),
    ],
)
def test_a_state_of_other_things_changes_nothing(name, change, message):
    scheduler = MAKERS[name](descent(momentum=0.5))
    rates(scheduler, METRICS[:3])
    before = copy.deepcopy(scheduler.state_dict())
    with pytest.raises(ValueError, match=message):
        scheduler.load_state_dict(before | {"epoch": 9} | change)
    assert scheduler.state_dict() == before


def test_a_sequence_with_another_part_changes_nothing():
    scheduler = sequential(descent())
    before = copy.deepcopy(scheduler.state_dict())
    other = copy.deepcopy(before) | {"epoch": 9}
    other["schedulers"][0]["epoch"] = 5
    other["schedulers"][2]["kind"] = "StepLR"
    with pytest.raises(ValueError, match="the saved scheduler is of kind StepLR, not Exponential"):
        scheduler.load_state_dict(other)
    assert scheduler.state_dict() == before
