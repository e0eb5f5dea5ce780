"""How the words of a proof of chaos stretch a parallelepiped across itself."""

from typing import TYPE_CHECKING

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.manifolds.chaos import ChaosCertificate
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: How much of what lies beside the parallelepiped is shown, in units of its half length.
_BESIDE = 0.25
#: With more words than this they are not named.
_MOST_NAMED = 12


def horseshoe(proof: ChaosCertificate, ax: "Axes | None" = None) -> "Axes":
    """Draw the strips of a proof of chaos and their images, in the coordinates of the proof.

    The square is the parallelepiped N, in units of its half lengths: to the right its first
    expanding direction, upwards its first contracting one. A strip goes through all of its height
    (filled), and its image through all of its length and beyond (hatched, of the same colour). In
    more than two dimensions these are projections.

    Parameters
    ----------
    proof : ChaosCertificate
        The proof.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> cycles = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), max_order=6)
    >>> ax = rd.plot.horseshoe(rd.prove_chaos(cycles))
    """
    check_result("proof", proof, ChaosCertificate)
    if not len(proof.contracting):
        raise ValueError(
            "proof must have a contracting direction to be drawn, but all directions of this "
            "network's proof expand: rnndyn.plot.state_space shows its cycles"
        )
    ax = _style.axes_or_new(ax, square=True)
    half = np.concatenate([proof.half_expanding, proof.half_contracting])
    inverse = np.linalg.inv(np.concatenate([proof.expanding, proof.contracting]))
    across = len(proof.expanding)
    for number, word in enumerate(proof.words):
        color = _style.AREA_COLORS[number % len(_style.AREA_COLORS)]
        place = proof.places[number, 0] / half[0]
        width = proof.half_widths[number, 0] / half[0]
        ax.fill_between(
            [place - width, place + width], -1.0, 1.0, color=color, alpha=0.75, linewidth=0.8
        )
        middle, columns = _image(proof, number)
        seen = inverse.T[[0, across]] / half[[0, across], np.newaxis]
        ax.fill(
            *_outline(seen @ middle, seen @ columns).T,
            facecolor="none",
            edgecolor=color,
            hatch="////",
            linewidth=0.9,
        )
        if len(proof.words) <= _MOST_NAMED:
            ax.annotate(
                str(len(word)),
                (place, 1.0),
                (0.0, 3.0),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                color=_style.INK_COLOR,
            )
    ax.plot([-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1], color=_style.INK_COLOR, linewidth=1.4)
    ax.set_xlim(-1.0 - _BESIDE, 1.0 + _BESIDE)
    ax.set_ylim(-1.0 - _BESIDE, 1.0 + _BESIDE)
    ax.set_xlabel("expanding direction")
    ax.set_ylabel("contracting direction")
    return ax


def _image(proof: ChaosCertificate, number: int) -> tuple[FloatArray, FloatArray]:
    """Return the middle of the image of a strip, from that of N, and its half sides as columns."""
    sides = np.concatenate([proof.half_widths[number], proof.half_contracting])
    basis = np.concatenate([proof.expanding, proof.contracting])
    columns = (sides[:, np.newaxis] * basis).T
    middle = proof.center + proof.places[number] @ proof.expanding
    canonical = proof.model.canonical
    for region in proof.words[number]:
        jacobian = canonical.jacobian(region)
        middle = jacobian @ middle + canonical.offset(region)
        columns = jacobian @ columns
    return middle - proof.center, columns


def _outline(middle: FloatArray, columns: FloatArray) -> FloatArray:
    """Return the corners, in order, of the points of a plane ``middle + columns @ x``, |x_i| <= 1.

    Going round, each side is twice a column, in the order of their angles.
    """
    upwards = columns * np.where(columns[1] < 0.0, -1.0, 1.0)
    sides = 2.0 * upwards[:, np.argsort(np.arctan2(upwards[1], upwards[0]))].T
    ahead = middle - upwards.sum(axis=1) + np.cumsum(sides, axis=0)
    corners: FloatArray = np.concatenate([ahead, 2.0 * middle - ahead])
    return corners
