"""Running a network along data, with teacher forcing and with gradients, or freely without."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._common.checks import check_integer
from rnndyn.training._module import TrainableModel
from rnndyn.training.forcing import TeacherForcing, as_forcing
from rnndyn.training.observation import ObservationModel, default_observation, observe


def rollout(
    module: TrainableModel,
    x: Tensor,
    *,
    observation: ObservationModel | None = None,
    forcing: TeacherForcing | float | None = None,
    inputs: Tensor | None = None,
) -> Tensor:
    """Run a network along data with teacher forcing, and return its states with gradients.

    Parameters
    ----------
    module : TrainableModel
        The network F.
    x : Tensor, shape (..., T + 1, N)
        The data, converted to the type of the network where it is another.
    observation : ObservationModel, optional
        How they come from the states. Default: the first N states are the data.
    forcing : TeacherForcing or float, optional
        Strategy, or the alpha of generalised teacher forcing. Default: none.
    inputs : Tensor, shape (..., T, K), optional
        External inputs; ``inputs[..., t, :]`` acts on the step from time t to t + 1.

    Returns
    -------
    Tensor, shape (..., T, M)
        States at the times 1 to T before they are forced: entry t - 1 is the state whose
        observation predicts ``x[..., t, :]``.

    Raises
    ------
    TypeError
        If the data or inputs are no tensors of real numbers, or the observation model has another
        type than the network.
    ValueError
        If the shapes do not fit.

    Notes
    -----
    The state at time 0 is ``observation.initial_state(x_0)``, and ``z_{t+1} = F(y_t)`` where y_t is
    z_t moved the share ``forcing.alpha_at(t)`` of the way to the data. So alpha = 1 is one-step
    prediction, and alpha = 0 a free run.

    References
    ----------
    F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for learning
    chaotic dynamics", ICML 2023.

    Examples
    --------
    >>> import torch
    >>> from rnndyn.training import TrainableShallowPLRNN, rollout
    >>> module = TrainableShallowPLRNN(3, 20)
    >>> x = torch.randn(16, 51, 3, dtype=torch.float64)
    >>> rollout(module, x, forcing=0.125).shape
    torch.Size([16, 50, 3])
    """
    x = _in_type_of(module, "x", x)
    if x.ndim < 2 or x.shape[-2] < 2:
        raise ValueError(f"x must have shape (..., T + 1, N) with T from 1, got {tuple(x.shape)}")
    observation = observation or default_observation(module, int(x.shape[-1]))
    if (observation.n_states, observation.n_observations) != (module.n_states, x.shape[-1]):
        raise ValueError(
            f"observation is for {observation.n_states} states and {observation.n_observations} "
            f"variables; the network has {module.n_states} and the data {x.shape[-1]}"
        )
    for parameter in observation.parameters():
        if parameter.dtype != x.dtype:
            raise TypeError(
                f"observation must be of the type of the network, {x.dtype}, got "
                f"{parameter.dtype}: make it with dtype={x.dtype}"
            )
    n_steps = int(x.shape[-2]) - 1
    if inputs is not None:
        inputs = _in_type_of(module, "inputs", inputs)
    if inputs is not None and (inputs.ndim != x.ndim or inputs.shape[-2] < n_steps):
        raise ValueError(
            f"inputs must have shape (..., T, K) with T = {n_steps}, got {tuple(inputs.shape)}"
        )
    strategy = as_forcing(forcing)
    alphas = [strategy.alpha_at(t) for t in range(n_steps)]
    force = observation.forcing(x) if any(alphas[1:]) else None
    drive = None if inputs is None else inputs.unbind(-2)
    z = observation.initial_state(x[..., 0, :])
    states = []
    for t in range(n_steps):
        if t > 0 and alphas[t] > 0.0 and force is not None:
            z = force(z, t, alphas[t])
        z = module(z) if drive is None else module(z, drive[t])
        states.append(z)
    return torch.stack(states, dim=-2)


def prediction_loss(
    module: TrainableModel,
    x: Tensor,
    *,
    observation: ObservationModel | None = None,
    forcing: TeacherForcing | float | None = None,
    inputs: Tensor | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """Return the mean squared error of the predictions of a `rollout`.

    Parameters
    ----------
    module, x, observation, forcing, inputs
        As for `rollout`.
    noise : Tensor of the shape of `x`, optional
        Added to the data that the states start from and are forced to, but not to those that they
        are compared with.

    Returns
    -------
    Tensor
        One number, with gradients.

    Examples
    --------
    >>> import torch
    >>> from rnndyn.training import TrainableShallowPLRNN, prediction_loss
    >>> module = TrainableShallowPLRNN(3, 20)
    >>> x = torch.randn(16, 51, 3, dtype=torch.float64)
    >>> prediction_loss(module, x, forcing=0.125).backward()
    >>> module.W1.grad.shape
    torch.Size([3, 20])
    """
    x = _in_type_of(module, "x", x)
    observation = observation or default_observation(module, int(x.shape[-1]))
    signal = x if noise is None else x + _in_type_of(module, "noise", noise)
    states = rollout(module, signal, observation=observation, forcing=forcing, inputs=inputs)
    return torch.nn.functional.mse_loss(observation(states), x[..., 1:, :])


def generate(
    module: TrainableModel,
    x0: ArrayLike,
    n_steps: int,
    *,
    observation: ObservationModel | None = None,
    inputs: ArrayLike | None = None,
) -> FloatArray:
    """Run a network freely from data and return its observations.

    Parameters
    ----------
    module : TrainableModel
        The network.
    x0 : array_like, shape (N,)
        Data that it starts from.
    n_steps : int
        Number of steps.
    observation : ObservationModel, optional
        How the data come from the states. Default: the first N states are the data.
    inputs : array_like, shape (n_steps, K), optional
        External inputs. Default: the buffer ``module.s`` at every step.

    Returns
    -------
    ndarray of float64, shape (n_steps + 1, N)
        Observations, from the first state on.

    Raises
    ------
    ValueError
        If a shape does not fit.
    OverflowError
        If the orbit leaves the range of float64.

    Examples
    --------
    >>> from rnndyn.training import TrainableShallowPLRNN, generate
    >>> generate(TrainableShallowPLRNN(3, 20), [0.1, 0.2, 0.3], 100).shape
    (101, 3)
    """
    start = finite_numbers("x0", x0)
    if start.ndim != 1:
        raise ValueError(f"x0 must have shape (N,), got {start.shape}")
    n_steps = check_integer("n_steps", n_steps, 0, 2**40)
    observation = observation or default_observation(module, len(start))
    with torch.no_grad():
        z = observation.initial_state(module.A.new_tensor(start)).double().cpu().numpy()
    if inputs is None:
        return np.asarray(observe(observation, module.to_model().orbit(z, n_steps)))
    drive = finite_numbers("inputs", inputs)
    if drive.shape != (n_steps, module.n_inputs) or not module.n_inputs:
        raise ValueError(
            f"inputs must have shape ({n_steps}, {module.n_inputs}) for this network, "
            f"got {drive.shape}"
        )
    states: list[Any] = [module.A.new_tensor(z)]
    with torch.no_grad():
        for s in module.A.new_tensor(drive):
            states.append(module(states[-1], s))
    orbit = torch.stack(states).double().cpu().numpy()
    if not np.isfinite(orbit).all():
        first = int(np.argmin(np.isfinite(orbit).all(axis=1)))
        raise OverflowError(f"the orbit exceeds the range of float64 at step {first}")
    return np.asarray(observe(observation, orbit))


def _in_type_of(module: TrainableModel, name: str, value: Any) -> Tensor:
    """Return a tensor in the floating point type of the network, itself where it has that."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} must be a tensor, got {type(value).__name__}: use torch.as_tensor({name})"
        )
    if value.is_complex():
        raise TypeError(f"{name} must hold real numbers, got dtype {value.dtype}")
    return value.to(module.A.dtype)
