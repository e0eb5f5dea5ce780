"""How slow points look in a terminal and in a notebook."""

from rnndyn._common.words import counted, found_in, model_text
from rnndyn.cycles._table import MULTIPLIER_HEADINGS, multiplier_rows
from rnndyn.results.table import Row, Table, head_and_tail, table_of
from rnndyn.slow_points.by_input import SlowPointsByInput
from rnndyn.slow_points.curve import SlowCurve
from rnndyn.slow_points.point import SlowPoint, slowest_time_scale
from rnndyn.slow_points.result import SlowPointSet

_HEADINGS = ("#", "speed", "q", "time scale", "unstable", "hits")
#: A mode that takes longer is told from none that lasts for ever by rounding errors only.
_LONGEST = 1e6


@table_of.register
def _table(slow: SlowPointSet) -> Table:
    def row(index: int) -> Row:
        point = slow.points[index]
        return (
            str(index),
            f"{point.speed:.3g}",
            f"{point.q:.3g}",
            _scale_text(slowest_time_scale(point)),
            str(point.n_unstable),
            f"{point.hits:,}",
        )

    n = len(slow)
    title = found_in(n, "slow point", model_text(slow.model))
    incomplete = slow.run.incomplete_text(counted(slow.run.n_restarts, "descent"))
    return Table(
        title=title,
        headings=_HEADINGS,
        rows=head_and_tail(range(n), row),
        notes=[
            *map(_curve_line, slow.curves),
            *([] if slow.finished else [incomplete]),
        ],
    )


@table_of.register
def _table_of_one(point: SlowPoint) -> Table:
    rows = multiplier_rows(point.multipliers, point.log_moduli, point.time_scales)
    notes = [f"{counted(point.n_unstable, 'unstable direction')}"]
    return Table(repr(point), MULTIPLIER_HEADINGS, rows, notes=notes)


@table_of.register
def _table_of_curve(curve: SlowCurve) -> Table:
    rows = [
        ("length", f"{curve.length:.4g}"),
        ("largest speed", f"{curve.max_speed:.4g}"),
        ("contraction across, per step", f"{curve.across:.4g}"),
        ("closed", "yes" if curve.is_closed else "no"),
        ("attracts", "yes" if curve.is_attractor else "no"),
    ]
    return Table(repr(curve), ("what", "value"), rows, {"what"})


def _scale_text(steps: float) -> str:
    return f"> {_LONGEST:.0e}" if abs(steps) > _LONGEST else f"{steps:.3g}"


def _curve_line(curve: SlowCurve) -> str:
    shape = "ring" if curve.is_closed else "line"
    kind = f"approximate {shape} attractor" if curve.is_attractor else f"slow {shape}, no attractor"
    low, high = curve.speeds.min(), curve.speeds.max()
    return (
        f"  and a{'n' if kind.startswith('a') else ''} {kind}: length {curve.length:.3g}, speed "
        f"along it {low:.2g} to {high:.2g}, contraction across {curve.across:.3g} per step"
    )


_BY_INPUT_HEADINGS = ("#", "input", "slow points", "slowest", "line attractors", "descents")
#: Longer inputs are told by their number only.
_MAX_INPUTS_IN_TABLE = 6


@table_of.register
def _by_input_table(found: SlowPointsByInput) -> Table:
    short = found.inputs.shape[1] <= _MAX_INPUTS_IN_TABLE

    def row(index: int) -> Row:
        slow = found.sets[index]
        return (
            str(index),
            *([", ".join(f"{value:g}" for value in found.inputs[index])] if short else []),
            f"{len(slow):,}",
            f"{slow[0].speed:.3g}" if slow else "",
            f"{len(slow.line_attractors):,}",
            f"{slow.run.n_restarts:,}",
        )

    n = found.n_points
    title = found_in(n, "slow point", model_text(found.model))
    return Table(
        title=f"{title} under {counted(len(found), 'constant input')}",
        headings=[name for name in _BY_INPUT_HEADINGS if short or name != "input"],
        rows=head_and_tail(range(len(found)), row),
        notes=[
            f"Input {number}: {slow.run.incomplete_text(counted(slow.run.n_restarts, 'descent'))}"
            for number, slow in enumerate(found.sets)
            if not slow.finished
        ],
    )
