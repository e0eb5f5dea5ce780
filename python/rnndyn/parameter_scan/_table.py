"""How a scan looks in a terminal and in a notebook."""

import numpy as np

from rnndyn.parameter_scan._measures import OK
from rnndyn.parameter_scan.result import Scan
from rnndyn.results.table import Table, table_of


@table_of.register
def _table(scan: Scan) -> Table:
    grid = " x ".join(f"{len(values):,}" for _, values in scan.axes)
    lines = []
    for name, values in scan.axes:
        lines.append(f"  {name} = {values[0]:g} to {values[-1]:g}")
    for name in scan.variables:
        values = scan[name].compressed()
        span = f"{values.min():.6g} to {values.max():.6g}" if len(values) else "no value"
        lines.append(f"  {name}: {span}")
    for name, text in scan.status.items():
        reasons, counts = np.unique(text[text != OK], return_counts=True)
        lines += [
            f"  {name} has no value at {n:,} of {text.size:,} points: {reason}"
            for reason, n in zip(reasons.tolist(), counts.tolist(), strict=True)
        ]
    if not scan.run.complete:
        done = f"{scan.run.n_points_done:,} of {scan.run.n_points:,} points"
        lines.append(scan.run.incomplete_text(done))
    return Table(f"Scan of {scan.model!r} over {grid} points", notes=lines)
