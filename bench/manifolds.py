"""Boundaries of basins: exact pieces, against sampling points of the manifold of the saddle.

Both get the same saddles. Three things are measured: the processor time of one thread; the share of
random points of what was found whose two sides, 1e-6 away, go to the two attractors that the saddle
lies between; and the share of true points of the boundary, found by bisection between random states
of the two basins, that lie within 1e-6 of a piece. The planes that sampling finds count as endless
within their regions, which is to their advantage.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, NamedTuple

import numpy as np

import rnndyn as rd
from bench.baselines.manifold_sampling import SampledManifold
from bench.machine import print_machine
from bench.table import format_seconds, print_table
from manifold_cases import cycles_of, fates, network

#: States and units.
SIZES = ((2, 6), (3, 4), (5, 4), (10, 3))
NETWORKS, QUICK_NETWORKS = 10, 2
#: The box that orbits stay in, the steps away from the saddle that both go backwards by the number
#: of states, and the most pieces or planes.
BOX, MAX_PIECES = 20.0, 2_000
DEPTHS = {2: 40, 3: 20, 5: 8, 10: 8}
#: Of the trained network.
TRAINED_BOX, TRAINED_DEPTH = 8.0, 2
NEAR = 1e-6
#: Points of a boundary that are looked at, by each measure.
POINTS, QUICK_POINTS = 200, 60
#: Steps until an orbit has arrived.
STEPS = 2_000


class Score(NamedTuple):
    """What was found of the boundaries of one network; NaN is the share of no points."""

    n_pieces: int
    seconds: float
    right: float
    covered: float


class PassedOver(NamedTuple):
    """What is not in the table."""

    networks: int = 0
    gates: int = 0
    short: int = 0

    def text(self) -> str:
        return (
            f"Not in the table: {self.networks} random networks without a saddle between two "
            f"basins whose sides each go to one attractor, {self.gates} saddles with several "
            "attractors on a side. Networks with fewer true points of the boundary than asked for: "
            f"{self.short}."
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--networks", type=int, help=f"random ones of each size (default: {NETWORKS})"
    )


def run(arguments: argparse.Namespace) -> None:
    """Measure random networks of several sizes, and a trained one."""
    print_machine()
    n_points = QUICK_POINTS if arguments.quick else POINTS
    n_networks = arguments.networks or (QUICK_NETWORKS if arguments.quick else NETWORKS)
    rows, left_out = [], [PassedOver()]
    for n_states, n_units in SIZES:
        cases, n_over = random_cases(n_states, n_units, n_networks)
        left_out.append(PassedOver(networks=n_over))
        scores = [measure(*case, n_points, left_out) for case in cases]
        rows.append(row_of(f"random, {len(scores)}", n_states, n_units, scores))
    own = measure(trained_cycles(), TRAINED_BOX, TRAINED_DEPTH, n_points, left_out)
    rows.append(row_of("trained, plrnn-10d", 10, 10, [own]))
    print_table(
        f"Boundaries of basins, medians over networks; {n_points} points for each share",
        [
            "network",
            "states",
            "units",
            "pieces",
            "time",
            "right side",
            "of the boundary",
            "planes",
            "time of sampling",
            "right side",
            "of the boundary",
        ],
        rows,
    )
    print(PassedOver(*map(sum, zip(*left_out, strict=True))).text())


def random_cases(
    n_states: int, n_units: int, n_wanted: int
) -> tuple[list[tuple[rd.CycleSet, float, int]], int]:
    """Return the fixed points of the first networks with a saddle between two basins.

    And how many networks were passed over.
    """
    found: list[tuple[rd.CycleSet, float, int]] = []
    seed = 0
    while len(found) < n_wanted:
        cycles = cycles_of(network(seed, n_states, n_units))
        seed += 1
        if len(cycles.stable) >= 2 and clean_gates(boundary_of(cycles, BOX, 0)):
            found.append((cycles, BOX, DEPTHS[n_states]))
    return found, seed - n_wanted


def trained_cycles() -> rd.CycleSet:
    return rd.find_cycles(rd.examples.load("plrnn-10d"), max_order=10, progress=False)


def boundary_of(cycles: rd.CycleSet, box: float, depth: int) -> rd.BasinBoundary:
    return rd.basin_boundary(
        cycles, box=box, depth=depth, max_pieces=MAX_PIECES, n_threads=1, progress=False
    )


def clean_gates(boundary: rd.BasinBoundary) -> list[int]:
    """Return the saddles whose sides each go to one attractor."""
    return [
        number
        for number, gate in enumerate(boundary.gates)
        if gate.separates and all(len(side) == 1 and side[0] >= 0 for side in gate.sides)
    ]


def measure(
    cycles: rd.CycleSet, box: float, depth: int, n_points: int, left_out: list[PassedOver]
) -> tuple[Score, Score]:
    """Return what is found exactly, and by sampling; add what is left out."""
    start = time.process_time()
    boundary = boundary_of(cycles, box, depth)
    seconds = time.process_time() - start
    gates = clean_gates(boundary)
    true = true_points(boundary, gates, box, n_points)
    n_separating = int(boundary.separating.sum())
    left_out.append(PassedOver(0, n_separating - len(gates), int(len(true) < n_points)))
    own = np.flatnonzero(np.isin(boundary.gate_numbers, gates))
    rng = np.random.default_rng(0)
    states, numbers = boundary.pieces.sample(4 * n_points, rng)
    kept = np.flatnonzero(np.isin(numbers, own))[:n_points]
    exact = Score(
        len(boundary.pieces),
        seconds,
        share_right(
            boundary,
            states[kept],
            boundary.pieces.equations[numbers[kept], 0],
            boundary.gate_numbers[numbers[kept]],
        ),
        float((boundary.distance(true) < NEAR).mean()) if len(true) else np.nan,
    )
    return exact, by_sampling(boundary, gates, depth, true, n_points)


def by_sampling(
    boundary: rd.BasinBoundary, gates: list[int], depth: int, true: Any, n_points: int
) -> Score:
    c = boundary.model.canonical
    start = time.process_time()
    found = []
    for number in gates:
        sampled = SampledManifold(c.A, c.W1, c.W2, c.h1, c.h2)
        sampled.find(boundary.gates[number].cycle.points, depth, MAX_PIECES)
        found += [(plane, number) for plane in sampled.planes if len(plane.points)]
    seconds = time.process_time() - start
    if not found:
        return Score(0, seconds, np.nan, 0.0 if len(true) else np.nan)
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(found), size=n_points)
    states = np.array([rng.choice(found[i][0].points) for i in chosen])
    normals = np.array([found[i][0].normal for i in chosen])
    owners = np.array([found[i][1] for i in chosen])
    near = np.zeros(len(true), dtype=bool)
    bits = boundary.model.region(true) if len(true) else np.zeros((0, c.h2.size), bool)
    for plane, _ in found:
        inside = (bits == plane.region).all(axis=1)
        near |= inside & (np.abs((true - plane.center) @ plane.normal) < NEAR)
    right = share_right(boundary, states, normals, owners)
    return Score(len(found), seconds, right, float(near.mean()) if len(true) else np.nan)


def share_right(boundary: rd.BasinBoundary, states: Any, normals: Any, owners: Any) -> float:
    """Return the share of states whose two sides go to the two attractors of the saddle."""
    first, second = (
        fates(boundary.model, boundary.attractors, states + sign * NEAR * normals, STEPS)
        for sign in (-1.0, 1.0)
    )
    wanted = np.array([[side[0] for side in boundary.gates[int(i)].sides] for i in owners])
    straight = (first == wanted[:, 0]) & (second == wanted[:, 1])
    right = straight | ((first == wanted[:, 1]) & (second == wanted[:, 0]))
    return float(right.mean()) if len(right) else np.nan


def true_points(boundary: rd.BasinBoundary, gates: list[int], box: float, n_points: int) -> Any:
    """Return points between states of the basins that a saddle parts, found by bisection.

    They are looked for around the saddles, near and far, where both ways should have found all.
    """
    model = boundary.model
    points = np.concatenate([cycle.points for cycle in boundary.attractors])
    rng = np.random.default_rng(1)
    centers = np.concatenate([boundary.gates[number].cycle.points for number in gates])
    away = np.linalg.norm(centers[:, np.newaxis] - points, axis=2)
    size = float(away.min()) / np.sqrt(model.n_states)
    first, second = (
        centers[rng.integers(len(centers), size=4 * n_points)]
        + size
        * rng.choice([0.1, 0.5, 1.0], (4 * n_points, 1))
        * rng.normal(size=(4 * n_points, model.n_states))
        for _ in range(2)
    )
    first, second = np.clip(first, -box, box), np.clip(second, -box, box)
    labels = [fates(model, boundary.attractors, states, STEPS) for states in (first, second)]
    pairs = [set(gate.sides[0]) | set(gate.sides[1]) for gate in (boundary.gates[g] for g in gates)]
    parted = [
        one != other and {int(one), int(other)} in pairs for one, other in zip(*labels, strict=True)
    ]
    chosen = np.flatnonzero(parted)[:n_points]
    first, second, label = first[chosen], second[chosen], labels[0][chosen]
    if not len(chosen):
        return np.empty((0, model.n_states))
    for _ in range(34):
        middle = 0.5 * (first + second)
        same = fates(model, boundary.attractors, middle, STEPS) == label
        first = np.where(same[:, np.newaxis], middle, first)
        second = np.where(same[:, np.newaxis], second, middle)
    return 0.5 * (first + second)


def row_of(name: str, n_states: int, n_units: int, scores: list[tuple[Score, Score]]) -> list[Any]:
    row: list[Any] = [name, n_states, n_units]
    for way in zip(*scores, strict=True):
        columns = np.array(way)
        row += [
            f"{int(np.median(columns[:, 0])):,}",
            format_seconds(float(np.median(columns[:, 1]))),
            *(f"{columns[:, k].mean():.3f}" for k in (2, 3)),
        ]
    return row
