"""Random small systems, as the reference writes them and as the compiled core takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import lyapunov as reference
from reference.lyapunov_systems import (
    Layer,
    PiecewiseLinearSystem,
    RecurrentNetwork,
    ReferenceSystem,
    UserMap,
)
from rnndyn import _core

Array = NDArray[np.float64]

KINDS = ("rnn_tanh", "rnn_relu", "gru", "lstm")
RESET_BEFORE = "gru_reset_before"
N_GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4, RESET_BEFORE: 3}


def core_system(system: ReferenceSystem) -> Any:
    """The compiled core's system for one of the reference's."""
    if isinstance(system, RecurrentNetwork):
        kind = "gru" if system.kind == RESET_BEFORE else system.kind
        layers = [tuple(layer) for layer in system.layers]
        return _core.recurrent_network(kind, layers, system.kind != RESET_BEFORE)
    if isinstance(system, PiecewiseLinearSystem):
        canonical = _core.CanonicalMap(system.A, system.W1, system.W2, system.h1, system.h2)
        return _core.piecewise_linear_system(canonical, system.C1, system.C2)
    assert isinstance(system, UserMap)
    return _core.differentiable_map(
        system.layer_sizes[0], system.step_function, system.jacobian_function
    )


def run_core(
    system: ReferenceSystem | Any,
    states: Array,
    inputs: Array | None = None,
    frames: list[Array] | None = None,
    *,
    n_settle: int = 0,
    n_warmup: int = 0,
    n_steps: int,
    n_exponents: int | None = None,
    window: int | None = None,
    qr_interval: int = 0,
    joint: bool = False,
    single_precision: bool = False,
    n_covariant: int = 0,
    seed: int = 0,
    n_threads: int = 1,
    time_limit: float | None = None,
    observer: Any = None,
) -> dict[str, Any]:
    """`_core.lyapunov_spectrum` with defaults: one window, all exponents, one thread."""
    compiled = core_system(system) if hasattr(system, "jacobian") else system
    if n_exponents is None:
        n_exponents = compiled.n_states if joint else max(compiled.layer_sizes)
        if frames is not None:
            n_exponents = max(frame.shape[2] for frame in frames)
    return _core.lyapunov_spectrum(
        compiled,
        states,
        inputs,
        frames,
        n_settle=n_settle,
        n_warmup=n_warmup,
        n_steps=n_steps,
        n_exponents=n_exponents,
        window=n_steps if window is None else window,
        qr_interval=qr_interval,
        joint=joint,
        single_precision=single_precision,
        n_covariant=n_covariant,
        seed=seed,
        n_threads=n_threads,
        time_limit=time_limit,
        observer=observer,
    )


def rates(record: dict[str, Any]) -> Array:
    """Exponents (B, m) in frame order: growth summed over windows, per step."""
    return record["log_growth"].sum(axis=1) / record["window_steps"].sum()


def assert_frames_are_orthonormal(record: dict[str, Any], accuracy: float) -> None:
    """Columns are orthonormal; those that were annihilated are zero and come last."""
    first = 0
    for frame in record["frames"]:
        growth = record["log_growth"][..., first : first + frame.shape[2]].sum(axis=1)
        first += frame.shape[2]
        alive = np.where(np.isneginf(growth), 0.0, 1.0)
        gram = frame.transpose(0, 2, 1) @ frame
        expected = alive[:, :, None] * np.eye(frame.shape[2])
        assert np.abs(gram - expected).max() < accuracy
        assert (np.diff(alive, axis=1) <= 0.0).all()


def random_layer(
    rng: np.random.Generator, kind: str, n_inputs: int, width: int, gain: float, bias: str
) -> Layer:
    """Gaussian weights, the recurrent ones of spectral radius about ``gain``."""
    rows = N_GATES[kind] * width
    # Of ReLU units most should be alive.
    shift = 5.0 if kind == "rnn_relu" else 0.0
    biases = [
        rng.normal(size=rows) + shift if bias in ("both", name) else None
        for name in ("bias_ih", "bias_hh")
    ]
    return Layer(
        rng.normal(size=(rows, n_inputs)) / np.sqrt(n_inputs + 1.0),
        gain * rng.normal(size=(rows, width)) / np.sqrt(width),
        *biases,
    )


def random_network(
    rng: np.random.Generator,
    kind: str,
    widths: list[int],
    n_inputs: int = 2,
    gain: float = 1.0,
    bias: str = "both",
) -> RecurrentNetwork:
    sizes = [n_inputs, *widths[:-1]]
    return RecurrentNetwork(
        kind,
        [
            random_layer(rng, kind, below, width, gain, bias)
            for below, width in zip(sizes, widths, strict=True)
        ],
    )


def linear(matrix: Array) -> PiecewiseLinearSystem:
    """z' = matrix z, a piecewise-linear map without units."""
    n = len(matrix)
    return PiecewiseLinearSystem(
        matrix, np.zeros((n, 0)), np.zeros((0, n)), np.zeros(n), np.zeros(0)
    )


def random_piecewise_linear(
    rng: np.random.Generator, n_states: int, n_units: int, driven: str = ""
) -> PiecewiseLinearSystem:
    """``driven``: which of "1" and "2" (C1, C2) it has."""
    C1, C2 = (
        rng.normal(size=(rows, 2)) if name in driven else None
        for name, rows in (("1", n_states), ("2", n_units))
    )
    return PiecewiseLinearSystem(
        0.7 * rng.normal(size=(n_states, n_states)) / np.sqrt(n_states),
        0.7 * rng.normal(size=(n_states, n_units)) / np.sqrt(n_states),
        rng.normal(size=(n_units, n_states)) / np.sqrt(n_states),
        rng.normal(size=n_states),
        rng.normal(size=n_units),
        C1,
        C2,
    )


@dataclass
class Case:
    """One run that both sides can do."""

    system: ReferenceSystem
    states: Array
    inputs: Array | None
    frames: list[Array]
    options: dict[str, Any] = field(default_factory=dict)
    qr_interval: int = 1

    def reference(self, **changes: Any) -> dict[str, Any]:
        return reference.lyapunov_spectrum(
            self.system, self.states, self.inputs, self.frames, **self.options, **changes
        )

    def core(self, **changes: Any) -> dict[str, Any]:
        return run_core(
            self.system,
            self.states,
            self.inputs,
            self.frames,
            **{"qr_interval": self.qr_interval, **self.options, **changes},
        )


def random_case(family: str, number: int) -> Case:
    """Sizes, options and numbers of the ``number``-th case; the smallest ones come first."""
    rng = np.random.default_rng([list(FAMILIES).index(family), number])
    largest = 2 if number < 20 else 8
    system = FAMILIES[family](rng, largest)
    n_batch = int(rng.integers(1, 6))
    joint = bool(rng.integers(2))
    n_states = sum(system.layer_sizes)
    sizes = [n_states] if joint else system.layer_sizes
    most = max(sizes)
    n_exponents = most if rng.random() < 0.5 else int(rng.integers(1, most + 1))
    n_steps = int(rng.integers(1, 16))
    inputs = None
    if system.n_inputs:
        inputs = rng.normal(size=(n_batch, int(rng.integers(1, 25)), system.n_inputs))
    return Case(
        system,
        0.5 * rng.normal(size=(n_batch, n_states)),
        inputs,
        reference.random_frames(rng, n_batch, sizes, n_exponents),
        {
            "n_settle": int(rng.integers(3)),
            "n_warmup": int(rng.integers(4)),
            "n_steps": n_steps,
            "window": int(rng.integers(1, n_steps + 1)),
            "joint": joint,
        },
        qr_interval=int(rng.choice([0, 1, 3])),
    )


def _network(kind: str) -> Any:
    def draw(rng: np.random.Generator, largest: int) -> RecurrentNetwork:
        widths = [int(rng.integers(1, largest + 1)) for _ in range(rng.integers(1, 4))]
        return random_network(
            rng,
            kind,
            widths,
            n_inputs=int(rng.integers(1, 4)),
            gain=float(rng.choice([0.5, 1.0, 1.5])),
            bias=str(rng.choice(["both", "bias_ih", "bias_hh", "neither"])),
        )

    return draw


def _piecewise_linear(rng: np.random.Generator, largest: int) -> PiecewiseLinearSystem:
    n_states, n_units = (int(n) for n in rng.integers([1, 0], largest + 1))
    return random_piecewise_linear(rng, n_states, n_units, str(rng.choice(["", "1", "2", "12"])))


def _user_map(rng: np.random.Generator, largest: int) -> UserMap:
    """z' = sin(M z) + c."""
    n = int(rng.integers(1, largest + 1))
    matrix, offset = rng.normal(size=(n, n)), rng.normal(size=n)
    return UserMap(
        n,
        lambda z: np.sin(z @ matrix.T) + offset,
        lambda z: np.cos(z @ matrix.T)[:, :, None] * matrix,
    )


FAMILIES: dict[str, Any] = {
    **{kind: _network(kind) for kind in KINDS},
    "piecewise linear": _piecewise_linear,
    "user map": _user_map,
    RESET_BEFORE: _network(RESET_BEFORE),
}
