"""Networks of every family, and data to train them on."""

import numpy as np
import torch

import rnndyn as rd
from rnndyn.training import (
    TrainableALRNN,
    TrainableClippedShallowPLRNN,
    TrainableDendriticPLRNN,
    TrainablePLRNN,
    TrainableShallowPLRNN,
)

#: Every family by name; called with keywords such as n_inputs, diagonal, seed and dtype.
MAKERS = {
    "plrnn": lambda **options: TrainablePLRNN(3, **options),
    "alrnn": lambda **options: TrainableALRNN(3, 2, **options),
    "dendritic": lambda **options: TrainableDendriticPLRNN(3, 4, **options),
    "dendritic_clipped": lambda **options: TrainableDendriticPLRNN(3, 4, clipped=True, **options),
    "shallow": lambda **options: TrainableShallowPLRNN(3, 5, **options),
    "shallow_clipped": lambda **options: TrainableClippedShallowPLRNN(3, 5, **options),
}


def network(name, *, n_inputs=0, diagonal=True, seed=0, size=0.7):
    """A network with weights of some size everywhere, so that nothing is zero by its start."""
    module = MAKERS[name](n_inputs=n_inputs, diagonal=diagonal, seed=seed)
    rng = np.random.default_rng(seed + 1000)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.tensor(size * rng.normal(size=tuple(parameter.shape))))
        if module.s is not None:
            module.s.add_(torch.tensor(rng.normal(size=n_inputs)))
    return module


def drawn(*shape, seed=0):
    return torch.tensor(np.random.default_rng(seed).normal(size=shape))


def circle(n_steps=400, angle=0.2):
    phase = angle * np.arange(n_steps)
    return np.column_stack([np.cos(phase), 0.5 * np.sin(phase)])


def tent(slope=2.0):
    """z -> 1 - slope |z|, whose Jacobians are plus and minus the slope."""
    return rd.PLRNN([[slope]], [[-2.0 * slope]], [1.0])
