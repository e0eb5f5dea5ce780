"""The state space of a network with one state: its map, the diagonal and cycles as cobwebs."""

from typing import TYPE_CHECKING

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.cycles._origin import ModelWithCycles
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.cycles.result import CycleSet
from rnndyn.models import PeriodicallyDriven
from rnndyn.models._composition import applied
from rnndyn.plot import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: With more cycles than this the paths of the cobweb would cover each other.
_MAX_COBWEBS = 12


def draw_cobweb(cycles: CycleSet, ax: "Axes", lower: float, upper: float) -> None:
    """Draw the map of a network with one state, and its cycles, between two states."""
    states = np.linspace(lower, upper, 801)
    images = _images(cycles.free_model, states)
    ax.plot([lower, upper], [lower, upper], color=_style.BORDER_COLOR, linewidth=1.0, zorder=0)
    for number, image in enumerate(images):
        label = "_nolegend_" if number else "map" if len(images) == 1 else "maps of the steps"
        ax.plot(states, image, color=_style.GUIDE_COLOR, linewidth=1.4, zorder=1, label=label)
    for continuum in cycles.continua:
        start, end = np.clip(continuum.extent[0], lower - upper, upper - lower)
        ends = continuum.points[0, 0] + continuum.basis[0, 0] * np.array([start, end])
        ax.plot(
            ends,
            ends,
            color=_style.CONTINUUM_COLOR,
            linewidth=3.0,
            zorder=2,
            label="continuum of fixed points",
        )
    for code, name in enumerate(STABILITY_NAMES):
        color = _style.STABILITY_MARKS[name].color
        chosen = [block.points[block.stability == code, :, 0] for block in cycles.blocks]
        if not any(len(orbits) for orbits in chosen):
            continue
        if len(cycles) <= _MAX_COBWEBS:
            for orbit in (orbit for orbits in chosen for orbit in orbits if len(orbit) > 1):
                following = np.roll(orbit, -1)
                corners = np.column_stack([orbit, following, following, following])
                path = corners.reshape(-1, 2)
                ax.plot(*np.vstack([path, path[:1]]).T, color=color, linewidth=0.8, alpha=0.5)
        x = np.concatenate([orbits.ravel() for orbits in chosen])
        y = np.concatenate([np.roll(orbits, -1, axis=1).ravel() for orbits in chosen])
        _style.draw_points(ax, cycles, name, np.column_stack([x, y]))
    ax.set_xlim(lower, upper)
    ax.set_ylim(min(lower, float(images.min())), max(upper, float(images.max())))
    ax.set_xlabel("$z_t$")
    ax.set_ylabel("$z_{t+1}$")
    _style.legend(ax, np.column_stack([np.tile(states, len(images)), images.ravel()]))


def _images(model: ModelWithCycles, states: FloatArray) -> FloatArray:
    """Return what the map makes of the states; under periodic input a row for each step."""
    column = states[:, np.newaxis]
    if isinstance(model, PeriodicallyDriven):
        return np.stack([applied(form, column)[:, 0] for form in model.forms])
    return np.array([[model.step(state)[0] for state in column]])
