"""Regions as nodes in state space with their transitions as arrows, or as a matrix."""

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.optional import import_optional
from rnndyn._common.planes import PlaneOfStates, coordinate_plane, principal_plane, window_around
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result
from rnndyn.plot._state_space import draw_borders
from rnndyn.regions.result import IMPOSSIBLE, STATUS_NAMES, UNDECIDED, RegionGraph

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["graph", "matrix"]

#: With more regions than this arrows would cover each other.
_MAX_NODES = 40
#: With more regions than this their numbers would not fit into the nodes.
_MAX_NAMES = 40
#: How the transitions of each status are drawn; what is proved and what was seen alike.
_DASHES: dict[int, Any] = {UNDECIDED: (0, (3, 2)), IMPOSSIBLE: (0, (1, 1.5))}
_COLORS = {UNDECIDED: _style.GUIDE_COLOR, IMPOSSIBLE: _style.VERMILLION}


def region_graph(
    result: RegionGraph,
    ax: "Axes | None" = None,
    *,
    kind: Kind | None = None,
    dims: tuple[int, int] | Literal["pca"] | None = None,
) -> "Axes":
    """Draw regions and the transitions between them.

    As a graph every region is a node where its states are, in the colour of its strongly connected
    component, grey where no path returns to it, and larger the more often it is visited. Arrows are
    transitions, wider the more often they were seen; a ring is one from a region to itself.
    Transitions that are undecided are dashed, and those that were seen but are impossible dotted.
    As a matrix the regions are sorted by component, sources as rows and targets as columns.

    Parameters
    ----------
    result : RegionGraph
        The graph.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    kind : {"graph", "matrix"}, optional
        Default: a graph of up to 40 regions, else a matrix.
    dims : (int, int) or "pca", optional
        For a graph: the plane of two states, or that of the principal components of the states of
        the regions. Default: the states 0 and 1 of a network with two states, else ``"pca"``. Of a
        network with one state the regions are on a line.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If it is no such result, or no such kind or plane.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> lozi = rd.examples.lozi_map(1.7, 0.5)
    >>> ax = rd.plot.region_graph(rd.region_graph(lozi, lozi.orbit([0.1, 0.1], 500), box=2.0))
    """
    check_result("result", result, RegionGraph)
    if kind is not None and kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, got {kind!r}")
    if (kind or ("graph" if len(result) <= _MAX_NODES else "matrix")) == "matrix":
        if dims is not None:
            raise ValueError("dims is for a graph: give kind='graph', or leave it out")
        return _matrix(result, _style.axes_or_new(ax, square=True))
    return _graph(result, _style.axes_or_new(ax), dims)


def _matrix(graph: RegionGraph, ax: "Axes") -> "Axes":
    colors = import_optional("matplotlib.colors", "rnndyn.plot")
    n = len(graph)
    order = np.argsort(graph.components, kind="stable")
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    rows, columns = place[graph.sources], place[graph.targets]
    ax.set_facecolor(_style.NOTHING_COLOR)
    values = np.full((n, n), np.nan)
    if graph.counts.any():
        seen = graph.counts > 0
        values[rows[seen], columns[seen]] = graph.counts[seen]
        # What is possible and was not seen has a colour of its own.
        possible = np.full((n, n), np.nan)
        possible[rows[~seen], columns[~seen]] = 1.0
        ax.imshow(
            possible, cmap=colors.ListedColormap([_style.UNKNOWN_COLOR]), interpolation="nearest"
        )
        mesh = ax.imshow(
            values,
            cmap=_style.NUMBER_MAP,
            norm=colors.LogNorm(1.0, max(2.0, float(graph.counts.max()))),
            interpolation="nearest",
        )
        bar = _style.color_bar(ax, mesh, "times seen")
        _style.log_ticks(bar.ax.yaxis, np.array([1.0, max(2.0, float(graph.counts.max()))]))
    else:
        values[rows, columns] = 1.0
        ax.imshow(values, cmap=colors.ListedColormap([_style.BLUE]), interpolation="nearest")
    labels = graph.components[order]
    for cut in np.flatnonzero(np.diff(labels)) + 0.5 if n <= 400 else ():
        for draw in (ax.axhline, ax.axvline):
            draw(cut, color=_style.BORDER_COLOR, linewidth=0.4, zorder=3)
    ax.set_xlabel("target, sorted by component")
    ax.set_ylabel("source, sorted by component")
    if n <= _MAX_NAMES:
        names = [str(symbol) for symbol in order]
        ax.set_xticks(np.arange(n), names, fontsize=6)
        ax.set_yticks(np.arange(n), names, fontsize=6)
    else:
        ax.set_xticks([])
        ax.set_yticks([])
    return ax


def _graph(graph: RegionGraph, ax: "Axes", dims: Any) -> "Axes":
    places, view = _places(graph, dims)
    sizes = _sizes(graph)
    lower, upper = window_around(places) if len(places) else (np.zeros(2), np.ones(2))
    ax.set_xlim(lower[0], upper[0])
    ax.set_ylim(lower[1], upper[1])
    if view is not None and graph.model.n_states == 2:
        draw_borders(ax, graph.model, view)
    _arrows(graph, ax, places, sizes)
    _nodes(graph, ax, places, sizes)
    ax.set_xlabel("$z_{0}$" if view is None else view.labels[0])
    if view is None:
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    else:
        ax.set_ylabel(view.labels[1])
    _legend(graph, ax)
    return ax


def _places(graph: RegionGraph, dims: Any) -> tuple[FloatArray, PlaneOfStates | None]:
    m = graph.model.n_states
    if m == 1:
        if dims is not None:
            raise ValueError("dims must not be given for a network with one state")
        return np.column_stack([graph.states, np.zeros(len(graph))]), None
    if dims is None:
        dims = (0, 1) if m == 2 else "pca"
    pca = isinstance(dims, str) and dims == "pca"
    view = principal_plane(graph.states) if pca else coordinate_plane(m, dims)
    return view.project(graph.states), view


def _sizes(graph: RegionGraph) -> FloatArray:
    """Return the areas of the nodes: between those of a small and of a large number."""
    largest = float(graph.visits.max(initial=0))
    if largest == 0.0:
        return np.full(len(graph), 130.0)
    return np.asarray(110.0 + 290.0 * np.sqrt(graph.visits / largest))


def _arrows(graph: RegionGraph, ax: "Axes", places: FloatArray, sizes: FloatArray) -> None:
    largest = float(graph.counts.max(initial=0))
    for source, target, count, status in zip(
        graph.sources.tolist(),
        graph.targets.tolist(),
        graph.counts.tolist(),
        graph.status.tolist(),
        strict=True,
    ):
        unseen = largest > 0.0 and count == 0
        width = 0.8 if largest == 0.0 or unseen else 0.6 + 2.0 * np.sqrt(count / largest)
        color = _COLORS.get(status, _style.BORDER_COLOR if unseen else _style.GUIDE_COLOR)
        dashes = _DASHES.get(status, "solid")
        if source == target:
            ax.scatter(
                places[source, 0],
                places[source, 1],
                s=2.1 * sizes[source],
                facecolors="none",
                edgecolors=color,
                linewidths=width,
                linestyles=[dashes],
                zorder=2.0 if unseen else 2.5,
            )
            continue
        ax.annotate(
            "",
            xy=places[target],
            xytext=places[source],
            arrowprops={
                "arrowstyle": "-|>",
                "mutation_scale": 8.0,
                "linewidth": width,
                "linestyle": dashes,
                "color": color,
                "connectionstyle": f"arc3,rad={0.5 if graph.model.n_states == 1 else 0.14}",
                "shrinkA": 0.65 * np.sqrt(sizes[source]),
                "shrinkB": 0.65 * np.sqrt(sizes[target]),
            },
            zorder=2.0 if unseen else 2.5,
        )


def _colors(graph: RegionGraph) -> tuple[list[str], list[tuple[int, str]]]:
    """Return the colours of the nodes, and the components with colours of their own."""
    labels, recurrent = graph.components, graph.recurrent
    sizes = np.bincount(labels[recurrent], minlength=int(labels.max(initial=-1)) + 1)
    ranked = [int(label) for label in np.argsort(-sizes, kind="stable") if sizes[label]]
    named = list(zip(ranked, _style.AREA_COLORS, strict=False))
    palette = dict(named)
    colors = [
        palette.get(int(label), _style.UNDECIDED_COLOR) if back else _style.UNKNOWN_COLOR
        for label, back in zip(labels, recurrent, strict=True)
    ]
    return colors, named


def _nodes(graph: RegionGraph, ax: "Axes", places: FloatArray, sizes: FloatArray) -> None:
    colors, _ = _colors(graph)
    ax.scatter(
        places[:, 0],
        places[:, 1],
        s=sizes,
        c=colors,
        edgecolors=_style.INK_COLOR,
        linewidths=0.7,
        zorder=4.0,
    )
    if len(graph) > _MAX_NAMES:
        return
    for symbol, (x, y) in enumerate(places):
        ax.text(x, y, str(symbol), ha="center", va="center", fontsize=6.5, zorder=5.0)


def _legend(graph: RegionGraph, ax: "Axes") -> None:
    lines = import_optional("matplotlib.lines", "rnndyn.plot")
    _, named = _colors(graph)
    handles = [
        lines.Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            markerfacecolor=color,
            markeredgecolor=_style.INK_COLOR,
            label=f"component {label} ({int((graph.components == label).sum())})",
        )
        for label, color in named
    ]
    n_passing = int((~graph.recurrent).sum())
    if n_passing:
        handles.append(
            lines.Line2D(
                [],
                [],
                linestyle="none",
                marker="o",
                markerfacecolor=_style.UNKNOWN_COLOR,
                markeredgecolor=_style.INK_COLOR,
                label=f"no path returns ({n_passing})",
            )
        )
    for status, dashes in _DASHES.items():
        n = int((graph.status == status).sum())
        if n:
            label = f"{STATUS_NAMES[status]} ({n})"
            handles.append(
                lines.Line2D([], [], color=_COLORS[status], linestyle=dashes, label=label)
            )
    _style.legend_above(ax, handles)
