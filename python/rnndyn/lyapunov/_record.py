"""What a spectrum is computed from: the growth in every window, with checks, sizes and units."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray, IntArray, frozen
from rnndyn.lyapunov._estimates import Estimates
from rnndyn.lyapunov.frame import TangentFrame
from rnndyn.lyapunov.run import LyapunovRun
from rnndyn.lyapunov.units import TimeUnit, Units, check_units
from rnndyn.results.base import TabularResult

_ARRAYS = {
    "log_growth": np.float64,
    "window_steps": np.int64,
    "layer": np.int64,
    "states": np.float64,
    "qr_interval": np.int64,
    "orbit": np.int64,
    "cycle_exponents": np.float64,
    "cycle_error": np.float64,
}


def _no_values(dtype: type) -> Any:
    return np.zeros(0, dtype)


@dataclass(frozen=True, eq=False, repr=False)
class GrowthRecord(TabularResult):
    """The fields of a `rnndyn.LyapunovSpectrum`, which says what each is."""

    log_growth: FloatArray
    window_steps: IntArray
    layer: IntArray
    frame: TangentFrame
    states: FloatArray
    qr_interval: IntArray
    run: LyapunovRun
    per: TimeUnit = "step"
    dt: float | None = None
    base: float = float(np.e)
    orbit: IntArray = field(default_factory=lambda: _no_values(np.int64))
    cycle_exponents: FloatArray = field(default_factory=lambda: _no_values(np.float64))
    cycle_error: FloatArray = field(default_factory=lambda: _no_values(np.float64))
    covariant_steps: IntArray | None = None
    covariant_vectors: FloatArray | None = None

    def __post_init__(self) -> None:
        n_sequences, m = np.shape(self.log_growth)[0], np.shape(self.log_growth)[-1]
        for name, shape in (
            ("orbit", (n_sequences,)),
            ("cycle_exponents", (n_sequences, m)),
            ("cycle_error", (n_sequences, m)),
        ):
            if np.size(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.zeros(shape))
        for name, dtype in _ARRAYS.items():
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        if self.covariant_steps is not None and self.covariant_vectors is not None:
            object.__setattr__(self, "covariant_steps", frozen(self.covariant_steps, np.int64))
            object.__setattr__(
                self, "covariant_vectors", frozen(self.covariant_vectors, np.float64)
            )
        check_units(self.per, self.dt, self.base)
        self._check_shapes()

    def _check_shapes(self) -> None:
        if self.log_growth.ndim != 3 or 0 in self.log_growth.shape:
            raise ValueError(
                f"log_growth must have shape (B, W, m), got {self.log_growth.shape}; B, W and m "
                "are at least 1"
            )
        n_sequences, n_windows, m = self.log_growth.shape
        expected: dict[str, tuple[int, ...]] = {
            "window_steps": (n_windows,),
            "layer": (n_sequences, m),
            "states": (n_sequences, self.states.shape[-1] if self.states.ndim else 0),
            "qr_interval": (n_sequences,),
            "orbit": (n_sequences,),
            "cycle_exponents": (n_sequences, m),
            "cycle_error": (n_sequences, m),
        }
        if (self.covariant_steps is None) != (self.covariant_vectors is None):
            raise ValueError("covariant_steps and covariant_vectors belong together: give both")
        if self.covariant_steps is not None and self.covariant_vectors is not None:
            n_samples = len(self.covariant_steps)
            expected["covariant_vectors"] = (n_sequences, n_samples, self.n_states, m)
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")
        if np.isnan(self.log_growth).any() or np.isposinf(self.log_growth).any():
            raise ValueError("log_growth must hold finite numbers or -inf")
        for name in ("window_steps", "qr_interval"):
            if not (getattr(self, name) >= 1).all():
                raise ValueError(f"{name} must be at least 1")
        if not (np.isfinite(self.cycle_exponents).all() and (self.cycle_error >= 0.0).all()):
            raise ValueError("cycle_exponents must be finite, and cycle_error at least 0")
        if not (self.orbit >= -1).all():
            raise ValueError("orbit must hold periods, 0 or -1")
        if self.frame.n_sequences != n_sequences:
            raise ValueError(
                f"frame must be of {n_sequences} sequences, got {self.frame.n_sequences}"
            )

    @property
    def n_sequences(self) -> int:
        """Number of sequences B."""
        return int(self.log_growth.shape[0])

    @property
    def n_exponents(self) -> int:
        """Number of exponents m of each sequence."""
        return int(self.log_growth.shape[2])

    @property
    def n_states(self) -> int:
        """Number of states N, so of all exponents there are."""
        return int(self.states.shape[1])

    @property
    def n_steps(self) -> int:
        """Number of recorded steps."""
        return int(self.window_steps.sum())

    @property
    def units(self) -> Units:
        """The units of all exponents and errors."""
        return Units(self.per, self.dt, self.base)

    @cached_property
    def _estimates(self) -> Estimates:
        single = self.run.options.get("dtype") == "float32"
        epsilon = float(np.finfo(np.float32 if single else np.float64).eps)
        return Estimates(
            self.log_growth,
            self.window_steps,
            self.layer,
            self.n_states,
            self.qr_interval,
            epsilon,
            self.cycle_exponents,
            self.cycle_error,
        )

    def _scaled(self, values: Any) -> FloatArray:
        return frozen(values * self.units.scale, np.float64)
