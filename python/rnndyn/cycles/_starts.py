"""Where a search may begin besides its own starts: states that the user has, and driven runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn.models import DifferentiableMap, Model, RecurrentNetwork
from rnndyn.models._layers_apart import stacked_relu, states_of_map
from rnndyn.models._stepping import orbit, to_states

#: Of longer input sequences the network visits more states than a search has use for.
_MOST_STATES = 65_536


def starting_states(
    model: Model | DifferentiableMap, states: ArrayLike | None, drive: ArrayLike | None
) -> FloatArray | None:
    """Return the states (S, N) where restarts may begin: those given, and those of driven runs."""
    parts = []
    if states is not None:
        if isinstance(model, RecurrentNetwork):
            given = model._states("states", states)
        else:
            given = to_states("states", states, model.n_states, "M")
        parts.append(given.reshape(-1, model.n_states))
    if drive is not None:
        parts.append(_driven_states(model, drive))
    found = np.ascontiguousarray(np.concatenate(parts)) if parts else None
    return None if found is None or not len(found) else found


def starts_of_map(
    model: Model | DifferentiableMap, starts: FloatArray | None, inputs: ArrayLike | None
) -> FloatArray | None:
    """Return states of a network as states of the piecewise-linear map that it is searched as.

    Those of a stacked ReLU network have their layers one step apart there: what the network makes
    of a state within as many steps as it has layers is the one that follows it.
    """
    if starts is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            return states_of_map(model, starts, inputs)
        except OverflowError:
            return None


def starts_of_period(
    model: Model | DifferentiableMap, starts: FloatArray | None, inputs: ArrayLike | None
) -> FloatArray | None:
    """Return states at the beginning of a period as those of the map, at that of a later one."""
    network = stacked_relu(model)
    if starts is None or network is None:
        return starts
    period = finite_numbers("inputs", inputs)
    # Whole periods, after which all layers are known, and from there the steps that are late.
    lag = network.n_layers - 1
    before = -lag % len(period)
    drive = period[np.arange(before + lag) % len(period)]
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            later = network.orbit(starts, inputs=drive[:before])[..., -1, :] if before else starts
            return states_of_map(network, later, drive[before:])
        except OverflowError:
            return None


def _driven_states(model: Model | DifferentiableMap, drive: ArrayLike) -> FloatArray:
    sequences = finite_numbers("drive", drive)
    width = model.n_inputs if isinstance(model, Model) else 0
    if not isinstance(model, Model) or not width:
        raise ValueError(
            f"this {type(model).__name__} has no external input: leave out drive, and give the "
            "states that it visits as states"
        )
    if sequences.ndim not in (2, 3) or sequences.shape[-1] != width or not sequences.size:
        raise ValueError(
            f"drive must be input sequences of shape (B, T, K) or (T, K) with K = {width}, got "
            f"{sequences.shape}"
        )
    sequences = sequences.reshape(-1, *sequences.shape[-2:])
    # Every n-th step, spread evenly over the sequences, where there are very many.
    stride = -(-sequences.shape[0] * sequences.shape[1] // _MOST_STATES)
    zero = np.zeros(model.n_states)
    kept = [
        orbit(model._system(), zero, sequence, len(sequence))[number % stride :: stride]
        for number, sequence in enumerate(sequences)
    ]
    return np.concatenate(kept)
