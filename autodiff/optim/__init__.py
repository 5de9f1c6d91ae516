"""Optimizers: they read ``.grad`` of the parameters and change ``.data``.

Names, defaults and arithmetic are PyTorch's.  The loop is always the same four lines::

    loss = loss_of(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

``LBFGS`` alone evaluates the loss as often as it needs it: it takes the first three lines as a
function that returns the loss, ``optimizer.step(closure)``.  ``lr_scheduler`` has the schedules of
the learning rate; ``fit`` and ``minimize`` are loops that work with every optimizer.
"""

from autodiff.optim import lr_scheduler
from autodiff.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from autodiff.optim.base import Optimizer, clip_grad_norm_, clip_grad_value_
from autodiff.optim.lbfgs import LBFGS
from autodiff.optim.loops import History, fit, minibatches
from autodiff.optim.minimize import Trajectory, minimize
from autodiff.optim.optimizers import SGD, Adadelta, Adagrad, NoisySGD, RMSprop, Rprop

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "History",
    "NAdam",
    "NoisySGD",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "Trajectory",
    "clip_grad_norm_",
    "clip_grad_value_",
    "fit",
    "lr_scheduler",
    "minibatches",
    "minimize",
]
