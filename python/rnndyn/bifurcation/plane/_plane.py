"""A rectangle of two parameters of a network: its grid, its maps, and paths across it."""

from typing import NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.path._path import canonical_form, is_straight
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._canonical_map_of import canonical_map_of


class Plane(NamedTuple):
    """The canonical maps over a rectangle of two parameters.

    With one parameter fixed the canonical form is linear in the other, so that every line along an
    axis is a straight path. Places are given as shares (u, v) of the two ranges, 0 to 1.

    Attributes
    ----------
    corners : ndarray of float64, shape (4, P)
        The canonical parameters at (0, 0), (1, 0), (0, 1) and (1, 1), one after the other.
    n_states, n_units : int
    u : ndarray of float64, shape (n_x,)
        Places of the columns of the grid, from 0 to 1.
    v : ndarray of float64, shape (n_y,)
        Places of the rows of the grid.
    """

    corners: FloatArray
    n_states: int
    n_units: int
    u: FloatArray
    v: FloatArray

    def map_at(self, u: float, v: float) -> CanonicalMap:
        """Return the map at a place."""
        weights = np.array([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])
        flat = weights @ self.corners
        m, h = self.n_states, self.n_units
        arrays = []
        at = 0
        for rows, columns in ((m, m), (m, h), (h, m)):
            arrays.append(flat[at : at + rows * columns].reshape(rows, columns))
            at += rows * columns
        arrays += [flat[at : at + m], flat[at + m :]]
        return CanonicalMap(*arrays)

    def line(self, number: int) -> tuple[CanonicalMap, CanonicalMap]:
        """Return the ends of a line of the grid: the rows come first, then the columns."""
        n_rows = len(self.v)
        if number < n_rows:
            at = float(self.v[number])
            return self.map_at(0.0, at), self.map_at(1.0, at)
        at = float(self.u[number - n_rows])
        return self.map_at(at, 0.0), self.map_at(at, 1.0)

    @property
    def n_lines(self) -> int:
        """Rows and columns of the grid."""
        return len(self.u) + len(self.v)


def plane_over(
    model: PiecewiseLinearModel, x: tuple[str, FloatArray], y: tuple[str, FloatArray]
) -> Plane:
    """Return the rectangle that two named parameters of a model span."""
    (x_name, x_values), (y_name, y_values) = x, y
    if x_name == y_name:
        raise ValueError(f"x and y must be different parameters, got {x_name!r} for both")
    canonical_map_of(model)

    def at(u: float, v: float) -> PiecewiseLinearModel:
        return model.with_parameters(
            {
                x_name: float(x_values[0] + u * (x_values[-1] - x_values[0])),
                y_name: float(y_values[0] + v * (y_values[-1] - y_values[0])),
            }
        )

    for name, ends in (
        (x_name, [((0.0, v), (0.5, v), (1.0, v)) for v in (0.0, 0.5, 1.0)]),
        (y_name, [((u, 0.0), (u, 0.5), (u, 1.0)) for u in (0.0, 0.5, 1.0)]),
    ):
        for start, middle, end in ends:
            if not is_straight(at(*start), at(*middle), at(*end)):
                raise ValueError(
                    f"the canonical form of {model.family} is not linear in {name}; "
                    "stability_diagram needs parameters in which it is"
                )
    corners = [_flat(canonical_form(at(u, v))) for v in (0.0, 1.0) for u in (0.0, 1.0)]
    return Plane(
        np.array(corners),
        model.n_states,
        model.n_units,
        (x_values - x_values[0]) / (x_values[-1] - x_values[0]),
        (y_values - y_values[0]) / (y_values[-1] - y_values[0]),
    )


def _flat(form: CanonicalForm) -> FloatArray:
    return np.concatenate([np.ravel(array) for array in form])
