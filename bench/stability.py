"""The plane around a published network: its stability diagram, against a search of every point.

The diagram is asked for once; then every point of its grid is searched by itself, with a proof that
nothing is missing, and sets of cycles and the curves between neighbouring points are compared.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

import rnndyn as rd
from bench.machine import print_machine
from bench.table import format_seconds, print_table

LOW_ORDER = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--points", type=int, default=200, help="a side (default: 200)")
    parser.add_argument("--max-order", type=int, default=16, help="default: 16")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument("--no-check", action="store_true", help="do not search every point")
    parser.add_argument("--figure", type=Path, help="write the diagram as a picture")


def run(arguments: argparse.Namespace) -> None:
    """Measure the diagram, and compare it."""
    print_machine()
    n_points = 60 if arguments.quick else arguments.points
    model = rd.examples.load("plrnn_2d_16")
    axes = []
    for name in ("A[0,0]", "A[1,1]"):
        value = model.get_parameter(name)
        axes.append((name, np.linspace(value - 1.0, value + 1.0, n_points)))
    start = time.perf_counter()
    diagram = rd.stability_diagram(
        model,
        *axes,
        max_order=arguments.max_order,
        n_threads=arguments.threads,
        progress=False,
    )
    seconds = time.perf_counter() - start
    residuals = [
        float(curve.residuals.max()) for curve in diagram.curves if curve.outcome != "infinity"
    ]
    print_table(
        f"plrnn_2d_16, {n_points} x {n_points} points, orders up to {arguments.max_order}, "
        f"{arguments.threads} threads",
        ["what", "value"],
        [
            ["time", format_seconds(seconds)],
            ["orders listed along every line", ", ".join(map(str, diagram.run.listed_orders))],
            ["points searched completely", f"{diagram.run.n_searched_completely:,}"],
            ["curves", len(diagram.curves)],
            ["points of curves", f"{sum(len(curve.points) for curve in diagram.curves):,}"],
            ["largest pre-activation or distance of a multiplier on them", max(residuals)],
            ["gaps", len(diagram.gaps)],
        ],
    )
    if arguments.figure is not None:
        rd.plot.stability_diagram(diagram).figure.savefig(arguments.figure, dpi=150)
    if not arguments.no_check:
        compare(diagram)


def compare(diagram: rd.StabilityDiagram) -> None:
    """Search every point by itself; print where sets of cycles and curves agree."""
    n_y, n_x = len(diagram.y_values), len(diagram.x_values)
    start = time.perf_counter()
    found: dict[tuple[int, int], set[Any]] = {}
    for row in range(n_y):
        for column in range(n_x):
            cycles = rd.find_cycles(
                diagram.model_at(row, column),
                orders=diagram.orders,
                method="complete",
                rigorous=False,
                n_threads=1,
                progress=False,
            )
            found[row, column] = {
                name_of(bits) for block in cycles.blocks for bits in block.itinerary
            }
    seconds = time.perf_counter() - start
    wrong_points: Counter[str] = Counter()
    for (row, column), names in found.items():
        own = {name_of(bits) for bits in diagram.itineraries_at(row, column)}
        for name in names ^ own:
            wrong_points[group_of(name)] += 1
    crossings = crossings_of(diagram)
    changes: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for row, column in found:
        for other, is_row in (((row, column + 1), True), ((row + 1, column), False)):
            if other not in found:
                continue
            changed = found[row, column] ^ found[other]
            crossed = crossings[row, column, is_row]
            for name in changed | {name for name, count in crossed.items() if count % 2}:
                group = group_of(name)
                changes[group] += 1
                agreed[group] += (name in changed) == (crossed[name] % 2 == 1)
    groups = [f"up to {LOW_ORDER}", f"beyond {LOW_ORDER}"]
    print_table(
        f"Against a search of each of the {n_x * n_y:,} points ({format_seconds(seconds)}, one "
        "thread)",
        ["orders", "wrong at points", "changes between neighbours", "with their curve", "share"],
        [
            [
                group,
                wrong_points[group],
                changes[group],
                agreed[group],
                f"{agreed[group] / max(changes[group], 1):.2%}",
            ]
            for group in groups
        ],
    )


def crossings_of(diagram: rd.StabilityDiagram) -> dict[Any, Counter[Any]]:
    """How often the boundaries of each cycle cross the lines between neighbouring points."""
    crossings: dict[Any, Counter[Any]] = defaultdict(Counter)
    for is_row in (True, False):
        lines, along = diagram.y_values, diagram.x_values
        if not is_row:
            lines, along = along, lines
        places: dict[Any, set[int]] = defaultdict(set)
        for curve in diagram.curves:
            bits = [curve.itinerary, *([] if curve.partner is None else [curve.partner])]
            names = {name_of(own) for own in curve.attached}
            if curve.outcome != "stability_change":
                names |= {name_of(own) for own in bits}
            points = curve.points[:-1] if curve.is_closed else curve.points
            for x, y in points.tolist():
                across, place = (y, x) if is_row else (x, y)
                line = int(np.abs(lines - across).argmin())
                if abs(lines[line] - across) > 1e-12 * (lines[-1] - lines[0]):
                    continue
                edge = min(int(np.searchsorted(along, place, side="right")) - 1, len(along) - 2)
                for name in names:
                    # Two events of one cycle at one place are one boundary.
                    places[line, edge, name].add(round(place * 1e9))
        for (line, edge, name), own_places in places.items():
            at = (line, edge) if is_row else (edge, line)
            crossings[*at, is_row][name] += len(own_places)
    return crossings


def name_of(bits: Any) -> tuple[int, bytes]:
    """Order and first rotation of an itinerary."""
    words = [row.tobytes() for row in np.asarray(bits)]
    return len(words), min(b"".join(words[t:] + words[:t]) for t in range(len(words)))


def group_of(name: tuple[int, bytes]) -> str:
    return f"up to {LOW_ORDER}" if name[0] <= LOW_ORDER else f"beyond {LOW_ORDER}"
