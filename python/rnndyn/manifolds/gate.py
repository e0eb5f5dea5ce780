"""Saddles between basins."""

from dataclasses import dataclass
from typing import Any

from rnndyn._common.compare import ByFields
from rnndyn.basins_of_attraction.result import UNDECIDED
from rnndyn.cycles.cycle import Cycle


@dataclass(frozen=True, eq=False)
class Gate(ByFields):
    """A cycle with one expanding direction, and where orbits go that leave it on its two sides.

    Attributes
    ----------
    cycle : Cycle
        The cycle.
    sides : (tuple of int, tuple of int)
        For each side the numbers of the attractors that orbits from there go to, ascending; -1
        undecided, -2 unbounded. Several where the branch of the unstable manifold itself crosses a
        boundary.
    """

    cycle: Cycle
    sides: tuple[tuple[int, ...], tuple[int, ...]]

    def __post_init__(self) -> None:
        first, second = (tuple(int(label) for label in side) for side in self.sides)
        object.__setattr__(self, "sides", (first, second))

    @property
    def separates(self) -> bool:
        """Whether orbits near its stable manifold go to different attractors.

        A side of which nothing is decided, such as one with a chaotic attractor, is a fate of its
        own; what is undecided beside attractors may go to them as well.
        """
        fates = {label for side in self.sides for label in side if label != UNDECIDED}
        return len(fates) + ((UNDECIDED,) in self.sides) > 1

    @property
    def undecided(self) -> bool:
        """Whether it may separate basins, but what is known of its sides does not tell."""
        return not self.separates and any(UNDECIDED in side for side in self.sides)

    def to_dict(self) -> dict[str, Any]:
        """Return the gate as plain numbers and lists, ready for JSON."""
        return {"cycle": self.cycle.to_dict(), "sides": [list(side) for side in self.sides]}
