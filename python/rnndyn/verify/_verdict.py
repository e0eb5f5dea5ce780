"""What the checker says about a certificate."""

from dataclasses import dataclass

from rnndyn._common.table import Shown


class RefusedError(Exception):
    """A check failed; the text says which one, in plain words."""


@dataclass(frozen=True)
class Verdict(Shown):
    """What an independent check of a certificate came to. True in a condition if it is confirmed.

    Attributes
    ----------
    confirmed : bool
        Whether everything that the certificate claims was verified in exact arithmetic.
    reasons : tuple of str
        The first check that failed; empty if the certificate is confirmed.
    orders : tuple of int
        Orders at which it is confirmed that no cycle is missing.
    n_trees : int
        Search trees walked through.
    n_nodes : int
        Nodes of these trees.
    n_contradictions : int
        Branches without a cycle, each verified by its combination of equations.
    n_itineraries : int
        Itineraries whose cyclic system was solved exactly.
    n_cycles : int
        Certified cycles of the list that were verified: they exist where it says.
    """

    confirmed: bool
    reasons: tuple[str, ...] = ()
    orders: tuple[int, ...] = ()
    n_trees: int = 0
    n_nodes: int = 0
    n_contradictions: int = 0
    n_itineraries: int = 0
    n_cycles: int = 0

    def __bool__(self) -> bool:
        return self.confirmed


@dataclass
class Counts:
    """How much has been checked so far."""

    n_trees: int = 0
    n_nodes: int = 0
    n_contradictions: int = 0
    n_itineraries: int = 0
    n_cycles: int = 0
