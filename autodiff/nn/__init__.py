"""Neural nets of scalar Values: modules, losses, initialisers, with PyTorch's names."""

from autodiff.nn import init
from autodiff.nn.base import Module
from autodiff.nn.losses import (
    accuracy,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    kl_div,
    l1_loss,
    l1_penalty,
    l2_penalty,
    mse_loss,
    nll_loss,
)
from autodiff.nn.modules import (
    MLP,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    Neuron,
    RMSNorm,
    Sequential,
    TwoLayerNet,
)

__all__ = [
    "MLP",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "Module",
    "Neuron",
    "RMSNorm",
    "Sequential",
    "TwoLayerNet",
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
    "huber_loss",
    "init",
    "kl_div",
    "l1_loss",
    "l1_penalty",
    "l2_penalty",
    "mse_loss",
    "nll_loss",
]
