"""Loss landscape and bifurcation curves: are the cliffs of the loss where cycles change?
======================================================================================

After Fig. 3 of L. Eisenmann, Z. Monfared, N. Göring, D. Durstewitz, "Bifurcations and loss jumps in
RNN training", NeurIPS 2023: the plane of two parameters around a published network with two states
and a stable 16-cycle. The loss is the squared error of a long free run that starts on that cycle,
against the cycle; the gradient, with respect to the two parameters, is exact for every grid cell.
On top, the exact curves on which cycles of the orders 1 to 16 are born, vanish or change stability.

::

    python docs/gallery/loss_landscape.py [--quick] [-o loss_landscape.png]

It takes about 80 s on one core. What one sees: below A[1,1] = 1 and left of the curve on the right
runs stay bounded; they end on a stable fixed point, on a closed curve or, in the tongues between
red curves, on a cycle of the orders 11 to 16. Loss and gradient grow without bound towards the two
curves on which the stable fixed point goes to infinity (A[1,1] = 1, on the left, and the one at the
lower right). To the upper right of the tongues is chaos, with gradients up to 1e40, and behind it
an edge without any curve of these cycles, at which runs begin to diverge; presumably a crisis,
where the chaotic set touches the border of its basin.

What came out, for cells with the largest 1 % of a measure, 300 x 300 cells and runs of 1000 steps:
their median distance to the nearest curve, in cells, and that of random cells, for all curves / for
those on which a cycle does not only persist; p against random cells and against shifted pictures::

    plane     gradient norm, cells without chaos    0.8, random 23.1 / 32.8    p = 0.001, 0.017
              gradient norm, all bounded cells      4.2, random 22.3 / 31.2    p = 0.001, 0.17
              step of the log loss, all bounded     0.8, random 22.3 / 31.2    p = 0.001, 0.015
    tongues   gradient norm, cells without chaos    2.1, random 11.4 / 16.4    p = 0.001, 0.09
              gradient norm, all bounded cells     16.6, random 10.8 / 14.8    p = 1.0, 0.5
              step of the log loss, all bounded     1.3, random 10.8 / 14.8    p = 0.001, 0.06

So the cliffs are on the curves, as in the paper, where runs are not chaotic: 74 % of the steepest
cells are within a cell of one, against 6 % of all. Where there is chaos, its gradients are the
largest by many orders of magnitude, and they are on no bifurcation curve of a cycle up to order 16.
Curves on which a cycle only persists make no difference to the steepest cells. Runs of 100 steps
show the same, less clearly (1.9 cells of random 23.1 in the plane without chaos, p = 0.001, 0.08).
Cells whose run diverges, 62 % of the plane, take no part, since their gradients only tell how long
the run was; the colours are cut off at 10^2 and 10^10.

.. figure:: /images/loss_landscape.png
   :alt: what the full run drew

   The full run (stored picture). What a shorter run draws is below.
"""

import argparse
import time
from collections import Counter
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.spatial import cKDTree

import rnndyn as rd

X_NAME, Y_NAME = "A[0,0]", "A[1,1]"
#: A run that comes so far from the origin is taken to diverge; the cycle is within 3 of it.
FAR = 1e3
#: Cells whose sensitivities grow faster than this rate per step count as chaotic.
CHAOTIC = 0.02
#: Which curves count: every one; those on which cycles are born or vanish or change their number of
#: unstable multipliers; and of these those of a stable cycle.
CLASSES = ("all", "changing", "of a stable cycle")
N_DRAWS = 999
#: Larger than rounding of a multiplier that is on the unit circle.
ON_CIRCLE = 1e-6
#: Colour and width of the curves of every class; each is drawn over the one before.
STYLES = {
    "all": ("0.35", 0.5),
    "changing": ("white", 0.8),
    "of a stable cycle": ("#FF5A36", 1.2),
}


@dataclass
class Landscape:
    """Loss and gradient at the cells of a plane; NaN where the run diverges.

    `growth` is the mean logarithmic growth of the sensitivities per step, about the largest
    Lyapunov exponent where that is positive.
    """

    x: np.ndarray
    y: np.ndarray
    n_steps: int
    loss: np.ndarray
    log_gradient: np.ndarray
    growth: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="coarse grids, orders 1 and 16")
    parser.add_argument("--cells", type=int, default=300, help="a side (default: 300)")
    parser.add_argument("--lines", type=int, default=80, help="of the diagrams (default: 80)")
    parser.add_argument("--max-order", type=int, default=16, help="default: 16")
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 1000], help="of free runs")
    parser.add_argument("-o", "--out", default="loss_landscape.png")
    arguments = parser.parse_args()
    orders = range(1, arguments.max_order + 1)
    if arguments.quick:
        arguments.cells, arguments.lines, orders = 60, 20, (1, 16)
    model = rd.examples.load("plrnn_2d_16")
    cycles = rd.find_cycles(model, orders=[16], method="complete", progress=False)
    cycle = next(own for own in cycles if own.stability == "stable")
    a, b = model.get_parameter(X_NAME), model.get_parameter(Y_NAME)
    panels = []
    for name, (x, y) in {
        "plane": ((a - 1.0, a + 1.0), (b - 1.0, b + 1.0)),
        "tongues": ((0.7, 1.4), (0.4, 1.05)),
    }.items():
        start = time.perf_counter()
        landscapes = landscapes_of(model, cycle.points, x, y, arguments.cells, arguments.steps)
        middle = time.perf_counter()
        diagram = rd.stability_diagram(
            model,
            (X_NAME, np.linspace(*x, arguments.lines)),
            (Y_NAME, np.linspace(*y, arguments.lines)),
            orders=orders,
            n_threads=1,
            progress=False,
        )
        end = time.perf_counter()
        curves = classified(diagram)
        print(f"{name}: landscape {middle - start:.0f} s, diagram {end - middle:.0f} s")
        print(diagram)
        for gap in diagram.gaps:
            print(f"  gap at ({gap.x:.6f}, {gap.y:.6f}): {gap.reason}")
        print(dict(Counter(f"{own.kind} ({own.outcome})" for own in diagram.curves)))
        # What is chaotic shows only in a long run.
        calm = landscapes[-1].growth < CHAOTIC
        for landscape in landscapes:
            print_table(landscape, calm, curves)
        panels.append((name, landscapes[-1], curves))
    draw(arguments.out, panels, (a, b))


def landscapes_of(model, target, x, y, n_cells: int, lengths) -> list[Landscape]:
    """Run the network freely at the middle of every cell, from a point of the target cycle.

    The sensitivities of the states to the two parameters are run along, in forward mode. Where they
    grow beyond what floating point holds, they are scaled, and the scale is kept as a logarithm.
    """
    xs, ys = (low + (high - low) * (np.arange(n_cells) + 0.5) / n_cells for low, high in (x, y))
    A = np.stack(np.broadcast_arrays(xs, ys[:, None])).reshape(2, -1)
    n = A.shape[1]
    W, h = model.W, model.h
    states = np.repeat(target[0][:, None], n, axis=1)
    # Derivatives of the two states (first axis) with respect to the two parameters (second).
    slopes = np.zeros((2, 2, n))
    total, gradient, log_scale = np.zeros(n), np.zeros((2, n)), np.zeros(n)
    alive = np.arange(n)
    landscapes = []
    for t in range(1, max(lengths) + 1):
        active = (states > 0.0).astype(float)
        weighted = active[:, None] * slopes
        slopes = A[:, None] * slopes + np.tensordot(W, weighted, 1)
        slopes[0, 0] += states[0]
        slopes[1, 1] += states[1]
        states = A * states + W @ (active * states) + h[:, None]
        error = states - target[t % len(target)][:, None]
        total += (error**2).sum(axis=0)
        gradient += 2.0 * (error[:, None] * slopes).sum(axis=0)
        if t % 10 and t not in lengths:
            continue
        size = np.maximum(np.abs(slopes).max(axis=(0, 1)), np.abs(gradient).max(axis=0))
        factor = np.where(size > 1e100, size, 1.0)
        slopes, gradient = slopes / factor, gradient / factor
        log_scale += np.log(factor)
        near = np.abs(states).max(axis=0) < FAR
        A, states, slopes = A[:, near], states[:, near], slopes[:, :, near]
        total, gradient, log_scale = total[near], gradient[:, near], log_scale[near]
        alive = alive[near]
        if t in lengths:
            with np.errstate(divide="ignore"):
                values = (
                    total / (2 * t),
                    (np.log(np.hypot(*gradient)) + log_scale) / np.log(10.0) - np.log10(2 * t),
                    (np.log(np.abs(slopes).max(axis=(0, 1))) + log_scale) / t,
                )
            pictures = np.full((3, n), np.nan)
            pictures[:, alive] = values
            landscapes.append(Landscape(xs, ys, t, *pictures.reshape(3, n_cells, n_cells)))
    return landscapes


def steepness(loss: np.ndarray) -> np.ndarray:
    """Largest difference of the log loss to one of the four neighbouring cells."""
    logs = np.log10(np.maximum(loss, 1e-12))
    steps = np.full(loss.shape, -np.inf)
    for axis in (0, 1):
        size = np.nan_to_num(np.abs(np.diff(logs, axis=axis)), nan=-np.inf)
        before = [slice(None), slice(None)]
        after = [slice(None), slice(None)]
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        for part in (tuple(before), tuple(after)):
            steps[part] = np.maximum(steps[part], size)
    return np.where(np.isnan(loss), np.nan, steps)


def classified(diagram: rd.StabilityDiagram) -> dict[str, np.ndarray]:
    """Return the segments of the curves of every class, shape (n, 2, 2)."""
    segments: dict[str, list[np.ndarray]] = {kind: [] for kind in CLASSES}
    for curve in diagram.curves:
        bits = [own for own in (curve.itinerary, curve.partner) if own is not None]
        unstable = []
        for x, y in curve.points.tolist():
            network = diagram.model.with_parameters({X_NAME: x, Y_NAME: y})
            unstable.append([n_unstable(network, own) for own in bits])
        changing = np.full(len(unstable), curve.outcome != "none")
        if curve.outcome == "persistence" and not curve.attached:
            changing = np.array([before != after for before, after in unstable])
        if curve.outcome == "infinity":
            stable = np.array([is_stable_beside(diagram.model, curve, p) for p in curve.points])
        else:
            stable = changing & np.array([0 in own for own in unstable])
        pairs = np.stack([curve.points[:-1], curve.points[1:]], axis=1)
        for kind, chosen in zip(CLASSES, (None, changing, stable), strict=True):
            segments[kind].append(pairs if chosen is None else pairs[chosen[:-1] & chosen[1:]])
    return {kind: np.concatenate(own) for kind, own in segments.items()}


def is_stable_beside(model, curve: rd.bifurcation.BoundaryCurve, point: np.ndarray) -> bool:
    """Whether a cycle is stable where it exists, next to a curve on which it is at infinity."""
    for offset in 1e-4 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]):
        x, y = (point + offset).tolist()
        cycle = rd.solve_cycle(model.with_parameters({X_NAME: x, Y_NAME: y}), curve.itinerary)
        if isinstance(cycle, rd.Cycle) and not cycle.virtual and cycle.stability == "stable":
            return True
    return False


def n_unstable(model, itinerary: np.ndarray) -> int:
    """Number of multipliers outside the unit circle, where one that crosses it here is inside."""
    product = np.eye(model.n_states)
    for bits in itinerary:
        product = model.canonical.jacobian(bits) @ product
    return int((np.abs(np.linalg.eigvals(product)) > 1.0 + ON_CIRCLE).sum())


def print_table(landscape: Landscape, calm: np.ndarray, curves: dict[str, np.ndarray]) -> None:
    """Print how near the cells with the largest 1 % of a measure are to the curves."""
    cell = landscape.x[1] - landscape.x[0]
    bounded = np.isfinite(landscape.loss)
    print(
        f"{landscape.n_steps} steps: {1 - bounded.mean():.1%} of the cells diverge, "
        f"{calm.mean():.1%} neither do so in the longest run nor are chaotic; "
        f"distances in cells of {cell:.4f}"
    )
    print(
        f"  {'measure':18}{'cells':14}{'curves':19}{'top 1%':>7}{'random':>8}{'ratio':>7}"
        f"{'p':>8}{'p shifts':>9}{'within a cell':>15}{'random':>8}"
    )
    distances = {kind: distances_to(own, landscape) for kind, own in curves.items()}
    for measure, values in (
        ("gradient norm", landscape.log_gradient),
        ("step of log loss", steepness(landscape.loss)),
    ):
        for name, population in (("bounded", bounded), ("not chaotic", calm)):
            n_top = max(round(0.01 * population.sum()), 1)
            top = population & (values >= np.sort(values[population])[-n_top])
            for kind in CLASSES[:2]:
                result = compare(top, population, distances[kind])
                print(
                    f"  {measure:18}{name:14}{kind:19}{result['top'] / cell:>7.1f}"
                    f"{result['random'] / cell:>8.1f}{result['random'] / result['top']:>7.1f}"
                    f"{result['p']:>8.3f}{result['p_shifted']:>9.3f}"
                    f"{(distances[kind][top] < cell).mean():>15.0%}"
                    f"{(distances[kind][population] < cell).mean():>8.0%}",
                    flush=True,
                )


def distances_to(segments: np.ndarray, landscape: Landscape) -> np.ndarray:
    """Distance of the middle of every cell to the nearest curve, to a 20th of a cell."""
    spacing = 0.1 * (landscape.x[1] - landscape.x[0])
    points = [np.full((1, 2), np.inf)] if not len(segments) else []
    for start, end in segments:
        n = int(np.ceil(np.linalg.norm(end - start) / spacing)) + 1
        points.append(start + (end - start) * np.linspace(0.0, 1.0, n)[:, None])
    middles = np.stack(np.meshgrid(landscape.x, landscape.y), axis=-1)
    return cKDTree(np.concatenate(points)).query(middles)[0]


def compare(top: np.ndarray, population: np.ndarray, distances: np.ndarray) -> dict[str, float]:
    """Compare median distances of some cells with those of random ones.

    Cells with large values lie together, and so do those of a shifted picture, which is the second
    baseline; it wraps around at the borders, and keeps what falls into the population.
    """
    observed = float(np.median(distances[top]))
    own = distances[population]
    rng = np.random.default_rng(0)
    single = [np.median(rng.choice(own, int(top.sum()))) for _ in range(N_DRAWS)]
    shifted = []
    while len(shifted) < N_DRAWS:
        moved = np.roll(top, rng.integers(0, top.shape), axis=(0, 1)) & population
        if moved.any():
            shifted.append(np.median(distances[moved]))
    p_values = [
        (1 + sum(value <= observed for value in draws)) / (N_DRAWS + 1)
        for draws in (single, shifted)
    ]
    return {
        "top": observed,
        "random": float(np.median(own)),
        "p": p_values[0],
        "p_shifted": p_values[1],
    }


def draw(path: str, panels: list, published: tuple[float, float]) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(10, 8.6), layout="constrained")
    for row, (name, landscape, curves) in zip(axes, panels, strict=True):
        half = 0.5 * np.array([landscape.x[1] - landscape.x[0], landscape.y[1] - landscape.y[0]])
        edges = (
            landscape.x[0] - half[0],
            landscape.x[-1] + half[0],
            landscape.y[0] - half[1],
            landscape.y[-1] + half[1],
        )
        for axis, values, title, limits in (
            (row[0], np.log10(np.maximum(landscape.loss, 1e-12)), "loss", (-2.0, 2.0)),
            (row[1], landscape.log_gradient, "gradient norm", (0.0, 10.0)),
        ):
            axis.set_facecolor("0.72")
            picture = axis.imshow(
                values,
                origin="lower",
                extent=edges,
                cmap="viridis",
                vmin=limits[0],
                vmax=limits[1],
                aspect="auto",
                interpolation="nearest",
            )
            figure.colorbar(picture, ax=axis, extend="both", shrink=0.8, label=f"log10 {title}")
            for kind, (color, width) in STYLES.items():
                lines = LineCollection(curves[kind], colors=color, linewidths=width)
                axis.add_collection(lines)
                lines.set_capstyle("round")
            axis.plot(*published, "*", color="white", mec="k", ms=12)
            axis.set(xlim=edges[:2], ylim=edges[2:], xlabel=X_NAME, ylabel=Y_NAME)
            axis.set_title(f"{title}, {name}", loc="left")
    handles = [
        *(Line2D([], [], color=color, lw=2 * width) for color, width in STYLES.values()),
        Line2D([], [], marker="*", color="white", mec="k", ms=12, ls="none"),
        Patch(color="0.72"),
    ]
    labels = [
        "a cycle persists",
        "an unstable cycle changes",
        "a stable cycle is born, vanishes or loses stability",
        "published network",
        "the run diverges",
    ]
    legend = figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
    legend.get_frame().set(facecolor="0.45", edgecolor="none")
    for text in legend.get_texts():
        text.set_color("white")
    figure.savefig(path, dpi=100)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
