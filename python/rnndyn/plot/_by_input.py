"""Cycles under several constant inputs in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.optional import import_optional
from rnndyn._common.planes import PlaneOfStates
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.plot import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Up to so many inputs have colours of their own, more have those of a scale.
_MOST_COLORS = len(_style.AREA_COLORS)
_MOST_IN_LEGEND = 10


def draw_by_input(
    ax: Axes, found: CyclesByInput, view: PlaneOfStates, paths: list[list[FloatArray]]
) -> FloatArray:
    """Draw points coloured by input, shaped by stability, over the orbits under each input.

    Returns all points drawn, in the plane.
    """
    colors = colors_of_inputs(len(found))
    drawn = [np.empty((0, 2))]
    for number, cycles in enumerate(found):
        for path in paths[number]:
            x, y = view.project(path).T
            ax.plot(x, y, ".", color=colors[number], markersize=1.2, alpha=0.25, zorder=1)
        label = input_label(found, number)
        for code, name in enumerate(STABILITY_NAMES):
            mark = _style.STABILITY_MARKS[name]
            parts = [
                block.points[block.stability == code].reshape(-1, cycles.model.n_states)
                for block in cycles.blocks
            ]
            points = view.project(np.concatenate([np.empty((0, cycles.model.n_states)), *parts]))
            if not len(points):
                continue
            ax.scatter(
                points[:, 0],
                points[:, 1],
                s=26.0,
                marker=mark.marker,
                facecolors=colors[number] if mark.filled else "white",
                edgecolors=colors[number],
                linewidths=1.0,
                zorder=mark.zorder,
                label=label,
            )
            label = None
            drawn.append(points)
    return np.concatenate(drawn)


def colors_of_inputs(n: int) -> list[Any]:
    """Return a colour for each of n inputs."""
    if n <= _MOST_COLORS:
        return list(_style.AREA_COLORS[:n])
    colormaps = import_optional("matplotlib", "rnndyn.plot").colormaps
    return [tuple(color) for color in colormaps[_style.NUMBER_MAP](np.linspace(0.0, 1.0, n))]


def input_label(found: CyclesByInput, number: int) -> str | None:
    """Name an input for a legend; where they are many none is named."""
    if len(found) > _MOST_IN_LEGEND:
        return None
    return input_text(found.inputs[number], number)


def input_text(values: FloatArray, number: int) -> str:
    """Name an input by its values, or by its number where there are many."""
    if len(values) > 4:
        return f"input {number}"
    return f"input {', '.join(f'{value:g}' for value in values)}"
