"""States of a stacked ReLU network as those of the map that it is analysed as.

That map has layer l of the network l steps late; see `RNN.as_piecewise_linear`. What is given along
with the network itself is of the network, what is given along with a result is of ``result.model``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.models.rnn import RNN


def stacked_relu(model: object) -> RNN | None:
    """Return the model if it is a ReLU network of several layers, else None."""
    stacked = isinstance(model, RNN) and model.nonlinearity == "relu" and model.n_layers > 1
    return model if stacked and isinstance(model, RNN) else None


def states_of_map(model: object, states: FloatArray, inputs: Any = None) -> FloatArray:
    """Return states (..., N) of a model as states of the map that it is analysed as.

    `inputs` is as for `RNN.orbit`: the constant input, or the inputs of as many steps as there are
    layers but one.
    """
    network = stacked_relu(model)
    return states if network is None else network.layers_apart(states, inputs)


def orbits_of_map(model: object, orbits: FloatArray) -> FloatArray:
    """Return consecutive states (..., T, N) as those of the map, fewer by the layers but one."""
    network = stacked_relu(model)
    if network is None:
        return orbits
    lag = network.n_layers - 1
    length = orbits.shape[-2]
    if length <= lag:
        raise ValueError(
            f"an orbit of a network with {network.n_layers} layers must have more than {lag} "
            f"states, of which its piecewise-linear map has one, got {length}"
        )
    layers = orbits.reshape(*orbits.shape[:-1], network.n_layers, network.hidden_size)
    parts = [layers[..., lag - own : length - own, own, :] for own in range(network.n_layers)]
    return np.ascontiguousarray(np.concatenate(parts, axis=-1))


def refuse_stacked(model: object, name: str, needs: str) -> None:
    """Complain about a stacked ReLU network where its map would be something else."""
    network = stacked_relu(model)
    if network is not None:
        raise ValueError(
            f"{name} {needs}, but this RNN of {network.n_layers} layers is analysed as a map with "
            "its layers one step apart: give that map, model.as_piecewise_linear(), with states "
            "of it, such as model.layers_apart(states)"
        )
