"""How a timeline looks in a terminal and in a notebook."""

from rnndyn._common.words import counted
from rnndyn.bifurcation.timeline.result import Timeline
from rnndyn.results.table import Table, table_of


@table_of.register
def _table(timeline: Timeline) -> Table:
    title = f"Training timeline of {len(timeline.epochs):,} checkpoints"
    if timeline.losses is not None:
        jumps = timeline.loss_jumps()
        near = int((timeline.events_per_interval[jumps.intervals] > 0).sum())
        title += (
            f", {counted(len(jumps), 'loss jump')}, {near:,} of them in an interval with an event"
        )
    own = table_of(timeline.branch_set)
    return own._replace(title=f"{title}\n{own.title}")
