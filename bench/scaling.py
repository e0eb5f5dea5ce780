"""The published scaling figure: how much work it takes until the known cycles are found.

After the scaling figure of Eisenmann, Monfared, Goering and Durstewitz (NeurIPS 2023): against the
order for 2-D networks, and against the number of states for fixed points at three strengths of the
coupling; then networks with few ReLUs and many states, and with few states and many hidden units.
The networks are drawn here. Every itinerary tried is one combination of linear regions and costs
one solve; seconds are those of one thread each, measured in turns in one process.
"""

import argparse
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median, stdev
from typing import Any

from bench.machine import print_machine
from bench.mode_locked import mode_locked_plrnns
from bench.package import most_cycles
from bench.systems import System, random_alrnn, random_plrnn, random_shallow_plrnn
from bench.table import print_table
from bench.until_found import Effort, baseline_effort, package_effort

ORDERS = [3, 4, 5, 6, 8, 10, 12, 15, 17, 20, 23, 25, 29, 31, 35, 37, 40, 43, 46, 50, 60, 70, 80]
QUICK_ORDERS = [3, 5, 10, 20]
STATES = [2, 4, 8, 16, 32, 64, 96, 127]
QUICK_STATES = [2, 8, 32]
COUPLINGS = [0.5, 1.0, 1.5]
#: States and ReLUs.
ALRNNS = [(25, 6), (50, 6), (100, 10), (200, 10), (500, 20)]
#: States and hidden units. With more gain hardly one of the larger networks has a fixed point: at
#: 0.4 one in three with 100 states, at 0.5 none of four from 20 states on.
SHALLOW = [(3, 50), (10, 100), (20, 200), (50, 400), (100, 1000), (500, 2000)]
SHALLOW_GAIN = 0.3
#: So many are drawn at most for each of those that are wanted.
MOST_DRAWN = 50
#: With few states everything takes milliseconds, and few solves differ much from one network to the
#: next: so many times as many networks.
FEW_STATES = 16
MORE_OF_FEW_STATES = 4
QUICK_WIDE = 2


@dataclass(frozen=True)
class Network:
    """One network on which both found all known cycles, or at least the package did."""

    n_cycles: int
    #: Decimal logarithm: with 2,000 hidden units it is beyond the range of a float.
    log_listing: float
    algorithm_1: Effort
    package: Effort


@dataclass(frozen=True)
class Point:
    """The networks of one order or size."""

    x: int
    label: str
    networks: list[Network]
    #: Networks on which `method="search"` alone did not find all known cycles in thirty searches or
    #: ten seconds; they are in none of the means.
    n_not_found: int
    #: Networks that were drawn and in which nothing of the order is found, by anyone.
    n_without: int

    def median_of(self, value: Callable[[Network], float]) -> float:
        return median(value(network) for network in self.networks)

    @property
    def is_bound(self) -> bool:
        """Whether Algorithm 1 ran into the cap on half of them: its medians are lower bounds."""
        return 2 * self.n_capped >= len(self.networks)

    @property
    def n_capped(self) -> int:
        return sum(network.algorithm_1.capped for network in self.networks)

    def ratio_text(self, value: Callable[[Effort], float]) -> str:
        """Geometric mean over the networks of Algorithm 1 over the package, with its error.

        One standard error of the mean of the logarithms to both sides.
        """
        ratios = [value(network.algorithm_1) / value(network.package) for network in self.networks]
        mean = geometric_mean(ratios)
        text = f"{'>=' if self.n_capped else ''}{mean:.1f}"
        if len(ratios) < 2:
            return text
        factor = math.exp(stdev(map(math.log, ratios)) / math.sqrt(len(ratios)))
        return f"{text} ({mean / factor:.1f} to {mean * factor:.1f})"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--networks", type=int, default=5, help="networks per point")
    parser.add_argument("--cap", type=float, default=10.0, help="seconds of Algorithm 1 a seed")
    parser.add_argument("--output", type=Path, default=Path("scaling.png"), help="the figure")


def run(arguments: argparse.Namespace) -> None:
    if arguments.quick:
        arguments.networks, arguments.cap = 2, 2.0
    print_machine()
    panels = [("order k", "2-D networks, k-cycles", _against_order(arguments))]
    panels += [
        ("states M", f"fixed points, coupling {g:g}", _against_states(g, arguments))
        for g in COUPLINGS
    ]
    alrnns, shallow = ALRNNS, SHALLOW
    if arguments.quick:
        alrnns, shallow = alrnns[:QUICK_WIDE], shallow[:QUICK_WIDE]
    panels += [
        (
            "states M",
            "fixed points, ALRNN",
            _against_shape("ALRNN, P ReLUs", alrnns, random_alrnn, arguments),
        ),
        (
            "states M",
            "fixed points, shallow PLRNN",
            _against_shape(
                f"Shallow PLRNN, H hidden units, gain {SHALLOW_GAIN:g}",
                shallow,
                lambda n_states, n_hidden, seed: random_shallow_plrnn(
                    n_states, n_hidden, seed, SHALLOW_GAIN
                ),
                arguments,
            ),
        ),
    ]
    _draw(panels, arguments.output)
    print(f"wrote {arguments.output}")


def _against_order(arguments: argparse.Namespace) -> list[Point]:
    orders = QUICK_ORDERS if arguments.quick else ORDERS
    n_drawn = 40_000 if arguments.quick else 200_000
    points = []
    n_networks = MORE_OF_FEW_STATES * arguments.networks
    for order, models in mode_locked_plrnns(orders, n_networks, n_drawn).items():
        systems = [
            System(f"k={order}", model, order, most_cycles(model, order, range(3)))
            for model in models
        ]
        points.append(_measure(order, str(order), systems, 0, arguments))
    _print("2-D networks with an attracting k-cycle: all known k-cycles.", "k", points)
    return points


def _against_states(coupling: float, arguments: argparse.Namespace) -> list[Point]:
    points = [
        _measure(
            n_states,
            str(n_states),
            *_with_fixed_points(
                lambda seed, n_states=n_states: random_plrnn(n_states, coupling, seed),
                arguments.networks * (MORE_OF_FEW_STATES if n_states <= FEW_STATES else 1),
            ),
            arguments,
        )
        for n_states in (QUICK_STATES if arguments.quick else STATES)
    ]
    _print(f"Fixed points of random networks, coupling {coupling:g}: all known ones.", "M", points)
    return points


def _against_shape(
    title: str,
    shapes: list[tuple[int, int]],
    draw: Callable[[int, int, int], Any],
    arguments: argparse.Namespace,
) -> list[Point]:
    points = [
        _measure(
            n_states,
            f"{n_states}, {n_units}",
            *_with_fixed_points(
                lambda seed, shape=(n_states, n_units): draw(*shape, seed), arguments.networks
            ),
            arguments,
        )
        for n_states, n_units in shapes
    ]
    _print(f"{title}: all known fixed points.", "shape", points)
    return points


def _with_fixed_points(draw: Callable[[int], Any], n_networks: int) -> tuple[list[System], int]:
    """The first networks in which a fixed point is found, and how many were drawn without.

    Fewer where hardly any network has one.
    """
    systems: list[System] = []
    seed = 0
    while len(systems) < n_networks and seed < MOST_DRAWN * n_networks:
        model = draw(seed)
        seed += 1
        n_cycles = most_cycles(model, 1, range(3))
        if n_cycles:
            systems.append(System(f"M={model.canonical.n_states}", model, 1, n_cycles))
    return systems, seed - len(systems)


def _measure(
    x: int, label: str, systems: list[System], n_without: int, arguments: argparse.Namespace
) -> Point:
    networks, n_not_found = [], 0
    for system in systems:
        # An orbit that returns to 1e-8 after k steps may be on its way to a fixed point.
        if not system.n_cycles:
            n_without += 1
            continue
        effort = package_effort(system, range(3), method="search")
        if effort is None:
            n_not_found += 1
            continue
        reference = baseline_effort(system, range(3), arguments.cap)
        networks.append(Network(system.n_cycles, log_expected_listing(system), reference, effort))
    return Point(x, label, networks, n_not_found, n_without)


def log_expected_listing(system: System) -> float:
    """Decimal logarithm of the expected number of itineraries listed until the last cycle appears.

    They are drawn without repetition: of N classes of itineraries in random order, the last of n
    given ones is expected at n (N + 1) / (n + 1).
    """
    n_classes = n_necklaces(2**system.model.canonical.n_units, system.order)
    return math.log10(system.n_cycles * (n_classes + 1)) - math.log10(system.n_cycles + 1)


def power_of_ten_text(exponent: float) -> str:
    if exponent < 15:
        return f"{10.0**exponent:,.0f}" if exponent >= 2 else f"{10.0**exponent:.3g}"
    whole = math.floor(exponent)
    return f"{10.0 ** (exponent - whole):.1f}e+{whole}"


def n_necklaces(n_letters: int, length: int) -> int:
    """Number of words up to rotation (Burnside)."""
    return sum(n_letters ** math.gcd(shift, length) for shift in range(length)) // length


def _print(title: str, name: str, points: Iterable[Point]) -> None:
    print_table(
        f"{title} Itineraries tried until then: medians; ratios of Algorithm 1 to the search: "
        "geometric means over the networks, with one standard error to both sides; at least so "
        "much where some of them ran into the cap. "
        "Without: drawn, but nothing is found in them.",
        [
            name,
            "networks",
            "without",
            "not found",
            "cycles",
            "random listing",
            "Algorithm 1",
            "method='search'",
            "capped",
            "solves ratio",
            "time ratio",
        ],
        [_row(point) for point in points],
    )


def _row(point: Point) -> list[Any]:
    if not point.networks:
        return [point.label, 0, point.n_without, point.n_not_found, *[""] * 7]
    return [
        point.label,
        len(point.networks),
        point.n_without,
        point.n_not_found,
        float(point.median_of(lambda one: one.n_cycles)),
        power_of_ten_text(point.median_of(lambda one: one.log_listing)),
        (">=" if point.is_bound else "")
        + f"{point.median_of(lambda one: one.algorithm_1.solves):,.0f}",
        point.median_of(lambda one: one.package.solves),
        point.n_capped,
        point.ratio_text(lambda effort: effort.solves),
        point.ratio_text(lambda effort: effort.seconds),
    ]


def _draw(panels: list[tuple[str, str, list[Point]]], output: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    n_columns = (len(panels) + 1) // 2
    figure, axes = plt.subplots(
        2, n_columns, figsize=(4.0 * n_columns, 7.2), layout="constrained", squeeze=False
    )
    for axis, (label, title, measured) in zip(axes.flat, panels, strict=True):
        points = [point for point in measured if point.networks]
        x = [point.x for point in points]
        listing = [point.median_of(lambda one: one.log_listing) for point in points]
        published = [point.median_of(lambda one: one.algorithm_1.solves) for point in points]
        own = [point.median_of(lambda one: one.package.solves) for point in points]
        # It leaves every scale; what matters is where it crosses the others.
        top = 100.0 * max(published + own, default=1.0)
        shown = [min(10.0 ** min(value, 300.0), 100.0 * top) for value in listing]
        axis.semilogy(x, shown, "-", color="0.6", label="random listing")
        axis.semilogy(x, published, "o-", color="tab:orange", label="Algorithm 1")
        bounds = [i for i, point in enumerate(points) if point.is_bound]
        axis.semilogy(
            [x[i] for i in bounds],
            [published[i] for i in bounds],
            "^",
            color="tab:orange",
            markersize=10,
            fillstyle="none",
            label="at least (stopped at the cap)",
        )
        axis.semilogy(x, own, "s-", color="tab:blue", label="rnndyn search")
        axis.set_ylim(0.7, top)
        axis.set_xlabel(label)
        axis.set_title(title, fontsize=10)
    for axis in axes[:, 0]:
        axis.set_ylabel("itineraries tried")
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.savefig(output, dpi=150)
    plt.close(figure)
