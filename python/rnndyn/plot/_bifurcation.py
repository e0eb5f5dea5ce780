"""Branches of cycles over a parameter, or over the epochs of a training run."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_integer
from rnndyn._common.optional import import_optional
from rnndyn.bifurcation.path._columns import KIND_NAMES
from rnndyn.bifurcation.path.branch import Branch, stability_code
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.bifurcation.timeline.result import Timeline
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bifurcation_diagram(
    branch_set: BranchSet,
    ax: "Axes | None" = None,
    *,
    state: int = 0,
    n_samples: int = 200,
    events: bool = True,
) -> "Axes":
    """Draw the branches of cycles over the parameter, coloured by stability.

    Every point of a cycle has its own line: solid where the cycle is stable, dashed where it is a
    saddle, dotted where all directions are unstable. Events that change the dynamics are marked on
    them by kind; where a cycle only persists through a border there is a small dot.

    Parameters
    ----------
    branch_set : BranchSet
        The branches.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    state : int
        The state to draw, from 0.
    n_samples : int
        Number of places along the whole path at which the branches are evaluated; where a model
        or an event of the path is, they are evaluated as well.
    events : bool
        Whether to mark the events.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the network has no such state.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[0.5]], W=[[-2.0]], h=[1.0])
    >>> ax = rd.plot.bifurcation_diagram(
    ...     rd.bifurcation_diagram(tent, "h[0]", (-1.0, 3.0), max_order=1)
    ... )
    """
    check_result("branch_set", branch_set, BranchSet)
    state = check_integer("state", state, 0, branch_set.models[0].n_states - 1)
    n_samples = check_integer("n_samples", n_samples, 2, 1_000_000)
    ax = _style.axes_or_new(ax)
    drawn = _draw_branches(ax, branch_set, state, n_samples)
    if events:
        _draw_events(ax, branch_set, state)
    _limit(ax, branch_set, drawn[:, 1])
    ax.set_xlabel(_axis_label(branch_set.axis))
    ax.set_ylabel(f"$z_{{{state}}}$")
    _style.legend(ax, drawn)
    return ax


def training_timeline(
    timeline: Timeline,
    ax: "Axes | Sequence[Axes] | None" = None,
    *,
    state: int = 0,
    n_samples: int = 400,
    threshold: float = 3.5,
) -> "tuple[Axes, ...]":
    """Draw the loss over the epochs, and below it the branches of cycles, with events marked.

    Every event that changes the dynamics is a thin line through both parts; a cycle that persists
    through a border is a dot. Jumps of the loss are marked.

    Parameters
    ----------
    timeline : Timeline
        The timeline.
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to draw: one for the branches, or two for the loss and the branches. Default: a new
        figure.
    state : int
        The state to draw, from 0.
    n_samples : int
        Number of places at which the branches are evaluated, besides checkpoints and events.
    threshold : float
        Threshold of `Timeline.loss_jumps`.

    Returns
    -------
    tuple of matplotlib.axes.Axes
        The loss, where there are losses, and the branches.

    Raises
    ------
    ValueError
        If the network has no such state, or `ax` are too many or too few.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> first = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    >>> models = [first.with_parameters({"W[0,0]": w}) for w in (-1.0, -1.2, -1.7, -1.8)]
    >>> timeline = rd.training_timeline(models, losses=[3.0, 2.9, 1.5, 1.4])
    >>> loss_axes, branch_axes = rd.plot.training_timeline(timeline)
    """
    check_result("timeline", timeline, Timeline)
    given = tuple(ax) if isinstance(ax, Sequence | np.ndarray) else ax
    with_loss = timeline.losses is not None and (given is None or isinstance(given, tuple))
    if given is None:
        pyplot = import_optional("matplotlib.pyplot", "rnndyn.plot")
        _, made = pyplot.subplots(
            1 + with_loss,
            1,
            sharex=True,
            squeeze=False,
            figsize=(7.2, 5.2 if with_loss else 3.6),
            layout="constrained",
            gridspec_kw={"height_ratios": [1.0, 1.7]} if with_loss else None,
        )
        given = tuple(made[:, 0])
    parts: tuple[Axes, ...] = given if isinstance(given, tuple) else (given,)
    if len(parts) != 1 + with_loss:
        raise ValueError(
            f"ax must be {'two, for the loss and the branches' if with_loss else 'one'}, "
            f"got {len(parts)}"
        )
    shown = timeline.events.s[timeline.events.changes_dynamics]
    places = np.unique(np.asarray(timeline.branch_set.value_at(shown)))
    for part in parts:
        _style.dress(part)
        part.vlines(
            places,
            0.0,
            1.0,
            transform=part.get_xaxis_transform(),
            color=_style.BORDER_COLOR,
            linewidth=0.8,
            zorder=0,
        )
    if with_loss:
        _draw_loss(parts[0], timeline, threshold)
    bifurcation_diagram(timeline.branch_set, parts[-1], state=state, n_samples=n_samples)
    return parts


def _draw_loss(ax: "Axes", timeline: Timeline, threshold: float) -> None:
    losses = timeline.losses
    assert losses is not None
    epochs = timeline.epochs
    ax.plot(epochs, losses, color=_style.GUIDE_COLOR, linewidth=1.2, zorder=2, label="loss")
    jumps = timeline.loss_jumps(threshold).intervals
    if len(jumps):
        breaks = np.full(len(jumps), np.nan)
        ax.plot(
            np.column_stack([epochs[jumps], epochs[jumps + 1], breaks]).ravel(),
            np.column_stack([losses[jumps], losses[jumps + 1], breaks]).ravel(),
            color=_style.POSITIVE_COLOR,
            linewidth=2.2,
            zorder=3,
            label=f"jump ({len(jumps):,})",
        )
    if (losses > 0.0).all() and losses.max() > 20.0 * losses.min():
        ax.set_yscale("log")
        _style.log_ticks(ax.yaxis, losses)
    ax.set_ylabel("loss")
    _style.legend(ax, np.column_stack([epochs, losses]))


def _draw_branches(ax: "Axes", branch_set: BranchSet, state: int, n_samples: int) -> FloatArray:
    """Draw all branches; return all points drawn, shape (n, 2)."""
    collections = import_optional("matplotlib.collections", "rnndyn.plot")
    lines: dict[str, list[FloatArray]] = {name: [] for name in STABILITY_NAMES}
    drawn = [np.empty((0, 2))]
    n_states = branch_set.models[0].n_states
    for branch in branch_set.branches:
        s = _places(branch_set, branch, n_samples)
        number = int(branch_set.branch_columns["itinerary"][branch.index])
        values = branch_set.evaluate_number(number, s)
        # Where the cycle is at infinity there is nothing to draw.
        y = np.where(
            np.isfinite(values["points"][:, :, state]), values["points"][:, :, state], np.nan
        )
        x = np.asarray(branch_set.value_at(s))
        drawn.append(np.column_stack([np.repeat(x, branch.order), y.ravel()]))
        codes = stability_code(values["n_unstable"], n_states)
        cuts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(s)]
        for start, stop in pairwise(cuts):
            # One place more, so that lines meet where the stability changes.
            here = slice(start, min(stop + 1, len(s)))
            lines[STABILITY_NAMES[codes[start]]] += [
                np.column_stack([x[here], y[here, point]]) for point in range(branch.order)
            ]
    for name in STABILITY_NAMES:
        if lines[name]:
            mark = _style.STABILITY_MARKS[name]
            ax.add_collection(
                collections.LineCollection(
                    lines[name],
                    colors=mark.color,
                    linewidths=mark.width,
                    linestyles=[mark.dashes],
                    zorder=mark.zorder - 2.0,
                    label=name,
                )
            )
    found = np.concatenate(drawn)
    return np.asarray(found[np.isfinite(found[:, 1])])


def _places(branch_set: BranchSet, branch: Branch, n_samples: int) -> FloatArray:
    """Return where to evaluate a branch: evenly, at the models, and around its events."""
    begin, end = branch.s_begin, branch.s_end
    n_pieces = len(branch_set.models) - 1
    step = n_pieces / n_samples
    inside = np.arange(np.floor(begin / step) + 1, np.ceil(end / step)) * step
    nodes = np.arange(np.ceil(begin), np.floor(end) + 1)
    room = min(1e-9 * n_pieces, 0.25 * (end - begin))
    ends = np.linspace(begin + room, end - room, 7)
    columns = branch_set.event_columns
    own = columns["itinerary"] == branch_set.branch_columns["itinerary"][branch.index]
    events = columns["s"][own]
    around = np.concatenate([inside, nodes, ends, events - room, events + room])
    return np.unique(around[(around >= begin + 0.5 * room) & (around <= end - 0.5 * room)])


def _draw_events(ax: "Axes", branch_set: BranchSet, state: int) -> None:
    columns = branch_set.event_columns
    changes = branch_set.events.changes_dynamics
    for code, kind in enumerate(KIND_NAMES):
        numbers = np.flatnonzero((columns["kind"] == code) & changes)
        if KIND_NAMES[code] == "degenerate_transcritical" and len(numbers):
            _draw_at_infinity(ax, np.asarray(branch_set.value_at(columns["s"][numbers])))
        places = _places_of(branch_set, numbers.tolist(), state)
        if not places:
            continue
        x, y = np.array(places).T
        ax.scatter(
            x,
            y,
            s=min(max(1500.0 / len(places), 8.0), 26.0),
            marker=_style.EVENT_MARKS[kind].marker,
            facecolors="white",
            edgecolors=_style.INK_COLOR,
            linewidths=0.9,
            zorder=4.5,
            label=f"{kind.replace('_', ' ')} ({len(numbers):,})",
        )

    numbers = np.flatnonzero(~changes)
    places = _places_of(branch_set, numbers.tolist(), state)
    if places:
        x, y = np.array(places).T
        # Small and below the others, which they outnumber.
        ax.scatter(
            x,
            y,
            s=4.0,
            marker=".",
            color=_style.GUIDE_COLOR,
            linewidths=0.0,
            zorder=4.2,
            label=f"border collision, cycle persists ({len(numbers):,})",
        )


def _places_of(branch_set: BranchSet, numbers: list[int], state: int) -> list[tuple[float, float]]:
    """Return where the cycles of events are in the picture."""
    places: list[tuple[float, float]] = []
    for number in numbers:
        event = branch_set.events[number]
        if event.points is not None and np.isfinite(event.points).all():
            places += [(event.value, height) for height in event.points[:, state].tolist()]
    return places


def _draw_at_infinity(ax: "Axes", x: FloatArray) -> None:
    """Mark at the lower edge where cycles are at infinity: there is no place on the scale."""
    ax.plot(
        x,
        np.full(len(x), 0.02),
        marker=_style.EVENT_MARKS["degenerate_transcritical"].marker,
        linestyle="none",
        color=_style.INK_COLOR,
        fillstyle="none",
        markersize=5.0,
        markeredgewidth=0.8,
        transform=ax.get_xaxis_transform(),
        zorder=4.5,
        label=f"degenerate transcritical, at infinity ({len(x):,})",
    )


def _limit(ax: "Axes", branch_set: BranchSet, heights: FloatArray) -> None:
    """Show the whole path, and of cycles on their way to infinity only the near part."""
    low, high = sorted(branch_set.axis_values[[0, -1]].tolist())
    ax.set_xlim(low, high)
    if not len(heights):
        return
    bottom, lower, upper, top = np.quantile(heights, [0.0, 0.1, 0.9, 1.0])
    reach = 2.0 * max(upper - lower, 0.1 * float(np.median(np.abs(heights))), 1e-3)
    bottom, top = max(bottom, lower - reach), min(top, upper + reach)
    room = 0.08 * max(top - bottom, 1e-3)
    ax.set_ylim(bottom - room, top + room)


def _axis_label(axis: str) -> str:
    return "path $s$" if axis == "s" else axis
