"""Basins of attraction: orbits of a whole plane, against stepping them all at once in NumPy.

Both follow the same orbits from the same points. NumPy steps all of them as rows of a matrix, looks
every ten steps which are within 1e-6 of a point of a stable cycle or beyond the escape radius, and
goes on with the others.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

import rnndyn as rd
from bench.machine import print_machine
from bench.table import format_seconds, print_table

MAX_STEPS = 2_000
STEPS_BETWEEN_LOOKS = 10
NEAR = 1e-6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--points", type=int, default=300, help="a side (default: 300)")
    parser.add_argument("--threads", type=int, default=2, help="at most (default: 2)")


def run(arguments: argparse.Namespace) -> None:
    """Measure every network on one thread and on several."""
    print_machine()
    n_points = 100 if arguments.quick else arguments.points
    rows = [row_of(name, cycles, n_points, arguments.threads) for name, cycles in networks()]
    print_table(
        f"{n_points} x {n_points} points, at most {MAX_STEPS:,} steps",
        [
            "network",
            "states",
            "units",
            "attractors",
            "steps",
            "NumPy",
            "rnndyn",
            "times",
            f"{arguments.threads} threads",
            "steps/s",
            "labels alike",
        ],
        rows,
    )


def networks() -> list[tuple[str, rd.CycleSet]]:
    """Return networks by name, with the cycles whose basins are asked for."""
    found = [
        (name, rd.find_cycles(rd.examples.load(name), max_order=order, progress=False))
        for name, order in (("plrnn_2d_16", 16), ("plrnn-10d", 10))
    ]
    found.append(("Lozi map, chaotic", rd.find_cycles(rd.examples.lozi_map(), max_order=2)))
    for n_states, n_hidden in ((10, 50), (50, 50)):
        rng = np.random.default_rng(n_states)
        model = rd.ClippedShallowPLRNN(
            A=rng.uniform(-0.5, 0.5, n_states),
            W1=0.4 * rng.normal(size=(n_states, n_hidden)) / np.sqrt(n_hidden),
            W2=rng.normal(size=(n_hidden, n_states)),
            h1=rng.normal(size=n_states),
            h2=rng.normal(size=n_hidden),
        )
        found.append((f"random {model.family}", rd.find_cycles(model, max_order=1)))
    return found


def row_of(name: str, cycles: rd.CycleSet, n_points: int, n_threads: int) -> list[Any]:
    model = cycles.model
    options: dict[str, Any] = {
        "resolution": n_points,
        "dims": (0, 1),
        "max_steps": MAX_STEPS,
        "progress": False,
    }
    start = time.perf_counter()
    result = rd.basins(cycles, n_threads=1, **options)
    seconds = time.perf_counter() - start
    again = rd.basins(cycles, n_threads=n_threads, **options)
    if again != result:
        raise AssertionError(f"{name}: the threads show")
    start = time.perf_counter()
    labels, n_steps = by_numpy(model, result)
    numpy_seconds = time.perf_counter() - start
    return [
        name,
        model.n_states,
        model.n_units,
        len(result.attractors),
        f"{n_steps:,}",
        format_seconds(numpy_seconds),
        format_seconds(seconds),
        numpy_seconds / seconds,
        format_seconds(again.run.seconds),
        float(result.n_steps.sum()) / seconds,
        f"{(labels == result.labels.ravel()).mean():.3%}",
    ]


def by_numpy(model: rd.PiecewiseLinearModel, result: rd.Basins) -> tuple[Any, int]:
    """Return the labels, and how many steps of single orbits were made."""
    canonical = model.canonical
    A, W1, W2 = canonical.A.T.copy(), canonical.W1.T.copy(), canonical.W2.T.copy()
    points = np.concatenate(
        [np.empty((0, model.n_states)), *(cycle.points for cycle in result.attractors)]
    )
    owners = np.repeat(
        np.arange(len(result.attractors)), [cycle.order for cycle in result.attractors]
    )
    states = result.states.reshape(-1, model.n_states)
    labels = np.full(len(states), -1)
    left = np.arange(len(states))
    n_steps = 0
    for _ in range(0, MAX_STEPS, STEPS_BETWEEN_LOOKS):
        for _ in range(STEPS_BETWEEN_LOOKS):
            hidden = np.maximum(states @ W2 + canonical.h2, 0.0)
            states = states @ A + hidden @ W1 + canonical.h1
        n_steps += len(states) * STEPS_BETWEEN_LOOKS
        open_ = np.ones(len(states), dtype=bool)
        for point, owner in zip(points, owners, strict=True):
            near = np.abs(states - point).max(axis=1) < NEAR
            labels[left[near]] = owner
            open_ &= ~near
        beyond = np.abs(states).max(axis=1) > result.run.escape_radius
        labels[left[beyond]] = -2
        open_ &= ~beyond
        left, states = left[open_], states[open_]
        if not len(left):
            break
    return labels, n_steps
