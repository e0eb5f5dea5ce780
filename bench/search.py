"""Time and number of solves of the package against Algorithm 1 in NumPy."""

import argparse
import math

from bench.machine import print_machine
from bench.per_solve import print_seconds_per_solve
from bench.systems import (
    System,
    lozi_systems,
    published_systems,
    random_systems_with_several_cycles,
)
from bench.table import format_number, format_seconds, geometric_mean, print_table
from bench.until_found import (
    Effort,
    baseline_effort,
    baseline_effort_in_turn,
    package_effort,
    package_effort_in_turn,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=20, help="seeds of the package per system")
    parser.add_argument(
        "--baseline-seeds", type=int, default=5, help="seeds of Algorithm 1 per system"
    )
    parser.add_argument(
        "--cap", type=float, default=20.0, help="seconds Algorithm 1 may take per seed and system"
    )
    parser.add_argument(
        "--cap-in-turn",
        type=float,
        default=120.0,
        help="seconds Algorithm 1 may take per system for the orders 1 to k",
    )


def run(arguments: argparse.Namespace) -> None:
    if arguments.quick:
        arguments.seeds, arguments.baseline_seeds, arguments.cap = 3, 1, 2.0
        arguments.cap_in_turn = 2.0
    print_machine()
    print_seconds_per_solve(arguments.quick)
    published = published_systems()
    several = random_systems_with_several_cycles(5 if arguments.quick else 20)
    efforts = _efforts([*published, *lozi_systems(), *several], arguments)
    _time_until_found(published, efforts, arguments)
    _time_in_turn(published, arguments)
    _solves_until_found(efforts, arguments)


Efforts = dict[str, tuple[System, Effort | None, Effort | None, Effort]]


def _efforts(systems: list[System], arguments: argparse.Namespace) -> Efforts:
    efforts: Efforts = {}
    for system in systems:
        efforts[system.name] = (
            system,
            package_effort(system, range(arguments.seeds)),
            package_effort(system, range(arguments.seeds), method="search"),
            baseline_effort(system, range(arguments.baseline_seeds), arguments.cap),
        )
    return efforts


def _time_until_found(
    published: list[System], efforts: Efforts, arguments: argparse.Namespace
) -> None:
    rows = []
    ratios = []
    for name in (system.name for system in published):
        system, ours, _, reference = efforts[name]
        ratio = reference.seconds / ours.seconds if ours else math.nan
        ratios.append(ratio)
        rows.append(
            [
                name,
                system.order,
                system.n_cycles,
                reference.text(format_seconds(reference.seconds)),
                format_seconds(ours.seconds) if ours else "not all found",
                reference.text(format_number(ratio)),
            ]
        )
    rows.append(["geometric mean", "", "", "", "", format_number(geometric_mean(ratios))])
    print_table(
        "Time until all expected cycles of the named order are found, one thread, defaults.\n"
        f"Median over {arguments.seeds} seeds (ours) and {arguments.baseline_seeds} (Algorithm 1, "
        f"capped at {arguments.cap:g} s a seed: >=).",
        ["system", "k", "cycles", "NumPy", "ours", "ratio"],
        rows,
    )


def _time_in_turn(published: list[System], arguments: argparse.Namespace) -> None:
    rows = []
    ratios = []
    for system in published:
        ours = package_effort_in_turn(system, range(arguments.seeds))
        reference = baseline_effort_in_turn(system, arguments.cap_in_turn)
        ratios.append(reference.seconds / ours.seconds if ours else math.nan)
        rows.append(
            [
                system.name,
                system.order,
                reference.text(format_seconds(reference.seconds)),
                format_seconds(ours.seconds) if ours else "not all found",
                reference.text(format_number(ratios[-1])),
            ]
        )
    rows.append(["geometric mean", "", "", "", format_number(geometric_mean(ratios))])
    print_table(
        "The same for the orders 1 to k in turn, as Algorithm 1 is published: the time for all\n"
        "lower orders plus that until the last expected cycle of order k. Algorithm 1 with one\n"
        f"seed, capped at {arguments.cap_in_turn:g} s: >=.",
        ["system", "k", "NumPy", "ours", "ratio"],
        rows,
    )


def _solves_until_found(efforts: Efforts, arguments: argparse.Namespace) -> None:
    rows = []
    ratios: list[list[float]] = [[], []]
    for name, (system, automatic, heuristic, reference) in efforts.items():
        own = [
            reference.solves / effort.solves if effort else math.nan
            for effort in (automatic, heuristic)
        ]
        for ratio, group in zip(own, ratios, strict=True):
            group.append(ratio)
        rows.append(
            [
                name,
                system.n_cycles,
                reference.text(format_number(float(reference.solves))),
                float(automatic.solves) if automatic else math.nan,
                reference.text(format_number(own[0])),
                float(heuristic.solves) if heuristic else math.nan,
                reference.text(format_number(own[1])),
            ]
        )
    means = [format_number(geometric_mean(group)) for group in ratios]
    rows.append(["geometric mean", "", "", "", means[0], "", means[1]])
    print_table(
        "Solves until all cycles of the order are found: Algorithm 1, method='auto' (which lists\n"
        "all itineraries where that is cheap) and method='search'; medians over seeds as above.",
        ["system", "cycles", "Algorithm 1", "auto", "ratio", "search", "ratio"],
        rows,
    )
