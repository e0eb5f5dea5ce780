"""find_cycles against a list of all itineraries, on random networks of every family.

Then all tests that draw random examples run in full, of which the everyday run draws a few.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import draws
import rnndyn as rd
from adversarial.checks import METHODS, problems_of, truths_of
from adversarial.networks import adversarial_network, orders_of
from bench.machine import print_machine
from bench.table import format_seconds, print_table
from reference import ExactMap, disagreements, false_claims
from reference.enumeration import truths_of_orders
from reference.networks import FAMILIES, orders_within_reach, random_network

ROOT = Path(__file__).resolve().parent.parent
SHOWN_DISAGREEMENTS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=2000, help="networks of every family")
    parser.add_argument("--first", type=int, default=0, help="number of the first network")
    parser.add_argument("--log", type=Path, help="write all disagreements to this file")
    parser.add_argument("--family", choices=FAMILIES, action="append", help="only this family")
    parser.add_argument(
        "--adversarial", type=int, metavar="N", help="look at N networks made to go wrong instead"
    )


def run(arguments: argparse.Namespace) -> None:
    print_machine()
    if arguments.adversarial is not None:
        _run_adversarial(arguments)
        return
    count = 50 if arguments.quick else arguments.count
    numbers = range(arguments.first, arguments.first + count)
    shown: list[str] = []
    rows = []
    for family in arguments.family or FAMILIES:
        start = time.perf_counter()
        totals: Counter[str] = Counter()
        for number in numbers:
            problems = _check(family, number, totals)
            shown += [f"{family} {number}: {problem}" for problem in problems]
        columns = ("cycles", "borders", "continua", "auto", "exhaustive", "false claims")
        seconds = format_seconds(time.perf_counter() - start)
        rows.append([family, count, *(totals[name] for name in columns), seconds])
        print(f"{family}: {rows[-1][2:]}", flush=True)
    print_table(
        "find_cycles against all itineraries: half of the networks with real entries, half with\n"
        "small integers and halves. Columns 'auto' and 'exhaustive' count networks on which the\n"
        "method disagrees, 'false claims' those on which 'search' or 'scyfi' reports too much.",
        ["family", "networks", "cycles", "on border", "continua", "auto", "exhaustive",
         "false claims", "time"],
        rows,
    )  # fmt: skip
    _finish(arguments, shown)


def _finish(arguments: argparse.Namespace, shown: list[str]) -> None:
    if arguments.log:
        arguments.log.write_text("".join(f"{text}\n" for text in shown))
    for text in shown[:SHOWN_DISAGREEMENTS]:
        print(text)
    if len(shown) > SHOWN_DISAGREEMENTS:
        print(f"... and {len(shown) - SHOWN_DISAGREEMENTS} more: give --log FILE for all of them")
    # A part of the networks is asked for to look at that part.
    wanted = not (arguments.quick or arguments.family or arguments.first)
    if (wanted and not _tests_in_full_pass()) or shown:
        raise SystemExit(1)


def _tests_in_full_pass() -> bool:
    """Run the tests that draw random examples, with as many as they can draw."""
    # Threads are left to pytest, which shares the processors among its workers.
    environment = {
        name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")
    }
    environment[draws.VARIABLE] = "full"
    command = [sys.executable, "-m", "pytest", "-q", "-m", "draws and not programs"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def _run_adversarial(arguments: argparse.Namespace) -> None:
    """Every method on networks made to go wrong; see tests/adversarial."""
    start = time.perf_counter()
    counts: dict[str, Counter[str]] = {}
    shown: list[str] = []
    for number in range(arguments.first, arguments.first + arguments.adversarial):
        kind, model = adversarial_network(number)
        own = counts.setdefault(kind, Counter())
        own["networks"] += 1
        orders = orders_of(model)
        truths = truths_of(model, orders)
        for method in METHODS:
            try:
                found = rd.find_cycles(
                    model, orders=orders, method=method, progress=False, n_threads=1, time_limit=10
                )
            except ValueError:
                own["refused"] += 1
                break
            problems = problems_of(found, model, truths)
            own["wrong"] += bool(problems)
            own["undecided"] += any(record.n_undecided for record in found.search.orders)
            shown += [f"{number} ({kind}), {method}: {text}" for text in problems]
    columns = ("networks", "refused", "undecided", "wrong")
    rows = [[kind, *(own[name] for name in columns)] for kind, own in counts.items()]
    print_table(
        f"Networks made to go wrong against an exact list: {arguments.adversarial:,} in "
        f"{format_seconds(time.perf_counter() - start)}.\n"
        "Columns 'undecided' and 'wrong' count answers, of which there is one for each method.",
        ["kind", *columns],
        rows,
    )
    _finish(arguments, shown)


def _check(family: str, number: int, totals: Counter[str]) -> list[str]:
    model = random_network(family, number)
    orders = orders_within_reach(model.canonical.n_units)
    truths = truths_of_orders(model.canonical, orders)
    for truth in truths:
        totals["cycles"] += len(truth.cycles)
        totals["borders"] += sum(cycle.on_border for cycle in truth.cycles)
        totals["continua"] += len(truth.continua)
    exact = ExactMap.of(model.canonical)
    problems = []
    for method in ("auto", "exhaustive", "search", "scyfi"):
        found = rd.find_cycles(model, orders=orders, method=method, progress=False, n_threads=1)
        reported = SimpleNamespace(cycles=list(found), continua=list(found.continua))
        listed = method in ("auto", "exhaustive")
        own = (disagreements if listed else false_claims)(exact, reported, truths)
        totals[method if listed else "false claims"] += bool(own)
        problems += [f"{method}: {text}" for text in own]
    return problems
