"""Lyapunov spectra from records written by hand, and window sums of maps with known exponents."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn import __version__
from rnndyn.lyapunov.frame import TangentFrame
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.lyapunov.run import LyapunovRun


def run_record(**changes: Any) -> LyapunovRun:
    """Return the record of a finished run."""
    values: dict[str, Any] = {
        "model": {"family": "PLRNN", "n_states": 3, "n_inputs": 0},
        "stopped_by": "finished",
        "seconds": 0.25,
        "n_threads": 2,
        "seed": 7,
        "version": __version__,
        "n_orthonormalizations": 400,
        "n_householder": 3,
        "options": {"n_steps": 1000, "transient": 100, "dtype": "float64"},
    }
    return LyapunovRun(**{**values, **changes})


def random_growth(
    means: Any, n_sequences: int = 2, n_windows: int = 100, steps: int = 10, seed: int = 0
) -> NDArray[np.float64]:
    """Return window sums (B, W, m) whose steps are independent, with spread 0.1."""
    rng = np.random.default_rng(seed)
    shape = (n_sequences, n_windows, len(means))
    return steps * np.asarray(means) + 0.1 * np.sqrt(steps) * rng.standard_normal(shape)


def spectrum_of(log_growth: Any, **changes: Any) -> LyapunovSpectrum:
    """Return a spectrum of window sums (B, W, m), by default of windows of 10 steps."""
    growth = np.array(log_growth, dtype=np.float64)
    n_sequences, n_windows, m = growth.shape
    n_states = changes.pop("n_states", m)
    values: dict[str, Any] = {
        "log_growth": growth,
        "window_steps": np.full(n_windows, 10),
        "layer": np.zeros((n_sequences, m), dtype=np.int64),
        "frame": TangentFrame([np.broadcast_to(np.eye(n_states, m), (n_sequences, n_states, m))]),
        "states": np.arange(n_sequences * n_states, dtype=float).reshape(n_sequences, n_states),
        "qr_interval": np.full(n_sequences, 4),
        "run": run_record(),
    }
    return LyapunovSpectrum(**{**values, **changes})


def henon_windows(n_sequences: int, n_windows: int, steps: int, seed: int) -> NDArray[np.float64]:
    """Return window sums (W, B) of the growth along the first direction of the Hénon map."""
    rng = np.random.default_rng(seed)
    x, y = 0.1 * rng.uniform(-1.0, 1.0, (2, n_sequences))
    u, v = rng.standard_normal((2, n_sequences))
    sums = np.zeros((n_windows, n_sequences))
    n_settle = 500
    for step in range(-n_settle, n_windows * steps):
        u, v = -2.8 * x * u + v, 0.3 * u
        x, y = 1.0 - 1.4 * x * x + y, 0.3 * x
        size = np.hypot(u, v)
        u, v = u / size, v / size
        if step >= 0:
            sums[step // steps] += np.log(size)
    return sums
