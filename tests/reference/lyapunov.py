"""Lyapunov exponents the obvious way: form every Jacobian, multiply, Householder QR, every step.

`lyapunov_spectrum` returns the record of the compiled core for the same arguments, from the systems
of `reference.lyapunov_systems`. `exact_log_growth` judges both: it multiplies the Jacobians in
hundreds of digits, so that no orthonormalisation in between is needed at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from reference.lyapunov_systems import ReferenceSystem

Array = NDArray[np.float64]


def positive_qr(block: Array) -> tuple[Array, Array]:
    """Householder QR of a batch of blocks, the diagonal of R not negative."""
    frame, triangle = np.linalg.qr(block)
    signs = np.where(np.diagonal(triangle, axis1=1, axis2=2) < 0.0, -1.0, 1.0)
    return frame * signs[:, None, :], triangle * signs[:, :, None]


def random_frames(
    rng: np.random.Generator, n_batch: int, sizes: Sequence[int], n_exponents: int
) -> list[Array]:
    """Orthonormal columns for a batch: one frame of min(m, n) columns for each of the sizes."""
    return [
        positive_qr(rng.normal(size=(n_batch, size, min(n_exponents, size))))[0] for size in sizes
    ]


def lyapunov_spectrum(
    system: ReferenceSystem,
    states: Array,
    inputs: Array | None,
    frames: Sequence[Array],
    *,
    n_settle: int = 0,
    n_warmup: int = 0,
    n_steps: int,
    window: int,
    joint: bool = False,
    qr_interval: int = 1,
    rounding: float = 0.0,
) -> dict[str, Any]:
    """The core's record, and `smallest` (B, m): the least of R_kk / |J| in any step.

    Parameters
    ----------
    states : (B, N) array
    inputs : (B, T, K) array or None
        Step t of the whole run (settling and warm-up included) uses ``inputs[:, t % T]``.
    frames : list of (B, n_l, m_l) arrays
        One for each layer; a single one (B, N, m) for ``joint``.
    n_settle, n_warmup, n_steps : int
        Steps of the state alone, of state and frame, and those that are recorded.
    window : int
        Recorded steps for one column of `log_growth`; the last window may be shorter.
    joint : bool
        One frame of the whole state instead of one for each layer.
    qr_interval : int
        Steps from one QR to the next; there is one at the end of every window, too.
    rounding : float
        Relative size of random errors of all entries of the Jacobians, the same in every run: what
        they change is what rounding errors of that size may change.
    """
    rng = np.random.default_rng(0)
    states = states.copy()
    frames = [frame.copy() for frame in frames]
    n_batch = len(states)
    blocks = _diagonal_blocks([sum(system.layer_sizes)] if joint else system.layer_sizes)
    n_windows = -(-n_steps // window)
    log_growth = np.zeros((n_batch, n_windows, sum(frame.shape[2] for frame in frames)))
    smallest = np.full((n_batch, log_growth.shape[2]), np.inf)
    pending = 0
    for t in range(n_settle + n_warmup + n_steps):
        x = np.zeros((n_batch, 0)) if inputs is None else inputs[:, t % inputs.shape[1]]
        if t >= n_settle:
            jacobian = system.jacobian(states, x)
            jacobian = jacobian * (1.0 + rounding * rng.choice([-1.0, 1.0], size=jacobian.shape))
            frames = [
                jacobian[:, block, block] @ frame
                for block, frame in zip(blocks, frames, strict=True)
            ]
            pending += 1
            recorded = t - n_settle - n_warmup
            at_end = recorded == -1 or recorded == n_steps - 1 or (recorded + 1) % window == 0
            if at_end or pending == qr_interval:
                pending = 0
                factors = [positive_qr(frame) for frame in frames]
                frames = [frame for frame, _ in factors]
                growth = [np.diagonal(triangle, axis1=1, axis2=2) for _, triangle in factors]
                diagonal = np.concatenate(growth, axis=1)
                length = np.linalg.norm(jacobian, axis=(1, 2))[:, None]
                smallest = np.fmin(
                    smallest, np.divide(diagonal, length, out=0.0 * diagonal, where=length > 0.0)
                )
                if recorded >= 0:
                    with np.errstate(divide="ignore"):
                        log_growth[:, recorded // window] += np.log(diagonal)
        states = system.step(states, x)
    window_steps = np.full(n_windows, window)
    window_steps[-1] = n_steps - window * (n_windows - 1)
    return {
        "log_growth": log_growth,
        "window_steps": window_steps,
        "layer": np.repeat(np.arange(len(frames)), [frame.shape[2] for frame in frames]),
        "frames": frames,
        "states": states,
        "n_steps_done": n_steps,
        "stopped_by": "finished",
        "diverged_at": np.full(n_batch, -1),
        "smallest": smallest,
    }


def _diagonal_blocks(sizes: Sequence[int]) -> list[slice]:
    ends = np.cumsum(sizes)
    return [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]


def orbit_jacobians(system: ReferenceSystem, state: Array, inputs: Array | None, n: int) -> Array:
    """The Jacobians along the orbit of one state (N,), shape (n, N, N); inputs (T, K)."""
    jacobians = []
    z = state[None]
    for t in range(n):
        x = np.zeros((1, 0)) if inputs is None else inputs[None, t % len(inputs)]
        jacobians.append(system.jacobian(z, x)[0])
        z = system.step(z, x)
    return np.array(jacobians)


def exact_log_growth(jacobians: Array, frame: Array, digits: int = 400) -> Array:
    """ln diag R of QR(J_n ... J_1 frame), shape (m,), with ``digits`` digits throughout.

    The product of the triangles of any QR iteration is the triangle of the whole product, so this
    is what the sum of `log_growth` over a run has to be. -inf where half the digits say R has a
    zero.
    """
    with mpmath.workdps(digits):
        block = mpmath.matrix(frame.tolist())
        for jacobian in jacobians:
            block = mpmath.matrix(jacobian.tolist()) * block
        columns = [block[:, k] for k in range(block.cols)]
        orthogonal: list[Any] = []
        growth = []
        for column in columns:
            before = mpmath.norm(column)
            for _ in range(2):
                for unit in orthogonal:
                    column = column - unit * (unit.T * column)[0]
            norm = mpmath.norm(column)
            if norm <= before * mpmath.mpf(10) ** (-digits // 2):
                growth.append(-np.inf)
                continue
            orthogonal.append(column / norm)
            growth.append(float(mpmath.log(norm)))
    return np.array(growth)


def exact_log_moduli(jacobians: Array, digits: int = 60) -> Array:
    """ln |eigenvalues| of J_n ... J_1 in ``digits`` digits, shape (N,), in no order.

    In double precision a product of a few Jacobians keeps no digit of its small eigenvalues.
    """
    with mpmath.workdps(digits):
        product = mpmath.eye(jacobians.shape[1])
        for jacobian in jacobians:
            product = mpmath.matrix(jacobian.tolist()) * product
        if jacobians.shape[1] == 1:
            return np.array([float(mpmath.log(abs(product[0, 0])))])
        eigenvalues = mpmath.eig(product, left=False, right=False)
        return np.array([float(mpmath.log(abs(value))) for value in eigenvalues])
