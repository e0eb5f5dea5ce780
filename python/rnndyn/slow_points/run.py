"""How a search for slow points went."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnndyn._common.words import counted
from rnndyn.results.run import Run


@dataclass(frozen=True, eq=False, kw_only=True)
class SlowPointRun(Run):
    """How a search for slow points went.

    Attributes
    ----------
    n_restarts : int
        Descents made.
    n_fixed_points : int
        Of these, those that came to a fixed point.
    n_flat : int
        Those that came to where the speed has no strict minimum, such as a line of equal speed.
    n_failed : int
        Those that did not settle.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    seconds : float
        Wall time.
    n_threads : int
        Number of threads. The result does not depend on it.
    version : str
        Version of rnndyn.
    seed : int
        Seed of the random starts.
    options : mapping
        The other options of the call.
    """

    n_restarts: int
    n_fixed_points: int
    n_flat: int
    n_failed: int
    seed: int
    options: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain numbers, lists and strings, ready for JSON."""
        return {**super().to_dict(), "options": dict(self.options)}

    def text(self) -> str:
        """Return the line about the descents."""
        ends = [
            f"{n:,} {what}"
            for n, what in (
                (self.n_fixed_points, "at fixed points"),
                (self.n_flat, "where the speed is flat"),
                (self.n_failed, "did not settle"),
            )
            if n
        ]
        return (
            f"{counted(self.n_restarts, 'descent')}{', of which ' if ends else ''}{', '.join(ends)}"
        )
