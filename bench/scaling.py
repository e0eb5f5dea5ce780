"""The published scaling figure: how many itineraries it takes until the known cycles are found.

After the scaling figure of Eisenmann, Monfared, Goering and Durstewitz (NeurIPS 2023): against the
order for 2-D networks, and against the number of states for fixed points at three strengths of the
coupling. The networks are drawn here. Every itinerary tried is one combination of linear regions
and costs one solve.
"""

import argparse
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.machine import print_machine
from bench.mode_locked import mode_locked_plrnns
from bench.package import most_cycles
from bench.systems import System, random_plrnn
from bench.table import print_table
from bench.until_found import baseline_effort, package_effort

ORDERS = [3, 4, 5, 6, 8, 10, 12, 15, 17, 20, 23, 25, 29, 31, 35, 37, 40, 43, 46, 50]
QUICK_ORDERS = [3, 5, 10, 20]
STATES = [2, 4, 8, 16, 32, 64, 96, 127]
QUICK_STATES = [2, 8, 32]
COUPLINGS = [0.5, 1.0, 1.5]


@dataclass(frozen=True)
class Point:
    """Medians over the networks of one order or size."""

    x: int
    n_networks: int
    n_cycles: float
    listing: float
    algorithm_1: float
    capped: bool
    package: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--networks", type=int, default=5, help="networks per point")
    parser.add_argument("--cap", type=float, default=10.0, help="seconds of Algorithm 1 a network")
    parser.add_argument("--output", type=Path, default=Path("scaling.png"), help="the figure")


def run(arguments: argparse.Namespace) -> None:
    if arguments.quick:
        arguments.networks, arguments.cap = 2, 2.0
    print_machine()
    by_order = _against_order(arguments)
    by_size = {g: _against_states(g, arguments) for g in COUPLINGS}
    _draw(by_order, by_size, arguments.output)
    print(f"wrote {arguments.output}")


def _against_order(arguments: argparse.Namespace) -> list[Point]:
    orders = QUICK_ORDERS if arguments.quick else ORDERS
    n_drawn = 40_000 if arguments.quick else 200_000
    points = []
    for order, models in mode_locked_plrnns(orders, arguments.networks, n_drawn).items():
        systems = [
            System(f"k={order}", model, order, most_cycles(model, order, range(3)))
            for model in models
        ]
        points += _measure(order, systems, arguments)
    _print("2-D networks with an attracting k-cycle: all known k-cycles.", "k", points)
    return points


def _against_states(coupling: float, arguments: argparse.Namespace) -> list[Point]:
    points = []
    for n_states in QUICK_STATES if arguments.quick else STATES:
        systems: list[System] = []
        seed = 0
        while len(systems) < arguments.networks:
            model = random_plrnn(n_states, coupling, seed)
            seed += 1
            n_cycles = most_cycles(model, 1, range(3))
            if n_cycles:
                systems.append(System(f"M={n_states}", model, 1, n_cycles))
        points += _measure(n_states, systems, arguments)
    _print(f"Fixed points of random networks, coupling {coupling:g}: all known ones.", "M", points)
    return points


def _measure(x: int, systems: list[System], arguments: argparse.Namespace) -> list[Point]:
    listing, own, published, capped = [], [], [], 0
    for system in systems:
        if not system.n_cycles:
            continue
        effort = package_effort(system, range(3), method="search")
        if effort is None:
            continue
        reference = baseline_effort(system, range(1), arguments.cap)
        listing.append(expected_listing(system))
        own.append(effort.solves)
        published.append(reference.solves)
        capped += reference.capped
    if not own:
        return []
    n_cycles = median(system.n_cycles for system in systems)
    is_bound = 2 * capped >= len(own)
    return [Point(x, len(own), n_cycles, median(listing), median(published), is_bound, median(own))]


def expected_listing(system: System) -> float:
    """Expected number of itineraries drawn, without repetition, until the last cycle appears.

    Of N classes of itineraries in random order, the last of n given ones is expected at
    n (N + 1) / (n + 1).
    """
    n_classes = n_necklaces(2**system.model.canonical.n_units, system.order)
    # Integers first: 2^100 classes and their quotient are beyond the exact range of floats.
    return system.n_cycles * (n_classes + 1) / (system.n_cycles + 1)


def n_necklaces(n_letters: int, length: int) -> int:
    """Number of words up to rotation (Burnside)."""
    return sum(n_letters ** math.gcd(shift, length) for shift in range(length)) // length


def _print(title: str, name: str, points: Iterable[Point]) -> None:
    print_table(
        f"{title} Itineraries tried until then; medians.",
        [name, "networks", "cycles", "random listing", "Algorithm 1", "method='search'"],
        [
            [
                point.x,
                point.n_networks,
                float(point.n_cycles),
                point.listing,
                (">=" if point.capped else "") + f"{point.algorithm_1:,.0f}",
                point.package,
            ]
            for point in points
        ],
    )


def _draw(by_order: list[Point], by_size: dict[float, list[Point]], output: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, 1 + len(by_size), figsize=(4.0 * (1 + len(by_size)), 3.6), layout="constrained"
    )
    panels = [("order k", "2-D networks, k-cycles", by_order)]
    panels += [
        ("states M", f"fixed points, coupling {g:g}", points) for g, points in by_size.items()
    ]
    for axis, (label, title, points) in zip(axes, panels, strict=True):
        x = [point.x for point in points]
        axis.semilogy(x, [p.listing for p in points], "-", color="0.6", label="random listing")
        axis.semilogy(
            x, [p.algorithm_1 for p in points], "o-", color="tab:orange", label="Algorithm 1"
        )
        axis.semilogy(x, [p.package for p in points], "s-", color="tab:blue", label="rnndyn search")
        # The listing leaves every scale; what matters is where it crosses the others.
        highest = max([p.algorithm_1 for p in points] + [p.package for p in points], default=1.0)
        axis.set_ylim(0.7, 100.0 * highest)
        axis.set_xlabel(label)
        axis.set_title(title, fontsize=10)
    axes[0].set_ylabel("itineraries tried")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(output, dpi=150)
    plt.close(figure)
