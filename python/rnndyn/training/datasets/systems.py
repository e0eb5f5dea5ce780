"""Benchmark systems of dynamical systems reconstruction."""

import math

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_positive
from rnndyn.training.datasets._series import Sampling, TimeSeries, integrate


def lorenz63(
    n_steps: int = 100_000,
    dt: float = 0.01,
    *,
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8.0 / 3.0,
    standardize: bool = True,
    transient: float = 50.0,
    seed: int = 0,
) -> TimeSeries:
    """Integrate the Lorenz system.

    ``x' = sigma (y - x)``, ``y' = x (rho - z) - y``, ``z' = x y - beta z``.

    Parameters
    ----------
    n_steps : int
        Number of rows T.
    dt : float
        Time between rows.
    sigma, rho, beta : float
        Parameters; chaotic by default, with the largest Lyapunov exponent 0.906 per time unit.
    standardize : bool
        Whether to give every variable mean 0 and standard deviation 1.
    transient : float
        Time that is integrated first and left out.
    seed : int
        Seed of the first state.

    Returns
    -------
    TimeSeries

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    MissingPackageError
        If SciPy is not installed.

    References
    ----------
    E. N. Lorenz, "Deterministic nonperiodic flow", Journal of the Atmospheric Sciences 20 (1963).

    Examples
    --------
    >>> from rnndyn.training import datasets
    >>> datasets.lorenz63(1000)
    TimeSeries('lorenz63', 1,000 x 3, dt=0.01, seed=0)
    """

    def derivative(t: float, state: FloatArray) -> list[float]:
        x, y, z = state
        return [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]

    return integrate(
        "lorenz63",
        derivative,
        lambda rng: rng.normal(scale=5.0, size=3) + np.array([0.0, 0.0, 25.0]),
        Sampling(n_steps, dt, standardize, transient, seed),
        variables=("x", "y", "z"),
        parameters={"sigma": sigma, "rho": rho, "beta": beta},
    )


def roessler(
    n_steps: int = 100_000,
    dt: float = 0.08,
    *,
    a: float = 0.2,
    b: float = 0.2,
    c: float = 5.7,
    standardize: bool = True,
    transient: float = 200.0,
    seed: int = 0,
) -> TimeSeries:
    """Integrate the Rössler system.

    ``x' = -y - z``, ``y' = x + a y``, ``z' = b + z (x - c)``.

    Parameters
    ----------
    n_steps, dt
        As for `lorenz63`.
    a, b, c : float
        Parameters; chaotic by default.
    standardize, transient, seed
        As for `lorenz63`.

    Returns
    -------
    TimeSeries

    References
    ----------
    O. E. Rössler, "An equation for continuous chaos", Physics Letters A 57 (1976).

    Examples
    --------
    >>> from rnndyn.training import datasets
    >>> datasets.roessler(500).variables
    ('x', 'y', 'z')
    """

    def derivative(t: float, state: FloatArray) -> list[float]:
        x, y, z = state
        return [-y - z, x + a * y, b + z * (x - c)]

    return integrate(
        "roessler",
        derivative,
        lambda rng: rng.uniform(-1.0, 1.0, size=3) + np.array([0.0, -5.0, 0.0]),
        Sampling(n_steps, dt, standardize, transient, seed),
        variables=("x", "y", "z"),
        parameters={"a": a, "b": b, "c": c},
    )


def bursting_neuron(
    n_steps: int = 100_000,
    dt: float = 0.05,
    *,
    g_nmda: float = 10.2,
    current: float = 0.0,
    standardize: bool = True,
    transient: float = 500.0,
    seed: int = 0,
) -> TimeSeries:
    """Integrate a biophysical neuron that bursts.

    Membrane potential V in mV with leak, sodium, fast and slow potassium and NMDA currents, the
    gates n and h of the two potassium currents; time in ms.

    Parameters
    ----------
    n_steps, dt
        As for `lorenz63`; the times in ms.
    g_nmda : float
        NMDA conductance in mS/cm²: bursts around 10, single spikes for larger values.
    current : float
        Injected current in µA/cm².
    standardize, transient, seed
        As for `lorenz63`; the times in ms.

    Returns
    -------
    TimeSeries

    Notes
    -----
    ``C V' = I - g_L (V - E_L) - g_Na m(V) (V - E_Na) - g_K n (V - E_K) - g_M h (V - E_K)
    - g_NMDA s(V) (V - E_NMDA)``, ``n' = (n(V) - n) / tau_n``, ``h' = (h(V) - h) / tau_h`` with
    ``m, n, h (V) = 1 / (1 + exp((V_half - V) / k))`` and
    ``s(V) = 1 / (1 + 0.33 exp(-0.0625 V))`` [1]_; the numbers are those of [2]_.

    References
    ----------
    .. [1] D. Durstewitz, "Implications of synaptic biophysics for recurrent network dynamics and
       active memory", Neural Networks 22 (2009).
    .. [2] D. Schmidt, G. Koppe, Z. Monfared, M. Beutelspacher, D. Durstewitz, "Identifying
       nonlinear dynamical systems with multiple time scales and long-range dependencies", ICLR
       2021.

    Examples
    --------
    >>> from rnndyn.training import datasets
    >>> datasets.bursting_neuron(1000).variables
    ('V', 'n', 'h')
    """

    def gate(V: float, half: float, k: float) -> float:
        return 1.0 / (1.0 + math.exp((half - V) / k))

    def derivative(t: float, state: FloatArray) -> list[float]:
        V, n, h = state
        total = (
            current
            - 8.0 * (V + 80.0)
            - 20.0 * gate(V, -20.0, 15.0) * (V - 60.0)
            - (10.0 * n + 25.0 * h) * (V + 90.0)
            - g_nmda * V / (1.0 + 0.33 * math.exp(-0.0625 * V))
        )
        return [
            total / 6.0,
            gate(V, -25.0, 5.0) - n,
            (gate(V, -15.0, 5.0) - h) / 200.0,
        ]

    return integrate(
        "bursting_neuron",
        derivative,
        lambda rng: np.array([rng.uniform(-70.0, -20.0), *rng.uniform(0.0, 0.1, size=2)]),
        Sampling(n_steps, dt, standardize, transient, seed),
        variables=("V", "n", "h"),
        parameters={"g_nmda": g_nmda, "current": current},
        stiff=True,
    )


def ellipse(
    n_steps: int = 10_000,
    dt: float = 0.1,
    *,
    axes: tuple[float, float] = (1.0, 0.5),
    frequency: float = 1.0,
    attraction: float = 1.0,
    drive: float = 0.0,
    drive_frequency: float = 0.3,
    standardize: bool = False,
    transient: float = 20.0,
    seed: int = 0,
) -> TimeSeries:
    """Integrate an elliptic limit cycle, free or driven by a sine.

    With ``u = x / a``, ``v = y / b`` and ``r² = u² + v²``:
    ``u' = attraction (1 - r²) u - frequency v + drive sin(drive_frequency t)``,
    ``v' = attraction (1 - r²) v + frequency u``. Without drive the limit cycle is the ellipse with
    the half axes a and b.

    Parameters
    ----------
    n_steps, dt
        As for `lorenz63`.
    axes : tuple of float
        Half axes a and b.
    frequency : float
        Angular frequency of the free limit cycle.
    attraction : float
        Rate at which orbits come to it.
    drive, drive_frequency : float
        Amplitude and angular frequency of the drive. Where there is one, ``inputs`` of the result
        has one column: its mean over the time to the next row.
    standardize, transient, seed
        As for `lorenz63`.

    Returns
    -------
    TimeSeries

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import datasets
    >>> x, y = datasets.ellipse(200, axes=(2.0, 0.5)).x.T
    >>> bool(np.allclose((x / 2.0) ** 2 + (y / 0.5) ** 2, 1.0))
    True
    """
    a, b = (check_positive("axes", axis, "two units of length") for axis in axes)
    if drive:
        check_positive("drive_frequency", drive_frequency, "radians per time unit")

    def derivative(t: float, state: FloatArray) -> list[float]:
        u, v = state[0] / a, state[1] / b
        pull = attraction * (1.0 - u * u - v * v)
        push = drive * math.sin(drive_frequency * t)
        return [a * (pull * u - frequency * v + push), b * (pull * v + frequency * u)]

    def inputs(times: FloatArray) -> FloatArray:
        phases = np.cos(drive_frequency * np.stack([times, times + dt]))
        mean = drive * (phases[0] - phases[1]) / (drive_frequency * dt)
        return np.asarray(mean[:, None])

    def first_state(rng: np.random.Generator) -> FloatArray:
        phase = rng.uniform(0.0, 2.0 * np.pi)
        return np.array([a * np.cos(phase), b * np.sin(phase)])

    return integrate(
        "ellipse",
        derivative,
        first_state,
        Sampling(n_steps, dt, standardize, transient, seed),
        variables=("x", "y"),
        parameters={
            "a": a,
            "b": b,
            "frequency": frequency,
            "attraction": attraction,
            "drive": drive,
            "drive_frequency": drive_frequency,
        },
        inputs=inputs if drive else None,
    )
