"""Optimizers: they read ``.grad`` of the parameters and change ``.data``.

Names, defaults and arithmetic are PyTorch's.  The loop is always the same four lines::

    loss = loss_of(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

from autodiff.optim import lr_scheduler
from autodiff.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from autodiff.optim.base import Optimizer, clip_grad_norm_, clip_grad_value_
from autodiff.optim.loops import History, fit, minibatches
from autodiff.optim.minimize import Trajectory, minimize
from autodiff.optim.optimizers import SGD, Adadelta, Adagrad, NoisySGD, RMSprop

__all__ = [
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
    "Trajectory",
    "clip_grad_norm_",
    "clip_grad_value_",
    "fit",
    "lr_scheduler",
    "minibatches",
    "minimize",
]
