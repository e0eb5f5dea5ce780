"""All fixed points of low-rank networks against listing the cells of the arrangement of borders."""

from __future__ import annotations

import argparse
import time

import numpy as np

import rnndyn as rd
from bench.baselines.arrangement import fixed_points, n_solves
from bench.machine import print_machine
from bench.table import format_seconds, print_table

SIZES = ((1, 100), (1, 1000), (2, 30), (2, 100), (2, 1000), (3, 30), (3, 100), (3, 1000), (4, 1000))
QUICK = ((2, 30), (2, 1000), (3, 1000))
SEEDS, QUICK_SEEDS = 10, 3
#: Vertices that are listed; more take minutes.
MOST_VERTICES = 20_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, help=f"networks of each size (default: {SEEDS})")


def run(arguments: argparse.Namespace) -> None:
    print_machine()
    seeds = arguments.seeds or (QUICK_SEEDS if arguments.quick else SEEDS)
    rows = [measure(*size, seeds) for size in (QUICK if arguments.quick else SIZES)]
    header = ("rank", "units", "found", "boxes", "time", "vertices", "cells", "time of listing")
    print_table("All fixed points, median of the networks", header, rows)


def network(rank: int, n_units: int, seed: int) -> rd.LowRankRNN:
    """Random vectors, with a gain at which some networks have several fixed points."""
    rng = np.random.default_rng([rank, n_units, seed])
    return rd.LowRankRNN(
        m=rng.normal(size=(n_units, rank)),
        n=4.0 * rng.normal(size=(rank, n_units)) / np.sqrt(n_units),
        h=rng.normal(size=n_units),
        A=rng.uniform(0.5, 0.95, size=rank),
    )


def measure(rank: int, n_units: int, seeds: int) -> tuple[object, ...]:
    """Measure networks of one size; where cells are few, check the points against them."""
    times, boxes, counts, listing = [], [], [], []
    n_vertices, n_cells = n_solves(n_units, rank)
    for seed in range(seeds):
        model = network(rank, n_units, seed)
        start = time.process_time()
        found = rd.find_fixed_points(model, method="complete", n_threads=1, progress=False)
        times.append(time.process_time() - start)
        if not found.search.complete:
            raise RuntimeError(f"rank {rank}, {n_units} units, seed {seed}: not proved")
        boxes.append(found.search.orders[0].n_boxes)
        counts.append(len(found))
        if n_vertices <= MOST_VERTICES:
            c = model.canonical
            start = time.process_time()
            listed = fixed_points(c.A, c.W1, c.W2, c.h1, c.h2)
            listing.append(time.process_time() - start)
            if len(listed) != len(found):
                raise RuntimeError(f"rank {rank}, {n_units} units, seed {seed}: points differ")
    return (
        rank,
        n_units,
        f"{min(counts)} to {max(counts)}",
        f"{int(np.median(boxes)):,}",
        format_seconds(float(np.median(times))),
        f"{n_vertices:,}",
        f"{n_cells:,}",
        format_seconds(float(np.median(listing))) if listing else "not run",
    )
