"""How good a reconstruction is: geometry of the attractor, power spectra, short-time prediction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._common.checks import check_count, check_integer, check_positive
from rnndyn.training._module import TrainableModel
from rnndyn.training.observation import ObservationModel, default_observation

#: Added to the count of every cell; the published value.
_PSEUDO_COUNT = 1e-5
#: Numbers held at once when densities are summed, a few MB.
_NUMBERS_AT_ONCE = 2**21


def state_space_divergence(
    reference: ArrayLike,
    generated: ArrayLike,
    *,
    method: str = "binning",
    n_bins: int = 30,
    variance: float = 1.0,
    n_samples: int = 1000,
    seed: int = 0,
) -> float:
    """Return D_stsp: how differently two time series fill the state space.

    It is the Kullback-Leibler divergence KL(p || q) in nats of the distribution p of the reference
    and q of the generated points, whatever their order in time.

    Parameters
    ----------
    reference : array_like, shape (T, N)
        The true time series.
    generated : array_like, shape (T', N)
        The generated one, in the same units.
    method : {"binning", "gaussian_mixture"}
        ``binning``: histograms; for few variables. ``gaussian_mixture``: a Gaussian at every point.
    n_bins : int
        Bins per variable, for ``binning``.
    variance : float
        Variance of the Gaussians in every direction, for ``gaussian_mixture``, in squared units of
        the data.
    n_samples : int
        Number of random points, for ``gaussian_mixture``.
    seed : int
        Their seed.

    Returns
    -------
    float
        0 for equal distributions. ``gaussian_mixture`` is an estimate and may be slightly negative.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    Binning [1]_ [2]_: the box goes, for every variable, from 0.1 standard deviations below the
    smallest value of the reference to as much above the largest. A count of 1e-5 is added to each
    of the ``n_bins**N`` cells. Points outside the box make one more cell, so that a series that
    leaves it is not taken for one that stays. Empty cells are not stored.

    Gaussian mixture [1]_ [3]_: ``p(x) = mean_t N(x; x_t, variance I)``, q likewise; the mean of
    ``log p - log q`` over random points of p.

    References
    ----------
    .. [1] G. Koppe, H. Toutounji, P. Kirsch, S. Lis, D. Durstewitz, "Identifying nonlinear
       dynamical systems via generative recurrent neural networks with applications to fMRI", PLoS
       Computational Biology, 2019.
    .. [2] F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for
       learning chaotic dynamics", ICML 2023.
    .. [3] J. R. Hershey, P. A. Olsen, "Approximating the Kullback Leibler divergence between
       Gaussian mixture models", ICASSP 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import state_space_divergence
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 100_000, 1))
    >>> state_space_divergence(x, x)
    0.0
    >>> round(state_space_divergence(x, y + 0.5), 2)  # two Gaussians: 0.5**2 / 2
    0.12
    """
    true, made = _pair(reference, generated)
    if method == "binning":
        return _binned_divergence(true, made, check_integer("n_bins", n_bins, 1, 2**20))
    if method == "gaussian_mixture":
        variance = check_positive("variance", variance, "squared units of the data")
        n_samples = check_count("n_samples", n_samples)
        rng = np.random.default_rng(check_integer("seed", seed, 0, 2**64 - 1))
        centres = true[rng.integers(len(true), size=n_samples)]
        points = centres + rng.normal(scale=math.sqrt(variance), size=centres.shape)
        logs = _log_density(points, true, variance) - _log_density(points, made, variance)
        return float(logs.mean())
    raise ValueError(f"method must be 'binning' or 'gaussian_mixture', got {method!r:.60}")


def _binned_divergence(true: FloatArray, made: FloatArray, n_bins: int) -> float:
    margin = 0.1 * true.std(axis=0)
    low, high = true.min(axis=0) - margin, true.max(axis=0) + margin
    if not (low < high).all():
        raise ValueError(
            f"reference must vary in every variable, but variable {int(np.argmin(low < high))} is "
            "constant"
        )
    cells = [_cells(points, low, high, n_bins) for points in (true, made)]
    _, codes = np.unique(np.concatenate(cells), axis=0, return_inverse=True)
    n_occupied = int(codes.max()) + 1
    counts = [
        np.bincount(part, minlength=n_occupied) for part in np.split(codes.ravel(), [len(true)])
    ]
    n_cells = float(n_bins) ** true.shape[1] + 1.0
    n_empty = n_cells - n_occupied
    p, q = ((count + _PSEUDO_COUNT) / (count.sum() + _PSEUDO_COUNT * n_cells) for count in counts)
    # All cells without points are alike; with equal lengths they add nothing.
    empty = [_PSEUDO_COUNT / (count.sum() + _PSEUDO_COUNT * n_cells) for count in counts]
    rest = max(n_empty, 0.0) * empty[0] * math.log(empty[0] / empty[1])
    return max(float((p * np.log(p / q)).sum()) + float(rest), 0.0)


def _cells(
    points: FloatArray, low: FloatArray, high: FloatArray, n_bins: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the cell of every point as one row; -1 in all columns outside the box."""
    inside = ((points >= low) & (points <= high)).all(axis=1)
    cells = np.full(points.shape, -1, dtype=np.int64)
    share = (points[inside] - low) / (high - low)
    cells[inside] = np.minimum((share * n_bins).astype(np.int64), n_bins - 1)
    return cells


def _log_density(points: FloatArray, centres: FloatArray, variance: float) -> FloatArray:
    """Return the logarithm of the mean of Gaussians, without their common constant."""
    result = np.empty(len(points))
    at_once = max(_NUMBERS_AT_ONCE // centres.size, 1)
    for start in range(0, len(points), at_once):
        differences = points[start : start + at_once, None, :] - centres
        exponents = -0.5 * np.einsum("ijk,ijk->ij", differences, differences) / variance
        largest = exponents.max(axis=1, keepdims=True)
        sums = np.log(np.exp(exponents - largest).mean(axis=1))
        result[start : start + at_once] = largest[:, 0] + sums
    return result


def power_spectrum_distance(
    reference: ArrayLike, generated: ArrayLike, *, smoothing: float = 20.0
) -> float:
    """Return D_H: the mean Hellinger distance of the power spectra of the variables.

    Parameters
    ----------
    reference, generated : array_like, shape (T, N)
        Two time series of equal length.
    smoothing : float
        Standard deviation of the Gaussian that smooths the spectra, in frequency bins of width
        ``1 / T`` per step; 0 for none. Compare only distances with the same smoothing and T.

    Returns
    -------
    float
        From 0 for equal spectra to 1 for spectra that do not overlap.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    The mean of every variable is removed. The squared moduli of its real Fourier transform are
    smoothed, with reflection at both ends, and divided by their sum, which gives distributions f
    and g over the frequencies. Their distance is ``sqrt(1/2 sum (sqrt f - sqrt g)^2)``; the result
    is the mean over the variables [1]_. The phase does not matter, nor does the amplitude. A
    variable that is constant in one of the series only has distance 1; in both, 0.

    References
    ----------
    .. [1] J. M. Mikhaeil, Z. Monfared, D. Durstewitz, "On the difficulty of learning chaotic
       dynamics with RNNs", NeurIPS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import power_spectrum_distance
    >>> t = np.arange(10_000)
    >>> slow, fast = np.sin(0.01 * t)[:, None], np.sin(0.5 * t)[:, None]
    >>> power_spectrum_distance(slow, slow)
    0.0
    >>> round(power_spectrum_distance(slow, fast), 2)
    1.0
    """
    true, made = _pair(reference, generated)
    if len(true) != len(made):
        raise ValueError(
            f"reference and generated must be of equal length, got {len(true)} and {len(made)}"
        )
    if len(true) < 2:
        raise ValueError("reference must have at least two points")
    if not (math.isfinite(smoothing) and smoothing >= 0.0):
        raise ValueError(f"smoothing must be a finite number of bins from 0, got {smoothing!r}")
    distances = []
    for one, other in zip(true.T, made.T, strict=True):
        f, g = _spectrum(one, smoothing), _spectrum(other, smoothing)
        if f is None or g is None:
            distances.append(0.0 if f is g else 1.0)
        else:
            distances.append(math.sqrt(0.5 * float(np.square(np.sqrt(f) - np.sqrt(g)).sum())))
    return min(float(np.mean(distances)), 1.0)


def _spectrum(series: FloatArray, smoothing: float) -> FloatArray | None:
    """Return the smoothed power spectrum with sum 1; None for a constant."""
    centred = series - series.mean()
    if np.abs(centred).max() <= 1e-13 * max(np.abs(series).max(), np.finfo(float).tiny):
        return None
    # Scaled before squaring, so that no amplitude overflows.
    power = np.square(np.abs(np.fft.rfft(centred / np.abs(centred).max())))
    if smoothing > 0.0:
        # Four standard deviations, as in the published evaluations.
        radius = int(4.0 * smoothing + 0.5)
        offsets = np.arange(-radius, radius + 1)
        kernel = np.exp(-0.5 * np.square(offsets / smoothing))
        padded = np.pad(power, radius, mode="symmetric")
        power = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return np.asarray(power / power.sum())


def prediction_error(
    module: TrainableModel,
    data: ArrayLike,
    n_steps: int,
    *,
    observation: ObservationModel | None = None,
    inputs: ArrayLike | None = None,
    batch_size: int = 4096,
) -> FloatArray:
    """Return the mean squared error of free predictions 1, 2, ..., n steps ahead.

    Parameters
    ----------
    module : TrainableModel
        The network.
    data : array_like, shape (T, N)
        The true time series; predictions start from each of the first ``T - n_steps`` points.
    n_steps : int
        Number of steps n, below T.
    observation : ObservationModel, optional
        How the data come from the states. Default: the first N states are the data.
    inputs : array_like, shape (T, K), optional
        External inputs; row t acts on the step from time t to t + 1.
    batch_size : int
        Number of predictions made at once.

    Returns
    -------
    ndarray of float64, shape (n_steps,)
        Entry j - 1: mean over all starts and variables of the squared error after j steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    OverflowError
        If a prediction leaves the range of float64.

    Examples
    --------
    >>> import numpy as np
    >>> import rnndyn as rd
    >>> from rnndyn.training import TrainablePLRNN, prediction_error
    >>> model = rd.PLRNN(A=[0.5, 0.9], W=[[0.0, -0.6], [0.5, 0.0]], h=[0.4, 0.1])
    >>> orbit = model.orbit([1.0, 1.0], 50)
    >>> bool(prediction_error(TrainablePLRNN.from_model(model), orbit, 10).max() < 1e-20)
    True
    """
    series = finite_numbers("data", data)
    if series.ndim != 2:
        raise ValueError(f"data must have shape (T, N), got {series.shape}")
    n_steps = check_integer("n_steps", n_steps, 1, max(len(series) - 1, 1))
    batch_size = check_count("batch_size", batch_size)
    observation = observation or default_observation(module, series.shape[1])
    x = module.A.new_tensor(series)
    drive = None
    if inputs is not None:
        rows = finite_numbers("inputs", inputs)
        if rows.shape != (len(series), module.n_inputs):
            raise ValueError(
                f"inputs must have shape ({len(series)}, {module.n_inputs}), got {rows.shape}"
            )
        drive = module.A.new_tensor(rows)
    n_starts = len(series) - n_steps
    sums = np.zeros(n_steps)
    with torch.no_grad():
        for start in range(0, n_starts, batch_size):
            end = min(start + batch_size, n_starts)
            z = observation.initial_state(x[start:end])
            for j in range(n_steps):
                z = module(z) if drive is None else module(z, drive[start + j : end + j])
                errors = observation(z) - x[start + j + 1 : end + j + 1]
                sums[j] += float(errors.double().square().sum())
    if not np.isfinite(sums).all():
        first = int(np.argmin(np.isfinite(sums))) + 1
        raise OverflowError(
            f"predictions exceed the range of float64 after {first} steps: the network expands; "
            "ask for fewer steps"
        )
    return np.asarray(sums / (n_starts * series.shape[1]))


def _pair(reference: ArrayLike, generated: ArrayLike) -> tuple[FloatArray, FloatArray]:
    true, made = finite_numbers("reference", reference), finite_numbers("generated", generated)
    for name, series in (("reference", true), ("generated", made)):
        if series.ndim != 2 or 0 in series.shape:
            raise ValueError(f"{name} must have shape (T, N), got {series.shape}")
    if true.shape[1] != made.shape[1]:
        raise ValueError(
            f"reference and generated must have as many variables, got {true.shape[1]} and "
            f"{made.shape[1]}"
        )
    return true, made
