"""How a result was made: the part of it that all results have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Self

from rnndyn._common.compare import ByFields
from rnndyn._common.stopping import STOP_TEXTS, StopReason
from rnndyn._common.words import counted
from rnndyn._version import __version__


@dataclass(frozen=True, eq=False, kw_only=True)
class Run(ByFields):
    """How a computation went. The run of each kind of result adds its own numbers.

    Two runs are equal if they asked the same and ended the same way; how long it took, and on how
    many threads, does not matter.

    Attributes
    ----------
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    seconds : float
        Wall time.
    n_threads : int
        Number of threads. The result does not depend on it.
    version : str
        Version of rnndyn.
    """

    #: Fields that files of earlier versions lack; they have defaults.
    _ADDED: ClassVar[frozenset[str]] = frozenset()

    stopped_by: StopReason = "finished"
    seconds: float = field(compare=False)
    n_threads: int = field(compare=False)
    version: str = field(default=__version__, compare=False)

    def __post_init__(self) -> None:
        if self.stopped_by not in STOP_TEXTS:
            raise ValueError(
                f"stopped_by must be one of {', '.join(STOP_TEXTS)}, got {self.stopped_by!r}"
            )
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, list):
                object.__setattr__(self, item.name, tuple(value))
            elif isinstance(value, Mapping):
                object.__setattr__(self, item.name, MappingProxyType(dict(value)))

    @property
    def finished(self) -> bool:
        """Whether it ran to its end; False after Ctrl-C or a time limit."""
        return self.stopped_by == "finished"

    @property
    def complete(self) -> bool:
        """Whether nothing is missing of what was asked for."""
        return self.finished

    def incomplete_text(self, done: str) -> str:
        """Return the line about a run that was stopped, given what was done until then."""
        return f"INCOMPLETE: {STOP_TEXTS[self.stopped_by]} after {done}"

    def how_text(self) -> str:
        """Return how it ended, after how long and on how many threads."""
        threads = counted(self.n_threads, "thread")
        return f"{STOP_TEXTS[self.stopped_by]} after {self.seconds:.3g} s on {threads}"

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain numbers, lists and strings, ready for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self._state().items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build a run from what `to_dict` returned, of this version or an earlier one."""
        names = [item.name for item in fields(cls)]
        return cls(**{n: values[n] for n in names if n in values or n not in cls._ADDED})
