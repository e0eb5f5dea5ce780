"""How a Lyapunov spectrum was computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnndyn.results.run import Run


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LyapunovRun(Run):
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
    seed: int
    n_orthonormalizations: int = field(compare=False)
    n_householder: int = field(compare=False)
    options: Mapping[str, Any]

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return (
            f"LyapunovRun: {self.how_text()}, "
            f"seed {self.seed}, rnndyn {self.version}\n  {options}\n"
            f"  {self.n_orthonormalizations:,} orthonormalizations, "
            f"{self.n_householder:,} by Householder reflections"
        )
