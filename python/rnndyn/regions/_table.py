"""How graphs of regions look in a terminal and in a notebook."""

import numpy as np

from rnndyn._common.words import counted, model_text
from rnndyn.regions.result import IMPOSSIBLE, UNDECIDED, RegionGraph
from rnndyn.regions.run import END_TEXTS
from rnndyn.results.table import Table, head_and_tail, table_of

#: Longer regions are not written out.
_SHOWN_BITS = 24


@table_of.register
def _table(graph: RegionGraph) -> Table:
    following = np.bincount(graph.sources[graph.possible], minlength=len(graph))
    labels = graph.components

    def row(index: int) -> tuple[str, ...]:
        return (
            str(index),
            region_text(graph, index),
            f"{graph.visits[index]:,}",
            f"{following[index]:,}",
            str(labels[index]),
        )

    n = int(graph.possible.sum())
    kind = "transition" if graph.lower is None else "possible transition"
    return Table(
        f"{counted(len(graph), 'region')} and {counted(n, kind)} of {model_text(graph.model)}",
        ("#", "region", "visits", "followers", "component"),
        head_and_tail(range(len(graph)), row),
        {"region"},
        _notes(graph),
    )


def region_text(graph: RegionGraph, index: int) -> str:
    """Return the region of a symbol as bits, shortened where they are many."""
    bits = "".join("1" if bit else "0" for bit in graph.regions[index, :_SHOWN_BITS])
    return bits + ("..." if graph.regions.shape[1] > _SHOWN_BITS else "")


def _notes(graph: RegionGraph) -> list[str]:
    run = graph.run
    notes = [
        f"{counted(int(graph.components.max(initial=-1)) + 1, 'strongly connected component')}, "
        f"{counted(int(graph.recurrent.sum()), 'recurrent region')}; paths grow by "
        f"{graph.entropy:.6g} nats per step"
    ]
    if graph.lower is None:
        notes.append("Seen, not all that is possible: no bound for the network itself")
    elif graph.complete:
        notes.append("Proved: no other transition is possible for orbits that stay in the box")
    if graph.bounds_entropy:
        notes.append("Topological entropy in the box: at most that of the paths")
    undecided = int((graph.status == UNDECIDED).sum())
    if undecided:
        notes.append(f"Too thin to be told from none: {counted(undecided, 'transition')}")
    impossible = int((graph.status == IMPOSSIBLE).sum())
    if impossible:
        notes.append(
            f"Seen, but taken by no state of the network: {counted(impossible, 'transition')}"
        )
    if not run.finished:
        what = f"{run.n_expanded:,} of {counted(len(graph), 'region')}"
        notes.append(run.incomplete_text(what))
    elif not run.complete:
        notes.append(f"Not complete: {END_TEXTS[run.end]}")
    return notes
