"""Two versions of the package side by side: the time of every row to that of the other version.

Each version runs in a process of its own; they measure the same row in turns, so that whatever else
the machine does meets both. Needed is a checkout of the other version and the folder that its
package is installed in (``pip install --target FOLDER CHECKOUT``).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import rnndyn
from bench.machine import print_machine
from bench.table import format_seconds, geometric_mean, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--other", nargs=2, metavar=("CHECKOUT", "FOLDER"), required=True)
    parser.add_argument("--only", help="one table")
    parser.add_argument("--match", default="", help="rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of a row (default: 7)")
    parser.add_argument(
        "--slow", type=float, default=5.0, help="rows longer than this (s) are measured twice"
    )


class Version:
    """The process that measures one version."""

    def __init__(self, root: str | Path, site: str | Path) -> None:
        worker = Path(__file__).with_name("versions_worker.py")
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [sys.executable, str(worker), str(root), str(site)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.rows = json.loads(self._read())

    def _read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a version ended before its rows were measured")
        return line

    def seconds(self, number: int) -> float:
        assert self.process.stdin is not None
        print(number, file=self.process.stdin, flush=True)
        return float(self._read())


def run(arguments: argparse.Namespace) -> None:
    print_machine()
    root = Path(__file__).parents[1]
    new = Version(root, Path(rnndyn.__file__).parents[1])
    old = Version(*arguments.other)
    if new.rows != old.rows:
        raise SystemExit("the two versions have different rows")
    rounds = 3 if arguments.quick else arguments.rounds
    tables: dict[str, list[list[object]]] = {}
    for number, (table, name) in enumerate(new.rows):
        if arguments.only not in (None, table) or arguments.match not in name:
            continue
        pairs = [(old.seconds(number), new.seconds(number))]
        n_more = 1 if sum(pairs[0]) > arguments.slow else rounds - 1
        for _ in range(n_more):
            pairs.append((old.seconds(number), new.seconds(number)))
        before, after = (min(values) for values in zip(*pairs, strict=True))
        row: list[object] = [
            name,
            format_seconds(before),
            format_seconds(after),
            f"{after / before:.3f}",
            f"{median(b / a for a, b in pairs):.3f}",
        ]
        tables.setdefault(table, []).append(row)
        print(table, *row, sep=" | ", flush=True)
    for table, rows in tables.items():
        mean = geometric_mean([float(str(row[3])) for row in rows])
        rows.append(["geometric mean", "", "", f"{mean:.3f}", ""])
        print_table(
            f"{table}: processor time, one thread, the best of {rounds}\n"
            "(search: of a solve where it says so; lyapunov: of a step);\n"
            "new / old of the best, and the median of the ratios of neighbouring measurements.",
            ["row", "old", "new", "new / old", "median"],
            rows,
        )
