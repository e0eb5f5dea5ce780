"""Steps, orbits and Jacobians through a system of the compiled core, with the checks of both.

N states and K inputs; leading axes are a batch, and those of states and inputs are broadcast.
"""

import math
import operator
from collections.abc import Callable, Iterator

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import FloatArray, finite_numbers

#: Jacobians are tangents of the N unit vectors, for this many states at a time.
_STATES_AT_A_TIME = 64


def to_states(
    name: str,
    value: object,
    n_states: int,
    letter: str = "N",
    *,
    hint: Callable[[tuple[int, ...]], str] = lambda shape: "",
) -> FloatArray:
    """Return a state (N,) or an array of states (..., N), or say what is wrong with it.

    `hint` returns what to do with an array of a wrong shape.
    """
    states = finite_numbers(name, value)
    if states.ndim == 0 or states.shape[-1] != n_states:
        raise ValueError(
            f"{name} must have shape ({letter},) or (..., {letter}) with {letter} = {n_states}, "
            f"got {states.shape}{hint(states.shape)}"
        )
    return states


def to_n_steps(value: object) -> int:
    """Return a number of steps, or say what is wrong with it."""
    try:
        n_steps = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"n_steps must be a whole number, got {value!r:.60}") from None
    if n_steps < 0:
        raise ValueError(f"n_steps must be at least 0, got {n_steps}")
    return n_steps


def to_inputs(value: object, n_inputs: int, owner: str) -> FloatArray:
    """Return inputs (..., K) of one step; None is the input 0."""
    if value is None:
        return np.zeros(n_inputs)
    inputs = finite_numbers("inputs", value)
    if n_inputs == 0:
        raise ValueError(f"this {owner} has no external input: leave out inputs")
    if inputs.ndim == 0 or inputs.shape[-1] != n_inputs:
        raise ValueError(
            f"inputs must have shape (K,) or (..., K) with K = {n_inputs}, got {inputs.shape}"
        )
    return inputs


def to_input_sequence(
    n_steps: object, inputs: object, n_inputs: int, owner: str
) -> tuple[FloatArray, int]:
    """Return inputs (..., T, K), or (..., 1, K) for the same at every step, and the length T."""
    if n_steps is None and inputs is None:
        raise TypeError("orbit needs n_steps, or inputs for every step")
    if inputs is None:
        return np.zeros((1, n_inputs)), to_n_steps(n_steps)
    sequence = to_inputs(inputs, n_inputs, owner)
    if sequence.ndim == 1:
        if n_steps is None:
            raise TypeError(
                f"inputs of shape {sequence.shape} are the same at every step: give n_steps too, "
                "or inputs of shape (T, K)"
            )
        return sequence[None], to_n_steps(n_steps)
    length = sequence.shape[-2]
    if n_steps is not None and to_n_steps(n_steps) != length:
        raise ValueError(
            f"n_steps must be the length {length} of inputs {sequence.shape}, got {n_steps}: "
            "leave it out"
        )
    return sequence, length


def step(system: _core.System, states: FloatArray, inputs: FloatArray) -> FloatArray:
    """Apply the map once: states (..., N) and inputs (..., K) to states (..., N)."""
    states, inputs, batch = _paired(states, inputs)
    following = system.step(states, inputs)
    if not np.isfinite(following).all():
        raise OverflowError("the next state exceeds the range of float64; start nearer to 0")
    return following.reshape(*batch, states.shape[-1])


def orbit(system: _core.System, first: FloatArray, inputs: FloatArray, n_steps: int) -> FloatArray:
    """Apply the map `n_steps` times: (..., N) and (..., T or 1, K) to (..., n_steps + 1, N)."""
    n_states, n_inputs = first.shape[-1], inputs.shape[-1]
    batch = _batch_shape(first, first.shape[:-1], inputs, inputs.shape[:-2])
    states = np.broadcast_to(first, (*batch, n_states)).reshape(-1, n_states)
    drive = np.broadcast_to(inputs, (*batch, *inputs.shape[-2:]))
    drive = drive.reshape(len(states), inputs.shape[-2], n_inputs)
    points = np.empty((len(states), n_steps + 1, n_states))
    points[:, 0] = states
    for t in range(n_steps):
        now = np.ascontiguousarray(drive[:, min(t, drive.shape[1] - 1)])
        points[:, t + 1] = states = system.step(np.ascontiguousarray(points[:, t]), now)
        if not np.isfinite(states).all():
            raise OverflowError(
                f"an orbit exceeds the range of float64 at step {t + 1}: the map expands there; "
                f"ask for fewer than {t + 1} steps or start elsewhere"
            )
    return points.reshape(*batch, n_steps + 1, n_states)


def jacobian(system: _core.System, states: FloatArray, inputs: FloatArray) -> FloatArray:
    """Return the Jacobians with respect to the state, (..., N, N): row i is output i."""
    states, inputs, batch = _paired(states, inputs)
    n_states = states.shape[-1]
    jacobians = np.empty((len(states), n_states, n_states))
    for part in _parts(len(states)):
        here = states[part]
        units = np.broadcast_to(np.eye(n_states), (len(here), n_states, n_states)).copy()
        jacobians[part] = system.tangent(here, inputs[part], units)
    if not np.isfinite(jacobians).all():
        raise OverflowError("a Jacobian exceeds the range of float64; start nearer to 0")
    return jacobians.reshape(*batch, n_states, n_states)


def _paired(
    states: FloatArray, inputs: FloatArray
) -> tuple[FloatArray, FloatArray, tuple[int, ...]]:
    """Return states (B, N) and inputs (B, K) in C order, and the batch shape that B stands for."""
    batch = _batch_shape(states, states.shape[:-1], inputs, inputs.shape[:-1])
    flat = []
    for array in (states, inputs):
        spread = np.broadcast_to(array, (*batch, array.shape[-1]))
        flat.append(np.ascontiguousarray(spread.reshape(math.prod(batch), array.shape[-1])))
    return flat[0], flat[1], batch


def _batch_shape(
    states: FloatArray, of_states: tuple[int, ...], inputs: FloatArray, of_inputs: tuple[int, ...]
) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(of_states, of_inputs)
    except ValueError:
        raise ValueError(
            f"the leading axes {of_inputs} of inputs {inputs.shape} must fit those of the states "
            f"{states.shape}"
        ) from None


def _parts(n_states: int) -> Iterator[slice]:
    for start in range(0, n_states, _STATES_AT_A_TIME):
        yield slice(start, start + _STATES_AT_A_TIME)
