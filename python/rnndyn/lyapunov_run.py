"""How a Lyapunov spectrum was computed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

StopReason = Literal["finished", "time_limit", "interrupt"]

_STOP_TEXTS: dict[str, str] = {
    "finished": "finished",
    "time_limit": "stopped by the time limit",
    "interrupt": "interrupted",
}


@dataclass(frozen=True, repr=False)
class LyapunovRun:
    """What made a `LyapunovSpectrum`: the model, the options, and the work that was done.

    Attributes
    ----------
    model : mapping
        ``family``, ``n_states`` and ``n_inputs`` of the model.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why the run ended; after a time limit or Ctrl-C fewer steps are recorded than asked for.
    seconds : float
        Wall time.
    n_threads : int
        Threads allowed. The result does not depend on it.
    seed : int
        Seed of the random frame and, where no ``z0`` was given, of the first states.
    version : str
        Version of rnndyn.
    n_orthonormalizations : int
        QR decompositions done, over all sequences and layers.
    n_householder : int
        How many of them had to fall back on Householder reflections.
    options : mapping
        The other options of the call, as they were used.

    Examples
    --------
    >>> import rnndyn as rd
    >>> lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
    >>> run = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=1000).run
    >>> run.stopped_by, run.options["n_steps"], run.options["transient"]
    ('finished', 1000, 100)
    """

    model: Mapping[str, Any]
    stopped_by: StopReason
    seconds: float
    n_threads: int
    seed: int
    version: str
    n_orthonormalizations: int
    n_householder: int
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in ("model", "options"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        if self.stopped_by not in _STOP_TEXTS:
            raise ValueError(
                f"stopped_by must be one of {', '.join(_STOP_TEXTS)}, got {self.stopped_by!r}"
            )

    @property
    def complete(self) -> bool:
        """Whether all steps that were asked for are recorded."""
        return self.stopped_by == "finished"

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings and dictionaries, ready for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "model": dict(self.model), "options": dict(self.options)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "LyapunovRun":
        """Rebuild what `to_dict` returned."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        threads = f"{self.n_threads} thread{'' if self.n_threads == 1 else 's'}"
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return (
            f"LyapunovRun: {_STOP_TEXTS[self.stopped_by]} after {self.seconds:.3g} s on {threads}, "
            f"seed {self.seed}, rnndyn {self.version}\n  {options}\n"
            f"  {self.n_orthonormalizations:,} orthonormalizations, "
            f"{self.n_householder:,} by Householder reflections"
        )
