"""How the trees of several manifolds ended, taken together."""

from collections.abc import Callable
from typing import Any

from rnndyn._common.progress import ProgressMeter
from rnndyn.manifolds.run import End, worst_end


class Outcome:
    """What a run says about the trees of all its manifolds."""

    def __init__(self) -> None:
        self._n_empty = self._n_undecided = 0
        self._end: End = "exhausted"
        self._stopped_by = "finished"

    def take_in(self, record: dict[str, Any]) -> None:
        """Add what is known of the tree of one manifold."""
        self._n_empty += record["n_empty"]
        self._n_undecided += record["n_undecided"]
        self._end = worst_end(self._end, record["end"])

    def stopped(self, reason: str) -> bool:
        """Tell whether this reason, unless it is ``"finished"``, ends all of the work."""
        if reason == "finished":
            return False
        self._stopped_by, self._end = reason, "stopped"
        return True

    def of(self, work: Callable[[], None], meter: ProgressMeter, title: str) -> dict[str, Any]:
        """Do the work, which Ctrl-C may end, and return how it went."""
        meter.init(title)
        try:
            work()
        except KeyboardInterrupt:
            # In Python's own part of the work; the core says it itself.
            self.stopped("interrupt")
        finally:
            meter.close()
        return {
            "n_empty": self._n_empty,
            "n_undecided": self._n_undecided,
            "end": self._end,
            "stopped_by": self._stopped_by,
        }
